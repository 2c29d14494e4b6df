from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

FIRST_DAY = date(2000, 1, 1)
LONGEST_HORIZON = 365
LARGEST_SEED = 2**31 - 1
_HORIZON = _("The horizon is a whole number of days from 1 to 365.")
_SEED = _("The seed is a whole number from 0 to 2147483647.")
_DAY = _("Write the day as YYYY-MM-DD, or leave it open.")
_SOURCE = _("There is no source “%(value)s”.")


class TrainForm(forms.Form):
    """What to train on. Whatever is left open is chosen from the data."""

    as_of = forms.DateField(
        label=_("As of"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Left open: the latest day whose outcome is known."),
        error_messages={"invalid": _DAY},
    )
    horizon_days = forms.IntegerField(
        label=_("Horizon, days"),
        initial=30,
        validators=[MinValueValidator(1, _HORIZON), MaxValueValidator(LONGEST_HORIZON, _HORIZON)],
        help_text=_("Who leaves within so many days counts as a leaver."),
        error_messages={"required": _HORIZON, "invalid": _HORIZON},
    )
    sources = forms.MultipleChoiceField(
        label=_("Sources"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: all that have data of that day."),
        error_messages={"invalid_choice": _SOURCE},
    )
    seed = forms.IntegerField(
        label=_("Seed"),
        initial=0,
        validators=[MinValueValidator(0, _SEED), MaxValueValidator(LARGEST_SEED, _SEED)],
        help_text=_("The same data and the same seed give the same model."),
        error_messages={"required": _SEED, "invalid": _SEED},
    )

    allowed = forms.MultipleChoiceField(
        label=_("Use despite the leak alarm"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Only what was honestly known on the day; otherwise the model is worthless."),
        error_messages={"invalid_choice": _("The leak alarm did not ring for “%(value)s”.")},
    )

    def __init__(
        self, *args: Any, sources: Sequence[str], suspects: Mapping[str, str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._choose("sources", {source: source for source in sources})
        self._choose("allowed", suspects)
        self.fields["as_of"].widget.attrs["max"] = _yesterday().isoformat()
        for name in ("as_of", "horizon_days", "seed"):
            self.fields[name].widget.attrs |= {
                "class": "form-control",
                "aria-describedby": f"id_{name}_help",
            }

    def _choose(self, name: str, choices: Mapping[str, str]) -> None:
        """Offer these; a question with nothing to choose from is not asked."""
        if choices:
            self.fields[name].choices = list(choices.items())  # type: ignore[attr-defined]
        else:
            del self.fields[name]

    def clean_as_of(self) -> date | None:
        day: date | None = self.cleaned_data["as_of"]
        if day is not None and day < FIRST_DAY:
            raise forms.ValidationError(_("There are no records of such a day."))
        if day is not None and day > _yesterday():
            raise forms.ValidationError(
                _("The as-of date must lie in the past; %(day)s does not.") % {"day": day}
            )
        return day

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        day, days = cleaned.get("as_of"), cleaned.get("horizon_days")
        if day and days and day + timedelta(days=days) > timezone.localdate():
            self.add_error(
                "as_of",
                _(
                    "The %(days)s days after %(day)s are not over yet, so nobody knows who left."
                    " Choose an earlier day or a shorter horizon."
                )
                % {"days": days, "day": day},
            )
        return cleaned

    def params(self) -> dict[str, Any]:
        """Return what was asked for as JSON knows it, for the job."""
        given = self.cleaned_data
        return given | {"as_of": given["as_of"].isoformat() if given["as_of"] else ""}


def _yesterday() -> date:
    return timezone.localdate() - timedelta(days=1)
