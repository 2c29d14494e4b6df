"""
Taking back entities. A feed row wrote to several tables at once, so it is taken back whole or
not at all: if any part of it was touched since, or anything newer refers to it, it stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from crm.platform.feeds.undo import Undoing


@dataclass(frozen=True)
class Owned:
    """
    A table the feed writes. `owner` is the expression, over its row `t`, of the id of the
    primary entity it belongs to.
    """

    table: str
    owner: str


@dataclass(frozen=True)
class Reference:
    """A column of a table without a foreign key that refers to the primary entity."""

    table: str
    column: str


def undo_entities(
    undoing: Undoing, *, primary: str, owned: Sequence[Owned], references: Sequence[Reference]
) -> list[int]:
    """
    Take back a batch's entities. `owned` lists the tables, those that refer to others first.

    Returns the ids of the primaries removed.
    """
    _gather(undoing, owned)
    _find_kept(undoing, primary, owned, references)
    created = {i for (i,) in undoing.rows("SELECT id FROM undo_created")}
    kept = {i for (i,) in undoing.rows("SELECT DISTINCT owner FROM undo_kept")}
    touched = {i for (i,) in undoing.rows("SELECT DISTINCT owner FROM undo_touched")}
    for part in owned:
        undoing.execute(
            f"DELETE FROM {part.table} AS t USING undo_touched AS u WHERE u.part = '{part.table}'"
            f" AND u.id = t.id AND NOT u.is_change AND {undoing.ours}"
            " AND NOT EXISTS (SELECT FROM undo_kept AS k WHERE k.owner = u.owner)"
        )
    for part in owned:
        _restore(undoing, part)
    removed = sorted((created & touched) - kept)
    undoing.removed = len(removed)
    undoing.restored = len(touched - created - kept)
    undoing.kept = (len(created) - len(removed)) + len((touched - created) & kept)
    return removed


def _gather(undoing: Undoing, owned: Sequence[Owned]) -> None:
    """Find every row that still bears the batch's mark, and every row it has an image of."""
    undoing.execute("DROP TABLE IF EXISTS undo_touched, undo_created, undo_kept")
    undoing.execute(
        "CREATE TEMPORARY TABLE undo_touched (part text, id bigint, owner bigint,"
        " is_change boolean) ON COMMIT DROP"
    )
    undoing.execute(
        "CREATE TEMPORARY TABLE undo_created ON COMMIT DROP AS SELECT generate_series(lower(r),"
        " upper(r) - 1) AS id FROM feeds_batchchunk AS k,"
        " unnest(nullif(k.created_ids, '')::int8multirange) AS r WHERE k.batch_id = %s",
        [undoing.batch.pk],
    )
    for part in owned:
        undoing.execute(
            "INSERT INTO undo_touched"
            f" SELECT '{part.table}', t.id, {part.owner}, true FROM ({undoing.images(part.table)})"
            " AS t"
        )
        undoing.execute(
            "INSERT INTO undo_touched"
            f" SELECT '{part.table}', t.id, {part.owner}, false FROM {part.table} AS t"
            f" WHERE {undoing.ours} AND NOT EXISTS (SELECT FROM undo_touched AS u"
            f" WHERE u.part = '{part.table}' AND u.id = t.id)"
        )
    undoing.execute("ANALYZE undo_touched")
    undoing.execute("ANALYZE undo_created")


def _find_kept(
    undoing: Undoing, primary: str, owned: Sequence[Owned], references: Sequence[Reference]
) -> None:
    undoing.execute("CREATE TEMPORARY TABLE undo_kept (owner bigint) ON COMMIT DROP")
    undoing.execute(
        "INSERT INTO undo_kept SELECT c.id FROM undo_created AS c"
        f" LEFT JOIN {primary} AS t ON t.id = c.id WHERE t.id IS NULL OR NOT ({undoing.ours})"
    )
    for reference in references:
        undoing.execute(
            "INSERT INTO undo_kept SELECT c.id FROM undo_created AS c WHERE EXISTS"
            f" (SELECT FROM {reference.table} AS x WHERE x.{reference.column} = c.id)"
        )
    for part in owned:
        undoing.execute(
            "INSERT INTO undo_kept SELECT u.owner FROM undo_touched AS u"
            f" LEFT JOIN {part.table} AS t ON t.id = u.id WHERE u.part = '{part.table}'"
            f" AND (t.id IS NULL OR NOT ({undoing.ours})) AND u.owner IS NOT NULL"
        )
        for table, column in _referring(undoing, part.table):
            undoing.execute(
                "INSERT INTO undo_kept SELECT u.owner FROM undo_touched AS u"
                f" WHERE u.part = '{part.table}' AND NOT u.is_change AND EXISTS (SELECT FROM"
                f" {table} AS t WHERE t.{column} = u.id AND NOT ({undoing.ours}))"
            )


def _referring(undoing: Undoing, table: str) -> list[tuple[str, str]]:
    """Return every table and column with a foreign key to `table`, of whatever app."""
    return [
        (str(name), str(column))
        for name, column in undoing.rows(
            "SELECT k.conrelid::regclass::text, quote_ident(a.attname) FROM pg_constraint AS k"
            " JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]"
            " WHERE k.contype = 'f' AND k.confrelid = %s::regclass AND cardinality(k.conkey) = 1"
            " AND k.conparentid = 0",
            [table],
        )
    ]


def _restore(undoing: Undoing, part: Owned) -> None:
    if not undoing.value(
        "SELECT EXISTS (SELECT FROM undo_touched WHERE part = %s AND is_change)", [part.table]
    ):
        return
    columns = [name for name in undoing.columns(part.table) if name != "id"]
    undoing.execute(
        f"UPDATE {part.table} AS t SET {', '.join(f'{c} = o.{c}' for c in columns)}"
        f" FROM ({undoing.images(part.table)}) AS o, undo_touched AS u"
        f" WHERE t.id = o.id AND u.part = '{part.table}' AND u.id = t.id AND {undoing.ours}"
        " AND NOT EXISTS (SELECT FROM undo_kept AS k WHERE k.owner = u.owner)"
    )
