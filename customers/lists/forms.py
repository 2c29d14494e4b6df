"""The form that adds one condition: plain HTML, one field at a time."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext as _

from crm.platform.access.models import OrgUnit, Staff
from crm.platform.access.scope import scope_of
from customers.filters import Condition, Field, Kind, Operator
from customers.models import Tag

FILLED = "filled"
MOST_OFFERED = 500


def condition_from_form(field: Field, asked: QueryDict) -> Condition:
    """Return what the form says. Whether the field can have such values is checked later."""
    op, values = asked.get("op", ""), [v.strip() for v in asked.getlist("value") if v.strip()]
    low, high = asked.get("low", "").strip(), asked.get("high", "").strip()
    if op in (FILLED, Operator.EMPTY.value):
        return Condition(field.name, Operator.EMPTY, ("no" if op == FILLED else "yes",))
    operator = Operator(op) if op in field.operators else field.operators[0]
    if operator == Operator.BETWEEN:
        return Condition(field.name, operator, (low, high))
    given = values or [low]
    if operator == Operator.IN:
        parts = [part.strip() for value in given for part in value.split(",")]
        return Condition(field.name, operator, tuple(part for part in parts if part))
    if operator == Operator.IS and len(given) > 1:
        return Condition(field.name, Operator.IN, tuple(given))
    return Condition(field.name, operator, (",".join(given),))


def form_for(field: Field, asked: QueryDict, staff: Staff) -> dict[str, Any]:
    """Return what the form shows: its operators, its choices, and what was typed before."""
    offered = offered_values(field, staff)
    return {
        "field": field,
        "operators": _operators(field),
        "op": asked.get("op", ""),
        "offered": offered,
        "is_boxes": field.kind == Kind.CHOICE,
        "is_menu": field.kind in (Kind.UNIT, Kind.BOOLEAN),
        "is_ordered": Operator.BETWEEN in field.operators,
        "is_day": field.kind == Kind.DATE,
        "values": asked.getlist("value"),
        "value": asked.get("value", ""),
        "low": asked.get("low", ""),
        "high": asked.get("high", ""),
    }


def offered_values(field: Field, staff: Staff) -> list[tuple[str, Any]]:
    """Return which values the form offers; for texts these are only suggestions."""
    if field.kind == Kind.BOOLEAN:
        return [("yes", _("yes")), ("no", _("no"))]
    if field.kind == Kind.UNIT:
        return _units(staff)
    if field.name in ("tag", "customer_tag"):
        return [(tag.name, tag.name) for tag in Tag.objects.all()[:MOST_OFFERED]]
    return list(field.choices)


def groups_of(fields: Mapping[str, Field]) -> list[tuple[str, list[Field]]]:
    """Return all fields under their headings, in order."""
    groups: dict[str, list[Field]] = {}
    for field in fields.values():
        groups.setdefault(str(field.group), []).append(field)
    return list(groups.items())


def _operators(field: Field) -> list[tuple[str, str]]:
    offered = []
    for operator in field.operators:
        if operator == Operator.IN and field.kind == Kind.CHOICE:
            continue  # several boxes say it
        offered.append((operator.value, str(operator.label)))
        if operator == Operator.EMPTY:
            offered.append((FILLED, _("is filled in")))
    return offered


def _units(staff: Staff) -> list[tuple[str, str]]:
    """The units below the account's own reach, as a tree; all of them without one."""
    root = scope_of(staff).root
    below = Q(path__startswith=root.path) if root else Q()
    units = OrgUnit.objects.filter(below).order_by("path")[:MOST_OFFERED]
    depth = root.path.count("/") if root else 1
    return [
        (u.code, "\N{NO-BREAK SPACE}" * 2 * (u.path.count("/") - depth) + u.name) for u in units
    ]
