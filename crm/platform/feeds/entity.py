"""
Feeds of entities: customers, accounts, subscribers. A row writes to several tables at once.

The rows of a chunk are resolved into `feed_rows`: ids of what is there, fresh ids of what is
new, findings. New rows are inserted part by part; existing ones are compared column by column
and only what differs is updated, after an image of it was kept.
"""

from abc import abstractmethod
from collections.abc import Callable

from crm.platform.feeds.chunks import MOST_WAVES, Chunk
from crm.platform.feeds.definition import Counts, Feed
from crm.platform.feeds.entity_undo import Owned, Reference, undo_entities
from crm.platform.feeds.models import Batch
from crm.platform.feeds.parts import Part
from crm.platform.feeds.undo import Undoing

Side = Callable[[Chunk], None]


class EntityFeed(Feed):
    """
    `parts` in the order in which they are inserted; the row counts as created when `primary`
    is new. `sides` write what hangs on the parts (periods, contacts, search keys): they run
    after the parts and note in `feed_changed` what they change about existing rows.
    `wave_keys`: two rows that share one of these columns must follow one another. `owned` and
    `references`: what an undo looks through, tables that refer to others first.
    """

    parts: tuple[Part, ...]
    primary: str
    sides: tuple[Side, ...]
    wave_keys: tuple[str, ...]
    owned: tuple[Owned, ...]
    references: tuple[Reference, ...]

    @abstractmethod
    def resolved(self, chunk: Chunk, wave: str) -> str:
        """
        Return a query over the staged rows `s` of the chunk that satisfy `wave`: every staged
        column, `<part>_id` and `<part>_new` for each part, what else the sides need, and
        `findings` (text[]).
        """

    def tables(self, batch: Batch) -> list[str]:
        return [owned.table for owned in self.owned]

    def apply(self, chunk: Chunk) -> Counts:
        counts = Counts()
        chunk.drop("feed_again")
        self._find_copies(chunk)
        wave = "NOT EXISTS (SELECT FROM feed_again AS g WHERE g.row = s.row)"
        counts.add(self._apply_wave(chunk, wave))
        for _n in range(MOST_WAVES):
            if not chunk.value("SELECT EXISTS (SELECT FROM feed_again)"):
                return counts
            self._first_of_each(chunk)
            counts.add(
                self._apply_wave(chunk, "EXISTS (SELECT FROM feed_turn AS g WHERE g.row = s.row)")
            )
        counts.rejected += chunk.reject(
            "SELECT row, ARRAY['|too_many_copies|'] AS findings FROM feed_again"
        )
        return counts

    def _find_copies(self, chunk: Chunk) -> None:
        """Put the rows that share a key with an earlier one into `feed_again`."""
        chunk.execute("CREATE TEMPORARY TABLE feed_again (row bigint) ON COMMIT DROP")
        for key in self.wave_keys:
            chunk.execute(
                "INSERT INTO feed_again SELECT row FROM (SELECT s.row, row_number() OVER"
                f" (PARTITION BY s.{key} ORDER BY s.row) AS n FROM {chunk.stage} AS s"
                f" JOIN (SELECT {key} FROM {chunk.stage} AS s WHERE {chunk.staged_rows}"
                f" AND {key} IS NOT NULL GROUP BY {key} HAVING count(*) > 1) AS d USING ({key})"
                f" WHERE {chunk.staged_rows}) AS copies WHERE n > 1"
                " AND NOT EXISTS (SELECT FROM feed_again AS g WHERE g.row = copies.row)"
            )

    def _first_of_each(self, chunk: Chunk) -> None:
        """Move those waiting rows whose turn it is from `feed_again` to `feed_turn`."""
        ranks = " AND ".join(
            f"(s.{key} IS NULL OR s.row = min(s.row) OVER (PARTITION BY s.{key}))"
            for key in self.wave_keys
        )
        chunk.drop("feed_turn")
        chunk.execute(
            "CREATE TEMPORARY TABLE feed_turn ON COMMIT DROP AS SELECT row FROM"
            f" (SELECT s.row, {ranks} AS first FROM {chunk.stage} AS s JOIN feed_again USING (row)"
            ") AS ranked WHERE first"
        )
        chunk.execute("DELETE FROM feed_again USING feed_turn WHERE feed_turn.row = feed_again.row")

    def _apply_wave(self, chunk: Chunk, wave: str) -> Counts:
        chunk.drop("feed_rows", "feed_changed")
        chunk.execute(
            "CREATE TEMPORARY TABLE feed_rows ON COMMIT DROP AS " + self.resolved(chunk, wave)
        )
        chunk.execute(
            "CREATE TEMPORARY TABLE feed_changed (row bigint, part text, id bigint) ON COMMIT DROP"
        )
        counts = Counts(
            rejected=chunk.reject("SELECT row, findings FROM feed_rows WHERE findings <> '{}'")
        )
        if counts.rejected:
            chunk.execute("DELETE FROM feed_rows WHERE findings <> '{}'")
        counts.created, known = chunk.row(
            f"SELECT count(*) FILTER (WHERE {self.primary}_new),"
            f" count(*) FILTER (WHERE NOT {self.primary}_new) FROM feed_rows"
        )
        if known and chunk.fills_only:
            chunk.execute(f"DELETE FROM feed_rows WHERE NOT {self.primary}_new")
        elif known:
            self._note_changes(chunk)
        self._write(chunk, known=bool(known) and not chunk.fills_only)
        counts.updated = chunk.value(
            "SELECT count(DISTINCT c.row) FROM feed_changed AS c JOIN feed_rows AS r USING (row)"
            f" WHERE NOT r.{self.primary}_new"
        )
        counts.unchanged = known - counts.updated
        self._remember_created(chunk)
        return counts

    def _note_changes(self, chunk: Chunk) -> None:
        for part in self.parts:
            part.note_changes(chunk)
        chunk.execute("ANALYZE feed_changed")

    def _write(self, chunk: Chunk, *, known: bool) -> None:
        for part in self.parts:
            part.insert(chunk)
            if known:
                part.update(chunk)
        for side in self.sides:
            side(chunk)

    def _remember_created(self, chunk: Chunk) -> None:
        ids = f"r.{self.primary}_id"
        chunk.created_ids = chunk.value(
            "SELECT (coalesce(range_agg(ids), '{}')"
            f" + coalesce(nullif('{chunk.created_ids}', '')::int8multirange, '{{}}'))::text"
            f" FROM (SELECT int8range({ids}, {ids} + 1) AS ids FROM feed_rows AS r"
            f" WHERE r.{self.primary}_new) AS created"
        )

    def undo(self, undoing: Undoing) -> None:
        table = next(part.table for part in self.parts if part.name == self.primary)
        customers = self.customers_of(undoing)
        removed = undo_entities(
            undoing, primary=table, owned=self.owned, references=self.references
        )
        self.after_undo(undoing, customers, removed)

    @abstractmethod
    def customers_of(self, undoing: Undoing) -> list[int]:
        """Return the customers whose rows the batch wrote, before they are taken back."""

    @abstractmethod
    def after_undo(self, undoing: Undoing, customers: list[int], removed: list[int]) -> None:
        """Bring what is derived from the entities (search keys) back in line."""
