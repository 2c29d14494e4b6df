"""What a customer allows and wishes, now and at any moment before."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from customers.models import (
    CHANNELLED,
    EVERY_CHANNEL,
    Consent,
    ConsentPurpose,
    ConsentState,
    ContactChannel,
    ContactPreference,
    Customer,
)

GIVEN, WITHDRAWN, EXPIRED, NEVER = "GIVEN", "WITHDRAWN", "EXPIRED", "NEVER"
STATE_NAMES: dict[str, str | Promise] = {
    GIVEN: ConsentState.GIVEN.label,
    WITHDRAWN: ConsentState.WITHDRAWN.label,
    EXPIRED: _("Ended"),
    NEVER: _("Never given"),
}


@dataclass(frozen=True)
class Holding:
    """What holds for one purpose in one channel ("" for a purpose without), and since when."""

    purpose: ConsentPurpose
    channel: str
    state: str
    decision: Consent | None

    @property
    def is_given(self) -> bool:
        return self.state == GIVEN

    @property
    def state_name(self) -> str | Promise:
        return STATE_NAMES[self.state]


def holdings_of(*, customer: Customer, at: datetime) -> list[Holding]:
    """
    Return what holds at a moment, for every purpose and channel in their order: one query.

    A past moment shows what could be known then: decisions recorded later do not count.
    """
    last = {
        (row.purpose, row.channel): row
        for row in Consent.objects.filter(party=customer.party_id, recorded_at__lte=at)
        .order_by("purpose", "channel", "-decided_at", "-id")
        .distinct("purpose", "channel")
    }
    return [
        _holding(purpose, channel, last, at)
        for purpose in ConsentPurpose
        for channel in (ContactChannel.values if purpose in CHANNELLED else [EVERY_CHANNEL])
    ]


def _holding(
    purpose: ConsentPurpose, channel: str, last: dict[tuple[str, str], Consent], at: datetime
) -> Holding:
    rows = [last.get((purpose, channel)), last.get((purpose, EVERY_CHANNEL))]
    decision = max(filter(None, rows), key=lambda row: (row.decided_at, row.pk), default=None)
    if decision is None:
        return Holding(purpose, channel, NEVER, None)
    ended = decision.expires_at is not None and decision.expires_at <= at
    return Holding(purpose, channel, EXPIRED if ended else decision.state, decision)


def consent_history(*, customer: Customer) -> QuerySet[Consent]:
    """Return every decision as it was recorded; page by "-id"."""
    return Consent.objects.filter(party=customer.party_id).select_related("staff").order_by("-id")


def preferences_of(*, customer: Customer, at: datetime) -> ContactPreference | None:
    """Return what the customer wished for at a moment, None if nothing ever."""
    rows = ContactPreference.objects.filter(party=customer.party_id, set_at__lte=at)
    return rows.select_related("staff").order_by("-id").first()
