"""The lines of a customer, each with why it is stopped."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, Min, OuterRef, Q, QuerySet, Window
from django.db.models.functions import JSONObject

from crm.platform.prepared import Prepared, Slot
from customers.models import Customer, ServiceStop, StopReason, Subscriber, SubscriberStatus
from customers.selectors.unmasking import HiddenField, number_of

LINES = 10


@dataclass(frozen=True)
class Stop:
    reason: StopReason
    raised_at: datetime


@dataclass(frozen=True)
class Line:
    """A subscriber with the reasons why it is stopped, oldest first."""

    subscriber: Subscriber
    stops: list[Stop]
    field: HiddenField


def _subscribers() -> QuerySet[Any]:
    """Live lines first, newest first."""
    live = ~Q(status=SubscriberStatus.TERMINATED)
    return (
        Subscriber.objects.filter(customer=Slot("customer"))
        .annotate(
            stops_json=_stops(),
            all_lines=Window(Count("pk")),
            live_lines=Window(Count("pk", filter=live)),
            stopped_lines=Window(Count("pk", filter=Q(status=SubscriberStatus.SUSPENDED))),
            first_contract_end=Window(
                Min("contract_ends_on", filter=live & Q(contract_ends_on__gte=Slot("today")))
            ),
        )
        .order_by(F("ended_on").desc(nulls_first=True), "-opened_on", "-pk")
    )[:LINES]


_SUBSCRIBERS = Prepared(_subscribers)


def lines_of(*, customer: Customer, today: date) -> list[Line]:
    """
    Return a screenful of lines: live ones first, newest first.

    Each subscriber carries the counts of all lines of the customer (`all_lines`, `live_lines`,
    `stopped_lines`) and `first_contract_end`, the next end of a live line's contract.
    """
    return [_line(row) for row in _SUBSCRIBERS.rows(customer=customer.pk, today=today)]


def lines_before(*, customer: Customer, before: int | None, most: int) -> list[Line]:
    """Return lines, newest record first, whose primary key is below `before`."""
    subscribers = Subscriber.objects.filter(customer=customer).annotate(stops_json=_stops())
    if before is not None:
        subscribers = subscribers.filter(pk__lt=before)
    return [_line(subscriber) for subscriber in subscribers.order_by("-pk")[:most]]


def _stops() -> ArraySubquery:
    stops = ServiceStop.objects.filter(subscriber=OuterRef("pk"), cleared_at=None)
    return ArraySubquery(
        stops.order_by("raised_at").values(row=JSONObject(reason="reason", raised_at="raised_at"))
    )


def _line(subscriber: Any) -> Line:
    stops = [
        Stop(StopReason(row["reason"]), datetime.fromisoformat(row["raised_at"]))
        for row in subscriber.stops_json
    ]
    return Line(subscriber, stops, number_of(subscriber))
