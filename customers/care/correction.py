"""
Correcting the key fields of a person (资料更正): the name and the identity document.

Both say who the contract is with, so they change only on evidence (户籍更名, 证件升位); anything
else is a change of owner (过户). There is no other way from a page or REST: saving a Party or a
PartyIdentification with another name or number is refused. What was is in the history.
"""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.platform.access.masking import FieldClass, mask
from crm.platform.access.models import Staff
from crm.platform.errors import DomainError, Refusal
from crm.platform.events.outbox import publish
from customers.events import PARTY_CORRECTED
from customers.feeds.search_keys import remake_keys
from customers.identity import (
    IdentityFault,
    birth_date_of,
    check_number,
    encrypt_number,
    hash_number,
)
from customers.models import (
    Customer,
    CustomerStatus,
    IdentificationKind,
    Party,
    PartyCorrection,
    PartyIdentification,
)
from customers.search import sort_key

_LEAST = 4


class CorrectionRefused(DomainError):
    code = "correction_refused"


@dataclass(frozen=True)
class RightDocument:
    """The document as it should be; `replaces` is the id of the wrong one, None adds it."""

    kind: str
    number: str
    replaces: int | None = None
    issuer: str = ""
    valid_to: date | None = None


@transaction.atomic
def correct_party(
    *,
    customer_id: int,
    actor: Staff | None,
    at: datetime,
    evidence: str,
    reason: str,
    name: str = "",
    document: RightDocument | None = None,
) -> PartyCorrection:
    """
    Put a wrong name or document right. `evidence` names what proves it (a file, a form).

    A corrected document is unverified until somebody has seen it.

    :raises CorrectionRefused: with every rule that forbids it; nothing is changed.
    """
    customer = Customer.objects.select_for_update(of=("self",)).get(pk=customer_id)
    party = Party.objects.select_for_update().get(pk=customer.party_id)
    name, number = " ".join(name.split()), ""
    failing = _failing(customer, party, evidence, reason, name, document)
    if document is not None:
        try:
            number = check_number(document.kind, document.number, on=timezone.localdate(at))
            failing += _taken(party, document, number)
        except IdentityFault as fault:
            failing.append(Refusal(fault.code, str(fault), field="number"))
    if failing:
        said = " ".join(refusal.message for refusal in failing)
        raise CorrectionRefused(said, code=failing[0].code, refusals=failing)
    corrected = []
    if name and name != party.name:
        corrected.append("name")
        Party.objects.filter(pk=party.pk).update(name=name, sort_key=sort_key(name), updated_at=at)
    if document is not None:
        corrected.append("document")
        _write_document(party, document, number, at)
    made = PartyCorrection.objects.create(
        customer=customer,
        fields=corrected,
        evidence=evidence.strip()[:200],
        reason=reason.strip()[:300],
        corrected_at=at,
        corrected_by=actor,
    )
    remake_keys([customer.pk])
    publish(PARTY_CORRECTED, at=at, actor=actor, customer_id=customer.pk, fields=corrected)
    return made


def _failing(
    customer: Customer,
    party: Party,
    evidence: str,
    reason: str,
    name: str,
    document: RightDocument | None,
) -> list[Refusal]:
    found = []
    if customer.status == CustomerStatus.MERGED:
        said = _("This record was merged into another; correct that one.")
        found.append(Refusal("correction_of_the_merged", said))
    if len(evidence.strip()) < _LEAST:
        said = _("Name the evidence: what was seen, and where the copy lies.")
        found.append(Refusal("correction_without_evidence", said, field="evidence"))
    if len(reason.strip()) < _LEAST:
        said = _("Say why it was wrong. If somebody else takes over, it is a change of owner.")
        found.append(Refusal("correction_without_reason", said, field="reason"))
    if document is None and (not name or name == party.name):
        said = _("Nothing would change.")
        found.append(Refusal("correction_of_nothing", said, field="name"))
    return found


def _taken(party: Party, document: RightDocument, number: str) -> list[Refusal]:
    rows = PartyIdentification.objects.filter(
        kind=document.kind, number_hash=hash_number(document.kind, number)
    )
    found = []
    if document.replaces is not None and not PartyIdentification.objects.filter(
        pk=document.replaces, party=party
    ):
        said = _("This customer has no such document to correct.")
        found.append(Refusal("correction_of_no_document", said, field="replaces"))
    if rows.filter(party=party).exclude(pk=document.replaces or 0):
        said = _("This customer has this document already.")
        found.append(Refusal("correction_document_known", said, field="number"))
    if rows.exclude(party=party).filter(verified_at__isnull=False):
        said = _("This document was verified for another customer.")
        remedy = _("If they are one customer, merge them.")
        found.append(Refusal("correction_document_of_another", said, remedy, field="number"))
    return found


def _write_document(party: Party, document: RightDocument, number: str, at: datetime) -> None:
    values = {
        "kind": document.kind,
        "number_encrypted": encrypt_number(number),
        "number_hash": hash_number(document.kind, number),
        "number_masked": mask(number, FieldClass.ID_NUMBER),
        "issuer": document.issuer[:100],
        "valid_to": document.valid_to,
        "verified_at": None,
        "verified_by": "",
    }
    if document.replaces is not None:
        rows = PartyIdentification.objects.filter(pk=document.replaces)
        rows.update(**values, updated_at=at)
    else:
        PartyIdentification.objects.create(party=party, **values)
    if document.kind == IdentificationKind.ID_CARD:
        born = birth_date_of(number)
        Party.objects.filter(pk=party.pk).update(birth_date=born, updated_at=at)
