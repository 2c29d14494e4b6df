"""Panels about the people who use the system: what they looked at, who they are."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone

from crm.pages.desk.panel import Answer
from crm.platform.access.models import Role, Staff
from crm.platform.access.requests import StaffRequest
from crm.platform.audit.models import AccessAction, AccessRecord

COUNTED = 10_000
"""What is more than this is said to be more: an exact count of a day's looks helps nobody."""
SHOWN = 10
STAFF_OF_UNIT = 200


def unit_today(request: StaffRequest, at: datetime) -> Answer:
    """Looks of today by each account of the unit and the units below it. Counts, no persons."""
    unit = request.user.org
    if unit is None:
        return None
    members = dict(
        Staff.objects.filter(org__path__startswith=unit.path, is_system=False)
        .order_by("pk")
        .values_list("pk", "name")[:STAFF_OF_UNIT]
    )
    rows = (
        AccessRecord.objects.filter(staff__in=list(members), at__gte=midnight(at), at__lte=at)
        .values("staff")
        .annotate(
            views=Count("id", filter=Q(action=AccessAction.VIEW)),
            searches=Count("id", filter=Q(action=AccessAction.SEARCH)),
            unmasked=Count("id", filter=Q(action=AccessAction.UNMASK)),
            denied=Count("id", filter=Q(action=AccessAction.DENIED)),
        )
        .order_by("-views", "staff")
    )
    return {
        "unit": unit,
        "members": len(members),
        "rows": [row | {"name": members[row["staff"]]} for row in rows],
    }


def access_today(request: StaffRequest, at: datetime) -> dict[str, Any]:
    """How often each act was done today within the auditor's reach, up to ten thousand."""
    today = AccessRecord.objects.visible_to(request.user).filter(at__gte=midnight(at), at__lte=at)
    tiles = []
    for action in AccessAction:
        count = today.filter(action=action).order_by()[: COUNTED + 1].count()
        tiles.append({"action": action, "count": min(count, COUNTED), "is_more": count > COUNTED})
    return {"tiles": tiles, "since": midnight(at)}


def busiest_today(request: StaffRequest, at: datetime) -> dict[str, Any]:
    """Who looked at most different customers today, of the latest ten thousand looks."""
    latest = (
        AccessRecord.objects.visible_to(request.user)
        .filter(at__gte=midnight(at), at__lte=at, customer_id__isnull=False)
        .order_by("-at", "-id")
        .values_list("staff_id", "customer_id", "action")[:COUNTED]
    )
    seen: dict[int | None, set[int | None]] = {}
    unmasked: dict[int | None, int] = {}
    for staff_id, customer_id, action in latest:
        seen.setdefault(staff_id, set()).add(customer_id)
        unmasked[staff_id] = unmasked.get(staff_id, 0) + (action == AccessAction.UNMASK)
    busiest = sorted(seen, key=lambda pk: (-len(seen[pk]), pk or 0))[:SHOWN]
    staff = Staff.objects.select_related("org").in_bulk([pk for pk in busiest if pk])
    return {
        "rows": [
            {"staff": staff.get(pk), "customers": len(seen[pk]), "unmasked": unmasked[pk]}
            for pk in busiest
        ]
    }


def roles(_request: StaffRequest, _at: datetime) -> dict[str, Any]:
    """Each role, how far it sees, and how many people hold it."""
    people = Count("group__user", filter=Q(group__user__is_active=True))
    demo = Staff.objects.filter(is_demo=True, is_active=True).exists()
    return {
        "roles": Role.objects.annotate(people=people).order_by("pk"),
        "has_demo_staff": demo,
        "is_embedded": settings.EMBEDDED,
    }


def staff(_request: StaffRequest, _at: datetime) -> dict[str, Any]:
    """The newest accounts, with their organisation and whether they may log in."""
    newest = Staff.objects.select_related("org").prefetch_related("groups__role")
    return {"staff": newest.order_by("-created_at", "-pk")[:SHOWN]}


def midnight(at: datetime) -> datetime:
    """The beginning of the operator's day."""
    return timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
