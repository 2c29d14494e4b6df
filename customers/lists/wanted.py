"""What somebody wants of a list: conditions, columns, order. In an address and in a saved view."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import BooleanField
from django.db.models.expressions import RawSQL
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.platform.access.models import Staff
from crm.platform.errors import DomainError, Refusal
from customers.filters import (
    Condition,
    Field,
    compiled,
    fields_of,
    from_json,
    from_query,
)
from customers.lists.definitions import LISTS, MOST_COLUMNS, Definition, Order
from customers.models import BulkChange, ListExport, ListKind, SavedView

_OF_THE_FORM = ("add", "op", "value", "low", "high")
RESERVED = ("sort", "cols", "cursor", "view", "limit", "fields", *_OF_THE_FORM)
"""Words of an address that are no fields."""


class BadList(DomainError):
    """A column or an order that the list has not."""

    code = "bad_list"


@dataclass(frozen=True)
class Wanted:
    """One list as it is wanted. `fields` are all that the list has, read once."""

    kind: ListKind
    fields: Mapping[str, Field]
    conditions: tuple[Condition, ...] = ()
    columns: tuple[str, ...] = ()
    order_name: str = ""

    @property
    def definition(self) -> Definition:
        return LISTS[self.kind]

    @property
    def order(self) -> Order:
        orders = self.definition.orders
        return self.definition.order(self.order_name) if self.order_name else orders[0]

    @property
    def shown(self) -> list[Field]:
        """The columns, in their order."""
        return [self.fields[name] for name in self.columns or self.definition.columns]

    def check(self) -> None:
        """:raises BadFilter: for values that their fields cannot have."""
        compiled(self.conditions, self.fields, today=timezone.localdate())

    def rows(self, staff: Staff, *, today: date) -> Any:
        """
        Return the rows that match within the account's reach, as a queryset without an order.

        :raises BadFilter: for values that their fields cannot have.
        """
        visible = self.definition.visible_to(staff)
        if not self.conditions:
            return visible
        asked = compiled(self.conditions, self.fields, today=today)
        return visible.filter(RawSQL(asked.where, asked.params, output_field=BooleanField()))

    def query(self, *, without: Condition | None = None, **more: str) -> str:
        """Return it as an address says it, without one of the conditions, with more words."""
        pairs = [pair for pair in self.pairs if not without or pair[0] != without.key]
        given = [(name, value) for name, value in more.items() if value]
        return urlencode([*pairs, *given], safe=",")

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Its words in an address, one by one."""
        pairs = [(c.key, c.text) for c in self.conditions]
        if self.columns:
            pairs.append(("cols", ",".join(self.columns)))
        if self.order_name:
            pairs.append(("sort", self.order_name))
        return pairs

    def with_condition(self, condition: Condition) -> "Wanted":
        """Return it with one condition more, in place of one of the same field and operator."""
        others = tuple(c for c in self.conditions if c.key != condition.key)
        return replace(self, conditions=(*others, condition))


def from_address(kind: ListKind, asked: QueryDict) -> Wanted:
    """
    Read an address.

    :raises BadFilter: for a field or operator that there is not.
    :raises BadList: for a column or order that the list has not.
    """
    fields = fields_of(kind)
    conditions = from_query(pairs_of(asked), fields, reserved=RESERVED)
    names = [name for given in asked.getlist("cols") for name in given.split(",") if name]
    return _checked(kind, fields, conditions, names, asked.get("sort", ""))


def pairs_of(asked: QueryDict) -> list[tuple[str, str]]:
    return [(key, value) for key, values in asked.lists() for value in map(str, values)]


def from_saved(kept: SavedView | ListExport) -> Wanted:
    """
    Read what was kept.

    :raises BadFilter: if a field that it names is no longer there.
    :raises BadList: if a column is no longer there.
    """
    kind = ListKind(kept.kind)
    fields = fields_of(kind)
    return _checked(kind, fields, from_json(kept.conditions, fields), kept.columns, kept.order)


def from_bulk(bulk: BulkChange) -> Wanted:
    """:raises BadFilter: if a field that it names is no longer there."""
    fields = fields_of(ListKind.CUSTOMERS)
    return Wanted(ListKind.CUSTOMERS, fields, tuple(from_json(bulk.conditions, fields)))


def _checked(
    kind: ListKind,
    fields: Mapping[str, Field],
    conditions: Iterable[Condition],
    columns: Sequence[str],
    order: str,
) -> Wanted:
    names = tuple(dict.fromkeys(columns))
    refusals = [
        Refusal(
            "unknown_column", _("There is no column “%(name)s”.") % {"name": name[:60]}, "", name
        )
        for name in names
        if name not in fields or not fields[name].path
    ]
    if len(names) > MOST_COLUMNS:
        said = _("More than %(most)s columns at once are too many.") % {"most": MOST_COLUMNS}
        refusals.append(Refusal("too_many_columns", said, "", "cols"))
    if order and order not in {one.name for one in LISTS[kind].orders}:
        known = ", ".join(one.name for one in LISTS[kind].orders)
        said = _("There is no order “%(name)s”; there are %(known)s.")
        refusals.append(
            Refusal("unknown_order", said % {"name": order[:30], "known": known}, "", "sort")
        )
    if refusals:
        raise BadList(" ".join(r.message for r in refusals), refusals=refusals)
    return Wanted(kind, fields, tuple(conditions), names, order)


def conditions_of(wanted: Wanted) -> list[dict[str, Any]]:
    """Return the conditions as they are kept in the database."""
    return [condition.to_json() for condition in wanted.conditions]
