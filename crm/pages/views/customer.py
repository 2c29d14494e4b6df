"""The customer page (360) and the parts of it that come on their own."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from analytics.selectors import churn_card
from crm.pages.past import looking_back, moment_asked
from crm.pages.strip import bill_chart, highlights, usage_charts
from crm.platform.access.masking import FieldClass
from crm.platform.access.requests import StaffRequest
from crm.platform.audit.models import AccessAction
from crm.platform.audit.services import record_access
from customers.models import Customer
from customers.selectors import (
    Overview,
    characteristics_of,
    customer_overview,
    lines_before,
    past_overview,
    survivor_number,
)

LINES_A_PAGE = 50
CARDS = 3


@never_cache
@login_required
@permission_required("customers.view_customer", raise_exception=True)
@require_safe
def customer(request: StaffRequest, number: str) -> HttpResponse:
    """Show everything about one customer; whoever may not see them finds nothing."""
    if (moment := moment_asked(request)) is not None:
        return _as_it_was(request, _known(request, number), moment)
    now, today = timezone.now(), timezone.localdate()
    try:
        overview = customer_overview(staff=request.user, number=number, at=now, today=today)
    except Customer.DoesNotExist as exc:
        if survivor := survivor_number(staff=request.user, number=number):
            return redirect("pages:customer", number=survivor)
        raise Http404 from exc
    context = _context(overview, today)
    record_look(request, overview.customer, _classes_in(overview), at=now)
    return render(request, "customers/customer.html", context)


def _as_it_was(request: StaffRequest, found: Customer, moment: datetime) -> HttpResponse:
    """Show the page as it was to whoever may see the customer now."""
    today = timezone.localdate(moment)
    try:
        with looking_back(moment):
            overview = past_overview(customer=found, at=moment, today=today)
            context = _context(overview, today) | {"past": moment}
            response = render(request, "customers/customer.html", context)
    except Customer.DoesNotExist:
        context = {"customer": found, "past": moment}
        return render(request, "customers/not_yet.html", context, status=404)
    record_look(request, found, _classes_in(overview), part="past")
    return response


def _context(overview: Overview, today: date) -> dict[str, Any]:
    cards = churn_card(overview.customer.pk, most=CARDS)
    return {
        "overview": overview,
        "customer": overview.customer,
        "highlights": highlights(overview, cards, today=today),
        "cards": cards,
        "bill_chart": bill_chart(overview),
        "usage_charts": usage_charts(overview),
        "today": today,
    }


@never_cache
@login_required
@permission_required("customers.view_customer", raise_exception=True)
@require_safe
def lines(request: StaffRequest, number: str) -> HttpResponse:
    """Show all lines of a customer who has more than the page holds, fifty at a time."""
    found, moment = visible_customer(request, number), moment_asked(request)
    with looking_back(moment):
        rows = lines_before(customer=found, before=_before(request), most=LINES_A_PAGE + 1)
    record_look(request, found, [FieldClass.PHONE], part="lines", rows=min(len(rows), LINES_A_PAGE))
    older = rows[LINES_A_PAGE - 1].subscriber.pk if len(rows) > LINES_A_PAGE else None
    context = {
        "customer": found,
        "lines": rows[:LINES_A_PAGE],
        "older": older,
        "past": moment,
    }
    return render(request, "customers/lines.html", context)


@never_cache
@login_required
@permission_required("customers.view_customer", raise_exception=True)
@require_safe
@vary_on_headers("HX-Request")
def about(request: StaffRequest, number: str) -> HttpResponse:
    """Show what else the operator's files say: a card, or a page without JavaScript."""
    found = visible_customer(request, number)
    moment = moment_asked(request)
    with looking_back(moment):
        then = Customer.objects.filter(pk=found.pk).first() if moment else found
        rows = characteristics_of(customer=then) if then else []
    record_look(request, found, [], part="characteristics", rows=len(rows))
    template = "_about" if request.htmx else "about"
    context = {"customer": then or found, "rows": rows, "past": moment}
    return render(request, f"customers/{template}.html", context)


def _known(request: StaffRequest, number: str) -> Customer:
    """Find the customer, or a record that was merged into another: it has a past of its own."""
    known = Customer.objects.within_reach(request.user).select_related("party")
    return get_object_or_404(known, number=number)


def visible_customer(request: StaffRequest, number: str) -> Customer:
    """:raises Http404: for whoever is out of reach, as for nobody."""
    visible = Customer.objects.visible_to(request.user).select_related("party")
    return get_object_or_404(visible, number=number)


def _before(request: StaffRequest) -> int | None:
    """Read the `?before=` of a list of lines; nonsense begins at the newest."""
    try:
        return int(request.GET.get("before", ""))
    except ValueError:
        return None


def record_look(
    request: StaffRequest,
    found: Customer,
    classes: Iterable[FieldClass],
    *,
    part: str = "",
    rows: int = 1,
    at: datetime | None = None,
) -> None:
    """Write down that this account looked at this customer, or at one part of them."""
    record_access(
        request=request,
        actor=request.user,
        action=AccessAction.VIEW,
        object_type=f"customers.customer{'.' + part if part else ''}",
        object_id=found.number,
        customer_id=found.pk,
        field_classes=classes,
        row_count=rows,
        at=at or timezone.now(),
    )


def _classes_in(overview: Overview) -> set[FieldClass]:
    classes = {overview.name.field_class}
    classes |= {medium.field.field_class for medium in overview.media}
    if overview.lines:
        classes.add(FieldClass.PHONE)
    if overview.documents:
        classes.add(FieldClass.ID_NUMBER)
    return classes
