from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.platform.audit.models import AccessAction

LAST_DAY = date(9998, 12, 31)


class AccessFilter(forms.Form):
    """What an auditor asks: who looked, at whom, doing what, on which day."""

    staff = forms.CharField(label=_("Staff code"), max_length=40, required=False)
    customer = forms.IntegerField(
        label=_("Customer"), min_value=1, max_value=2**63 - 1, required=False
    )
    action = forms.ChoiceField(
        label=_("Action"), choices=[("", _("all")), *AccessAction.choices], required=False
    )
    day = forms.DateField(
        label=_("Day"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            select = isinstance(field, forms.ChoiceField)
            field.widget.attrs["class"] = "form-select" if select else "form-control"
            if name in self.errors:
                field.widget.attrs |= {"aria-describedby": f"id_{name}_error"}

    def clean_day(self) -> date | None:
        day: date | None = self.cleaned_data["day"]
        if day is not None and not date(1970, 1, 2) <= day <= LAST_DAY:
            raise forms.ValidationError(_("There are no records of such a day."))
        return day

    def condition(self) -> Q:
        """Return the condition that the valid form stands for; a day is the operator's day."""
        given: dict[str, Any] = self.cleaned_data
        condition = Q()
        if given["staff"]:
            condition &= Q(staff__staff_code=given["staff"])
        if given["customer"]:
            condition &= Q(customer_id=given["customer"])
        if given["action"]:
            condition &= Q(action=given["action"])
        if given["day"]:
            zone = timezone.get_default_timezone()
            starts = datetime.combine(given["day"], time.min, zone)
            ends = datetime.combine(given["day"] + timedelta(days=1), time.min, zone)
            condition &= Q(at__gte=starts.astimezone(UTC), at__lt=ends.astimezone(UTC))
        return condition

    def as_reason(self) -> str:
        """Return what was asked, for the record of the auditor's own look."""
        given = {name: value for name, value in self.cleaned_data.items() if value}
        return " ".join(f"{name}={value}" for name, value in given.items())
