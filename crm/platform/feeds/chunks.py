"""
A chunk: a run of staged rows applied in one transaction. What a feed's SQL stands on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from crm.platform.feeds.definition import Counts, FileFacts
from crm.platform.feeds.models import Batch, BatchChunk

MOST_WAVES = 50
"""How often one chunk may repeat a key before the further copies are rejected."""


@dataclass
class Chunk:
    """
    The rows `first_row` to `last_row` of a batch's staging table `stage` that satisfy `only`.

    `own_transactions` are the ids of the transactions that wrote this batch so far, this one
    included: rows they wrote need no image of what was before. `fills_only`: the file was
    delivered before; what is missing is added, and nothing that is there is touched.
    `is_careful`: hope was disappointed once, so nothing is left for the database to refuse.
    """

    batch: Batch
    facts: FileFacts
    stage: str
    first_row: int
    last_row: int
    only: str
    at: datetime
    late_months: int
    fills_only: bool
    is_careful: bool
    record: BatchChunk
    own_transactions: list[int]
    cursor: CursorWrapper = field(repr=False)
    created_ids: str = ""

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Run a statement and return how many rows it wrote."""
        self.cursor.execute(sql, params or None)
        return max(self.cursor.rowcount, 0)

    def row(self, sql: str, params: Sequence[Any] = ()) -> tuple[Any, ...]:
        """Return the first row of a query."""
        self.cursor.execute(sql, params or None)
        found = self.cursor.fetchone()
        assert found is not None
        return tuple(found)

    def value(self, sql: str, params: Sequence[Any] = ()) -> Any:
        return self.row(sql, params)[0]

    @property
    def staged_rows(self) -> str:
        """A condition on `s` that keeps the rows of this chunk."""
        return f"s.row BETWEEN {self.first_row:d} AND {self.last_row:d} AND {self.only}"

    def reject(self, rows: str) -> int:
        """Write down why rows are rejected; `rows` is a query of (row, findings text[])."""
        return self.execute(
            'INSERT INTO feeds_reject (batch_id, row_number, "column", code, detail, more)'
            f" SELECT {self.batch.pk:d}, row, split_part(findings[1], '|', 1),"
            " split_part(findings[1], '|', 2),"
            " left(substr(findings[1], length(split_part(findings[1], '|', 1))"
            " + length(split_part(findings[1], '|', 2)) + 3), 1000),"
            f" to_jsonb(findings[2:]) FROM ({rows}) AS rejected"
        )

    def keep_images(self, table: str, rows: str) -> None:
        """
        Keep what rows were before they change, and lock them.

        `rows` is the part of a query after SELECT … FROM that gives the rows of `table` as `t`.
        """
        self.execute(
            'INSERT INTO feeds_beforeimage (chunk_id, "table", before, written_by)'
            f" SELECT {self.record.pk:d}, '{table}', to_jsonb(t), t.xmin::text::bigint FROM {rows}"
            f" AND NOT {written_by(self.own_transactions)} FOR UPDATE OF t"
        )

    def drop(self, *tables: str) -> None:
        for table in tables:
            self.execute(f"DROP TABLE IF EXISTS {table}")


def written_by(transactions: Sequence[int]) -> str:
    """Return the condition that the row version `t` was written by one of the transactions."""
    return f"t.xmin = ANY('{{{','.join(map(str, transactions))}}}'::xid[])"


def open_chunk(
    *,
    batch: Batch,
    facts: FileFacts,
    stage: str,
    number: int,
    first_row: int,
    last_row: int,
    only: str,
    at: datetime,
    late_months: int,
    is_careful: bool,
) -> Chunk:
    """Begin a chunk in the current transaction, and learn that transaction's mark."""
    record = BatchChunk.objects.create(
        batch=batch, number=number, first_row=first_row, last_row=last_row, applied_at=at
    )
    cursor = connection.cursor()
    cursor.execute(
        "SELECT xmin::text::bigint, pg_current_xact_id()::text::bigint"
        " FROM feeds_batchchunk WHERE id = %s",
        [record.pk],
    )
    record.transaction, record.full_transaction = cursor.fetchone()
    own = BatchChunk.objects.filter(batch=batch).values_list("transaction", flat=True)
    return Chunk(
        batch=batch,
        facts=facts,
        stage=stage,
        first_row=first_row,
        last_row=last_row,
        only=only,
        at=at,
        late_months=late_months,
        fills_only=batch.duplicate_of_id is not None,
        is_careful=is_careful,
        record=record,
        own_transactions=[record.transaction, *filter(None, own)],
        cursor=cursor,
    )


def close_chunk(chunk: Chunk, counts: Counts) -> None:
    """Write down what the chunk did, in its own transaction: from here it need not be redone."""
    record = chunk.record
    record.created, record.updated = counts.created, counts.updated
    record.unchanged, record.rejected = counts.unchanged, counts.rejected
    record.late = counts.late
    record.created_ids = chunk.created_ids
    record.save()
    chunk.cursor.close()
