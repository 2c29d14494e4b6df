"""Customers in lists, each with what tells it from the next."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from crm.platform.access.models import Staff
from crm.platform.prepared import PreparedForReach, Slot, Slots
from customers.models import ChurnScore, Customer, Interaction, Subscriber, SubscriberStatus

RECENT = timedelta(days=400)
SCORES = timedelta(days=62)


def _with_facts(staff: Staff) -> QuerySet[Any]:
    last_contact = (
        Interaction.objects.filter(
            customer_id=OuterRef("pk"), started_at__gte=Slot("since"), started_at__lte=Slot("at")
        )
        .order_by("-started_at")
        .values("started_at")[:1]
    )
    return (
        Customer.objects.visible_to(staff)
        .filter(pk__in=Slots("pks"))
        .select_related("party", "home_org")
        .annotate(lines=_live_lines(), last_contact_at=Subquery(last_contact))
    )


_WITH_FACTS = PreparedForReach(_with_facts)


def customers_with_facts(*, staff: Staff, pks: list[int], at: datetime) -> dict[int, Customer]:
    """
    Return those of the customers whom the account may see, each with what tells it from another.

    That is its party and home organisation, `lines` (not terminated), and `last_contact_at`
    of the last 400 days. By primary key.
    """
    rows = _WITH_FACTS[staff].rows(pks=pks, since=at - RECENT, at=at) if pks else []
    return {customer.pk: customer for customer in rows}


def assigned_customers(*, staff: Staff, today: date) -> QuerySet[Any]:
    """
    Return the customers assigned to the account and still in its reach.

    Each has its party, `lines`, `contract_ends_on` (the next end of a live line's contract)
    and `churn_decile` (the worst of the newest score of its lines, in the last two months).
    """
    live = Subscriber.objects.filter(customer=OuterRef("pk")).exclude(
        status=SubscriberStatus.TERMINATED
    )
    next_end = live.filter(contract_ends_on__gte=today).order_by("contract_ends_on")
    scores = ChurnScore.objects.filter(
        customer_id=OuterRef("pk"), as_of__gte=today - SCORES, as_of__lte=today
    ).order_by("-as_of", "decile")
    return (
        Customer.objects.visible_to(staff)
        .filter(manager=staff)
        .select_related("party", "home_org")
        .annotate(
            lines=_live_lines(),
            contract_ends_on=Subquery(next_end.values("contract_ends_on")[:1]),
            churn_decile=Subquery(scores.values("decile")[:1]),
        )
    )


def _live_lines() -> Coalesce:
    """How many lines of the customer are not terminated."""
    lines = (
        Subscriber.objects.filter(customer=OuterRef("pk"))
        .exclude(status=SubscriberStatus.TERMINATED)
        .order_by()
        .values("customer")
        .annotate(n=Count("pk"))
        .values("n")
    )
    return Coalesce(Subquery(lines), 0)
