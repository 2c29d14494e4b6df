"""What a customer allows and wishes: seen, and changed by whoever serves them."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from crm.pages.consent_forms import ConsentForm, PreferencesForm, days_in_words
from crm.pages.past import looking_back, moment_asked
from crm.pages.views.customer import record_look
from crm.platform.access.models import OrgLevel
from crm.platform.access.requests import StaffRequest
from crm.platform.errors import DomainError
from crm.platform.keyset import BadCursor, page_of
from customers.consent_texts import current_text
from customers.models import (
    CHANNELLED,
    ConsentPurpose,
    ConsentSource,
    ConsentState,
    ContactChannel,
    Customer,
)
from customers.selectors import consent_history, holdings_of, preferences_of, verdicts_by_channel
from customers.services import (
    PreferencesRefused,
    Proof,
    give_consent,
    set_preferences,
    withdraw_consent,
)

ROWS = 10


@never_cache
@login_required
@permission_required("customers.view_consent", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def consents(request: StaffRequest, number: str) -> HttpResponse:
    """
    Show what holds by purpose and channel, with its history; POST writes down a decision.

    `?card` answers the short form that the customer page carries; `?as_of=` what held at a past
    moment. `?purpose=`, `?channels=` and `?decision=` fill the form in.
    """
    customer = _visible(request, number)
    if request.method == "POST":
        return _decide(request, customer)
    moment = moment_asked(request)
    if "card" in request.GET and request.htmx:
        held = _holding(customer, moment)
        record_look(request, customer, [], part="consents", rows=0)
        return render(request, "customers/_consents_card.html", held)
    if moment is not None:
        return _as_it_was(request, customer, moment)
    return _panel(request, customer, consent_form=_filled_in(request))


@never_cache
@login_required
@permission_required("customers.add_contactpreference", raise_exception=True)
@require_POST
@vary_on_headers("HX-Request")
def preferences(request: StaffRequest, number: str) -> HttpResponse:
    """Write down how the customer wants to be contacted."""
    customer = _visible(request, number)
    form = PreferencesForm(request.POST, auto_id="wish_%s")
    if not form.is_valid():
        return _panel(request, customer, wish_form=form, status=409)
    try:
        set_preferences(
            customer_id=customer.pk,
            wishes=form.wishes(),
            seen=form.cleaned_data["seen"],
            interaction_id=getattr(request, "interaction_id", None),
            actor=request.user,
            at=timezone.now(),
        )
    except PreferencesRefused as refusal:
        overtaken = refusal.code == "preferences_changed_meanwhile"
        if overtaken:  # what they typed stays, above what somebody else has saved
            held = preferences_of(customer=customer, at=timezone.now())
            form.data = request.POST.copy()
            form.data["seen"] = str(held.pk if held else 0)
        return _panel(
            request, customer, wish_form=form, overtaken=overtaken, refusal=str(refusal), status=409
        )
    return _done(request, customer, _("The preferences are saved."))


def _decide(request: StaffRequest, customer: Customer) -> HttpResponse:
    if not request.user.has_perm("customers.add_consent"):
        raise PermissionDenied
    form = ConsentForm(request.POST)
    if not form.is_valid():
        return _panel(request, customer, consent_form=form, status=409)
    given, now = form.cleaned_data, timezone.now()
    proof = Proof(
        source=given["source"],
        evidence=given["evidence"],
        interaction_id=getattr(request, "interaction_id", None),
    )
    wanted: dict[str, Any] = {
        "customer_id": customer.pk,
        "purpose": given["purpose"],
        "channels": given["channels"],
        "proof": proof,
        "actor": request.user,
        "at": now,
    }
    try:
        if given["decision"] == ConsentState.GIVEN:
            written = give_consent(**wanted, expires_at=form.ends_at())
            said = _("The consent is written down.")
        else:
            written = withdraw_consent(**wanted)
            said = _("The withdrawal is written down; it holds from now on.")
    except DomainError as refusal:
        return _panel(request, customer, consent_form=form, refusal=str(refusal), status=409)
    return _done(request, customer, said if written else _("That was written down already."))


def _as_it_was(request: StaffRequest, customer: Customer, moment: datetime) -> HttpResponse:
    held = _holding(customer, moment)
    record_look(request, customer, [], part="consents", rows=0)
    return render(request, "customers/consents_past.html", held)


def _done(request: StaffRequest, customer: Customer, said: str) -> HttpResponse:
    if request.htmx:
        return _panel(request, customer, said=said)
    messages.success(request, said)
    return redirect("pages:consents", customer.number)


def _panel(
    request: StaffRequest,
    customer: Customer,
    *,
    consent_form: ConsentForm | None = None,
    wish_form: PreferencesForm | None = None,
    said: str = "",
    refusal: str = "",
    overtaken: bool = False,
    status: int = 200,
) -> HttpResponse:
    try:
        history = page_of(
            consent_history(customer=customer),
            ordering=["-id"],
            cursor=request.GET.get("cursor"),
            limit=ROWS,
        )
    except BadCursor as error:
        raise BadRequest from error
    record_look(request, customer, [], part="consents", rows=len(history.rows))
    held = _holding(customer)
    context = held | {
        "history": history,
        "consent_form": consent_form or _empty(request),
        "is_filled_in": consent_form is not None,
        "withdraws_first": request.GET.get("decision") == ConsentState.WITHDRAWN,
        "wish_form": wish_form or PreferencesForm.of(held["wishes"]),
        "texts": [(purpose.label, current_text(purpose)) for purpose in ConsentPurpose],
        "said": said,
        "refusal": refusal,
        "overtaken": overtaken,
    }
    template = "_consents" if request.htmx else "consents"
    return render(request, f"customers/{template}.html", context, status=status)


def _holding(customer: Customer, moment: datetime | None = None) -> dict[str, Any]:
    """What holds, or held at a moment: channels down, the purposes that have channels across."""
    at = moment or timezone.now()
    with looking_back(moment):
        holdings = {(h.purpose, h.channel): h for h in holdings_of(customer=customer, at=at)}
        verdicts = verdicts_by_channel(customer_id=customer.pk, purpose="MARKETING", at=at)
        wishes = preferences_of(customer=customer, at=at)
    return {
        "customer": customer,
        "past": moment,
        "channelled": CHANNELLED,
        "matrix": [
            (channel, [holdings[purpose, channel] for purpose in CHANNELLED], verdicts[channel])
            for channel in ContactChannel
        ],
        "others": [h for (purpose, _c), h in holdings.items() if purpose not in CHANNELLED],
        "wishes": wishes,
        "wished_days": days_in_words(wishes.window_days) if wishes else "",
    }


def _filled_in(request: StaffRequest) -> ConsentForm | None:
    if "purpose" not in request.GET:
        return None
    wanted = {"purpose": request.GET["purpose"], "channels": request.GET.getlist("channels")}
    return ConsentForm(initial=_usual(request) | wanted)


def _empty(request: StaffRequest) -> ConsentForm:
    return ConsentForm(initial=_usual(request))


def _usual(request: StaffRequest) -> dict[str, str]:
    """Teams telephone; halls have a counter."""
    calls = request.user.org is not None and request.user.org.level == OrgLevel.TEAM
    return {"source": ConsentSource.CALL if calls else ConsentSource.COUNTER}


def _visible(request: StaffRequest, number: str) -> Customer:
    visible = Customer.objects.visible_to(request.user).select_related("party")
    return get_object_or_404(visible, number=number)
