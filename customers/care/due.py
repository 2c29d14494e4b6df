"""Whose identity is to be verified again: the document ended, is about to, or never was seen."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.platform.access.models import Staff
from customers.models import Customer, CustomerStatus, PartyIdentification

SOON = timedelta(days=60)
"""A document that ends within so many days is due: the letter and the visit take time."""


@dataclass(frozen=True)
class DueList:
    """One work list: its code, name, and the order in which its rows are worked off."""

    code: str
    label: str | Promise
    ordering: tuple[str, ...]


LISTS = {
    one.code: one
    for one in (
        DueList("expired", _("Document expired"), ("valid_to", "id")),
        DueList("expiring", _("Expires within 60 days"), ("valid_to", "id")),
        DueList("never", _("Never verified"), ("id",)),
    )
}


def due_documents(*, staff: Staff, code: str, today: date) -> QuerySet[PartyIdentification]:
    """
    Return the documents that ended ("expired") or end soon ("expiring"), of customers within
    reach who have no other verified one that is valid for longer.
    """
    period = {
        "expired": Q(valid_to__lt=today),
        "expiring": Q(valid_to__gte=today, valid_to__lt=today + SOON),
    }[code]
    better = PartyIdentification.objects.filter(
        Q(valid_to=None) | Q(valid_to__gte=today + SOON),
        party=OuterRef("party"),
        verified_at__isnull=False,
    ).exclude(pk=OuterRef("pk"))
    within = _served(staff).values("party")
    found = PartyIdentification.objects.filter(period, ~Exists(better), party__in=within)
    return found.select_related("party__customer__home_org")


def never_verified(*, staff: Staff) -> QuerySet[Customer]:
    """Return the customers within reach of whom no document was ever verified."""
    verified = PartyIdentification.objects.filter(
        party=OuterRef("party"), verified_at__isnull=False
    )
    return _served(staff).filter(~Exists(verified)).select_related("party", "home_org")


def _served(staff: Staff) -> QuerySet[Customer]:
    """Prospects have nothing to verify yet, and the lost nothing left."""
    served = (CustomerStatus.ACTIVE, CustomerStatus.DORMANT)
    return Customer.objects.visible_to(staff).filter(status__in=served)
