"""Showing one masked field to somebody who says why."""

from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from crm.pages.serving import contact_of_act
from crm.platform.access.masking import FieldClass
from crm.platform.access.requests import StaffRequest
from crm.platform.audit.models import AccessAction
from crm.platform.audit.services import record_access
from customers.models import Customer
from customers.selectors import HiddenField, hidden_field

SHOWN_SECONDS = 30
SHORTEST_REASON = 4
LONGEST_REASON = 200
PRESENT = [
    _("Customer is present and identified"),
    _("Caller passed the identity check"),
]
"""These say that the customer is here: the field is shown in a contact, which begins if need be."""
REASONS = [
    *PRESENT,
    _("Calling the customer back"),
    _("Correcting the record"),
]


@never_cache
@login_required
@permission_required("customers.unmask_contact", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def unmask(request: StaffRequest, number: str, name: str) -> HttpResponse:
    """
    Ask why (GET), then show the one field (POST) for thirty seconds and write it down.

    With `?masked` a GET answers the field as it was before.
    """
    customer = get_object_or_404(
        Customer.objects.visible_to(request.user).select_related("party"), number=number
    )
    try:
        field = hidden_field(customer=customer, name=name)
    except (ObjectDoesNotExist, ValueError) as exc:
        raise Http404 from exc
    if request.method == "POST":
        return _shown(request, customer, field)
    if "masked" in request.GET:
        return _answer(request, customer, field, "masked")
    return _answer(request, customer, field, "reason")


def _shown(request: StaffRequest, customer: Customer, field: HiddenField) -> HttpResponse:
    reason = request.POST.get("reason", "").strip()[:LONGEST_REASON]
    if sum(character.isalnum() for character in reason) < SHORTEST_REASON:  # marks can be blank
        refusal = gettext("Say why you need it: the reason is kept with your name.")
        return _answer(request, customer, field, "reason", refusal=refusal, status=409)
    at = timezone.now()
    contact = contact_of_act(
        staff=request.user, customer=customer, is_here=reason in PRESENT, at=at
    )
    record_access(
        request=request,
        actor=request.user,
        action=AccessAction.UNMASK,
        object_type=f"customers.customer.{field.name.partition('-')[0]}",
        object_id=f"{customer.number}/{field.name}",
        customer_id=customer.pk,
        field_classes=[FieldClass(field.field_class)],
        reason=reason,
        interaction_id=contact,
        at=at,
    )
    response = _answer(request, customer, field, "shown")
    trigger_client_event(response, "contact-changed")
    if not request.htmx:
        page = reverse("pages:customer", kwargs={"number": customer.number})
        response["Refresh"] = f"{SHOWN_SECONDS};url={page}"
    return response


def _answer(
    request: StaffRequest,
    customer: Customer,
    field: HiddenField,
    state: str,
    *,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "customer": customer,
        "field": field,
        "state": state,
        "refusal": refusal,
        "reasons": REASONS,
        "seconds": SHOWN_SECONDS,
    }
    template = f"_field_{state}" if request.htmx else "field"
    return render(request, f"customers/{template}.html", context, status=status)
