"""Conditions as SQL. Every value is a parameter; every name comes from a declared field."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from crm.platform.access.models import OrgUnit, Staff
from crm.platform.errors import Refusal
from customers.filters.conditions import (
    MOST_CONDITIONS,
    MOST_VALUES,
    Condition,
    refuse,
)
from customers.filters.fields import Field, Kind, Operator
from customers.filters.values import BadValue, read, read_prefix, yes_or_no

Params = list[Any]


@dataclass(frozen=True)
class Compiled:
    """
    A condition for WHERE and its parameters. It speaks of the list's own table by its full
    name ("customers_customer", "customers_subscriber", "customers_billingaccount").
    """

    where: str
    params: tuple[Any, ...]


def compiled(
    conditions: Sequence[Condition], fields: Mapping[str, Field], *, today: date
) -> Compiled:
    """
    Return what all of the conditions together ask; `today` is what "today" in a value means.

    "is not" and "is empty" hold for rows without a value too, so of every condition and its
    opposite exactly one holds for a row. Ranges include both ends.

    :raises BadFilter: with a sentence for each value that its field cannot have.
    """
    parts, params, refusals = [], [], _too_many(conditions)
    for condition in conditions[:MOST_CONDITIONS]:
        try:
            where, given = _one(condition, fields[condition.field], today)
        except BadValue as error:
            refusals.append(Refusal("bad_value", str(error), field=condition.key))
        else:
            parts.append(f"({where})")
            params += given
    refuse(refusals + _unknown_names(conditions, fields))
    return Compiled(" AND ".join(parts) or "true", tuple(params))


def _too_many(conditions: Sequence[Condition]) -> list[Refusal]:
    if len(conditions) <= MOST_CONDITIONS:
        return []
    said = _("More than %(most)s conditions at once are too many.") % {"most": MOST_CONDITIONS}
    return [Refusal("too_many_conditions", said)]


def _unknown_names(conditions: Iterable[Condition], fields: Mapping[str, Field]) -> list[Refusal]:
    """Units and members of staff are rows, so whether there is one is asked of the database."""
    refusals = []
    sources: dict[Kind, tuple[Callable[[set[str]], set[str]], str]] = {
        Kind.UNIT: (_units, _("There is no unit with the code “%(code)s”.")),
        Kind.STAFF: (_staff, _("There is no account with the staff code “%(code)s”.")),
    }
    for kind, (known, said) in sources.items():
        named = {
            value: condition.key
            for condition in conditions
            if fields[condition.field].kind == kind and condition.operator != Operator.EMPTY
            for value in condition.values
            if value
        }
        for code in sorted(named.keys() - known(set(named))) if named else ():
            refusals.append(Refusal("bad_value", said % {"code": code[:40]}, field=named[code]))
    return refusals


def _units(codes: set[str]) -> set[str]:
    return set(OrgUnit.objects.filter(code__in=codes).values_list("code", flat=True))


def _staff(codes: set[str]) -> set[str]:
    return set(Staff.objects.filter(staff_code__in=codes).values_list("staff_code", flat=True))


def _one(condition: Condition, field: Field, today: date) -> tuple[str, Params]:
    operator, values = condition.operator, condition.values
    around = field.within or "{}"
    if operator == Operator.EMPTY:
        filled, params = _filled(field)
        is_empty = yes_or_no(field, values[0])
        return f"({around.format(filled)}) IS {'NOT TRUE' if is_empty else 'TRUE'}", params
    if operator == Operator.NOT:
        equal, params = _equal(field, [read(field, values[0], today=today)])
        return f"({around.format(equal)}) IS NOT TRUE", params
    asked, params = _asked(operator, field, values, today)
    return around.format(asked), params


def _asked(
    operator: Operator, field: Field, values: tuple[str, ...], today: date
) -> tuple[str, Params]:
    match operator:
        case Operator.BEGINS:
            text = read_prefix(field, values[0])
            return f"{field.sql} LIKE %s", [*field.params, f"{_escaped(text)}%"]
        case Operator.BETWEEN:
            return _between(field, values, today)
        case Operator.WITHIN:
            top = "(SELECT top.path FROM access_orgunit top WHERE top.code = %s)"
            return f"starts_with(h.path, {top})", [read(field, values[0], today=today)]
    if not 1 <= len(values) <= MOST_VALUES:
        said = _("“%(field)s” takes from 1 to %(most)s values.")
        raise BadValue(said % {"field": field.label, "most": MOST_VALUES})
    return _equal(field, [read(field, value, today=today) for value in values])


def _equal(field: Field, values: list[Any]) -> tuple[str, Params]:
    if len(values) == 1:
        return f"{field.sql} = %s", [*field.params, values[0]]
    return f"{field.sql} = ANY (%s)", [*field.params, values]


def _between(field: Field, values: tuple[str, ...], today: date) -> tuple[str, Params]:
    low, high = (read(field, v, today=today) if v else None for v in (*values, "", "")[:2])
    if low is None and high is None:
        raise BadValue(_("Say where “%(field)s” begins or ends.") % {"field": field.label})
    if low is not None and high is not None and low > high:
        said = _("“%(field)s” cannot end before it begins: %(low)s, %(high)s.")
        raise BadValue(said % {"field": field.label, "low": values[0], "high": values[1]})
    parts, params = [], []
    for comparison, end in ((">=", low), ("<=", high)):
        if end is not None:
            parts.append(f"{field.sql} {comparison} %s")
            params += [*field.params, end]
    return " AND ".join(parts), params


def _filled(field: Field) -> tuple[str, Params]:
    texts = field.kind in (Kind.TEXT, Kind.CHOICE)
    return f"{field.sql} {'<> %s' if texts else 'IS NOT NULL'}", [
        *field.params,
        *([""] if texts else []),
    ]


def _escaped(text: str) -> str:
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return text
