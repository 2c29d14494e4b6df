"""
Taking a batch back: what it created goes, what it changed becomes what it was, and what was
touched since stays and is counted.

Whether a row was touched since is told by the row itself: its version still bears the id of
the transaction that wrote it (xmin), or it does not. A database that was restored from a dump
bears other ids; such batches refuse to be undone rather than guess.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _

from crm.platform.access.models import Staff
from crm.platform.events.outbox import publish
from crm.platform.feeds.chunks import written_by
from crm.platform.feeds.definition import FeedRefused, feed_named
from crm.platform.feeds.models import Batch, BatchChunk, BatchStatus
from crm.platform.history.attribution import attributed

_HALF_OF_ALL_IDS = 2**31


@dataclass
class Undoing:
    """An undo under way. A feed's `undo` fills in the three counts."""

    batch: Batch
    transactions: list[int]
    spans: list[list[str]]
    cursor: CursorWrapper = field(repr=False)
    removed: int = 0
    restored: int = 0
    kept: int = 0

    @cached_property
    def ours(self) -> str:
        """
        The condition that the row `t` is still as the batch wrote it: by its mark, or because
        a later batch that changed it was taken back and put this very row there again.
        """
        mark = written_by(self.transactions)
        images = f"feeds_beforeimage WHERE written_by = ANY('{{{_listed(self.transactions)}}}')"
        taken_back = [
            xid
            for (xid,) in self.rows(
                "SELECT DISTINCT b.xmin::text::bigint FROM feeds_batch AS b"
                " JOIN feeds_batchchunk AS k ON k.batch_id = b.id"
                f" WHERE b.status IN ('UNDONE', 'CANCELLED', 'REFUSED') AND b.id <> %s"
                f" AND k.id IN (SELECT chunk_id FROM {images})",
                [self.batch.pk],
            )
        ]
        if not taken_back:
            return mark
        stamps = "'{recorded_from,recorded_by,recorded_via}'::text[]"
        again = f"to_jsonb(t) - {stamps} IN (SELECT before - {stamps} FROM {images})"
        return f"({mark} OR {written_by(taken_back)} AND {again})"

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        self.cursor.execute(sql, params or None)
        return max(self.cursor.rowcount, 0)

    def value(self, sql: str, params: Sequence[Any] = ()) -> Any:
        self.cursor.execute(sql, params or None)
        found = self.cursor.fetchone()
        assert found is not None
        return found[0]

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self.cursor.execute(sql, params or None)
        return self.cursor.fetchall()

    def columns(self, table: str) -> list[str]:
        """Return the columns of a table that an UPDATE may set."""
        return [
            name
            for (name,) in self.rows(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
                " AND NOT attisdropped AND attgenerated = ''",
                [table],
            )
        ]

    def images(self, table: str) -> str:
        """Return a query of the table's rows as they were before the batch, first image first."""
        return (
            f"SELECT t.* FROM feeds_beforeimage AS b JOIN feeds_batchchunk AS k"
            f" ON k.id = b.chunk_id, jsonb_populate_record(NULL::{table}, b.before) AS t"
            f" WHERE k.batch_id = {self.batch.pk:d} AND b.table = '{table}'"
        )


def _listed(transactions: Sequence[int]) -> str:
    return ",".join(map(str, transactions))


@transaction.atomic
def undo_batch(*, batch_id: int, actor: Staff | None, at: datetime) -> Batch:
    """
    Take back an applied batch.

    :raises IllegalMove: if it was not applied, or was undone already.
    :raises FeedRefused: if the database no longer knows which rows it wrote.
    """
    batch = Batch.objects.select_for_update().get(pk=batch_id)
    batch.move_to(BatchStatus.UNDONE)
    with attributed(actor_id=actor.pk if actor else None, via=f"undo of batch {batch.number}"):
        undoing = take_back(batch)
    batch.removed, batch.restored = undoing.removed, undoing.restored
    batch.kept_because_changed = undoing.kept
    batch.undone_at, batch.undone_by = at, actor
    batch.save()
    publish(
        "feeds.batch.undone",
        at=at,
        actor=actor,
        batch=batch.number,
        feed=batch.feed,
        removed=batch.removed,
        restored=batch.restored,
        kept_because_changed=batch.kept_because_changed,
    )
    return batch


def take_back(batch: Batch) -> Undoing:
    """Take back whatever chunks of a batch were applied, in the caller's transaction."""
    chunks = list(BatchChunk.objects.filter(batch=batch).order_by("number"))
    with connection.cursor() as cursor:
        undoing = Undoing(
            batch=batch,
            transactions=[c.transaction for c in chunks if c.transaction is not None],
            spans=[chunk.span for chunk in chunks if chunk.span],
            cursor=cursor,
        )
        if not chunks:
            return undoing
        _refuse_a_restored_database(undoing)
        cursor.execute("SET LOCAL work_mem = '128MB'")
        feed_named(batch.feed).undo(undoing)
    return undoing


def _refuse_a_restored_database(undoing: Undoing) -> None:
    unknown = undoing.value(
        "SELECT count(*) FROM feeds_batchchunk WHERE batch_id = %s AND"
        " (xmin::text::bigint <> transaction"
        " OR pg_current_xact_id()::text::bigint - full_transaction > %s)",
        [undoing.batch.pk, _HALF_OF_ALL_IDS],
    )
    if unknown:
        raise FeedRefused(
            _(
                "Batch %(number)s was applied before this database was restored or very long "
                "ago; which rows it wrote is no longer known, so it cannot be undone."
            )
            % {"number": undoing.batch.number},
            code="undo_impossible",
        )
