"""JSON in and out. What is no JSON, or holds what no text column can, is the sender's 400."""

from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from rest_framework import parsers, renderers
from rest_framework.exceptions import ParseError

from crm.platform.api.exceptions import TooLarge


class JsonParser(parsers.BaseParser):
    """Strict JSON: UTF-8, no NaN, no NUL, at most `DATA_UPLOAD_MAX_MEMORY_SIZE` bytes."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(most + 1)
        if len(raw) > most:
            raise TooLarge(_("The body is larger than %(most)s bytes.") % {"most": most})
        try:
            data = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise ParseError(_("The body is not JSON: %(why)s.") % {"why": error}) from error
        if b"\\u0000" in raw and _holds_nul(data):
            raise ParseError(_("The body holds a NUL character."))
        return data


class MergePatchParser(JsonParser):
    """RFC 7396, for PATCH."""

    media_type = "application/merge-patch+json"


class JsonRenderer(renderers.BaseRenderer):
    """JSON as UTF-8, as it is."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        return orjson.dumps(data, default=_plain, option=orjson.OPT_NON_STR_KEYS)


def _plain(value: Any) -> Any:
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    return str(value)


def _holds_nul(data: Any) -> bool:
    if isinstance(data, str):
        return "\0" in data
    if isinstance(data, dict):
        return any(_holds_nul(part) for pair in data.items() for part in pair)
    return isinstance(data, list) and any(_holds_nul(part) for part in data)
