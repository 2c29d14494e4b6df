"""What a row shows: one place where pages, files and REST get their values from, masked."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from crm.platform.access.masking import FieldClass, mask
from crm.platform.ui.figures import money, quantity
from customers.filters import Field, Kind
from customers.models import PartyKind

_STATES = {
    "ACTIVE": ("good", "circle-check"),
    "SUSPENDED": ("risk", "player-pause"),
    "PENDING_TERMINATE": ("risk", "clock"),
    "CLOSING": ("risk", "clock"),
    "DUNNING": ("bad", "alert-circle"),
    "LOST": ("bad", "user-off"),
}
_OFF = ("off", "circle-dashed")


@dataclass(frozen=True)
class Cell:
    """
    One value of one row, masked: `value` for programs (fen, ISO days), `text` for people.
    `state` is a colour and an icon where the value is a state.
    """

    field: Field
    value: Any
    text: str
    state: tuple[str, str] | None = None


def cell(field: Field, row: dict[str, Any]) -> Cell:
    """Return what the column shows of the row."""
    value = plain(field, row)
    is_state = field.name.endswith("status") and value is not None
    return Cell(field, value, text_of(field, value), _STATES.get(value, _OFF) if is_state else None)


def plain(field: Field, row: dict[str, Any]) -> Any:
    """Return the masked value as JSON has it; None for nothing."""
    if field.path.endswith("tags"):
        return row["tags_shown"]
    path, dot, code = field.path.partition(".")
    value = (row[path] or {}).get(code) if dot else row[path]
    if value is None or value == "":
        return None
    if field.kind == Kind.UNIT:
        in_english = (get_language() or "").startswith("en")
        return (row[f"{path}_en"] if in_english else "") or value
    if field.mask:
        return mask(value, class_of(field, row))
    return value.isoformat() if isinstance(value, date) else value


def class_of(field: Field, row: dict[str, Any]) -> FieldClass:
    """Return the class by which the value is masked: the name of a firm is no person's."""
    if field.mask == FieldClass.PERSON_NAME:
        kind = row[f"{field.path.removesuffix('name')}kind"]
        return FieldClass.PERSON_NAME if kind == PartyKind.INDIVIDUAL else FieldClass.ORG_NAME
    assert field.mask is not None
    return field.mask


def text_of(field: Field, value: Any) -> str:
    """Return a masked value as people read it."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if field.kind == Kind.MONEY:
        return money(value)
    if field.kind in (Kind.INTEGER, Kind.DECIMAL) and isinstance(value, int | float):
        return quantity(value)
    return str(dict(field.choices).get(value, value)) if field.choices else str(value)
