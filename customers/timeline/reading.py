"""Pages of a timeline: the sources asked one after the other and merged."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.platform.access.models import Staff
from crm.platform.prepared import Prepared, Slot
from customers.models import Customer, Interaction, Note
from customers.selectors.history import recent_months
from customers.timeline import sources
from customers.timeline.entry import Entry, Mark, Window, midnight

ENTRIES = 20


class Show(models.TextChoices):
    """The chips above a timeline."""

    ALL = "all", _("All")
    CONTACTS = "contacts", _("Contacts")
    COMPLAINTS = "complaints", _("Complaints")
    MONEY = "money", _("Money")
    STATUS = "status", _("Status")
    NOTES = "notes", _("Notes")


_MONEY = (sources.payments, sources.overdue_bills)
_STATUS = (
    sources.states,
    sources.stops,
    sources.stops_cleared,
    sources.scores,
    sources.consents,
    sources.preferences,
)
_SHOWN: dict[Show, tuple[sources.Source, ...]] = {
    Show.ALL: (sources.contacts, sources.notes, *_MONEY, *_STATUS),
    Show.CONTACTS: (sources.contacts,),
    Show.COMPLAINTS: (sources.complaints,),
    Show.MONEY: _MONEY,
    Show.STATUS: _STATUS,
    Show.NOTES: (sources.notes,),
}
_NEEDS: dict[sources.Source, str] = {
    sources.notes: "customers.view_note",
    sources.payments: "customers.view_bill",
    sources.overdue_bills: "customers.view_bill",
    sources.consents: "customers.view_consent",
    sources.preferences: "customers.view_contactpreference",
}


@dataclass(frozen=True)
class TimelinePage:
    """
    Entries, newest first, all after `since`; `older` is where to go on. There may be an older
    page although this one is not full: what is kept by the month is looked through thirteen
    months at a time.
    """

    entries: list[Entry]
    since: datetime
    older: Mark | None
    names: dict[int, str]


def timeline_of(
    *,
    customer: Customer,
    staff: Staff,
    show: Show = Show.ALL,
    before: Mark | None = None,
    at: datetime,
    most: int = ENTRIES,
) -> TimelinePage:
    """
    Return a page of what happened to a customer, as far as the account may know of it.

    One question for each source and one for names, however much there is.
    """
    end = before.at if before else at
    since = midnight(recent_months(timezone.localdate(end))[0])
    window = Window(at, since, end, before, most + 1)
    found: list[Entry] = []
    for source in _SHOWN[show]:
        if source not in _NEEDS or staff.has_perm(_NEEDS[source]):
            found += source(customer, window)
    found.sort(key=lambda entry: entry.mark, reverse=True)
    entries = found[:most]
    older = entries[-1].mark if len(found) > most else None
    if older is None and timezone.localdate(since) > customer.opened_on:
        older = Mark(since)
    return TimelinePage(entries, since, older, _names(entries))


def _names(entries: list[Entry]) -> dict[int, str]:
    ids = {entry.staff_id for entry in entries if entry.staff_id}
    return dict(Staff.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}


_NEWEST_CONTACT = Prepared(
    lambda: Interaction.objects.filter(
        customer_id=Slot("customer"), started_at__gte=Slot("since")
    ).order_by("-started_at", "-id")[:1]
)


def newest_mark(customer_id: int, *, at: datetime) -> str:
    """Return what changes whenever somebody contacts the customer or writes a note about them."""
    since = midnight(recent_months(timezone.localdate(at))[0])
    contact: Any = _NEWEST_CONTACT.first(customer=customer_id, since=since)
    note = Note.objects.filter(customer=customer_id).order_by("-written_at", "-id").first()
    told = [contact.id, contact.state, contact.purpose, contact.result] if contact else []
    return "/".join(map(str, [*told, *([note.pk, note.edited_at] if note else [])]))
