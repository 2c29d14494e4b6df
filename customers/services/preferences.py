"""How customers want to be contacted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from crm.platform.access.models import Staff
from crm.platform.errors import DomainError, Refusal
from crm.platform.events.outbox import publish
from customers.events import PREFERENCES_SET
from customers.models import WEEK, ContactChannel, ContactPreference, DoNotContact, Party


class PreferencesRefused(DomainError):
    code = "preferences_refused"


@dataclass(frozen=True)
class Wishes:
    """
    What the customer wishes, whole. Nothing wished for: any channel, language, time.

    The window is by the operator's clock, `[window_starts, window_ends)`, on `window_days`
    (Monday is 1).
    """

    preferred_channel: str = ""
    language: str = ""
    window_starts: time | None = None
    window_ends: time | None = None
    window_days: Sequence[int] = WEEK
    do_not_contact: str = ""


@transaction.atomic
def set_preferences(
    *,
    customer_id: int,
    wishes: Wishes,
    seen: int | None,
    interaction_id: UUID | None = None,
    actor: Staff | None,
    at: datetime,
) -> ContactPreference | None:
    """
    Write down what the customer wishes from now on; what they wished before stays readable.

    `seen` is the id of the preferences that whoever changes them had before their eyes, 0 for
    none at all; None is for systems that set them whatever they were. Returns what holds now,
    None where nothing was ever wished; publishes `customers.preferences.set` for a change.

    :raises PreferencesRefused: with every rule that fails, or if somebody changed them since.
    :raises Party.DoesNotExist: if there is no such customer.
    """
    _refuse_nonsense(wishes)
    party = Party.objects.select_for_update(no_key=True, of=("self",)).get(customer=customer_id)
    last = ContactPreference.objects.filter(party=party).order_by("-id").first()
    given = vars(wishes) | {"window_days": sorted(set(wishes.window_days))}
    if given == _wishes_of(last):
        return last
    if seen is not None and seen != (last.pk if last else 0):
        said = _("Somebody changed these preferences meanwhile. Look at them and save again.")
        raise PreferencesRefused(said, code="preferences_changed_meanwhile")
    row = ContactPreference(party=party, set_at=at, staff=actor, interaction_id=interaction_id)
    for name, value in given.items():
        setattr(row, name, value)
    row.save(force_insert=True)
    publish(
        PREFERENCES_SET,
        at=at,
        actor=actor,
        preference_id=row.pk,
        party_id=party.pk,
        customer_id=customer_id,
        do_not_contact=row.do_not_contact,
    )
    return row


def _wishes_of(row: ContactPreference | None) -> dict[str, object]:
    wishes = vars(Wishes())
    held = {name: getattr(row, name) for name in wishes} if row else wishes
    return held | {"window_days": sorted(held["window_days"])}


def _refuse_nonsense(wishes: Wishes) -> None:
    refusals = []
    if wishes.preferred_channel not in ["", *ContactChannel.values]:
        refusals.append(
            Refusal("channel_unknown", _("There is no such channel."), field="preferred_channel")
        )
    if wishes.language not in ["", *dict(settings.LANGUAGES)]:
        refusals.append(
            Refusal("language_unknown", _("We do not speak that language."), field="language")
        )
    if wishes.do_not_contact not in ["", *DoNotContact.values]:
        refusals.append(
            Refusal("reason_unknown", _("There is no such reason."), field="do_not_contact")
        )
    starts, ends = wishes.window_starts, wishes.window_ends
    if (starts is None) != (ends is None):
        said = _("Give both ends of the time, or neither.")
        refusals.append(Refusal("window_half", said, field="window_ends"))
    if starts is not None and ends is not None and starts >= ends:
        said = _("The time has to end after it begins, on the same day.")
        refusals.append(Refusal("window_backwards", said, field="window_ends"))
    if not set(wishes.window_days) or not set(wishes.window_days) <= set(WEEK):
        said = _("Choose at least one day of the week.")
        refusals.append(Refusal("window_without_days", said, field="window_days"))
    if refusals:
        said = " ".join(str(refusal.message) for refusal in refusals)
        raise PreferencesRefused(said, code=refusals[0].code, refusals=refusals)
