"""
One change to all customers that match, row by row through the service of a single change.

The job first writes down which customers match, so what it changes is decided at one moment and
a worker that dies is followed by one that goes on. Rows are locked in the order of their ids, a
hundred to a transaction: two jobs at once take turns and never wait for each other in a circle.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from crm.platform.access.models import Staff
from crm.platform.errors import DomainError
from crm.platform.jobs.models import Job
from crm.platform.jobs.registry import JobContext
from crm.platform.jobs.services import start_job
from customers.lists.wanted import Wanted, conditions_of, from_bulk
from customers.models import (
    BulkAction,
    BulkChange,
    BulkItem,
    BulkOutcome,
    Customer,
    CustomerTag,
    ListKind,
    Tag,
)
from customers.services import care

JOB, UNDO_JOB = "customers.bulk", "customers.bulk_undo"
UNDO_WITHIN = timedelta(days=30)
A_CHUNK = 100

_CHOOSE = """
INSERT INTO customers_bulkitem (bulk_id, customer_id, outcome, before, reason)
SELECT %s, matching.id, 'CHOSEN', '', '' FROM ({}) matching (id)
"""


class BulkRefused(DomainError):
    """This bulk change, or its undoing, may not begin."""

    code = "bulk_refused"


@dataclass(frozen=True)
class _Act:
    """
    How an action is done to one customer. `do` returns what was there before; `holds` is
    whether the locked customer still has what it was given; `undo` puts back what was before.
    """

    permission: str
    check: Callable[[str], Any]
    do: Callable[..., str]
    is_changed: Callable[[str, str], bool]
    holds: Callable[[Customer, str], bool]
    undo: Callable[..., Any]


def _assign(*, customer_id: int, value: str, actor: Staff, at: datetime) -> str:
    return care.assign_manager(customer_id=customer_id, staff_code=value, actor=actor, at=at)


def _change(*, customer_id: int, value: str, actor: Staff, at: datetime) -> str:
    return care.change_category(customer_id=customer_id, category=value, actor=actor, at=at)


def _put(*, customer_id: int, value: str, actor: Staff, at: datetime) -> str:
    was = care.put_tag(customer_id=customer_id, name=value, actor=actor, at=at)
    return value if was else ""


def _take(*, customer_id: int, value: str, actor: Staff, at: datetime) -> str:
    was = care.take_tag(customer_id=customer_id, name=value, actor=actor, at=at)
    return value if was else ""


def _restore_tag(put: Callable[..., str]) -> Callable[..., Any]:
    def restore(*, customer_id: int, before: str, value: str, actor: Staff, at: datetime) -> None:
        put(customer_id=customer_id, value=value, actor=actor, at=at)

    return restore


def _restore(do: Callable[..., str]) -> Callable[..., Any]:
    def restore(*, customer_id: int, before: str, value: str, actor: Staff, at: datetime) -> None:
        do(customer_id=customer_id, value=before, actor=actor, at=at)

    return restore


def _has_tag(customer: Customer, name: str) -> bool:
    return CustomerTag.objects.filter(customer=customer, tag__name=name).exists()


_ACTS = {
    BulkAction.ASSIGN_MANAGER: _Act(
        "customers.assign_manager",
        lambda value: value and care.manager_with(value),
        _assign,
        lambda before, value: before != value,
        lambda c, value: (c.manager.staff_code if c.manager else "") == value,
        _restore(_assign),
    ),
    BulkAction.CHANGE_CATEGORY: _Act(
        "customers.change_category",
        care.known_category,
        _change,
        lambda before, value: before != value,
        lambda c, value: c.category == value,
        _restore(_change),
    ),
    BulkAction.ADD_TAG: _Act(
        "customers.tag_customer",
        care.tag_name,
        _put,
        lambda before, value: before == "",
        _has_tag,
        _restore_tag(_take),
    ),
    BulkAction.REMOVE_TAG: _Act(
        "customers.tag_customer",
        care.tag_name,
        _take,
        lambda before, value: before != "",
        lambda c, value: not _has_tag(c, value),
        _restore_tag(_put),
    ),
}


def actions_of(staff: Staff) -> list[BulkAction]:
    """Return what the account may do to all that match."""
    return [action for action, act in _ACTS.items() if staff.has_perm(act.permission)]


def check_bulk(*, action: str, value: str, actor: Staff) -> tuple[BulkAction, str]:
    """
    Return the action and its value as they will be done.

    :raises BulkRefused: for an action that there is not, or that the account may not do.
    :raises CannotChange: for a value that no customer can be given.
    """
    if action not in actions_of(actor):
        raise BulkRefused(_("Choose what to do; this is not among what your account may do."))
    kind = BulkAction(action)
    clean = " ".join(value.split())
    _ACTS[kind].check(clean)
    return kind, clean


@transaction.atomic
def start_bulk(
    *, wanted: Wanted, action: str, value: str, reason: str, actor: Staff, at: datetime
) -> BulkChange:
    """
    Start changing all customers that match within the actor's reach.

    :raises BulkRefused: as `check_bulk`; or without a reason, or for another list.
    :raises CannotChange: for a value that no customer can be given.
    :raises BadFilter: for values that their fields cannot have.
    """
    kind, clean = check_bulk(action=action, value=value, actor=actor)
    if wanted.kind != ListKind.CUSTOMERS:
        raise BulkRefused(_("Only customers can be changed together."))
    if len(reason.strip()) < 4:
        raise BulkRefused(_("Say why, in at least four letters: it stays with the change."))
    wanted.check()
    if kind == BulkAction.ADD_TAG:  # made now, so that no two jobs wait for each other's
        Tag.objects.get_or_create(name=clean)
    bulk = BulkChange.objects.create(
        staff=actor,
        action=kind,
        value=clean,
        conditions=conditions_of(wanted),
        reason=reason.strip()[:300],
        created_at=at,
    )
    job = start_job(kind=JOB, params={"bulk": str(bulk.pk)}, actor=actor, at=at)
    bulk.job_id = job.pk
    bulk.save(update_fields=["job_id"])
    return bulk


@transaction.atomic
def start_undo(*, bulk_id: UUID, actor: Staff, at: datetime) -> BulkChange:
    """
    Start giving back what the change took, to every customer who still has what it gave.

    :raises BulkChange.DoesNotExist: if it is not the actor's own.
    :raises BulkRefused: while it runs, after thirty days, or where nothing is left to undo.
    """
    bulk = BulkChange.objects.visible_to(actor).select_for_update().get(pk=bulk_id)
    for job in Job.objects.filter(pk__in=[pk for pk in (bulk.job_id, bulk.undo_job_id) if pk]):
        if not job.is_finished:
            raise BulkRefused(_("It still runs. Cancel it first, or wait until it is done."))
    if at > bulk.created_at + UNDO_WITHIN:
        raise BulkRefused(
            _("It is over %(days)s days old and can no longer be undone.")
            % {"days": UNDO_WITHIN.days}
        )
    if not bulk.items.filter(outcome=BulkOutcome.CHANGED).exists():
        raise BulkRefused(_("Nothing is left to undo."))
    job = start_job(kind=UNDO_JOB, params={"bulk": str(bulk.pk)}, actor=actor, at=at)
    bulk.undo_job_id = job.pk
    bulk.save(update_fields=["undo_job_id"])
    return bulk


def run_bulk(*, context: JobContext, bulk_id: UUID, today: date) -> dict[str, int]:
    """
    Choose the customers, if that is not done, and change those that are not done.

    Returns how many were changed, were so already, and could not be changed.

    :raises BulkRefused: if the account may no longer do this.
    """
    bulk = BulkChange.objects.select_related("staff").get(pk=bulk_id)
    check_bulk(action=bulk.action, value=bulk.value, actor=bulk.staff)
    _choose(bulk, at=context.at, today=today)

    def change(item: BulkItem) -> None:
        act = _ACTS[BulkAction(bulk.action)]
        item.before = act.do(
            customer_id=item.customer_id, value=bulk.value, actor=bulk.staff, at=context.at
        )
        is_changed = act.is_changed(item.before, bulk.value)
        item.outcome = BulkOutcome.CHANGED if is_changed else BulkOutcome.UNCHANGED

    _each(context, bulk, BulkOutcome.CHOSEN, change, otherwise=BulkOutcome.REFUSED)
    return outcomes_of(bulk)


def run_undo(*, context: JobContext, bulk_id: UUID) -> dict[str, int]:
    """
    Give back what the change took where nothing happened since. Returns all outcomes.

    :raises BulkRefused: if the account may no longer do this.
    """
    bulk = BulkChange.objects.select_related("staff").get(pk=bulk_id)
    act = _ACTS[BulkAction(bulk.action)]
    if not bulk.staff.has_perm(act.permission):
        raise BulkRefused(_("Your account may no longer do this."))

    def undo(item: BulkItem) -> None:
        visible = Customer.objects.visible_to(bulk.staff).select_related("manager")
        customer = visible.select_for_update(of=("self",)).get(pk=item.customer_id)
        if not act.holds(customer, bulk.value):
            item.outcome = BulkOutcome.KEPT
            item.reason = _("It was changed since.")
            return
        act.undo(
            customer_id=item.customer_id,
            before=item.before,
            value=bulk.value,
            actor=bulk.staff,
            at=context.at,
        )
        item.outcome = BulkOutcome.UNDONE

    _each(context, bulk, BulkOutcome.CHANGED, undo, otherwise=BulkOutcome.KEPT)
    return outcomes_of(bulk)


def outcomes_of(bulk: BulkChange) -> dict[str, int]:
    """Return how many customers had each outcome, by its name in lower case."""
    found = bulk.items.values_list("outcome").annotate(n=Count("*")).order_by("outcome")
    return {outcome.lower(): n for outcome, n in found}


@transaction.atomic
def _choose(bulk: BulkChange, *, at: datetime, today: date) -> None:
    """Write down who matches, once."""
    locked = BulkChange.objects.select_for_update().get(pk=bulk.pk)
    if locked.chosen_at is not None:
        return
    rows = from_bulk(bulk).rows(bulk.staff, today=today).order_by().values_list("pk")
    try:
        sql, params = rows.query.sql_with_params()
    except EmptyResultSet:  # the account may see nobody at all
        sql, params = "SELECT 0 WHERE false", ()
    with connection.cursor() as cursor:
        cursor.execute(_CHOOSE.format(sql), [bulk.pk, *params])
    locked.chosen_at = at
    locked.save(update_fields=["chosen_at"])


def _each(
    context: JobContext,
    bulk: BulkChange,
    outcome: BulkOutcome,
    do: Callable[[BulkItem], None],
    *,
    otherwise: BulkOutcome,
) -> None:
    """Do it to every item of the outcome; one that is refused says why and stays behind."""
    items = bulk.items.filter(outcome=outcome).order_by("customer_id")
    done, total = 0, items.count()
    context.progress(done, total)
    while chunk := list(items[:A_CHUNK]):
        with transaction.atomic():
            for item in chunk:
                try:
                    with transaction.atomic():
                        do(item)
                except Customer.DoesNotExist:
                    item.outcome, item.reason = otherwise, _("No longer within your reach.")
                except DomainError as refusal:
                    item.outcome, item.reason = otherwise, str(refusal)[:300]
            BulkItem.objects.bulk_update(chunk, ["outcome", "before", "reason"])
        done += len(chunk)
        context.progress(done, total)
