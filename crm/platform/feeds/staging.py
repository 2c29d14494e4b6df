"""
A file becomes a staging table: one COPY, fed while the file is read, in flat memory.

The table is UNLOGGED (a crash of the database costs a new reading of the file, nothing more)
and typed: every cell was checked before it was sent, so COPY finds nothing to complain about.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.platform.feeds.clean_blocks import CleanBlocks
from crm.platform.feeds.definition import FeedRefused
from crm.platform.feeds.lines import LineMaker, RejectedRow, escaped
from crm.platform.feeds.models import Batch
from crm.platform.feeds.plan import Plan

Progress = Callable[[int, int | None, str], None]
_REJECT_COLUMNS = 'batch_id, row_number, "column", code, detail, more, raw'
_LARGE = 20_000


@dataclass
class Staged:
    """
    How much of a file reached staging. `rows` are those in it, `rejected` those not, of which
    the amounts that could be read add up to `rejected_total`.
    """

    rows: int
    rejected: int
    last_row: int
    rejected_total: int


def stage_of(batch: Batch) -> str:
    return f"feeds_stage_{batch.pk:d}"


@transaction.atomic
def stage(batch: Batch, plan: Plan, progress: Progress) -> Staged:
    """
    Read the whole file into the batch's staging table; keep the rows that cannot go there.

    :raises FeedRefused: if the file has no rows, or not those its control totals promise.
    """
    table = stage_of(batch)
    columns = ", ".join(f"{column.name} {column.staged_as}" for column in plan.staged())
    with connection.cursor() as cursor, tempfile.TemporaryFile("w+", encoding="utf-8") as spool:
        cursor.execute(f"DROP TABLE IF EXISTS {table}")
        cursor.execute(f"CREATE UNLOGGED TABLE {table} (row bigint, {columns})")
        cursor.execute(f"SET LOCAL timezone = '{timezone.get_default_timezone_name()}'")
        source = _Source(batch, plan, spool, progress)
        filled = ", ".join(["row", *plan.filled()])
        cursor.copy_expert(f"COPY {table} ({filled}) FROM STDIN (FREEZE, NULL '')", source)
        cursor.execute("SET LOCAL timezone = 'UTC'")
        staged = source.staged
        _refuse_wrong_totals(plan, staged, table)
        spool.seek(0)
        add_rejects(spool)
        if staged.rows > _LARGE:
            cursor.execute(f"CREATE INDEX ON {table} USING brin (row)")
        cursor.execute("SET LOCAL default_statistics_target = 10")
        cursor.execute(f"ANALYZE {table}")
        cursor.execute("SET LOCAL default_statistics_target = 100")
    batch.staged_rows = staged.rows
    batch.rows = staged.rows + staged.rejected
    batch.context["last_row"] = staged.last_row
    batch.save(update_fields=["staged_rows", "rows", "context"])
    return staged


def add_rejects(spool: IO[str]) -> None:
    """Write spooled rejected rows to their table; those it has already stay as they are."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS feed_spooled")
        cursor.execute(
            f"CREATE TEMPORARY TABLE feed_spooled ON COMMIT DROP AS SELECT {_REJECT_COLUMNS}"
            " FROM feeds_reject WITH NO DATA"
        )
        cursor.copy_expert(f"COPY feed_spooled ({_REJECT_COLUMNS}) FROM STDIN", spool)
        cursor.execute(
            f"INSERT INTO feeds_reject ({_REJECT_COLUMNS}) SELECT {_REJECT_COLUMNS}"
            " FROM feed_spooled ORDER BY row_number ON CONFLICT DO NOTHING"
        )


def spool_rejects(batch: Batch, spool: IO[str]) -> None:
    """Copy the batch's rejected rows out, to survive a rollback."""
    with connection.cursor() as cursor:
        cursor.copy_expert(
            f"COPY (SELECT {_REJECT_COLUMNS} FROM feeds_reject WHERE batch_id = {batch.pk:d})"
            " TO STDOUT",
            spool,
        )


def drop_stage(batch: Batch) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {stage_of(batch)}")


def is_staged(batch: Batch) -> bool:
    """Whether staging is complete; a crash of the database empties the table."""
    if batch.staged_rows is None:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [stage_of(batch)])
        if not cursor.fetchone()[0]:
            return False
        cursor.execute(f"SELECT count(*) FROM {stage_of(batch)}")
        return bool(cursor.fetchone()[0] == batch.staged_rows)


class _Source:
    """What COPY reads from: it asks for more when the database has taken what it got."""

    def __init__(self, batch: Batch, plan: Plan, spool: IO[str], progress: Progress) -> None:
        self._batch, self._plan, self._spool, self._progress = batch, plan, spool, progress
        self._maker, self._clean = LineMaker(plan), CleanBlocks(plan)
        self._blocks = self._lines()
        self.staged = Staged(0, 0, 1, 0)

    def read(self, _size: int = -1) -> bytes:
        return next(self._blocks, b"")

    def _lines(self) -> Iterator[bytes]:
        reader, row = self._plan.reader(), 1
        for block in reader.texts():
            if row == 1:  # the header
                block = block.partition("\n")[2] if isinstance(block, str) else block[1:]
                row = 2
            lines: list[str] = []
            if isinstance(block, str):
                for run, is_clean in self._clean.runs(block):
                    if is_clean:
                        made = self._clean.lines(run, row)
                        row += len(made)
                    else:
                        records = reader.plain(run)
                        made = self._row_by_row(records, row)
                        row += len(records)
                    lines += made
            else:
                lines = self._row_by_row(block, row)
                row += len(block)
            self.staged.rows += len(lines)
            self.staged.last_row = row - 1
            self._progress(self.staged.rows, None, _("Reading the file"))
            if lines:
                yield "".join(lines).encode()

    def _row_by_row(self, records: list[list[str]], row: int) -> list[str]:
        """Return the lines of those records that can be staged; the others are kept aside."""
        made = self._maker.make(records, row)
        self.staged.rejected += len(made.rejected)
        self.staged.rejected_total += made.rejected_total
        for rejected in made.rejected:
            self._spool.write(_spooled(self._batch, rejected))
        return made.lines


def _spooled(batch: Batch, rejected: RejectedRow) -> str:
    first, *others = rejected.findings
    more = json.dumps([other.packed() for other in others], ensure_ascii=False)
    cells = (first.column, first.code, first.detail[:1000], more, packed_cells(rejected.raw))
    return "\t".join([str(batch.pk), str(rejected.row), *map(escaped, cells)]) + "\n"


def packed_cells(cells: list[str]) -> str:
    """Return a row's cells as JSON that the database takes: no NUL, no undecoded byte."""
    clean = [
        cell.replace("\x00", "␀").encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        for cell in cells
    ]
    return json.dumps(clean, ensure_ascii=False)


def _refuse_wrong_totals(plan: Plan, staged: Staged, table: str) -> None:
    control, name = plan.survey.control, plan.survey.path.name
    rows = staged.rows + staged.rejected
    if control is None:
        if rows == 0:
            raise FeedRefused(_("%(name)s has a header but no rows.") % {"name": name})
        return
    if control.rows != rows:
        raise FeedRefused(
            _("%(name)s has %(rows)d rows, but %(by)s says %(said)d. Nothing was applied.")
            % {"name": name, "rows": rows, "by": control.said_by, "said": control.rows}
        )
    total = staged.rejected_total + _total(table, plan.feed.amount)
    if plan.feed.amount and control.total != total:
        raise FeedRefused(
            _("%(name)s adds up to %(total)d, but %(by)s says %(said)d. Nothing was applied.")
            % {"name": name, "total": total, "by": control.said_by, "said": control.total}
        )


def _total(table: str, amount: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(sum({amount}), 0)::numeric FROM {table}")
        return int(cursor.fetchone()[0])
