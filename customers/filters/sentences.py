"""What a condition says, in words, in the language that is active."""

from collections.abc import Mapping
from decimal import Decimal

from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _

from crm.platform.access.models import OrgUnit
from crm.platform.ui.figures import money
from customers.filters.conditions import Condition
from customers.filters.fields import Field, Kind, Operator

_SAID = {
    Operator.IS: gettext_noop("%(field)s is %(value)s"),
    Operator.NOT: gettext_noop("%(field)s is not %(value)s"),
    Operator.IN: gettext_noop("%(field)s is one of %(value)s"),
    Operator.BEGINS: gettext_noop("%(field)s begins with %(value)s"),
    Operator.WITHIN: gettext_noop("%(field)s is in %(value)s or below"),
}


def sentence(condition: Condition, fields: Mapping[str, Field], *, units: Mapping[str, str]) -> str:
    """
    Return the condition in words: "Category is VIP". `units` are the names of organisation
    units by code, as `names_of_units` returns them.
    """
    field, values = fields[condition.field], condition.values
    if condition.operator == Operator.EMPTY:
        is_empty = values[0].lower() in ("yes", "true", "1")
        said = _("%(field)s is empty") if is_empty else _("%(field)s is filled in")
        return said % {"field": field.label}
    if condition.operator == Operator.BETWEEN:
        return _range(field, values, units)
    shown = _(", ").join(_shown(field, value, units) for value in values)
    return _(_SAID[condition.operator]) % {"field": field.label, "value": shown}


def names_of_units(conditions: list[Condition], fields: Mapping[str, Field]) -> dict[str, str]:
    """Return the names of the units that the conditions name, by code. No query for none."""
    codes = {
        value
        for condition in conditions
        if fields[condition.field].kind == Kind.UNIT
        for value in condition.values
    }
    if not codes:
        return {}
    in_english = (get_language() or "").startswith("en")
    return {
        unit.code: (unit.name_en if in_english else "") or unit.name
        for unit in OrgUnit.objects.filter(code__in=codes)
    }


def _range(field: Field, values: tuple[str, ...], units: Mapping[str, str]) -> str:
    low, high = (*values, "", "")[:2]
    said = {
        "field": field.label,
        "low": _shown(field, low, units),
        "high": _shown(field, high, units),
    }
    if low and high:
        return _("%(field)s is from %(low)s to %(high)s") % said
    if low:
        return _("%(field)s is %(low)s or more") % said
    return _("%(field)s is at most %(high)s") % said


def _shown(field: Field, value: str, units: Mapping[str, str]) -> str:
    if field.kind == Kind.UNIT:
        return units.get(value, value)
    if field.kind == Kind.MONEY:
        try:
            return money(int(Decimal(value) * 100))
        except ArithmeticError:
            return value
    if field.kind == Kind.BOOLEAN:
        return _("yes") if value.lower() in ("yes", "true", "1") else _("no")
    return str(field.labels.get(value, value))
