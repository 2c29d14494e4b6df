"""What changed in a customer's records between two moments, in words and masked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import DateTimeField, Model
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from crm.platform.access.masking import FieldClass, mask
from crm.platform.access.models import OrgUnit, Staff
from crm.platform.history.changes import Change, ChangeKind, changes_between
from crm.platform.history.kept import Kept, all_kept
from customers.field_names import COLUMN_NAMES, RECORD_NAMES
from customers.models import (
    PAY_METHOD_NAMES,
    PRODUCT_NAMES,
    BillingAccount,
    Customer,
    MediumKind,
    PartyKind,
    Subscriber,
)
from customers.selectors.unmasking import CLASS_OF_MEDIUM

MOST_CHANGES = 200
_OWNERS = {"id": "party", "party_id": "party", "customer_id": "customer", "subscriber_id": "lines"}
_CLASSES = {
    ("customers.Party", "legal_representative"): FieldClass.PERSON_NAME,
    ("customers.Party", "birth_date"): FieldClass.BIRTH_DATE,
    ("customers.Subscriber", "service_number"): FieldClass.PHONE,
}
_NAMES = {"product": PRODUCT_NAMES, "pay_method": PAY_METHOD_NAMES}


@dataclass(frozen=True)
class FieldChange:
    """One field, as text for the screen; "" stands for nothing."""

    name: str | Promise
    before: str
    now: str


@dataclass(frozen=True)
class ToldChange:
    """One change: of which record, when, by whom and through what."""

    at: datetime
    kind: ChangeKind
    record: str | Promise
    by: str
    via: str
    fields: list[FieldChange]

    @property
    def before_it(self) -> str:
        """The moment just before, as text for an address."""
        return (self.at.astimezone(UTC) - timedelta(microseconds=1)).isoformat()


def customer_changes(
    *, customer: Customer, after: datetime, until: datetime
) -> tuple[list[ToldChange], bool]:
    """Return the latest changes in the period, and whether there are more than are told."""
    owners = {
        "customer": [customer.pk],
        "party": [customer.party_id],
        "lines": _lines_ever(customer.pk),
    }
    found: list[Change] = []
    for kept in all_kept():
        if kept.model in RECORD_NAMES:
            column = _column(kept)
            owner = "customer" if kept.model == "customers.Customer" else _OWNERS[column]
            found += changes_between(
                kept,
                column=column,
                ids=owners[owner],
                after=after,
                until=until,
                most=MOST_CHANGES + 1,
            )
    found.sort(key=lambda change: change.at, reverse=True)
    words = _Words(found[:MOST_CHANGES])
    told = [one for change in found[:MOST_CHANGES] if (one := words.told(change)).fields]
    return told, len(found) > MOST_CHANGES


def _column(kept: Kept) -> str:
    known = [name for name in kept.found_by if name in _OWNERS]
    return known[0] if known and kept.model != "customers.Customer" else "id"


def _lines_ever(customer_id: int) -> list[int]:
    """Return the lines that are or were this customer's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM customers_subscriber WHERE customer_id = %s"
            " UNION SELECT id FROM customers_subscriber_history WHERE customer_id = %s",
            [customer_id, customer_id],
        )
        return [pk for (pk,) in cursor.fetchall()]


class _Words:
    """The names of what the changes point to, looked up once for all of them."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._staff = dict(
            Staff.objects.filter(
                pk__in={c.by for c in changes if c.by} | _ids(changes, "manager_id")
            ).values_list("pk", "name")
        )
        self._names: dict[str, dict[int, str]] = {
            "manager_id": self._staff,
            "home_org_id": _named(OrgUnit, _ids(changes, "home_org_id"), "name"),
            "account_id": _named(BillingAccount, _ids(changes, "account_id"), "number"),
            "customer_id": _named(Customer, _ids(changes, "customer_id"), "number"),
            "subscriber_id": _named(Subscriber, _ids(changes, "subscriber_id"), "number"),
        }

    def told(self, change: Change) -> ToldChange:
        fields = [
            field
            for column, (before, now) in change.fields.items()
            for field in self._fields(change, column, before, now)
        ]
        by = self._staff.get(change.by, "") if change.by else ""
        record = RECORD_NAMES[change.model]
        return ToldChange(change.at, change.kind, record, by, change.via, fields)

    def _fields(self, change: Change, column: str, before: Any, now: Any) -> Iterator[FieldChange]:
        if column == "characteristics":
            was, become = before or {}, now or {}
            for key in sorted(was.keys() | become.keys()):
                if was.get(key) != become.get(key):
                    yield FieldChange(key, _plain(was.get(key)), _plain(become.get(key)))
        elif column in COLUMN_NAMES:
            texts = [self._text(change, column, value) for value in (before, now)]
            if any(texts):
                yield FieldChange(COLUMN_NAMES[column], *texts)

    def _text(self, change: Change, column: str, value: Any) -> str:
        if value is None or value == "":
            return ""
        if column in self._names:
            return self._names[column].get(value, str(value))
        if (field_class := _class_of(change, column)) is not None:
            return mask(value, field_class)
        field = _field(change.model, column)
        if (name := _NAMES.get(column, dict(field.flatchoices)).get(value)) is not None:
            return str(name)
        if column.endswith("_fen"):
            return f"¥{int(value) / 100:,.2f}"
        if isinstance(field, DateTimeField):
            return f"{localtime(datetime.fromisoformat(value)):%Y-%m-%d %H:%M:%S}"
        return _plain(value)


def _class_of(change: Change, column: str) -> FieldClass | None:
    match change.model, column:
        case "customers.Party", "name":
            is_person = change.row["kind"] == PartyKind.INDIVIDUAL
            return FieldClass.PERSON_NAME if is_person else FieldClass.ORG_NAME
        case "customers.ContactMedium", "value":
            return CLASS_OF_MEDIUM[MediumKind(change.row["kind"])]
    return _CLASSES.get((change.model, column))


def _ids(changes: Sequence[Change], column: str) -> set[int]:
    return {value for change in changes for value in change.fields.get(column, ()) if value}


def _named(model: type[Model], ids: set[int], column: str) -> dict[int, str]:
    return dict(model._default_manager.filter(pk__in=ids).values_list("pk", column)) if ids else {}


def _field(model: str, column: str) -> Any:
    meta = apps.get_model(model)._meta
    return next(field for field in meta.concrete_fields if field.column == column)


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)
