import json
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.platform.errors import DomainError
from crm.platform.feeds.models import Batch, BatchStatus
from crm.platform.feeds.rejects import rejects_path
from crm.platform.feeds.services import import_file


class Command(BaseCommand):
    help = "Import a file: FEED FILE [--mapping FILE] [--dry-run]. Answers with one JSON line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("feed")
        parser.add_argument("file", type=Path)
        parser.add_argument("--mapping", type=Path, help="a TOML file; see docs/feeds.md")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen")
        parser.add_argument(
            "--most-rejected",
            type=int,
            metavar="PERCENT",
            help="apply nothing if more rows than this are rejected",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        mapping: Path | None = options["mapping"]
        began = time.monotonic()
        try:
            batch = import_file(
                feed=options["feed"],
                path=options["file"],
                actor=None,
                at=timezone.now(),
                progress=_Printed(),
                mapping_name=mapping.name if mapping else "",
                mapping_text=_text_of(mapping) if mapping else "",
                dry_run=options["dry_run"],
                error_percent=options["most_rejected"],
            )
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        for note in batch.notes:
            self.stderr.write(note)
        self.stdout.write(json.dumps(_answer(batch, time.monotonic() - began)))
        if batch.rows and batch.rejected == batch.rows:
            raise CommandError(
                _("Every row of %(name)s was rejected; see %(rejects)s.")
                % {"name": batch.file_name, "rejects": rejects_path(batch)}
            )


class _Printed:
    """Progress on standard error, a line every second at most."""

    def __init__(self) -> None:
        self._said_at, self._message = 0.0, ""

    def __call__(self, done: int, total: int | None, message: str) -> None:
        now = time.monotonic()
        if message == self._message and now - self._said_at < 1:
            return
        self._said_at, self._message = now, message
        of = f"{done:,}/{total:,}" if total else f"{done:,}"
        print(f"{message}: {of}", file=sys.stderr, flush=True)


def _text_of(mapping: Path) -> str:
    try:
        return mapping.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(
            _("The mapping %(path)s cannot be read: %(why)s") % {"path": mapping, "why": error}
        ) from error


def _answer(batch: Batch, seconds: float) -> dict[str, Any]:
    return {
        "feed": batch.feed,
        "batch": batch.number,
        "rows": batch.rows,
        "created": batch.created,
        "updated": batch.updated,
        "unchanged": batch.unchanged,
        "rejected": batch.rejected,
        "late": batch.late,
        "rejects_file": str(rejects_path(batch)) if batch.rejected else None,
        "duplicate_of": batch.duplicate_of.number if batch.duplicate_of else None,
        "dry_run": batch.status == BatchStatus.CHECKED,
        "seconds": round(seconds, 3),
        "rows_per_second": round(batch.rows / seconds) if seconds else 0,
    }
