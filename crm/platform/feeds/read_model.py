"""
Feeds into one table that another system masters: usage, bills, payments, interactions.

A chunk is a handful of statements over all its rows. Where the table has nothing to compare
with, one of them inserts the first row of each key straight from the stage, and only what is
left over is looked at again. Otherwise rows are resolved to their owners once (`feed_rows`);
those whose key is in the table already are compared (`feed_met`); the others are inserted.
In key order in any case: that is what keeps the indexes cheap.
"""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import date

from crm.platform.feeds.chunks import MOST_WAVES, Chunk
from crm.platform.feeds.definition import Counts, Feed, FileFacts
from crm.platform.feeds.models import Batch, BatchChunk
from crm.platform.feeds.sql import day
from crm.platform.feeds.undo import Undoing
from crm.platform.records import months_between

SAME, NEWER = "'='", "'>'"
LATEST, FIRST = "latest_month", "first_month"
"""In a batch's context: the latest month that had rows when it began, the first that it brings."""


class ReadModelFeed(Feed):
    """
    `table` with primary key `identity`; the month's column `partitioned_by` is part of it.
    `owners` are written with each row and never compared. `values` maps what the file may
    state to what a new row gets where it does not; `generated` are set on new rows alone.
    `insert_order`: the primary key's own order, where that is not `identity`'s. `is_guarded`:
    `identity` is the primary key, so the database refuses a second row of a key.
    """

    table: str
    identity: tuple[str, ...]
    partitioned_by: str
    owners: tuple[str, ...]
    values: Mapping[str, str]
    generated: Mapping[str, str] = {}
    insert_order: tuple[str, ...] = ()
    is_guarded: bool = False

    @abstractmethod
    def resolved(self, chunk: Chunk) -> str:
        """
        Return a query over the staged rows `s` of the chunk: row, the columns of `identity`,
        `owners` and `values` (NULL: not stated), `late` (boolean), `findings` (text[]) and
        `too_late`: the packed finding of a row that comes too late to change anything, or NULL.
        """

    def verdict(self, facts: FileFacts) -> str:
        """
        Return what becomes of a row `r` that differs from the stored `t`: NEWER to replace
        it, or the expression of a packed finding to reject it.
        """
        return NEWER

    def tables(self, batch: Batch) -> list[str]:
        """The whole, which nobody else looks at, and of its months those that were written."""
        spans = [chunk.span for chunk in BatchChunk.objects.filter(batch=batch) if chunk.span]
        if not spans:
            return []
        first, last = min(span[0] for span in spans), max(span[1] for span in spans)
        days = (date.fromisoformat(day[:10]) for day in (first, last))
        return [f"ONLY {self.table}", *months_between(self.table, *days)]

    def apply(self, chunk: Chunk) -> Counts:
        chunk.drop("feed_rows")
        rows = self._span_over(chunk)
        if not rows:
            return Counts()
        if self._is_nothing_there(chunk):
            return self._apply_to_nothing(chunk, rows)
        chunk.execute(
            "CREATE TEMPORARY TABLE feed_rows ON COMMIT DROP AS"
            f" SELECT q.*, 1 AS wave FROM ({self.resolved(chunk)}) AS q"
        )
        self.look_over(chunk)
        counts = Counts()
        wrong, late = chunk.row("SELECT bool_or(findings <> '{}'), bool_or(late) FROM feed_rows")
        if wrong:
            counts.rejected = self._reject_wrong(chunk)
        for wave in range(1, self._waves(chunk) + 1):
            counts.add(self._apply_wave(chunk, wave, late=late))
        return counts

    def _span_over(self, chunk: Chunk) -> int:
        """Note the first and last time of the chunk's rows that may be right; count all rows."""
        time = f"s.{self.partitioned_by}"
        rows, first, last = chunk.row(
            f"SELECT count(*), min({time}) FILTER (WHERE {within_reach(chunk.facts, time)}),"
            f" max({time}) FILTER (WHERE {within_reach(chunk.facts, time)})"
            f" FROM {chunk.stage} AS s WHERE {chunk.staged_rows}"
        )
        chunk.record.span = [first.isoformat(), last.isoformat()] if first is not None else []
        return int(rows)

    def _is_nothing_there(self, chunk: Chunk) -> bool:
        """
        Return whether no row is late or can meet one that is there. Where the database would
        refuse it, a batch of new months hopes for that; if it is refused, the chunk is done
        again carefully.
        """
        latest, first = (chunk.batch.context[month] or "" for month in (LATEST, FIRST))
        if chunk.is_careful or first < latest or self.is_looked_over(chunk):
            return False
        return (self.is_guarded and first > latest) or not self.anything_there(chunk)

    def _apply_to_nothing(self, chunk: Chunk, rows: int) -> Counts:
        """Insert the first row of each key; the others follow one another, as ever."""
        counts = Counts()
        key, resolved = ", ".join(self.identity), self.resolved(chunk)
        right = (
            f"(SELECT q.*, row_number() OVER (PARTITION BY {key} ORDER BY row) AS wave"
            f" FROM ({resolved}) AS q WHERE findings = '{{}}') AS r"
        )
        counts.created = self._insert(chunk, right, 1)
        if counts.created == rows:
            return counts
        chunk.execute(
            "CREATE TEMPORARY TABLE feed_rows ON COMMIT DROP AS SELECT * FROM (SELECT q.*,"
            f" row_number() OVER (PARTITION BY {key}, findings = '{{}}' ORDER BY row) AS wave"
            f" FROM ({resolved}) AS q) AS r WHERE r.wave > 1 OR r.findings <> '{{}}'"
        )
        counts.rejected = self._reject_wrong(chunk)
        waves = chunk.value("SELECT coalesce(max(wave), 1) FROM feed_rows WHERE findings = '{}'")
        for wave in range(2, waves + 1):
            counts.add(self._apply_wave(chunk, wave, late=False))
        return counts

    def _reject_wrong(self, chunk: Chunk) -> int:
        return chunk.reject("SELECT row, findings FROM feed_rows WHERE findings <> '{}'")

    def is_looked_over(self, chunk: Chunk) -> bool:
        """Return whether `look_over` has anything to do."""
        return False

    def look_over(self, chunk: Chunk) -> None:
        """Add findings that take more than one row's own data. In place, rarely needed."""

    def _waves(self, chunk: Chunk) -> int:
        """
        Rows of one key must follow one another: the first of each key is wave 1, the next
        wave 2. Nearly always there is one wave.
        """
        key = ", ".join(self.identity)
        again = chunk.value(
            f"SELECT EXISTS (SELECT FROM feed_rows WHERE findings = '{{}}' GROUP BY {key}"
            " HAVING count(*) > 1)"
        )
        if not again:
            return 1
        chunk.execute(
            "UPDATE feed_rows AS r SET wave = w.wave FROM (SELECT row, row_number() OVER"
            f" (PARTITION BY {key} ORDER BY row) AS wave FROM feed_rows WHERE findings = '{{}}')"
            " AS w WHERE w.row = r.row AND w.wave > 1"
        )
        waves = chunk.value("SELECT max(wave) FROM feed_rows")
        return int(waves)

    def _apply_wave(self, chunk: Chunk, wave: int, *, late: bool) -> Counts:
        if wave > MOST_WAVES:
            return self._refuse_wave(chunk, wave)
        chunk.drop("feed_met")
        chunk.execute(
            "CREATE TEMPORARY TABLE feed_met ON COMMIT DROP AS"
            f" SELECT r.row, {self._compared(chunk)} AS verdict"
            f" FROM feed_rows AS r JOIN {self.table} AS t USING ({', '.join(self.identity)})"
            f" WHERE r.wave = {wave:d} AND r.findings = '{{}}'"
            + ("" if wave > 1 or self.anything_there(chunk) else " AND false")
        )
        if late:
            self._refuse_too_late(chunk, wave)
        counts = Counts(rejected=self._reject_met(chunk))
        counts.unchanged = chunk.value("SELECT count(*) FROM feed_met WHERE verdict = '='")
        counts.late = self._late(chunk, wave) if late else 0
        counts.updated = self._update(chunk)
        met = "EXISTS (SELECT FROM feed_met AS m WHERE m.row = r.row)"
        left = f"(SELECT * FROM feed_rows AS r WHERE findings = '{{}}' AND NOT {met}) AS r"
        counts.created = self._insert(chunk, left, wave)
        return counts

    def anything_there(self, chunk: Chunk) -> bool:
        """Return whether the table has any row that those of this chunk might meet."""
        return bool(chunk.record.span) and bool(
            chunk.value(
                f"SELECT EXISTS (SELECT FROM {self.table}"
                f" WHERE {self.partitioned_by} BETWEEN %s AND %s)",
                chunk.record.span,
            )
        )

    def _compared(self, chunk: Chunk) -> str:
        same = " AND ".join(f"(r.{c} IS NULL OR r.{c} = t.{c})" for c in self.compared(chunk.facts))
        otherwise = SAME if chunk.fills_only else self.verdict(chunk.facts)
        return f"CASE WHEN {same} THEN {SAME} ELSE {otherwise} END"

    def compared(self, facts: FileFacts) -> list[str]:
        """Return the columns whose difference makes a difference."""
        return list(self.values)

    def _refuse_too_late(self, chunk: Chunk, wave: int) -> None:
        """What changes nothing may come as late as it likes: the file was delivered again."""
        chunk.execute(
            "UPDATE feed_met AS m SET verdict = r.too_late FROM feed_rows AS r"
            f" WHERE r.row = m.row AND m.verdict = {NEWER} AND r.too_late IS NOT NULL"
        )
        chunk.execute(
            "INSERT INTO feed_met SELECT r.row, r.too_late FROM feed_rows AS r"
            f" WHERE r.wave = {wave:d} AND r.findings = '{{}}' AND r.too_late IS NOT NULL"
            " AND NOT EXISTS (SELECT FROM feed_met AS m WHERE m.row = r.row)"
        )

    def _reject_met(self, chunk: Chunk) -> int:
        return chunk.reject(
            "SELECT row, ARRAY[verdict] AS findings FROM feed_met WHERE verdict NOT IN ('=', '>')"
        )

    def _late(self, chunk: Chunk, wave: int) -> int:
        return int(
            chunk.value(
                "SELECT count(*) FROM feed_rows AS r LEFT JOIN feed_met AS m USING (row)"
                f" WHERE r.late AND r.wave = {wave:d} AND r.findings = '{{}}'"
                " AND coalesce(m.verdict, '>') = '>'"
            )
        )

    def _update(self, chunk: Chunk) -> int:
        joined = (
            f"feed_rows AS r JOIN feed_met AS m USING (row) WHERE m.verdict = {NEWER}"
            f" AND ({', '.join(f't.{c}' for c in self.identity)})"
            f" = ({', '.join(f'r.{c}' for c in self.identity)})"
        )
        if not chunk.value(f"SELECT EXISTS (SELECT FROM feed_met WHERE verdict = {NEWER})"):
            return 0
        chunk.keep_images(self.table, f"{self.table} AS t, {joined}")
        assignments = [f"{c} = coalesce(r.{c}, t.{c})" for c in self.values]
        assignments += [f"{c} = r.{c}" for c in self.owners]
        return chunk.execute(f"UPDATE {self.table} AS t SET {', '.join(assignments)} FROM {joined}")

    def _insert(self, chunk: Chunk, rows: str, wave: int) -> int:
        columns = [*self.generated, *self.identity, *self.owners, *self.values]
        made = [*self.generated.values(), *(f"r.{c}" for c in (*self.identity, *self.owners))]
        made += [f"coalesce(r.{c}, {default})" for c, default in self.values.items()]
        return chunk.execute(
            f"INSERT INTO {self.table} ({', '.join(columns)}) SELECT {', '.join(made)}"
            f" FROM {rows} WHERE r.wave = {wave:d}"
            f" ORDER BY {', '.join(f'r.{c}' for c in self.insert_order or self.identity)}"
        )

    def undo(self, undoing: Undoing) -> None:
        """Restore what was changed, then remove what still bears the batch's mark: it is new."""
        identity = ", ".join(self.identity)
        undoing.execute("DROP TABLE IF EXISTS undo_image")
        undoing.execute(
            "CREATE TEMPORARY TABLE undo_image ON COMMIT DROP AS"
            f" SELECT DISTINCT ON ({identity}) * FROM ({undoing.images(self.table)}) AS images"
        )
        columns = undoing.columns(self.table)
        undoing.restored = undoing.execute(
            f"UPDATE {self.table} AS t SET {', '.join(f'{c} = o.{c}' for c in columns)}"
            f" FROM undo_image AS o WHERE {undoing.ours}"
            f" AND ({', '.join(f't.{c}' for c in self.identity)})"
            f" = ({', '.join(f'o.{c}' for c in self.identity)})"
        )
        images = undoing.value("SELECT count(*) FROM undo_image")
        if undoing.spans:
            first = min(span[0] for span in undoing.spans)
            last = max(span[1] for span in undoing.spans)
            undoing.removed = undoing.execute(
                f"DELETE FROM {self.table} AS t WHERE {undoing.ours}"
                f" AND t.{self.partitioned_by} BETWEEN %s AND %s",
                [first, last],
            )
        created = undoing.value(
            "SELECT coalesce(sum(created), 0)::bigint FROM feeds_batchchunk WHERE batch_id = %s",
            [undoing.batch.pk],
        )
        undoing.kept = (created - undoing.removed) + (images - undoing.restored)

    def _refuse_wave(self, chunk: Chunk, wave: int) -> Counts:
        return Counts(
            rejected=chunk.reject(
                "SELECT row, ARRAY['|too_many_copies|'] AS findings FROM feed_rows"
                f" WHERE wave = {wave:d} AND findings = '{{}}'"
            )
        )


def within_reach(facts: FileFacts, time: str) -> str:
    """Return the condition that a row's time is one that a partition may be made for."""
    return f"{time} >= '2000-01-01' AND {time} < {day(facts.today)} + interval '62 days'"
