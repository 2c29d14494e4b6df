from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _


class LoginForm(AuthenticationForm):
    """Staff code and password. Never says which of the two was wrong."""

    error_messages = {
        "invalid_login": _("The staff code or the password is not right. Nothing was opened."),
        "inactive": _("The staff code or the password is not right. Nothing was opened."),
    }
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(
            attrs={"autocomplete": "current-password", "class": "form-control"}
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        code = self.fields["username"]
        code.label = _("Staff code")
        code.widget.attrs |= {"class": "form-control", "spellcheck": "false"}
        # Django asks the browser alone to keep it short; what came is written down by axes.
        code.validators.append(MaxLengthValidator(self.username_field.max_length))
