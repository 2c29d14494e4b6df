"""Changing all customers that match: choose, see whom it would be, start, watch, undo."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.platform.access.masking import FieldClass
from crm.platform.access.models import Staff
from crm.platform.access.requests import StaffRequest
from crm.platform.audit.models import AccessAction
from crm.platform.audit.services import record_access
from crm.platform.errors import DomainError
from crm.platform.jobs.models import Job
from customers.filters import names_of_units, sentence
from customers.lists.budget import OverBudget
from customers.lists.cells import is_number
from customers.lists.reading import COUNT_TO, ListPage, count_of_list, page_of_list
from customers.lists.wanted import Wanted, from_bulk
from customers.models import BulkChange, BulkOutcome, Customer, CustomerCategory, ListKind, Tag
from customers.services import bulk as bulk_changes
from customers.views.lists import chips_of, may_list, table_rows, url_of
from customers.views.saved_views import wanted_or_400

SAMPLE, MOST_SHOWN = 10, 200


@never_cache
@login_required
@may_list
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    """
    Ask what to do to all that match; show how many and some of them; start on `confirm`.
    """
    actions = bulk_changes.actions_of(request.user)
    if not actions:
        raise PermissionDenied
    wanted = wanted_or_400(ListKind.CUSTOMERS, request)
    given = {name: request.POST.get(name, "") for name in ("action", "value", "reason")}
    if given["action"]:
        given["value"] = request.POST.get(f"value-{given['action']}", given["value"])
    context: dict[str, Any] = {"given": given, "actions": actions, "step": "choose"}
    try:
        if "confirm" in request.POST:
            bulk = bulk_changes.start_bulk(
                wanted=wanted, actor=request.user, at=timezone.now(), **given
            )
            return redirect("customers:bulk", bulk_id=bulk.pk)
        if request.method == "POST":
            bulk_changes.check_bulk(
                action=given["action"], value=given["value"], actor=request.user
            )
            context |= {"step": "confirm", "said": _said(given["action"], given["value"])}
    except DomainError as error:
        context["refusal"] = error
    context |= _matching(request, wanted) | _choices()
    status = 409 if "refusal" in context else 200
    return render(request, "customers/lists/bulk_new.html", context, status=status)


@never_cache
@login_required
@may_list
@require_safe
def bulk(request: StaffRequest, bulk_id: UUID) -> HttpResponse:
    """Show what a bulk change did: how many of each outcome, and whom it could not change."""
    found = _visible(request, bulk_id)
    jobs = list(Job.objects.filter(pk__in=_job_ids(found)).order_by("-id"))
    outcomes = bulk_changes.outcomes_of(found)
    left = _left_behind(request, found)
    wanted = from_bulk(found)
    units = names_of_units(list(wanted.conditions), wanted.fields)
    runs = any(not job.is_finished for job in jobs)
    context = {
        "bulk": found,
        "said": _said(found.action, found.value),
        "sentences": [sentence(one, wanted.fields, units=units) for one in wanted.conditions],
        "outcomes": [
            (label, outcomes.get(value.lower(), 0)) for value, label in BulkOutcome.choices
        ],
        "job": next(iter(jobs), None),
        "runs": runs,
        "can_undo": not runs and bool(outcomes.get("changed")),
        "left": left,
        "most": MOST_SHOWN,
        "url": url_of(ListKind.CUSTOMERS),
    }
    return render(request, "customers/lists/bulk.html", context)


@login_required
@may_list
@require_POST
def undo(request: StaffRequest, bulk_id: UUID) -> HttpResponse:
    found = _visible(request, bulk_id)
    try:
        bulk_changes.start_undo(bulk_id=found.pk, actor=request.user, at=timezone.now())
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("customers:bulk", bulk_id=found.pk)


def _matching(request: StaffRequest, wanted: Wanted) -> dict[str, Any]:
    """How many match, and the first of them, which is a look like any other."""
    staff, today = request.user, timezone.localdate()
    try:
        page = page_of_list(staff=staff, wanted=wanted, cursor=None, limit=SAMPLE, today=today)
    except OverBudget:
        page = ListPage([], None, None)
    record_access(
        request=request,
        actor=staff,
        action=AccessAction.VIEW,
        object_type="customers.list.bulk",
        object_id="+".join(condition.key for condition in wanted.conditions),
        field_classes=[FieldClass.PERSON_NAME] if page.rows else [],
        row_count=len(page.rows),
        at=timezone.now(),
    )
    return {
        "wanted": wanted,
        "url": url_of(wanted.kind),
        "chips": chips_of(wanted),
        "query": wanted.query(),
        "count": count_of_list(staff=staff, wanted=wanted, today=today),
        "most": COUNT_TO,
        "sample": table_rows(wanted, page),
        "numbers": {field.name for field in wanted.shown if is_number(field)},
    }


def _choices() -> dict[str, Any]:
    managers = Staff.objects.filter(groups__role__code="accountmanager", is_active=True)
    return {
        "managers": managers.order_by("staff_code").distinct()[:500],
        "categories": CustomerCategory.choices,
        "tags": Tag.objects.all()[:500],
    }


def _said(action: str, value: str) -> str:
    """What would be done, in words."""
    label = bulk_changes.BulkAction(action).label
    shown = dict(CustomerCategory.choices).get(value, value)
    return f"{label}: {shown or '–'}"


def _left_behind(request: StaffRequest, found: BulkChange) -> list[dict[str, Any]]:
    """Return those it could not change, with the reason; a number only of whom one may see."""
    outcomes = [BulkOutcome.REFUSED, BulkOutcome.KEPT]
    items = list(
        found.items.filter(outcome__in=outcomes).order_by("outcome", "customer_id")[:MOST_SHOWN]
    )
    visible = Customer.objects.visible_to(request.user)
    numbers = dict(
        visible.filter(pk__in=[i.customer_id for i in items]).values_list("pk", "number")
    )
    return [
        {
            "number": numbers.get(item.customer_id, ""),
            "outcome": item.get_outcome_display(),
            "reason": item.reason,
        }
        for item in items
    ]


def _job_ids(found: BulkChange) -> list[UUID]:
    return [pk for pk in (found.job_id, found.undo_job_id) if pk]


def _visible(request: StaffRequest, bulk_id: UUID) -> BulkChange:
    return get_object_or_404(BulkChange.objects.visible_to(request.user), pk=bulk_id)
