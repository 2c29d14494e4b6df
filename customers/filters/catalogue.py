"""Which fields a list has: those of the product, and the operator's own characteristics."""

from collections.abc import Mapping

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from customers.filters.declared import DECLARED, TABLES
from customers.filters.fields import Field, Kind
from customers.models import CharacteristicEntity, CharacteristicSpec, CharacteristicType, ListKind

CHARACTERISTIC = "x."
"""What the name of a characteristic's field begins with, before its code."""
_ENTITY = {
    ListKind.CUSTOMERS: CharacteristicEntity.CUSTOMER,
    ListKind.SUBSCRIBERS: CharacteristicEntity.SUBSCRIBER,
    ListKind.ACCOUNTS: CharacteristicEntity.ACCOUNT,
}
_KINDS = {
    CharacteristicType.TEXT: Kind.TEXT,
    CharacteristicType.INTEGER: Kind.INTEGER,
    CharacteristicType.DECIMAL: Kind.DECIMAL,
    CharacteristicType.BOOLEAN: Kind.BOOLEAN,
    CharacteristicType.DATE: Kind.DATE,
}


def fields_of(kind: ListKind) -> Mapping[str, Field]:
    """Return every field of a list by name, the declared characteristics included. One query."""
    fields = {one.name: one for one in DECLARED[kind]}
    for spec in CharacteristicSpec.objects.filter(entity=_ENTITY[kind]):
        made = _characteristic(kind, spec)
        fields[made.name] = made
    return fields


def _characteristic(kind: ListKind, spec: CharacteristicSpec) -> Field:
    of = _KINDS[CharacteristicType(spec.value_type)]
    held = f'"{TABLES[kind]}"."characteristics"'
    sql = f"({held} ->> %s)"
    params: tuple[str, ...] = (spec.code,)
    if of in (Kind.INTEGER, Kind.DECIMAL):
        # A CASE, because PostgreSQL may cast before it has asked of what type the value is.
        sql = f"(CASE jsonb_typeof({held} -> %s) WHEN 'number' THEN {sql}::numeric END)"
        params *= 2
    elif of == Kind.BOOLEAN:
        sql = f"(CASE {sql} WHEN 'true' THEN true WHEN 'false' THEN false END)"
    elif of == Kind.DATE:
        sql = f'({sql} COLLATE "C")'  # "YYYY-MM-DD": the order of the texts is that of the days
    in_chinese = (get_language() or "").startswith("zh")
    return Field(
        name=f"{CHARACTERISTIC}{spec.code}",
        label=(spec.name_zh if in_chinese else "") or spec.name,
        kind=of,
        sql=sql,
        params=params,
        path=f"characteristics.{spec.code}",
        group=_("From the operator's files"),
        meaning=spec.meaning,
        days_are_texts=of == Kind.DATE,
    )
