"""The rows behind a figure, a page at a time: they add up to it."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet

from analytics.metrics.definitions import ARPU, BASE, BUCKETS, CHURN_RATE, RISK
from analytics.metrics.reading import Choice, scored_days
from analytics.pseudonyms import pseudonym_of
from crm.platform.access.models import Staff
from crm.platform.records import next_month
from customers.models import Bill, ChurnScore, Customer, Subscriber, SubscriberStatus

PAGE = 50


@dataclass(frozen=True)
class Row:
    """
    One subscriber or bill behind a figure. `customer` only for those who may open it; others
    see `reference`, which is the same for the same row and tells nothing.
    """

    key: str
    reference: str
    customer: Customer | None
    city: str
    subscriber: Subscriber | None = None
    fen: int | None = None
    probability: float | None = None


@dataclass(frozen=True)
class Page:
    rows: list[Row]
    next_key: str


def rows_behind(
    *, code: str, month: date, bucket: int, choice: Choice, staff: Staff, after: str = ""
) -> Page:
    """
    Return a page of the rows behind one bar, from after the row of that key.

    `month` is the bar's month; the risk distribution has the latest day of each source.

    :raises KeyError: for a metric without rows.
    :raises ValueError: for a key that no page gave.
    """
    find = {BASE: _subscribers, CHURN_RATE: _subscribers, ARPU: _bills, RISK: _scores}[code]
    found = find(code, month, bucket, _customers_of(choice), after)[: PAGE + 1]
    rows = list(found)
    more = rows[PAGE:]
    shown = _with_people(rows[:PAGE], staff)
    return Page(shown, shown[-1].key if more else "")


def _customers_of(choice: Choice) -> Q:
    """A condition on `customer` for the chosen city and source."""
    condition = Q()
    if choice.city is not None:
        condition &= Q(home_org__path__startswith=choice.city.path)
    if choice.source is not None:
        condition &= Q(source=choice.source)
    return condition


def _subscribers(
    code: str, month: date, _bucket: int, chosen: Q, after: str
) -> QuerySet[Subscriber]:
    end = next_month(month)
    lines = Subscriber.objects.exclude(status=SubscriberStatus.PENDING)
    if code == CHURN_RATE:
        lines = lines.filter(ended_on__gte=month, ended_on__lt=end)
    else:
        lines = lines.filter(Q(ended_on=None) | Q(ended_on__gte=end), opened_on__lt=end)
    if chosen:
        lines = lines.filter(customer__in=Customer.objects.filter(chosen))
    return lines.filter(pk__gt=int(after or 0)).order_by("pk")


def _bills(_code: str, month: date, _bucket: int, chosen: Q, after: str) -> QuerySet[Bill]:
    bills = Bill.objects.filter(month=month)
    if chosen:
        bills = bills.filter(customer_id__in=Customer.objects.filter(chosen).values("pk"))
    if after:
        account, _colon, number = after.partition(":")
        bills = bills.filter(
            Q(account_id__gt=int(account)) | Q(account_id=int(account), number__gt=number)
        )
    return bills.order_by("account_id", "number")


def _scores(_code: str, _day: date, bucket: int, chosen: Q, after: str) -> QuerySet[ChurnScore]:
    low, high = bucket / BUCKETS, (bucket + 1) / BUCKETS
    counted = Q(pk__in=[])
    for source, day in scored_days():
        theirs = Customer.objects.filter(chosen, source=source).values("pk")
        counted |= Q(as_of=day, customer_id__in=theirs)
    scores = ChurnScore.objects.filter(counted, probability__gte=low)
    if bucket < BUCKETS - 1:
        scores = scores.filter(probability__lt=high)
    return scores.filter(subscriber_id__gt=int(after or 0)).order_by("subscriber_id")


def _with_people(found: list[Any], staff: Staff) -> list[Row]:
    """Put to each row its customer's city, its line, and the customer where they may be seen."""
    ids = {row.customer_id for row in found}
    customers = Customer.objects.select_related("party", "home_org__parent__parent").in_bulk(ids)
    visible: set[int] = set()
    if staff.has_perm("customers.view_customer"):
        seen = Customer.objects.visible_to(staff).filter(pk__in=ids)
        visible = set(seen.values_list("pk", flat=True))
    lines = _lines_of(found)
    return [_row(one, customers.get(one.customer_id), visible, lines) for one in found]


def _lines_of(found: list[Any]) -> dict[int, Subscriber]:
    if found and isinstance(found[0], ChurnScore):
        return Subscriber.objects.in_bulk([row.subscriber_id for row in found])
    return {row.pk: row for row in found if isinstance(row, Subscriber)}


def _row(
    one: Subscriber | Bill | ChurnScore,
    customer: Customer | None,
    visible: set[int],
    lines: dict[int, Subscriber],
) -> Row:
    shown = customer if customer is not None and customer.pk in visible else None
    city = _city_of(customer)
    if isinstance(one, Bill):
        key = f"{one.account_id}:{one.number}"
        return Row(key, pseudonym_of("bill", key), shown, city, fen=one.amount_fen)
    line_id = one.pk if isinstance(one, Subscriber) else one.subscriber_id
    row = Row(str(line_id), pseudonym_of("subscriber", line_id), shown, city, lines.get(line_id))
    return replace(row, probability=one.probability) if isinstance(one, ChurnScore) else row


def _city_of(customer: Customer | None) -> str:
    unit = customer.home_org if customer else None
    while unit is not None and unit.level != "CITY":
        unit = unit.parent
    return unit.name if unit else ""
