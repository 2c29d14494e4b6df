"""One condition of a filter: in an address, in a saved view, and read back with every doubt."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from crm.platform.errors import DomainError, Refusal
from customers.filters.fields import Field, Operator

MOST_CONDITIONS, MOST_VALUES, LONGEST_VALUE = 20, 100, 200
RANGE = ".."
"""Between the two ends of a range, of which one may be missing: "2024-01-01..", "..-0.01"."""


class BadFilter(DomainError):
    """What was asked for cannot be asked. `refusals` has a sentence for each condition."""

    code = "bad_filter"


@dataclass(frozen=True)
class Condition:
    """`field` `operator` `values`, as texts: what they mean is the field's to say."""

    field: str
    operator: Operator
    values: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"field": self.field, "op": self.operator.value, "values": list(self.values)}

    @property
    def key(self) -> str:
        """How the condition is named in an address: "category", "opened.between"."""
        is_plain = self.operator == Operator.IS
        return self.field if is_plain else f"{self.field}.{self.operator.value}"

    @property
    def text(self) -> str:
        """Its values in an address."""
        return (RANGE if self.operator == Operator.BETWEEN else ",").join(self.values)


def refuse(refusals: Sequence[Refusal]) -> None:
    """:raises BadFilter: if there are any."""
    if refusals:
        raise BadFilter(" ".join(r.message for r in refusals), refusals=refusals)


def from_query(
    pairs: Iterable[tuple[str, str]], fields: Mapping[str, Field], *, reserved: Iterable[str]
) -> list[Condition]:
    """
    Read the conditions of an address: "category=VIP&balance.between=..0", anything but `reserved`.

    :raises BadFilter: for a field or an operator that there is not; values are checked later.
    """
    kept, refusals, words = [], [], set(reserved)
    for key, text in pairs:
        if key in words:
            continue
        name, operator = _split(key, fields)
        if name not in fields:
            refusals.append(_no_field(name))
        elif operator not in fields[name].operators:
            refusals.append(_no_operator(fields[name], operator))
        else:
            kept.append(Condition(name, Operator(operator), _values(Operator(operator), text)))
    refuse(refusals)
    return kept


def from_json(data: Any, fields: Mapping[str, Field]) -> list[Condition]:
    """
    Read what `Condition.to_json` wrote: [{"field", "op", "values"}, …].

    :raises BadFilter: for anything else, and for a field or an operator that there is not.
    """
    if not isinstance(data, list):
        refuse([Refusal("bad_filter", _("The conditions are not a list."))])
    kept, refusals = [], []
    for item in data:
        name, operator, values = _shape(item)
        if not name or not _are_texts(values):
            refusals.append(Refusal("bad_filter", _("A condition has no field or no values.")))
        elif name not in fields:
            refusals.append(_no_field(name))
        elif operator not in fields[name].operators:
            refusals.append(_no_operator(fields[name], operator))
        else:
            kept.append(Condition(name, Operator(operator), tuple(values)))
    refuse(refusals)
    return kept


def _split(key: str, fields: Mapping[str, Field]) -> tuple[str, str]:
    if key in fields:
        only = fields[key].operators
        return key, Operator.IS.value if Operator.IS in only else only[0].value
    name, dot, operator = key.rpartition(".")
    return (name, operator) if dot and name in fields else (key, Operator.IS.value)


def _values(operator: Operator, text: str) -> tuple[str, ...]:
    if operator == Operator.BETWEEN:
        low, dots, high = text.partition(RANGE)
        return (low.strip(), (high if dots else low).strip())
    if operator == Operator.IN:
        return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    return (text.strip(),)


def _shape(item: Any) -> tuple[str, str, Any]:
    """Return field, operator and values of what may be anything."""
    given = item if isinstance(item, dict) else {}
    named = [given.get(key) for key in ("field", "op")]
    name, operator = (part if isinstance(part, str) else "" for part in named)
    return name, operator, given.get("values")


def _are_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _no_field(name: str) -> Refusal:
    said = _("There is no field “%(name)s” to filter by.") % {"name": name[:60]}
    return Refusal("unknown_field", said, field=name[:60])


def _no_operator(field: Field, operator: str) -> Refusal:
    said = _("“%(field)s” cannot be asked whether it “%(operator)s”; it can: %(known)s.") % {
        "field": field.label,
        "operator": operator[:30],
        "known": ", ".join(str(one.label) for one in field.operators),
    }
    return Refusal("unknown_operator", said, field=field.name)
