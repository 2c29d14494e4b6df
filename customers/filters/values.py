"""What a typed value means for a field: read strictly, refused with what would be right."""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from customers.filters.conditions import LONGEST_VALUE
from customers.filters.fields import Field, Kind
from customers.search import fold_phone, sort_key

_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,9})?", re.ASCII)
_YUAN = re.compile(r"[+-]?\d{1,13}(\.\d{1,2})?", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DAY = re.compile(r"today(?:([+-])(\d{1,5})d)?", re.ASCII)
_YES, _NO = {"yes", "true", "1"}, {"no", "false", "0"}


class BadValue(Exception):
    """A sentence about a value that a field cannot have."""


def read(field: Field, text: str, *, today: date) -> Any:
    """
    Return the value as SQL compares it: fen for money, a date for a day.

    Days may be said as "today", "today-30d" and "today+60d", so that a saved view moves on.

    :raises BadValue: with a sentence for the one who typed it.
    """
    if len(text) > LONGEST_VALUE or "\0" in text:
        raise BadValue(_("A value of “%(field)s” is too long.") % {"field": field.label})
    if text == "":
        raise BadValue(_("Say a value for “%(field)s”.") % {"field": field.label})
    match field.kind:
        case Kind.CHOICE:
            return _choice(field, text)
        case Kind.INTEGER:
            return int(_shaped(field, text, _WHOLE, _("a whole number, as 12")))
        case Kind.DECIMAL:
            return Decimal(_shaped(field, text, _NUMBER, _("a number, as 12.5")))
        case Kind.MONEY:
            yuan = Decimal(_shaped(field, text, _YUAN, _("an amount in yuan, as 38.20")))
            return int(yuan * 100)
        case Kind.DATE:
            day = _day(field, text, today)
            return day.isoformat() if field.days_are_texts else day
        case Kind.BOOLEAN:
            return yes_or_no(field, text)
    return text


def read_prefix(field: Field, text: str) -> str:
    """
    Return a beginning as SQL compares it.

    :raises BadValue: for none, and for one so long that it would name a person.
    """
    if len(text) > LONGEST_VALUE or "\0" in text or not text:
        raise BadValue(_("Say how “%(field)s” begins.") % {"field": field.label})
    if not field.prefix_only:
        return text
    is_phone = field.name.endswith("phone")
    folded = fold_phone(text) if is_phone else sort_key(text)
    if not folded or len(folded) > field.prefix_only:
        raise BadValue(
            _(
                "A list finds “%(field)s” by at most the first %(most)s letters or digits, so "
                "that no address holds a person. The search box finds whole names and numbers."
            )
            % {"field": field.label, "most": field.prefix_only}
        )
    return folded


def yes_or_no(field: Field, text: str) -> bool:
    """:raises BadValue: for anything but yes and no."""
    if text.lower() not in _YES | _NO:
        raise BadValue(_("“%(field)s” takes yes or no.") % {"field": field.label})
    return text.lower() in _YES


def _choice(field: Field, text: str) -> str:
    known = field.labels
    if text not in known:
        raise BadValue(
            _("“%(field)s” is never “%(value)s”; it is one of: %(known)s.")
            % {
                "field": field.label,
                "value": text[:40],
                "known": ", ".join(str(label) for label in known.values()),
            }
        )
    return text


def _shaped(field: Field, text: str, shape: re.Pattern[str], said: str) -> str:
    if not shape.fullmatch(text):
        raise BadValue(
            _("“%(field)s” takes %(shape)s; “%(value)s” is none.")
            % {"field": field.label, "shape": said, "value": text[:40]}
        )
    return text


def _day(field: Field, text: str, today: date) -> date:
    said = _("a day, as 2024-06-30, today or today-30d")
    try:
        if not text.startswith("today"):
            return date.fromisoformat(_shaped(field, text, _ISO, said))
        match = _DAY.fullmatch(text)
        if match is None:
            raise ValueError(text)
        sign, days = match.groups()
        return today + timedelta(days=int(f"{sign}{days}")) if sign else today
    except (ValueError, OverflowError) as error:
        raise BadValue(
            _("“%(field)s” takes %(shape)s; “%(value)s” is none.")
            % {"field": field.label, "shape": said, "value": text[:40]}
        ) from error
