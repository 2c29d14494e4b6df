"""Records that need care: what is missing, whose identity is due, correcting a key field."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from crm.platform.access.masking import FieldClass
from crm.platform.access.requests import StaffRequest
from crm.platform.audit.models import AccessAction
from crm.platform.audit.services import record_access
from crm.platform.errors import DomainError
from crm.platform.keyset import BadCursor, page_of
from customers.care.completeness import completeness_of
from customers.care.correction import correct_party
from customers.care.due import LISTS, due_documents, never_verified
from customers.care.forms import CorrectionForm
from customers.models import Customer, PartyCorrection

ROWS = 25
CORRECTIONS = 10


@never_cache
@login_required
@permission_required("customers.review_identity", raise_exception=True)
@require_safe
def due(request: StaffRequest) -> HttpResponse:
    """Whose identity is to be verified again; `?list=` expired, expiring or never."""
    chosen = LISTS.get(request.GET.get("list", "expired"))
    if chosen is None:
        raise BadRequest
    is_document = chosen.code != "never"
    rows = (
        due_documents(staff=request.user, code=chosen.code, today=timezone.localdate())
        if is_document
        else never_verified(staff=request.user)
    )
    cursor = request.GET.get("cursor")
    try:
        page = page_of(rows, ordering=chosen.ordering, cursor=cursor, limit=ROWS)
    except BadCursor as error:
        raise BadRequest from error
    record_access(
        request=request,
        actor=request.user,
        action=AccessAction.VIEW,
        object_type="customers.due",
        object_id=chosen.code,
        field_classes=[FieldClass.PERSON_NAME, FieldClass.ID_NUMBER] if page.rows else [],
        row_count=len(page.rows),
        at=timezone.now(),
    )
    items = [(row.party.customer, row) if is_document else (row, None) for row in page.rows]
    context = {"page": page, "items": items, "chosen": chosen, "lists": LISTS.values()}
    return render(request, "customers/due.html", context)


@never_cache
@login_required
@permission_required("customers.view_customer", raise_exception=True)
@require_safe
@vary_on_headers("HX-Request")
def completeness(request: StaffRequest, number: str) -> HttpResponse:
    """How complete the record is and what is missing: a card, or a page of its own."""
    found = _visible(request, number)
    score = completeness_of([found.pk], today=timezone.localdate())[found.pk]
    _record(request, found, "completeness")
    corrections = PartyCorrection.objects.filter(customer=found).select_related("corrected_by")
    template = "_completeness" if request.htmx else "completeness"
    context = {
        "customer": found,
        "score": score,
        "corrections": corrections.order_by("-pk")[:CORRECTIONS],
    }
    return render(request, f"customers/{template}.html", context)


@never_cache
@login_required
@permission_required("customers.correct_party", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: StaffRequest, number: str) -> HttpResponse:
    """Put a wrong name or document right, on evidence."""
    found = _visible(request, number)
    form = CorrectionForm(request.POST or None, customer=found)
    refusal, status = "", 200
    if request.method == "POST" and form.is_valid():
        try:
            correct_party(
                customer_id=found.pk, actor=request.user, at=timezone.now(), **form.wanted()
            )
        except DomainError as error:
            refusal, status = str(error), 409
        else:
            messages.success(request, _("The record is corrected; what it was is kept."))
            return redirect("pages:customer", number=found.number)
    elif request.method == "POST":
        status = 400
    _record(request, found, "correction")
    context = {"customer": found, "form": form, "refusal": refusal}
    return render(request, "customers/correct.html", context, status=status)


def _visible(request: StaffRequest, number: str) -> Customer:
    visible = Customer.objects.visible_to(request.user).select_related("party")
    return get_object_or_404(visible, number=number)


def _record(request: StaffRequest, found: Customer, part: str) -> None:
    record_access(
        request=request,
        actor=request.user,
        action=AccessAction.VIEW,
        object_type=f"customers.customer.{part}",
        object_id=found.number,
        customer_id=found.pk,
        at=timezone.now(),
    )
