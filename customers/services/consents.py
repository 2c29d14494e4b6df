"""What customers allow and what they wish: written down, never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from crm.platform.access.models import Staff
from crm.platform.errors import DomainError, Refusal
from crm.platform.events.outbox import publish
from customers.consent_texts import current_text
from customers.events import CONSENT_GIVEN, CONSENT_WITHDRAWN
from customers.models import (
    CHANNELLED,
    EVERY_CHANNEL,
    Consent,
    ConsentPurpose,
    ConsentSource,
    ConsentState,
    ContactChannel,
    Party,
)


class ConsentRefused(DomainError):
    code = "consent_refused"


@dataclass(frozen=True)
class Proof:
    """
    Where a decision was taken and what shows it: a recording, a paper, a batch, an interaction.

    `decided_at` is when the customer decided, if that was before it is written down.
    """

    source: ConsentSource | str
    evidence: str = ""
    decided_at: datetime | None = None
    interaction_id: UUID | None = None


@transaction.atomic
def give_consent(
    *,
    customer_id: int,
    purpose: ConsentPurpose | str,
    channels: Sequence[str] = (),
    proof: Proof,
    text_version: str = "",
    expires_at: datetime | None = None,
    actor: Staff | None,
    at: datetime,
) -> list[Consent]:
    """
    Write down that the customer agrees, a row a channel; none for a purpose without channels.

    Without a `text_version` it is the current text. What is already written, word for word, is
    not written twice. Returns the rows written; publishes `customers.consent.given` for each.

    :raises ConsentRefused: with every rule that fails: no channel, no evidence, a time to come.
    :raises Party.DoesNotExist: if there is no such customer.
    """
    purpose = ConsentPurpose(purpose)
    refusals = _wrong_channels(purpose, channels) + _wrong_time(proof, at)
    if purpose in CHANNELLED and not channels:
        message = _("Choose the channels: consent is given for each by itself.")
        refusals.append(Refusal("channel_missing", message, field="channels"))
    if not proof.evidence.strip():
        message = _("Say what shows that the customer agreed: a paper, a recording, a message.")
        refusals.append(Refusal("evidence_missing", message, field="evidence"))
    if expires_at is not None and expires_at <= at:
        message = _("It would have ended already; choose a later day.")
        refusals.append(Refusal("expired_already", message, field="expires_at"))
    _refuse(refusals)
    wanted = [
        _Wanted(
            channel, ConsentState.GIVEN, text_version or current_text(purpose).version, expires_at
        )
        for channel in (channels or [EVERY_CHANNEL])
    ]
    return _append(customer_id, purpose, wanted, proof, actor, at)


@transaction.atomic
def withdraw_consent(
    *,
    customer_id: int,
    purpose: ConsentPurpose | str,
    channels: Sequence[str] = (),
    proof: Proof,
    actor: Staff | None,
    at: datetime,
) -> list[Consent]:
    """
    Write down that the customer no longer agrees, in these channels; without any, in every one.

    From the commit on, no sender that asks may contact them. A sender that holds the party
    (`contact_verdicts(..., hold=True)`) is waited for. A withdrawal needs no evidence and is
    never refused for want of a consent. Returns the rows written, as `give_consent`;
    publishes `customers.consent.withdrawn` for each.

    :raises ConsentRefused: for a channel that is none, or a time to come.
    :raises Party.DoesNotExist: if there is no such customer.
    """
    purpose = ConsentPurpose(purpose)
    _refuse(_wrong_channels(purpose, channels) + _wrong_time(proof, at))
    wanted = [_Wanted(channel, ConsentState.WITHDRAWN) for channel in (channels or [EVERY_CHANNEL])]
    return _append(customer_id, purpose, wanted, proof, actor, at)


@dataclass(frozen=True)
class _Wanted:
    channel: str
    state: ConsentState
    text_version: str = ""
    expires_at: datetime | None = None


def _append(
    customer_id: int,
    purpose: ConsentPurpose,
    wanted: list[_Wanted],
    proof: Proof,
    actor: Staff | None,
    at: datetime,
) -> list[Consent]:
    party = Party.objects.select_for_update(no_key=True, of=("self",)).get(customer=customer_id)
    written = []
    for one in wanted:
        row = Consent(
            party=party,
            purpose=purpose,
            channel=one.channel,
            state=one.state,
            text_version=one.text_version,
            expires_at=one.expires_at,
            decided_at=proof.decided_at or at,
            recorded_at=at,
            source=ConsentSource(proof.source),
            evidence=proof.evidence.strip(),
            interaction_id=proof.interaction_id,
            staff=actor,
        )
        if not _says_the_same(row, within=proof.decided_at is None):
            row.save(force_insert=True)
            written.append(row)
    for row in written:
        publish(
            CONSENT_GIVEN if row.state == ConsentState.GIVEN else CONSENT_WITHDRAWN,
            at=at,
            actor=actor,
            consent_id=row.pk,
            party_id=party.pk,
            customer_id=customer_id,
            purpose=row.purpose,
            channel=row.channel,
        )
    return written


def _says_the_same(row: Consent, *, within: bool) -> bool:
    """
    Whether the ledger says this already: word for word, and nothing was decided otherwise since.

    `within` is for a decision of this moment, which a second press of the button repeats; a
    decision of a stated time is the same only if it was taken at that time.
    """
    of_purpose = Consent.objects.filter(party=row.party, purpose=row.purpose)
    same = of_purpose.filter(
        channel=row.channel,
        state=row.state,
        text_version=row.text_version,
        expires_at=row.expires_at,
        source=row.source,
        evidence=row.evidence,
    )
    if not within:
        return same.filter(decided_at=row.decided_at).exists()
    last = same.order_by("-decided_at", "-id").first()
    if last is None:
        return False
    since = Q(decided_at__gt=last.decided_at) | Q(decided_at=last.decided_at, id__gt=last.pk)
    otherwise = of_purpose.filter(since).exclude(state=row.state)
    if row.channel != EVERY_CHANNEL:
        otherwise = otherwise.filter(channel__in=[row.channel, EVERY_CHANNEL])
    return not otherwise.exists()


def _wrong_channels(purpose: ConsentPurpose, channels: Sequence[str]) -> list[Refusal]:
    if channels and purpose not in CHANNELLED:
        message = _("“%(purpose)s” has no channels; leave them out.") % {"purpose": purpose.label}
        return [Refusal("channel_without_meaning", message, field="channels")]
    if unknown := sorted(set(channels) - set(ContactChannel.values)):
        message = _("There is no channel “%(name)s”.") % {"name": unknown[0][:20]}
        return [Refusal("channel_unknown", message, field="channels")]
    return []


def _wrong_time(proof: Proof, at: datetime) -> list[Refusal]:
    if proof.decided_at is None or proof.decided_at <= at:
        return []
    message = _("The customer cannot have decided later than now.")
    return [Refusal("decided_in_the_future", message, field="decided_at")]


def _refuse(refusals: list[Refusal]) -> None:
    if refusals:
        said = " ".join(refusal.message for refusal in refusals)
        raise ConsentRefused(said, code=refusals[0].code, refusals=refusals)
