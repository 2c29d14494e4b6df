"""
How personal data looks to those who need not see it whole. Always applied on the server.

The shapes follow the operators' custom (模糊化): 张*明, 138****8000, 320102********1234.
"""

import re
from collections.abc import Callable
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class FieldClass(StrEnum):
    PERSON_NAME = "person_name"
    ORG_NAME = "org_name"
    ID_NUMBER = "id_number"
    PHONE = "phone"
    ADDRESS = "address"
    EMAIL = "email"
    BANK_CARD = "bank_card"
    SIM = "sim"
    BIRTH_DATE = "birth_date"


FIELD_NAMES: dict[str, str | Promise] = {
    FieldClass.PERSON_NAME: _("name of a person"),
    FieldClass.ORG_NAME: _("name of an organisation"),
    FieldClass.ID_NUMBER: _("number of an identity document"),
    FieldClass.PHONE: _("phone number"),
    FieldClass.ADDRESS: _("address"),
    FieldClass.EMAIL: _("e-mail address"),
    FieldClass.BANK_CARD: _("bank card"),
    FieldClass.SIM: _("SIM card"),
    FieldClass.BIRTH_DATE: _("birth date"),
}


def _name(value: str) -> str:
    if " " in value.strip():
        return " ".join(part[:1] + "*" * min(len(part) - 1, 3) for part in value.split())
    if len(value) < 3:
        return value[:1] + "*"
    return value[0] + "*" * (len(value) - 2) + value[-1]


def _id_number(value: str) -> str:
    if len(value) <= 8:
        return "*" * len(value)
    head = 6 if len(value) >= 15 else 2
    return value[:head] + "*" * (len(value) - head - 4) + value[-4:]


def _phone(value: str) -> str:
    digits = value.removeprefix("+86")
    if len(digits) >= 11 and digits.isdigit() and digits.startswith("1"):
        return f"{digits[:3]}****{digits[-4:]}"
    if len(digits) <= 4:
        return "*" * len(digits)
    area, _, rest = digits.rpartition("-")
    return f"{area}-****{rest[-3:]}" if area else "*" * (len(digits) - 3) + digits[-3:]


def _address(value: str) -> str:
    for mark in ("路", "街", "道", "区", "县"):
        if (at := value.rfind(mark)) > 0:
            return value[: at + 1] + "***"
    return value[: max(1, len(value) // 3)] + "***"


def _email(value: str) -> str:
    name, at, domain = value.partition("@")
    return f"{name[:1]}***{at}{domain}" if at else "***"


def _tail(value: str) -> str:
    return value[-4:] if len(value) > 8 else ""


_MASKS: dict[FieldClass, Callable[[str], str]] = {
    FieldClass.PERSON_NAME: _name,
    FieldClass.ORG_NAME: lambda value: value,
    FieldClass.ID_NUMBER: _id_number,
    FieldClass.PHONE: _phone,
    FieldClass.ADDRESS: _address,
    FieldClass.EMAIL: _email,
    FieldClass.BANK_CARD: lambda value: "**** " + _tail(value),
    FieldClass.SIM: lambda value: "*" * max(4, len(value) - 4) + _tail(value),
    FieldClass.BIRTH_DATE: lambda value: value[:4],
}


def mask(value: object, field_class: FieldClass | str) -> str:
    """Return the value as it may be shown by default; nothing stays nothing."""
    text = "" if value is None else str(value)
    return _MASKS[FieldClass(field_class)](text) if text else ""


_NUMBERS_IN_TEXT = (
    (re.compile(r"(?<![0-9])[0-9]{17}[0-9Xx](?![0-9])"), FieldClass.ID_NUMBER),
    (re.compile(r"(?<![0-9])1[0-9]{10}(?![0-9])"), FieldClass.PHONE),
)


def mask_in_text(text: str) -> str:
    """Return what people wrote, with the mobile and identity numbers in it masked."""
    for pattern, field_class in _NUMBERS_IN_TEXT:
        text = pattern.sub(lambda found, kind=field_class: mask(found[0], kind), text)  # type: ignore[misc]
    return text
