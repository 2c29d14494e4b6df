"""Bodies that are a file, and rejected rows as one."""

import re
from collections.abc import Mapping
from typing import IO, Any

from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, DataAndFiles

from crm.platform.api.codec import JsonRenderer
from crm.platform.feeds.uploads import FeedUpload

_BLOCK = 1 << 18
_FILE_NAME = re.compile(r"filename=\"?([^\";]+)")


class CsvParser(BaseParser):
    """
    The body is the file. It is written to disk as it arrives; the view, which has `uploads`,
    closes it.
    """

    media_type = "text/csv"
    suffix = ".csv"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> DataAndFiles:
        """
        :raises ParseError: if the body ends before the length it announced.
        """
        assert parser_context is not None
        context = parser_context
        request = context["request"]
        named = _FILE_NAME.search(request.headers.get("Content-Disposition", ""))
        feed = context["kwargs"]["feed"]
        upload = FeedUpload(named[1] if named else f"{feed}{self.suffix}", self.media_type)
        context["view"].uploads.append(upload)
        while block := stream.read(_BLOCK):
            upload.add(block)
        if upload.size != int(request.META.get("CONTENT_LENGTH") or 0):
            raise ParseError(_("The body ended before the length it announced."))
        upload.seek(0)
        return DataAndFiles(QueryDict(), MultiValueDict({"file": [upload]}))


class GzipParser(CsvParser):
    media_type = "application/gzip"
    suffix = ".csv.gz"


class CsvRenderer(JsonRenderer):
    """Lets `?format=csv` be asked for; the answer itself is streamed, errors stay JSON."""

    media_type = "text/csv"
    format = "csv"
