"""Panels about customers: those just seen, those assigned, those whose contract ends."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from crm.platform.access.requests import StaffRequest
from crm.platform.audit.models import AccessAction, AccessRecord
from customers.models import Customer
from customers.selectors import assigned_customers, customers_with_facts

RECENT_DAYS = 7
RECENT_LOOKS = 200
RECENT_SHOWN = 10
SOON = timedelta(days=60)
ASSIGNED_A_PAGE = 20


def nothing(_request: StaffRequest, _at: datetime) -> dict[str, Any]:
    """The search box needs no answer."""
    return {}


def recent(request: StaffRequest, at: datetime) -> dict[str, Any]:
    """The customers this account opened last, newest first, as far as still in reach."""
    looks = (
        AccessRecord.objects.filter(
            staff=request.user, at__gte=at - timedelta(days=RECENT_DAYS), at__lte=at
        )
        .filter(action=AccessAction.VIEW, customer_id__isnull=False)
        .order_by("-at", "-id")
        .values_list("customer_id", "at")[:RECENT_LOOKS]
    )
    looked_at: dict[int, datetime] = {}
    for customer_id, when in looks:
        looked_at.setdefault(customer_id or 0, when)
    newest = list(looked_at)[:RECENT_SHOWN]
    customers = customers_with_facts(staff=request.user, pks=newest, at=at)
    return {
        "rows": [
            {"customer": customers[pk], "at": looked_at[pk]} for pk in looked_at if pk in customers
        ]
    }


def ending(request: StaffRequest, at: datetime) -> dict[str, Any]:
    """The assigned customers whose next contract end comes within sixty days."""
    today = timezone.localdate(at)
    rows = assigned_customers(staff=request.user, today=today).filter(
        contract_ends_on__lte=today + SOON
    )
    return {"customers": rows.order_by("contract_ends_on", "pk")[:10], "today": today}


def assigned(request: StaffRequest, at: datetime) -> dict[str, Any]:
    """A page of the assigned customers by name, after `?after=<number>`."""
    today = timezone.localdate(at)
    rows = assigned_customers(staff=request.user, today=today).order_by("party__sort_key", "pk")
    after = _customer(request, request.GET.get("after", ""))
    if after:
        key = after.party.sort_key
        rows = rows.filter(party__sort_key__gte=key).exclude(party__sort_key=key, pk__lte=after.pk)
    page = list(rows[: ASSIGNED_A_PAGE + 1])
    return {
        "customers": page[:ASSIGNED_A_PAGE],
        "next": page[ASSIGNED_A_PAGE - 1].number if len(page) > ASSIGNED_A_PAGE else "",
        "is_first": after is None,
        "today": today,
    }


def _customer(request: StaffRequest, number: str) -> Customer | None:
    visible = Customer.objects.visible_to(request.user).select_related("party")
    return visible.filter(number=number).first() if number else None
