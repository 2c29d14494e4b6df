"""Everything that happened to a customer, as a card and as a page of its own."""

from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from crm.pages.past import looking_back, moment_asked
from crm.pages.views.customer import record_look, visible_customer
from crm.platform.access.requests import StaffRequest
from customers.models import EDITABLE_FOR, Customer
from customers.timeline.entry import Mark
from customers.timeline.reading import Show, newest_mark, timeline_of


@never_cache
@login_required
@permission_required("customers.view_customer", raise_exception=True)
@require_safe
@vary_on_headers("HX-Request")
def timeline(request: StaffRequest, number: str) -> HttpResponse:
    """Show the timeline: the card, its rows (`?rows`, or older ones), or a page of its own."""
    found, past = visible_customer(request, number), moment_asked(request)
    before = _mark(request)
    with looking_back(past):
        context = timeline_context(request, found, past=past, before=before)
    record_look(request, found, [], part="timeline", rows=len(context["page"].entries))
    if not request.htmx:
        template = "timeline"
    else:
        template = "_timeline_rows" if before or "rows" in request.GET else "_timeline"
    return render(request, f"customers/{template}.html", context)


def timeline_context(
    request: StaffRequest,
    customer: Customer,
    *,
    past: datetime | None = None,
    before: Mark | None = None,
) -> dict[str, Any]:
    """Return what the timeline's templates need."""
    now = timezone.now()
    asked = request.GET.get("show", "")
    show = Show(asked) if asked in Show.values else Show.ALL
    page = timeline_of(
        customer=customer, staff=request.user, show=show, before=before, at=past or now
    )
    return {
        "customer": customer,
        "page": page,
        "show": show,
        "shows": Show.choices,
        "past": past,
        "before": before,
        "mark": "" if past else newest_mark(customer.pk, at=now),
        "editable_since": now - EDITABLE_FOR,
    }


def _mark(request: StaffRequest) -> Mark | None:
    """Read `?before=`; nonsense begins at the newest."""
    try:
        return Mark.parse(request.GET.get("before", ""))
    except ValueError:
        return None
