"""Of the front-end packages, collect only the files pages use: the rest is many megabytes."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import FileSystemFinder
from django.core.files.storage import Storage


class VendorFinder(FileSystemFinder):
    """
    Files of `STATICFILES_DIRS`; those below `vendor/` only if `VENDOR_FILES` names them,
    so a page that uses another fails in development as it would in production.
    """

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Storage]]:
        for path, storage in super().list(ignore_patterns):
            prefix = getattr(storage, "prefix", None)
            whole = f"{prefix}/{path}" if prefix else path
            if _wanted(whole):
                yield path, storage

    def find(self, path: str, *args: Any, **kwargs: Any) -> Any:
        if not _wanted(path):
            return []
        return super().find(path, *args, **kwargs)


def _wanted(path: str) -> bool:
    return not path.startswith("vendor/") or any(
        fnmatch(path, pattern) for pattern in settings.VENDOR_FILES
    )
