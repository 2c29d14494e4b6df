"""
What customers agree to, word by word, for ever: a consent names the version it was given for.

Never change a version that customers have agreed to; add the next one below it.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from customers.models import ConsentPurpose


@dataclass(frozen=True)
class ConsentText:
    version: str
    text: str | Promise


TEXTS: dict[ConsentPurpose, tuple[ConsentText, ...]] = {
    ConsentPurpose.MARKETING: (
        ConsentText(
            "2026-1",
            _(
                "You may tell me of offers by the channels I chose. I can stop this at any time,"
                " in any channel, and nothing else changes."
            ),
        ),
    ),
    ConsentPurpose.SURVEY: (
        ConsentText(
            "2026-1",
            _("You may ask me by the channels I chose how content I am with your service."),
        ),
    ),
    ConsentPurpose.PROFILING: (
        ConsentText(
            "2026-1",
            _(
                "You may use what I use and pay to work out offers that fit me. I may ask for"
                " offers that are not fitted to me instead."
            ),
        ),
    ),
    ConsentPurpose.SHARING: (
        ConsentText(
            "2026-1",
            _("You may pass my name and number on to the partners whom you name to me."),
        ),
    ),
    ConsentPurpose.LOCATION: (
        ConsentText(
            "2026-1",
            _("You may use where my phone is for services near me, not for anything else."),
        ),
    ),
    ConsentPurpose.BIOMETRIC: (
        ConsentText(
            "2026-1",
            _("You may compare my face with my document to know that it is me, and only for that."),
        ),
    ),
}


def current_text(purpose: ConsentPurpose | str) -> ConsentText:
    """Return the wording that a consent given today is given for."""
    return TEXTS[ConsentPurpose(purpose)][-1]
