"""Taking a merge back, for thirty days, with later edits kept. The rules: docs/merge.md."""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from crm.platform.access.models import Staff
from crm.platform.errors import DomainError, Refusal
from crm.platform.events.outbox import publish
from customers.events import CUSTOMER_MERGE_UNDONE
from customers.feeds.search_keys import remake_keys
from customers.merging.candidates import follow_undo
from customers.merging.fields import take_back
from customers.merging.locking import lock_customers
from customers.merging.rows import Ends, return_rows
from customers.models import Customer, CustomerMerge

UNDO_WITHIN = timedelta(days=30)


class UndoRefused(DomainError):
    code = "undo_refused"


@transaction.atomic
def undo_merge(*, merge_id: int, actor: Staff | None, at: datetime) -> CustomerMerge:
    """
    Make two customers again of what a merge made one.

    :raises UndoRefused: with every rule that forbids it.
    :raises Busy: while a file or another merge is at work on them.
    """
    merge = CustomerMerge.objects.get(pk=merge_id)
    found = lock_customers({merge.survivor_id, merge.absorbed_id})
    merge.refresh_from_db()  # as it stands now that nobody else can undo it
    _refuse(merge, found, actor, at)
    survivor, absorbed = found[merge.survivor_id], found[merge.absorbed_id]
    take_back(merge)
    return_rows(Ends.of(merge, survivor, absorbed), at=at)
    merge.undone_at, merge.undone_by = at, actor
    merge.save(update_fields=["undone_at", "undone_by", "updated_at"])
    Customer.objects.filter(pk=absorbed.pk).update(
        status=merge.absorbed_status, merged_into=None, updated_at=at
    )
    _give_back_the_absorbed(absorbed)
    remake_keys([survivor.pk, absorbed.pk])
    follow_undo(survivor_id=survivor.pk, absorbed_id=absorbed.pk, actor=actor, at=at)
    publish(
        CUSTOMER_MERGE_UNDONE,
        at=at,
        actor=actor,
        merge_id=merge.pk,
        customer_id=survivor.pk,
        absorbed_id=absorbed.pk,
    )
    return merge


def undo_refusals(merge: CustomerMerge, *, survivor: Customer, at: datetime) -> list[Refusal]:
    """Return every rule that forbids to undo a merge now; none, if it can be undone."""
    found = []
    if merge.undone_at is not None:
        found.append(Refusal("undo_of_the_undone", _("This merge was undone already.")))
    if at >= merge.merged_at + UNDO_WITHIN:
        day = date_format(timezone.localtime(merge.merged_at + UNDO_WITHIN), "DATE_FORMAT")
        said = _("A merge can be undone for 30 days; this one until %(day)s.") % {"day": day}
        found.append(Refusal("undo_too_late", said))
    if survivor.merged_into_id is not None and merge.undone_at is None:
        later = survivor.mergers.in_force().select_related("survivor").get()
        said = _("Customer %(number)s was itself merged into %(other)s since.") % {
            "number": survivor.number,
            "other": later.survivor.number,
        }
        remedy = _("Undo that merge first.")
        found.append(Refusal("undo_before_a_later_one", said, remedy))
    return found


def _refuse(
    merge: CustomerMerge, found: dict[int, Customer], actor: Staff | None, at: datetime
) -> None:
    if actor is not None and not CustomerMerge.objects.visible_to(actor).filter(pk=merge.pk):
        said = _("There is no such merge, or not within your reach.")
        raise UndoRefused(said, code="undo_out_of_reach")
    failing = undo_refusals(merge, survivor=found[merge.survivor_id], at=at)
    if failing:
        raise UndoRefused(
            " ".join(refusal.message for refusal in failing),
            code=failing[0].code,
            refusals=failing,
        )


def _give_back_the_absorbed(customer: Customer) -> None:
    """Point those who had been merged into this customer, directly or not, at them again."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE below AS (
                SELECT absorbed_id FROM customers_customermerge
                WHERE survivor_id = %(customer)s AND undone_at IS NULL
                UNION
                SELECT m.absorbed_id FROM customers_customermerge AS m
                JOIN below AS b ON m.survivor_id = b.absorbed_id WHERE m.undone_at IS NULL
            )
            UPDATE customers_customer AS c SET merged_into_id = %(customer)s, updated_at = now()
            FROM below AS b WHERE c.id = b.absorbed_id
            """,
            {"customer": customer.pk},
        )
