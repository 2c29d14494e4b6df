from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.platform.audit.models import AccessAction

LAST_DAY = date(9998, 12, 31)


class _Filter(forms.Form):
    """Fields as Tabler draws them; errors are tied to their field."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            select = isinstance(field, forms.ChoiceField)
            field.widget.attrs["class"] = "form-select" if select else "form-control"
            if name in self.errors:
                field.widget.attrs |= {"aria-describedby": f"id_{name}_error"}

    def as_reason(self) -> str:
        """Return what was asked, for the record of the asker's own look."""
        given = {name: value for name, value in self.cleaned_data.items() if value}
        return " ".join(f"{name}={value}" for name, value in given.items())


class AccessFilter(_Filter):
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

    def clean_day(self) -> date | None:
        return _day_of_records(self.cleaned_data["day"])

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
            condition &= _from_day(given["day"]) & _to_day(given["day"])
        return condition


class LookFilter(_Filter):
    """What is asked of one customer's looks: who, doing what, from which day to which."""

    staff = forms.CharField(label=_("Staff code"), max_length=40, required=False)
    action = forms.ChoiceField(
        label=_("Action"), choices=[("", _("all")), *AccessAction.choices], required=False
    )
    since = forms.DateField(
        label=_("First day"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=_("Last day"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def clean_since(self) -> date | None:
        return _day_of_records(self.cleaned_data["since"])

    def clean_until(self) -> date | None:
        return _day_of_records(self.cleaned_data["until"])

    def condition(self) -> Q:
        """Return the condition that the valid form stands for; days are the operator's."""
        given: dict[str, Any] = self.cleaned_data
        condition = Q()
        if given["staff"]:
            condition &= Q(staff__staff_code=given["staff"])
        if given["action"]:
            condition &= Q(action=given["action"])
        if given["since"]:
            condition &= _from_day(given["since"])
        if given["until"]:
            condition &= _to_day(given["until"])
        return condition


def _day_of_records(day: date | None) -> date | None:
    if day is not None and not date(1970, 1, 2) <= day <= LAST_DAY:
        raise forms.ValidationError(_("There are no records of such a day."))
    return day


def _from_day(day: date) -> Q:
    return Q(at__gte=_midnight(day))


def _to_day(day: date) -> Q:
    return Q(at__lt=_midnight(day + timedelta(days=1)))


def _midnight(day: date) -> datetime:
    """Return when a day of the operator's clock begins."""
    return datetime.combine(day, time.min, timezone.get_default_timezone()).astimezone(UTC)
