"""
Files on their way in: written to disk while they arrive, hashed in passing, held in memory never.

A file that nobody keeps is gone when its request ends, also when the client went away half-way.
"""

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from django.utils.translation import gettext as _

_FORM_AROUND_IT = 1 << 20
_LONGEST_NAME = 180


def uploads_folder() -> Path:
    """Return where uploaded files lie: one folder for each, readable by the program alone."""
    return Path(settings.MEDIA_ROOT) / "feeds" / "uploads"


class FeedUpload(TemporaryUploadedFile):
    """A file being received, on the disk where it will stay if it is kept."""

    def __init__(self, name: str, content_type: str = "", charset: str | None = None) -> None:
        folder = uploads_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._part = tempfile.NamedTemporaryFile(dir=folder, suffix=".part")  # noqa: SIM115
        UploadedFile.__init__(self, self._part, name, content_type, 0, charset)
        self._hash = hashlib.sha256()

    def add(self, block: bytes) -> None:
        self._part.write(block)
        self._hash.update(block)
        self.size = (self.size or 0) + len(block)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def keep(self) -> Path:
        """Give the file its name in a folder of its own, and return its path."""
        self._part.flush()
        path = uploads_folder() / uuid4().hex / _name_on_disk(self.name or "")
        path.parent.mkdir(mode=0o700)
        os.link(self.temporary_file_path(), path)
        return path


class FeedUploadHandler(FileUploadHandler):
    """Django's way to receive the file of a form, straight to where it will lie."""

    chunk_size = 1 << 18

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.file = FeedUpload(self.file_name or "", self.content_type or "", self.charset)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.file.add(raw_data)

    def file_complete(self, file_size: int) -> FeedUpload:
        self.file.seek(0)
        return self.file

    def upload_interrupted(self) -> None:
        if getattr(self, "file", None) is not None:
            self.file.close()


def announces_too_much(request: HttpRequest) -> bool:
    """Whether a body is too long, judged by the length it announces, before it is read."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    most = settings.FEED_UPLOAD_LIMIT + _FORM_AROUND_IT
    return not announced.isdigit() or int(announced) > most


def too_large() -> str:
    return _(
        "The file is larger than %(most)s MB, which is the limit here. Compress it with gzip, "
        "send it in parts, or let the administrator import it with the command import_feed."
    ) % {"most": f"{settings.FEED_UPLOAD_LIMIT >> 20:,}"}


def _name_on_disk(name: str) -> str:
    """Return a name that every file system takes; of a long one, its end with the suffix."""
    clean = re.sub(r"[\x00-\x1f\x7f/\\]", "_", name).strip() or "file.csv"
    tail = clean.encode()[-_LONGEST_NAME:].decode("utf-8", "ignore")
    return tail if tail.strip(".") else "file.csv"
