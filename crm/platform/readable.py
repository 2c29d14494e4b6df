"""Requests that cannot be read are the sender's mistake, and are told so with a sentence."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from django.core.exceptions import BadRequest
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

UNSTORABLE = {"22003", "22021", "22P05"}  # number out of range, NUL or unknown character


class ReadableMiddleware:
    """
    Answer 400 to an address with NUL bytes or broken UTF-8, and to values that passed the
    forms but that PostgreSQL cannot hold.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> None:
        query = unquote_to_bytes(request.META.get("QUERY_STRING", "").replace("+", " "))
        if b"\0" in query or "\0" in request.path_info:
            raise BadRequest(_("The address holds a NUL byte."))
        try:
            query.decode()
        except UnicodeDecodeError as error:
            raise BadRequest(_("The address is not valid UTF-8.")) from error

    def process_exception(self, request: HttpRequest, error: Exception) -> None:
        if is_unstorable(error):
            raise BadRequest(_("A value cannot be stored: too large, or not text.")) from error


class RefuseFiles(FileUploadHandler):
    """
    Read no further where a form holds a file. The pages that take files set a handler of their
    own once they know the sender; on all others anybody's gigabytes would land on our disk.
    """

    def new_file(self, *_file: Any, **_more: Any) -> None:
        raise StopUpload(connection_reset=True)


def is_unstorable(error: Exception) -> bool:
    """Whether PostgreSQL or its driver refused a value that no rule of ours can have meant."""
    if isinstance(error, DataError):
        return getattr(error.__cause__, "pgcode", "") in UNSTORABLE
    return isinstance(error, ValueError) and "NUL (0x00)" in str(error)
