"""
Rejected rows: filled with what the file said, written to a file that can be corrected and sent
again. A cell that a spreadsheet would run as a formula gets an apostrophe in front, which the
import takes away again.
"""

import csv
from array import array
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from crm.platform.access.masking import FieldClass, mask
from crm.platform.feeds.definition import Feed, feed_named
from crm.platform.feeds.lines import escaped
from crm.platform.feeds.mapping import FeedMapping
from crm.platform.feeds.mapping_reader import read_mapping
from crm.platform.feeds.models import Batch, Reject
from crm.platform.feeds.plan import REJECT_COLUMNS, Plan
from crm.platform.feeds.reasons import Finding
from crm.platform.feeds.staging import packed_cells

_RISKY = ("=", "+", "-", "@", "\t", "\r", "\x00")


def folder_of(batch: Batch) -> Path:
    return Path(settings.MEDIA_ROOT) / "feeds" / batch.number


def rejects_path(batch: Batch) -> Path:
    return folder_of(batch) / "rejects.csv"


@transaction.atomic
def fill_rejects(batch: Batch, plan: Plan) -> None:
    """
    Give the rows that the database rejected their cells, by reading the file once more, and
    name the file's own column in each finding instead of the feed's.
    """
    unfilled = Reject.objects.filter(batch=batch, raw__isnull=True).order_by("row_number")
    rows = array("q", unfilled.values_list("row_number", flat=True).iterator(chunk_size=10_000))
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS feed_raw")
        cursor.execute(
            "CREATE TEMPORARY TABLE feed_raw (row_number bigint, raw jsonb) ON COMMIT DROP"
        )
        cursor.copy_expert("COPY feed_raw FROM STDIN", _Raw(plan, iter(rows)))
        cursor.execute(
            "UPDATE feeds_reject AS r SET raw = f.raw FROM feed_raw AS f"
            " WHERE r.batch_id = %s AND r.row_number = f.row_number",
            [batch.pk],
        )
        for column in plan.feed.columns:
            if (own := plan.column_of(column.name)) != column.name:
                cursor.execute(
                    'UPDATE feeds_reject SET "column" = %s WHERE batch_id = %s AND "column" = %s'
                    " AND raw IS NOT NULL",
                    [own, batch.pk, column.name],
                )


class _Raw:
    """Lines of COPY with the cells of the wanted rows, read from the file in step with them."""

    def __init__(self, plan: Plan, rows: Iterator[int]) -> None:
        self._plan, self._rows = plan, rows
        self._blocks = self._lines()

    def read(self, _size: int = -1) -> bytes:
        return next(self._blocks, b"")

    def _lines(self) -> Iterator[bytes]:
        wanted, row = next(self._rows, None), 1
        for records in self._plan.reader().blocks():
            lines = []
            while wanted is not None and wanted < row + len(records):
                lines.append(f"{wanted}\t{escaped(packed_cells(records[wanted - row]))}\n")
                wanted = next(self._rows, None)
            row += len(records)
            if lines:
                yield "".join(lines).encode()
            if wanted is None:
                return


def write_rejects_file(batch: Batch) -> Path | None:
    """Write the batch's rejected rows as CSV; None if it has none. Streams."""
    rejects = Reject.objects.filter(batch=batch).order_by("row_number")
    if not rejects.exists():
        return None
    path = rejects_path(batch)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        path.chmod(0o600)
        writer = csv.writer(file)
        writer.writerows(rejects_rows(batch, rejects))
    return path


def rejects_rows(batch: Batch, rejects: QuerySet[Reject]) -> Iterator[list[str]]:
    """Yield the header and the rejected rows as a spreadsheet may safely open them."""
    width = len(batch.header)
    own = [n for n, name in enumerate(batch.header) if name not in REJECT_COLUMNS]
    yield [safe(batch.header[n]) for n in own] + list(REJECT_COLUMNS)
    describe = Describer(batch)
    for reject in rejects.iterator(chunk_size=2000):
        raw = (reject.raw or [])[:width]
        cells = raw + [""] * (width - len(raw))
        reasons = " ".join(describe.sentences(reject))
        yield [safe(cells[n]) for n in own] + [
            str(reject.row_number),
            safe(reject.column),
            safe(reasons),
        ]


def safe(cell: str) -> str:
    """Return the cell so that no spreadsheet takes it for a formula."""
    return f"'{cell}" if cell.startswith(_RISKY) else cell


class Describer:
    """Says why rows of a batch were rejected, in the active language, personal data masked."""

    def __init__(self, batch: Batch) -> None:
        self._positions = {name: n for n, name in enumerate(batch.header)}
        feed = feed_named(batch.feed)
        mapping = read_mapping(batch.mapping_text, feed=feed.code) if batch.mapping_text else None
        self._personal = personal_columns(feed, mapping, batch.header)

    def sentences(self, reject: Reject) -> list[str]:
        findings = [Finding(reject.column, reject.code, reject.detail)]
        findings += [Finding.unpack(packed) for packed in reject.more]
        return [finding.sentence(self._value(reject, finding.column)) for finding in findings]

    def masked_cells(self, reject: Reject) -> list[tuple[str, str]]:
        """Return the row's filled cells by column name, personal ones masked."""
        return [
            (name, self._value(reject, name))
            for name in self._positions
            if name not in REJECT_COLUMNS and self._value(reject, name)
        ]

    def _value(self, reject: Reject, column: str) -> str:
        position = self._positions.get(column)
        if position is None or not reject.raw or position >= len(reject.raw):
            return ""
        value = reject.raw[position]
        field_class = self._personal.get(column)
        return mask(value, field_class) if field_class else value


def personal_columns(
    feed: Feed, mapping: FeedMapping | None, header: list[str]
) -> dict[str, FieldClass]:
    """Return the file's columns that hold personal data, with how each is masked."""
    if mapping is not None and mapping.rules:
        return {
            column: target.personal
            for name, rule in mapping.rules.items()
            if (target := feed.by_name[name]).personal
            for column in rule.columns()
        }
    present = {name.casefold(): name for name in header}
    return {
        present[name]: column.personal
        for column in feed.columns
        if column.personal
        for name in (column.name, *column.aliases)
        if name in present
    }
