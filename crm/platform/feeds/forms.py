from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.platform.feeds.definition import known_feeds
from crm.platform.feeds.shipped import shipped_mappings
from crm.platform.feeds.uploads import too_large

OWN = "~own"
_LONGEST_MAPPING = 200_000


class MappingForm(forms.Form):
    """How columns of the file become the feed's: by name, a shipped mapping, or one's own."""

    mapping = forms.ChoiceField(
        label=_("Mapping"),
        required=False,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    mapping_text = forms.CharField(
        label=_("Mapping of one's own (TOML)"),
        required=False,
        max_length=_LONGEST_MAPPING,
        strip=False,
        widget=forms.Textarea(
            attrs={"class": "form-control mapping-text", "rows": 8, "spellcheck": "false"}
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mapping"].choices = [  # type: ignore[attr-defined]
            ("", _("None: the columns bear the feed's own names")),
            *((name, name) for name in shipped_mappings()),
            (OWN, _("The one pasted below")),
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("mapping") == OWN and not cleaned.get("mapping_text", "").strip():
            self.add_error("mapping_text", _("Paste the mapping here, or choose another above."))
        return cleaned

    def chosen(self) -> tuple[str, str]:
        """
        Return the name and the text of the chosen mapping, both "" for none. One that was
        pasted and not chosen is meant all the same.
        """
        name, own = self.cleaned_data["mapping"], self.cleaned_data["mapping_text"]
        if name == OWN or (not name and own.strip()):
            return "", own.replace("\r\n", "\n")
        return name, shipped_mappings().get(name, "")


class UploadForm(MappingForm):
    """A new import."""

    field_order = ["feed", "file", "mapping", "mapping_text"]
    feed = forms.ChoiceField(
        label=_("What the file holds"), widget=forms.Select(attrs={"class": "form-select"})
    )
    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"class": "form-control"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["feed"].choices = [  # type: ignore[attr-defined]
            (feed.code, feed.label) for feed in known_feeds()
        ]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > settings.FEED_UPLOAD_LIMIT:
            raise forms.ValidationError(too_large(), code="too_large")
        return file
