"""What changed in a customer's records, and the page as it was at a past moment."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from crm.pages.views.customer import record_look
from crm.platform.access.requests import StaffRequest
from customers.models import Customer
from customers.selectors import customer_changes

USUAL_DAYS = 30


class MomentInput(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(attrs={"class": "form-control", "step": "1"}, format="%Y-%m-%dT%H:%M:%S")


class PeriodForm(forms.Form):
    """Two moments in the operator's time; blank ones are thirty days ago and now."""

    after = forms.DateTimeField(label=_("Changed after"), required=False, widget=MomentInput)
    until = forms.DateTimeField(
        label=pgettext_lazy("end of a period", "until"), required=False, widget=MomentInput
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        now = timezone.now()
        until = given.get("until") or now
        after = given.get("after") or until - timedelta(days=USUAL_DAYS)
        if after >= until:
            self.add_error("after", _("The first moment must lie before the second."))
        return {"after": after, "until": until}


@never_cache
@login_required
@permission_required("customers.view_customer", raise_exception=True)
@require_safe
def changes(request: StaffRequest, number: str) -> HttpResponse:
    """Tell what changed between two moments, latest first."""
    visible = Customer.objects.visible_to(request.user).select_related("party")
    found = get_object_or_404(visible, number=number)
    form = PeriodForm(request.GET)
    context: dict[str, Any] = {"customer": found, "form": form}
    if form.is_valid():
        told, more = customer_changes(customer=found, **_period(form))
        context |= {"changes": told, "more": more}
        record_look(request, found, [], part="changes", rows=len(told))
    else:
        context |= {"changes": [], "more": False}
    return render(
        request, "customers/changes.html", context, status=200 if form.is_valid() else 400
    )


def _period(form: PeriodForm) -> dict[str, datetime]:
    return {"after": form.cleaned_data["after"], "until": form.cleaned_data["until"]}
