"""What is kept by the month, asked so that few partitions are opened."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from django.db.models import Q, QuerySet

from crm.platform.prepared import Prepared, Slot
from crm.platform.records import first_of_month
from customers.models import (
    Channel,
    CharacteristicEntity,
    CharacteristicSpec,
    Customer,
    Direction,
    Interaction,
    Purpose,
)

MONTHS = 13
CONTACTS = 20


@dataclass(frozen=True)
class Cursor:
    """Where the next older page of contacts begins. Its text is fit for an address."""

    started_at: datetime
    id: UUID

    def __str__(self) -> str:
        return f"{self.started_at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}~{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """:raises ValueError: if no cursor was ever written so."""
        moment, _, identifier = text.partition("~")
        started_at = datetime.strptime(moment, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
        if started_at.year < 2000:
            raise ValueError("before any contact")
        return cls(started_at, UUID(identifier))


def recent_months(today: date) -> list[date]:
    """Return the first days of the last thirteen months, oldest first, this one included."""
    months = [first_of_month(today)]
    while len(months) < MONTHS:
        months.append(first_of_month(months[-1] - timedelta(days=1)))
    return months[::-1]


@dataclass(frozen=True)
class Contact:
    """One contact as a line of the timeline."""

    started_at: datetime
    channel: Channel
    direction: Direction
    purpose: Purpose
    topic: str
    result: str


def _contacts() -> QuerySet[Interaction]:
    return Interaction.objects.filter(
        customer_id=Slot("customer"), started_at__gte=Slot("since"), started_at__lte=Slot("end")
    ).order_by("-started_at", "-id")


_NEWEST = Prepared(lambda: _contacts()[: CONTACTS + 1])
# A question of its own: PostgreSQL plans its "or" for each partition.
_OLDER = Prepared(
    lambda: _contacts().filter(
        Q(started_at__lt=Slot("end")) | Q(started_at=Slot("end"), id__lt=Slot("before"))
    )[: CONTACTS + 1]
)


def contacts_before(
    *, customer: Customer, before: Cursor | None, at: datetime
) -> tuple[list[Contact], Cursor | None]:
    """
    Return the newest contacts before the cursor (or `at`), and the cursor of the next page.

    Thirteen months before the cursor are looked through, never more at once.
    """
    end = before.started_at if before else at
    since = datetime.combine(recent_months(end.date())[0], datetime.min.time(), UTC)
    asked = {"customer": customer.pk, "since": since, "end": end}
    page = _OLDER.rows(**asked, before=before.id) if before else _NEWEST.rows(**asked)
    last = page[CONTACTS - 1] if len(page) > CONTACTS else None
    older = Cursor(last.started_at, last.id) if last else None
    return [_contact(row) for row in page[:CONTACTS]], older


def _contact(row: Interaction) -> Contact:
    return Contact(
        started_at=row.started_at,
        channel=Channel(row.channel),
        direction=Direction(row.direction),
        purpose=Purpose(row.purpose),
        topic=row.topic,
        result=row.result,
    )


def characteristics_of(*, customer: Customer) -> list[tuple[CharacteristicSpec, Any]]:
    """Return what else the operator's files say of the customer, declared columns only."""
    specs = CharacteristicSpec.objects.filter(
        entity=CharacteristicEntity.CUSTOMER, code__in=list(customer.characteristics)
    )
    return [(spec, customer.characteristics[spec.code]) for spec in specs]
