"""What is kept by the month, asked so that few partitions are opened."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

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


_NEWEST = Prepared(
    lambda: Interaction.objects.filter(
        customer_id=Slot("customer"), started_at__gte=Slot("since"), started_at__lte=Slot("end")
    ).order_by("-started_at", "-id")[:1]
)


def last_contact_of(*, customer: Customer, at: datetime) -> Contact | None:
    """Return the newest contact of the thirteen months before `at`."""
    since = datetime.combine(recent_months(at.date())[0], datetime.min.time(), UTC)
    row = _NEWEST.first(customer=customer.pk, since=since, end=at)
    return _contact(row) if row else None


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
