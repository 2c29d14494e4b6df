"""What a customer allows and wishes, as it is asked for at a desk."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models import (
    WEEK,
    ConsentPurpose,
    ConsentSource,
    ConsentState,
    ContactChannel,
    ContactPreference,
    DoNotContact,
)
from customers.services import Wishes

_DAYS = {1: _("Mon"), 2: _("Tue"), 3: _("Wed"), 4: _("Thu"), 5: _("Fri"), 6: _("Sat"), 7: _("Sun")}
_AT_A_DESK = [source for source in ConsentSource if source not in ("BATCH", "SYSTEM")]


class _Field(forms.Form):
    """Fields as Tabler draws them; errors are tied to their field for screen readers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field.widget, forms.CheckboxSelectMultiple):
                field.widget.attrs["class"] = "form-check-input"
            else:
                select = isinstance(field.widget, forms.Select)
                field.widget.attrs["class"] = "form-select" if select else "form-control"


class ConsentForm(_Field):
    """One decision: for what, in which channels, and what shows it."""

    decision = forms.ChoiceField(choices=ConsentState)
    purpose = forms.ChoiceField(label=_("For what"), choices=ConsentPurpose)
    channels = forms.MultipleChoiceField(
        label=_("Channels"),
        choices=ContactChannel,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    source = forms.ChoiceField(
        label=_("How the customer told us"),
        choices=[(source.value, source.label) for source in _AT_A_DESK],
    )
    evidence = forms.CharField(label=_("What shows it"), max_length=200, required=False)
    expires_on = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def ends_at(self) -> datetime | None:
        """Return when a consent ends: with the operator's day that was given as the last."""
        day = self.cleaned_data["expires_on"]
        if day is None:
            return None
        zone = timezone.get_default_timezone()
        return datetime.combine(day + timedelta(days=1), time.min, zone)


class PreferencesForm(_Field):
    """How the customer wants to be contacted, whole."""

    preferred_channel = forms.ChoiceField(
        label=_("Channel they like best"),
        choices=[("", _("no preference")), *ContactChannel.choices],
        required=False,
    )
    language = forms.ChoiceField(
        label=_("Language"),
        choices=[("", _("no preference")), *settings.LANGUAGES],
        required=False,
    )
    window_starts = forms.TimeField(
        label=_("Not before"), required=False, widget=forms.TimeInput(attrs={"type": "time"})
    )
    window_ends = forms.TimeField(
        label=_("Only until"), required=False, widget=forms.TimeInput(attrs={"type": "time"})
    )
    window_days = forms.TypedMultipleChoiceField(
        label=_("Days"),
        choices=list(_DAYS.items()),
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    do_not_contact = forms.ChoiceField(
        label=_("Do not contact"),
        choices=[("", _("may be contacted")), *DoNotContact.choices],
        required=False,
    )
    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def wishes(self) -> Wishes:
        given = {name: self.cleaned_data[name] for name in vars(Wishes())}
        return Wishes(**given)

    @classmethod
    def of(cls, held: ContactPreference | None) -> "PreferencesForm":
        """Return the form as it shows what holds."""
        wishes = vars(Wishes())
        initial: dict[str, Any] = {name: getattr(held, name) for name in wishes} if held else wishes
        clock = {
            name: initial[name].strftime("%H:%M") if initial[name] else None
            for name in ("window_starts", "window_ends")
        }
        seen = held.pk if held else 0
        return cls(initial=initial | clock | {"seen": seen}, auto_id="wish_%s")


def days_in_words(days: list[int]) -> str:
    """Return days of the week as they are read aloud; nothing for all of them."""
    return "" if set(days) == set(WEEK) else " ".join(str(_DAYS[day]) for day in sorted(days))
