"""
Which rows are a customer's, so that a merge moves them and its undo brings them back.

Each app declares its own tables on its AppConfig: `moves_on_merge` those that follow,
`stays_on_merge` those that have a customer or a party and do not. A test finds the forgotten.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from django.apps import apps


@dataclass(frozen=True)
class Moves:
    """
    A table whose rows belong to a customer or, by `owner="party_id"`, to their party.

    `key` is the text, over its row `t`, that tells a row from all others of the same owner; at
    most 100 characters. `once`: columns of which an owner has each set once, among the rows
    for which `when` holds (over `{t}`): what the survivor has too stays where it is.
    `line` or `account` names the column of the line or account that a row is about: what is
    written after a merge goes with that, should it go back.
    """

    model: str
    owner: str = "customer_id"
    key: str = "t.id::text"
    once: tuple[str, ...] = ()
    when: str = "true"
    line: str = ""
    account: str = ""

    @cached_property
    def table(self) -> str:
        return apps.get_model(self.model)._meta.db_table

    @cached_property
    def is_stamped(self) -> bool:
        fields = apps.get_model(self.model)._meta.concrete_fields
        return any(field.name == "updated_at" for field in fields)

    @property
    def about(self) -> tuple[str, str] | None:
        """The column of what a row is about, and the table in which that is."""
        if self.line:
            return self.line, "customers_subscriber"
        return (self.account, "customers_billingaccount") if self.account else None

    def twin(self, *, owner: str) -> str:
        """Return the condition that `owner` (an expression) has a row that excludes `t`."""
        if not self.once:
            return "false"
        same = " AND ".join(f"x.{column} = t.{column}" for column in self.once)
        return (
            f"({self.when.format(t='t')} AND EXISTS (SELECT FROM {self.table} AS x"
            f" WHERE x.{self.owner} = {owner} AND {self.when.format(t='x')} AND {same}))"
        )


def all_moves() -> Iterator[Moves]:
    """Give what the apps declare, lines and accounts first: others go with them."""
    declared = [m for c in apps.get_app_configs() for m in getattr(c, "moves_on_merge", ())]
    yield from sorted(declared, key=lambda moves: moves.about is not None)


def all_stays() -> set[str]:
    """Return the models that have a customer or a party and stay with it."""
    return {m for c in apps.get_app_configs() for m in getattr(c, "stays_on_merge", ())}
