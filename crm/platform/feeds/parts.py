"""One table that a feed row writes to: which columns, from what, compared how."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from crm.platform.feeds.chunks import Chunk


@dataclass(frozen=True)
class Part:
    """
    A table with a numeric id. The feed's resolved rows `r` carry `<name>_id` (NULL where the
    row says nothing of this part) and `<name>_new`.

    `stated`: column → expression over `r`, NULL where the row does not state it.
    `unless`: where this holds of `r`, an existing row is left as it is.
    `defaults`: what a new row gets then. `fixed`: set on new rows alone, never changed by a
    file. `merged`: JSON columns whose stated keys replace those that are there.
    """

    name: str
    table: str
    stated: Mapping[str, str]
    defaults: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    merged: tuple[str, ...] = ()
    unless: str = "false"

    def insert(self, chunk: Chunk) -> int:
        """Insert the new rows, in the order of their ids."""
        made = {"id": f"r.{self.name}_id"} | dict(self.fixed)
        for column, value in self.stated.items():
            default = self.defaults.get(column)
            made[column] = f"coalesce({value}, {default})" if default else value
        return chunk.execute(
            f"INSERT INTO {self.table} ({', '.join(made)}, created_at, updated_at)"
            f" SELECT {', '.join(made.values())}, %s, %s FROM feed_rows AS r"
            f" WHERE r.{self.name}_new ORDER BY r.{self.name}_id",
            [chunk.at, chunk.at],
        )

    def note_changes(self, chunk: Chunk) -> None:
        """Note in `feed_changed` which existing rows of the table the file changes."""
        differs = " OR ".join(self._differs(column, said) for column, said in self.stated.items())
        chunk.execute(
            "INSERT INTO feed_changed (row, part, id)"
            f" SELECT r.row, '{self.name}', t.id FROM feed_rows AS r"
            f" JOIN {self.table} AS t ON t.id = r.{self.name}_id"
            f" WHERE NOT r.{self.name}_new AND NOT ({self.unless}) AND ({differs})"
        )
        chunk.execute(
            "INSERT INTO feed_changed (row, part, id)"
            f" SELECT r.row, '{self.name}', NULL FROM feed_rows AS r WHERE r.{self.name}_new"
        )

    def update(self, chunk: Chunk) -> int:
        """Change the rows noted, after keeping what they were."""
        changed = (
            f"feed_changed AS c JOIN feed_rows AS r USING (row)"
            f" WHERE c.part = '{self.name}' AND t.id = c.id"
        )
        chunk.keep_images(self.table, f"{self.table} AS t, {changed}")
        assignments = [f"{column} = {self._new(column, s)}" for column, s in self.stated.items()]
        return chunk.execute(
            f"UPDATE {self.table} AS t SET {', '.join(assignments)}, updated_at = %s"
            f" FROM {changed}",
            [chunk.at],
        )

    def _differs(self, column: str, said: str) -> str:
        if column in self.merged:
            return f"NOT t.{column} @> {said}"
        return f"{said} <> t.{column} OR ({said} IS NOT NULL AND t.{column} IS NULL)"

    def _new(self, column: str, said: str) -> str:
        if column in self.merged:
            return f"t.{column} || coalesce({said}, '{{}}')"
        return f"coalesce({said}, t.{column})"
