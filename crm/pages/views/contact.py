"""The contact in hand: opened from a customer's page, then led from the bar above every page."""

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crm.pages import serving
from crm.platform.access.requests import StaffRequest
from customers.models import AuthMethod, Customer, Purpose
from customers.services import (
    InteractionRefused,
    Meanwhile,
    authenticate,
    close_interaction,
    park_interaction,
    resume_interaction,
)

serves = permission_required("customers.serve_customer", raise_exception=True)


@never_cache
@login_required
@serves
@require_POST
def serve(request: StaffRequest, number: str) -> HttpResponse:
    """Begin a contact with the customer; with somebody else in hand, ask what becomes of them."""
    visible = Customer.objects.visible_to(request.user).select_related("party")
    customer = get_object_or_404(visible, number=number)
    try:
        serving.serve(
            staff=request.user,
            customer=customer,
            in_hand=_meanwhile(request),
            at=timezone.now(),
        )
    except InteractionRefused as refusal:
        context = {"customer": customer, "said": str(refusal)}
        return render(request, "pages/contact_switch.html", context, status=409)
    return redirect("pages:customer", number=number)


@never_cache
@login_required
@serves
@require_safe
def bar(request: StaffRequest) -> HttpResponse:
    """Answer the bar as it is now."""
    return render(request, "pages/_contact_bar.html")


@never_cache
@login_required
@serves
@require_POST
def act(request: StaffRequest, pk: UUID, act: str) -> HttpResponse:
    """Identify, park, resume or finish a contact of one's own; answers the bar, or the page."""
    refusal = ""
    try:
        _do(request, pk, act, timezone.now())
    except InteractionRefused as refused:
        refusal = str(refused)
    if request.htmx:
        status = 409 if refusal else 200
        return render(request, "pages/_contact_bar.html", {"refusal": refusal}, status=status)
    if refusal:
        messages.error(request, refusal)
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    return redirect(back if is_ours else "pages:home")


def _do(request: StaffRequest, pk: UUID, act: str, at: datetime) -> None:
    given, staff = request.POST, request.user
    if act == "identify":
        method = _one_of(AuthMethod, given.get("method", ""))
        authenticate(interaction_id=pk, staff=staff, method=method, at=at)
    elif act == "park":
        park_interaction(interaction_id=pk, staff=staff, at=at)
    elif act == "resume":
        resume_interaction(interaction_id=pk, staff=staff, in_hand=Meanwhile.PARK, at=at)
    elif act == "finish":
        close_interaction(
            interaction_id=pk,
            staff=staff,
            result=given.get("result", ""),
            purpose=_one_of(Purpose, given.get("purpose", "")) if given.get("purpose") else "",
            at=at,
        )
    else:
        raise Http404


def _one_of(choices: type[AuthMethod] | type[Purpose], value: str) -> str:
    if value not in choices.values:
        raise InteractionRefused(_("There is no such choice."), code="choice_unknown")
    return value


def _meanwhile(request: StaffRequest) -> Meanwhile:
    try:
        return Meanwhile(request.POST.get("in_hand", ""))
    except ValueError:
        return Meanwhile.REFUSE
