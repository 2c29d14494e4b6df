"""All rows of a list that match, as a file: masked as on screen, safe to open, for one person."""

import csv
import os
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from crm.platform.access.models import Staff
from crm.platform.audit.models import AccessAction
from crm.platform.audit.services import record_access
from crm.platform.errors import DomainError
from crm.platform.jobs.registry import JobContext
from crm.platform.jobs.services import start_job
from customers.filters import Field, Kind
from customers.lists.cells import plain, text_of
from customers.lists.reading import with_values
from customers.lists.wanted import Wanted, conditions_of, from_saved
from customers.models import ListExport

JOB = "customers.export"
PERMISSION = "customers.export_list"
KEPT = timedelta(hours=24)
A_BLOCK = 2_000
_FORMULA = re.compile(r"^[\s'\"]*[=+\-@\t\r]")


class ExportRefused(DomainError):
    """This export may not begin, or its file may not be had."""

    code = "export_refused"


@transaction.atomic
def start_export(*, wanted: Wanted, reason: str, actor: Staff, at: datetime) -> ListExport:
    """
    Start writing all rows that match within the actor's reach to a file.

    :raises ExportRefused: without the right, or without a reason.
    :raises BadFilter: for values that their fields cannot have.
    """
    _check(actor)
    if len(reason.strip()) < 4:
        raise ExportRefused(_("Say what the file is for, in at least four letters."))
    wanted.check()
    export = ListExport.objects.create(
        kind=wanted.kind,
        staff=actor,
        conditions=conditions_of(wanted),
        columns=[field.name for field in wanted.shown],
        order=wanted.order_name,
        reason=reason.strip()[:300],
        created_at=at,
        expires_at=at + KEPT,
    )
    job = start_job(kind=JOB, params={"export": str(export.pk)}, actor=actor, at=at)
    export.job_id = job.pk
    export.save(update_fields=["job_id"])
    return export


def run_export(*, context: JobContext, export_id: UUID, today: date) -> dict[str, int]:
    """
    Write the file and the access record of it. Memory stays flat however many rows there are.

    :raises ExportRefused: if the account may no longer export.
    """
    export = ListExport.objects.select_related("staff").get(pk=export_id)
    _check(export.staff)
    wanted, path = from_saved(export), path_of(export)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        rows = _write(context, part, wanted, export.staff, today)
        _finish(export, wanted, part, path, rows, at=context.at)
    finally:
        part.unlink(missing_ok=True)
    return {"rows": rows}


@transaction.atomic
def _finish(
    export: ListExport, wanted: Wanted, part: Path, path: Path, rows: int, *, at: datetime
) -> None:
    """The file has its name only if the access record of it is committed."""
    export.rows = rows
    export.save(update_fields=["rows"])
    record_export(export, wanted, at=at)
    part.replace(path)


def record_export(export: ListExport, wanted: Wanted, *, at: datetime, request: Any = None) -> None:
    """Write down that the rows of the export left, or that its file was fetched."""
    record_access(
        request=request,
        actor=export.staff,
        action=AccessAction.EXPORT,
        object_type=f"customers.list.{export.kind}",
        object_id=export.pk,
        field_classes={field.mask for field in wanted.shown if field.mask},
        row_count=export.rows or 0,
        reason=export.reason,
        at=at,
    )


def file_of(*, export: ListExport, staff: Staff, at: datetime) -> Path:
    """
    Return the file of one's own export.

    :raises ExportRefused: without the right, before it is whole, and after it has expired.
    """
    _check(staff)
    if export.rows is None:
        raise ExportRefused(_("The file is not whole yet."))
    path = path_of(export)
    if at >= export.expires_at or not path.exists():
        raise ExportRefused(_("The file has expired and was deleted. Export it again."))
    return path


def forget_exports(*, at: datetime) -> int:
    """Delete the files whose time is over, and what dead workers left; return how many."""
    folder, gone = exports_folder(), 0
    alive = {
        str(pk) for pk in ListExport.objects.filter(expires_at__gt=at).values_list("pk", flat=True)
    }
    for path in folder.iterdir() if folder.is_dir() else ():
        is_old = datetime.fromtimestamp(path.stat().st_mtime, tz=at.tzinfo) < at - KEPT
        if path.name.partition(".")[0] not in alive or (path.suffix == ".part" and is_old):
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def exports_folder() -> Path:
    """Return where exported files lie, readable by the program alone."""
    return Path(settings.MEDIA_ROOT) / "exports"


def path_of(export: ListExport) -> Path:
    return exports_folder() / f"{export.pk}.csv"


def safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def _check(staff: Staff) -> None:
    if not staff.has_perm(PERMISSION):
        raise ExportRefused(_("Your account may not export lists."))


def _write(context: JobContext, part: Path, wanted: Wanted, staff: Staff, today: date) -> int:
    fields, done = wanted.shown, 0
    rows = with_values(wanted.rows(staff, today=today), wanted).order_by(*wanted.order.by)
    part.touch(mode=0o600)
    with part.open("w", encoding="utf-8-sig", newline="") as file, transaction.atomic():
        writer = csv.writer(file)
        writer.writerow([safe(str(field.label)) for field in fields])
        for block in _blocks(rows.iterator(chunk_size=A_BLOCK)):
            writer.writerows([_line(field, row) for field in fields] for row in block)
            done += len(block)
            context.progress(done, None, _("Writing rows"))
    return done


def _blocks(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    block: list[dict[str, Any]] = []
    for row in rows:
        block.append(row)
        if len(block) == A_BLOCK:
            yield block
            block = []
    if block:
        yield block


def _line(field: Field, row: dict[str, Any]) -> Any:
    """Return a cell of the file: numbers as numbers, money in yuan, texts made harmless."""
    value = plain(field, row)
    if field.kind == Kind.MONEY and isinstance(value, int):
        sign, (yuan, fen) = "-" if value < 0 else "", divmod(abs(value), 100)
        return f"{sign}{yuan}.{fen:02d}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return safe(text_of(field, value))
