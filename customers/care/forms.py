from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from customers.care.correction import RightDocument
from customers.models import Customer, IdentificationKind

_TEXT = {"class": "form-control", "autocomplete": "off"}


class CorrectionForm(forms.Form):
    """What is right, and what proves it. Empty fields stay as they are."""

    name = forms.CharField(label=_("Right name"), max_length=200, required=False)
    replaces = forms.TypedChoiceField(
        label=_("Document"), coerce=int, empty_value=None, required=False
    )
    kind = forms.ChoiceField(
        label=_("Kind of document"), choices=IdentificationKind.choices, required=False
    )
    number = forms.CharField(label=_("Right number"), max_length=40, required=False)
    valid_to = forms.DateField(
        label=_("Valid until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    evidence = forms.CharField(
        label=_("Evidence"), max_length=200, help_text=_("What was seen, and where the copy lies.")
    )
    reason = forms.CharField(label=_("Why it was wrong"), max_length=300)

    def __init__(self, *args: Any, customer: Customer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        documents = customer.party.identifications.order_by("pk")
        choices = [(d.pk, f"{d.get_kind_display()} {d.number_masked}") for d in documents]
        self.fields["replaces"].choices = [("", _("A new document")), *choices]  # type: ignore[attr-defined]
        for field in self.fields.values():
            is_choice = isinstance(field, forms.ChoiceField)
            field.widget.attrs |= {"class": "form-select"} if is_choice else _TEXT

    def wanted(self) -> dict[str, Any]:
        """Return the arguments of `correct_party` that the form decides."""
        given = self.cleaned_data
        document = None
        if given["number"]:
            document = RightDocument(
                kind=given["kind"],
                number=given["number"],
                replaces=given["replaces"],
                valid_to=given["valid_to"],
            )
        names = ("name", "evidence", "reason")
        return {name: given[name] for name in names} | {"document": document}
