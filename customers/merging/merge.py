"""Merging two customers into one (客户归并). Rules and reasons: docs/merge.md."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from crm.platform.access.models import Staff
from crm.platform.errors import DomainError, Refusal
from crm.platform.events.outbox import publish
from customers.events import CUSTOMER_MERGED
from customers.feeds.search_keys import remake_keys
from customers.merging.candidates import follow_merge
from customers.merging.fields import BY_NAME, carry_verification, take_fields
from customers.merging.locking import lock_customers
from customers.merging.rows import Ends, move_rows
from customers.merging.wishes import carry_wishes
from customers.models import Customer, CustomerMerge, CustomerStatus, PartyIdentification


class MergeRefused(DomainError):
    code = "merge_refused"


@transaction.atomic
def merge_customers(
    *,
    survivor_id: int,
    absorbed_id: int,
    take: Iterable[str] = (),
    actor: Staff | None,
    at: datetime,
    reason: str = "",
) -> CustomerMerge:
    """
    Make two records one: everything of the absorbed becomes the survivor's.

    `take` names the fields (`customers.merging.fields`) in which the absorbed record is right.
    Nothing is deleted; `undo_merge` takes it back for thirty days.

    :raises MergeRefused: with every rule that forbids it.
    :raises Busy: while a file or another merge is at work on them.
    """
    take = list(take)
    found = lock_customers({survivor_id, absorbed_id})
    _refuse(found, survivor_id, absorbed_id, take, actor)
    survivor, absorbed = found[survivor_id], found[absorbed_id]
    merge = CustomerMerge.objects.create(
        survivor=survivor,
        absorbed=absorbed,
        absorbed_status=absorbed.status,
        merged_at=at,
        merged_by=actor,
        reason=reason[:300],
    )
    merge.changes = carry_verification(survivor=survivor, absorbed=absorbed)
    merge.changes += take_fields(survivor=survivor, absorbed=absorbed, names=take)
    merge.moved = move_rows(Ends.of(merge, survivor, absorbed), at=at)
    carry_wishes(survivor=survivor, absorbed=absorbed, at=at)
    merge.save(update_fields=["changes", "moved", "updated_at"])
    Customer.objects.filter(pk=absorbed.pk).update(
        status=CustomerStatus.MERGED, merged_into=survivor, updated_at=at
    )
    Customer.objects.filter(merged_into=absorbed).update(merged_into=survivor, updated_at=at)
    remake_keys([survivor.pk, absorbed.pk])
    follow_merge(survivor_id=survivor.pk, absorbed_id=absorbed.pk, actor=actor, at=at)
    publish(
        CUSTOMER_MERGED,
        at=at,
        actor=actor,
        merge_id=merge.pk,
        customer_id=survivor.pk,
        absorbed_id=absorbed.pk,
    )
    return merge


def refusals(*, survivor: Customer, absorbed: Customer) -> list[Refusal]:
    """Return every rule that forbids to merge the two; none, if they may be merged."""
    found: list[Refusal] = []
    if survivor.pk == absorbed.pk:
        said = _("A customer cannot be merged with themselves.")
        return [Refusal("merge_with_itself", said)]
    found += _already_merged(survivor, absorbed)
    if survivor.party.kind != absorbed.party.kind:
        said = _("One is a person and the other an organisation; they cannot be one customer.")
        found.append(Refusal("merge_of_different_kinds", said))
    if _verified_differently(survivor, absorbed):
        said = _("Both have a verified document of the same kind, and the numbers differ.")
        remedy = _("If one of the documents is wrong, correct it first, on evidence.")
        found.append(Refusal("merge_of_two_identities", said, remedy))
    return found


def _refuse(
    found: dict[int, Customer],
    survivor_id: int,
    absorbed_id: int,
    take: list[str],
    actor: Staff | None,
) -> None:
    if unknown := sorted(set(take) - BY_NAME.keys()):
        said = _("There is no field “%(name)s” to choose.") % {"name": unknown[0]}
        raise MergeRefused(said, code="merge_field_unknown")
    reachable = set(found)
    if actor is not None:
        within = Customer.objects.within_reach(actor).filter(pk__in=found)
        reachable = set(within.values_list("pk", flat=True))
    if not {survivor_id, absorbed_id} <= reachable:
        said = _("There is no such customer, or not within your reach.")
        raise MergeRefused(said, code="merge_out_of_reach")
    failing = refusals(survivor=found[survivor_id], absorbed=found[absorbed_id])
    if failing:
        raise MergeRefused(
            " ".join(refusal.message for refusal in failing),
            code=failing[0].code,
            refusals=failing,
        )


def _already_merged(*both: Customer) -> Iterable[Refusal]:
    for customer in both:
        if customer.status == CustomerStatus.MERGED:
            said = _("Customer %(number)s was merged into %(other)s already.") % {
                "number": customer.number,
                "other": customer.merged_into.number if customer.merged_into else "",
            }
            remedy = _("Merge with that one, or undo the merge.")
            yield Refusal("merge_of_the_merged", said, remedy)


def _verified_differently(survivor: Customer, absorbed: Customer) -> bool:
    verified = PartyIdentification.objects.filter(verified_at__isnull=False)
    return (
        verified.filter(
            party=survivor.party_id,
            kind__in=verified.filter(party=absorbed.party_id).values("kind"),
        )
        .exclude(
            number_hash__in=verified.filter(party=absorbed.party_id).values("number_hash"),
        )
        .exists()
    )


def survivor_of(customer_ids: Iterable[int]) -> dict[int, int]:
    """Return whom each of these customers was merged into; those that were not are left out."""
    merged = Customer.objects.filter(pk__in=customer_ids).exclude(merged_into=None)
    return dict(merged.values_list("pk", F("merged_into_id")))
