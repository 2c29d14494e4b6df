"""Two records side by side, masked, and what a merge of them would do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.platform.access.masking import FieldClass, mask
from crm.platform.access.models import Staff
from crm.platform.errors import Refusal
from customers.merging.fields import FIELDS, MergeField, suggested
from customers.merging.merge import refusals
from customers.merging.rows import count_rows
from customers.models import (
    ContactMedium,
    Customer,
    DuplicateCandidate,
    PartyIdentification,
    PartyKind,
)
from customers.selectors.unmasking import value_of

_SHOWN = 8
ROW_NAMES: dict[str, str | Promise] = {
    "customers.Subscriber": _("Lines"),
    "customers.BillingAccount": _("Accounts"),
    "customers.PartyIdentification": _("Documents"),
    "customers.ContactMedium": _("Ways to reach them"),
    "customers.Interaction": _("Contacts"),
    "customers.Bill": _("Bills"),
    "customers.Payment": _("Payments"),
    "customers.MonthlyUsage": _("Months of usage"),
    "customers.ChurnScore": _("Churn scores"),
    "customers.CustomerTag": _("Tags"),
    "customers.Note": _("Notes"),
    "customers.PartyCorrection": _("Corrections"),
}


@dataclass(frozen=True)
class Choice:
    """One field of both records, masked; `take` is the side that is suggested."""

    field: MergeField
    left: str
    right: str
    differs: bool
    take: str


@dataclass(frozen=True)
class Side:
    """One of the two customers: what is theirs, masked, and how many rows of each kind."""

    name: str
    customer: Customer
    documents: list[PartyIdentification]
    media: list[tuple[str | Promise, str]]
    rows: dict[str, int]

    @property
    def is_verified(self) -> bool:
        return any(document.verified_at for document in self.documents)


@dataclass(frozen=True)
class Comparison:
    """`survivor` is the side that is suggested to stay: the verified one, else the older."""

    left: Side
    right: Side
    choices: list[Choice]
    rows: list[tuple[str | Promise, int, int]]
    refusals: Sequence[Refusal]
    survivor: str

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.left, self.right


def compare(*, left: Customer, right: Customer) -> Comparison:
    """Put two customers side by side; load them with `party`, `home_org` and `manager`."""
    one, other = _side("left", left), _side("right", right)
    survivor = "right" if other.is_verified and not one.is_verified else "left"
    models = [model for model in ROW_NAMES if one.rows.get(model) or other.rows.get(model)]
    return Comparison(
        left=one,
        right=other,
        choices=[_choice(f, left, right, survivor) for f in FIELDS if f.applies_to(left)],
        rows=[(ROW_NAMES[m], one.rows.get(m, 0), other.rows.get(m, 0)) for m in models],
        refusals=refusals(survivor=left, absorbed=right),
        survivor=survivor,
    )


def candidate_for(*, staff: Staff, pk: int) -> DuplicateCandidate:
    """
    Return a pair with both customers.

    :raises DuplicateCandidate.DoesNotExist: if there is none, or one of them is out of reach.
    """
    return (
        DuplicateCandidate.objects.visible_to(staff)
        .select_related(*(f"{side}__{one}" for side in ("left", "right") for one in _WITH))
        .get(pk=pk)
    )


_WITH = ("party", "home_org", "manager", "merged_into")


def _side(name: str, customer: Customer) -> Side:
    documents = PartyIdentification.objects.filter(party=customer.party_id).order_by("pk")
    media = ContactMedium.objects.filter(party=customer.party_id, ends_at=None).order_by("pk")
    return Side(
        name=name,
        customer=customer,
        documents=list(documents[:_SHOWN]),
        media=[
            (
                medium.get_kind_display(),
                value_of(medium_id=medium.pk, kind=medium.kind, value=medium.value).masked,
            )
            for medium in media[:_SHOWN]
        ],
        rows=count_rows(customer),
    )


def _choice(field: MergeField, left: Customer, right: Customer, survivor: str) -> Choice:
    stays, goes = (left, right) if survivor == "left" else (right, left)
    other = "right" if survivor == "left" else "left"
    return Choice(
        field=field,
        left=_shown(field, left),
        right=_shown(field, right),
        differs=field.value(left) != field.value(right),
        take=other if suggested(field, survivor=stays, absorbed=goes) else survivor,
    )


def _shown(field: MergeField, customer: Customer) -> str:
    value: Any = field.value(customer)
    if value in (None, "", {}):
        return ""
    if field.name == "name" and customer.party.kind == PartyKind.ORGANISATION:
        return str(value)
    if field.field_class:
        return mask(value, field.field_class)
    if field.name == "characteristics":
        return ", ".join(sorted(value))
    if field.name == "home_org":
        return customer.home_org.name
    if field.name == "manager":
        return customer.manager.name if customer.manager else ""
    display = getattr(field.row(customer), f"get_{field.columns[0]}_display", None)
    return str(display() if display else value)


def classes_compared(comparison: Comparison) -> set[FieldClass]:
    """Return the classes of personal data that a comparison shows, for the access record."""
    found = {FieldClass(c.field.field_class) for c in comparison.choices if c.field.field_class}
    if comparison.left.documents or comparison.right.documents:
        found.add(FieldClass.ID_NUMBER)
    if comparison.left.media or comparison.right.media:
        found |= {FieldClass.PHONE, FieldClass.ADDRESS}
    return found
