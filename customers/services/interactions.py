"""
Contacts at a desk: opened, identified, parked, finished.

Whoever serves somebody has one contact in hand; the database holds that (`DeskContact`). Further
ones wait parked until they are taken up again or finished.
"""

from datetime import datetime
from enum import StrEnum
from functools import partial
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from crm.platform.access.models import Staff
from crm.platform.bus import announce
from crm.platform.errors import DomainError
from crm.platform.events.outbox import publish
from crm.platform.partitions import ensure_month
from crm.platform.records import uuid7
from customers.events import (
    INTERACTION_AUTHENTICATED,
    INTERACTION_CLOSED,
    INTERACTION_LINKED,
    INTERACTION_OPENED,
    INTERACTION_PARKED,
    INTERACTION_RESUMED,
)
from customers.models import (
    AuthLevel,
    AuthMethod,
    Channel,
    DeskContact,
    Direction,
    Interaction,
    InteractionLink,
    InteractionState,
    Purpose,
)
from customers.selectors.interactions import current_interaction, timeline_channel

RESULT_LENGTH = 100
TOPIC_LENGTH = 100
RECORDING_LENGTH = 200


class InteractionRefused(DomainError):
    code = "interaction_refused"


class Meanwhile(StrEnum):
    """What becomes of the contact in hand when another customer comes."""

    REFUSE = "refuse"
    PARK = "park"
    FINISH = "finish"


@transaction.atomic
def open_interaction(
    *,
    customer_id: int,
    staff: Staff,
    channel: str,
    direction: str = Direction.INBOUND,
    purpose: str = Purpose.ENQUIRY,
    topic: str = "",
    subscriber_id: int | None = None,
    in_hand: Meanwhile = Meanwhile.REFUSE,
    at: datetime,
) -> Interaction:
    """
    Begin a contact with a customer, in the hands of this member of staff.

    The one already in hand is returned if it is with this customer, however often one asks; a
    parked one with this customer is taken up again. `in_hand` says what becomes of one with
    somebody else. Publishes `customers.interaction.opened` (or `.resumed`).

    :raises InteractionRefused: `another_contact_open` where another customer is being served and
        `in_hand` is to refuse.
    """
    held = {row.customer_id: row for row in _locked(DeskContact.objects.filter(staff=staff))}
    now = next((row for row in held.values() if row.parked_at is None), None)
    if now is not None and now.customer_id == customer_id:
        return _of(now)
    if now is not None:
        _set_aside(now, staff, in_hand, at)
    if customer_id in held:
        return _take_up(held[customer_id], staff, at)
    interaction = Interaction(
        id=uuid7(),
        started_at=at,
        customer_id=customer_id,
        subscriber_id=subscriber_id,
        channel=Channel(channel),
        direction=Direction(direction),
        purpose=Purpose(purpose),
        topic=topic.strip()[:TOPIC_LENGTH],
        staff_id=staff.pk,
        state=InteractionState.OPEN,
    )
    interaction.number = str(interaction.id)
    try:
        with transaction.atomic():
            DeskContact.objects.create(
                interaction_id=interaction.id,
                started_at=at,
                staff=staff,
                customer_id=customer_id,
                channel=interaction.channel,
                purpose=interaction.purpose,
            )
    except IntegrityError:  # another tab was quicker, after we looked
        now = DeskContact.objects.filter(staff=staff, parked_at=None).first()
        if now is not None and now.customer_id == customer_id:
            return _of(now)
        raise _another_is_open() from None
    ensure_month(Interaction._meta.db_table, at)
    interaction.save(force_insert=True)
    _tell(INTERACTION_OPENED, interaction, staff, at, channel=interaction.channel)
    return interaction


@transaction.atomic
def authenticate(*, interaction_id: UUID, staff: Staff, method: str, at: datetime) -> Interaction:
    """
    Note how the customer showed who they are. The last word counts, so a slip can be put right;
    each is published as `customers.interaction.authenticated`.

    :raises InteractionRefused: `interaction_not_open` unless the contact is in these hands.
    """
    row = _mine(interaction_id, staff)
    interaction = _of(row)
    before = interaction.auth_method
    interaction.auth_method = row.auth_method = AuthMethod(method)
    interaction.authenticated_at = None if method == AuthMethod.NONE else at
    _save(interaction, "auth_method", "authenticated_at")
    row.save(update_fields=["auth_method"])
    _tell(
        INTERACTION_AUTHENTICATED, interaction, staff, at,
        method=interaction.auth_method, before=before,
    )  # fmt: skip
    return interaction


@transaction.atomic
def park_interaction(*, interaction_id: UUID, staff: Staff, at: datetime) -> Interaction:
    """
    Set a contact aside without finishing it. Parking a parked one changes nothing.

    :raises InteractionRefused: `interaction_not_open` unless the contact is in these hands.
    """
    row = _mine(interaction_id, staff)
    if row.parked_at is None:
        _set_aside(row, staff, Meanwhile.PARK, at)
    return _of(row)


@transaction.atomic
def resume_interaction(
    *, interaction_id: UUID, staff: Staff, in_hand: Meanwhile = Meanwhile.REFUSE, at: datetime
) -> Interaction:
    """
    Take up a parked contact again; of `in_hand` see `open_interaction`.

    :raises InteractionRefused: `interaction_not_open`, `another_contact_open`.
    """
    row = _mine(interaction_id, staff)
    now = DeskContact.objects.select_for_update().filter(staff=staff, parked_at=None).first()
    if now is not None and now.pk == row.pk:
        return _of(row)
    if now is not None:
        _set_aside(now, staff, in_hand, at)
    return _take_up(row, staff, at)


@transaction.atomic
def close_interaction(
    *,
    interaction_id: UUID,
    staff: Staff,
    at: datetime,
    result: str = "",
    purpose: str = "",
    recording: str = "",
) -> Interaction:
    """
    Finish a contact, with what came of it. An empty purpose or recording leaves what there is.

    Publishes `customers.interaction.closed` with its length in seconds.

    :raises InteractionRefused: `interaction_not_open` unless the contact is in these hands.
    """
    row = _mine(interaction_id, staff)
    interaction = _of(row)
    interaction.purpose = Purpose(purpose or interaction.purpose)
    interaction.result = result.strip()[:RESULT_LENGTH]
    interaction.recording = recording[:RECORDING_LENGTH] or interaction.recording
    return _finish(row, interaction, staff, at)


@transaction.atomic
def link_interaction(
    *,
    interaction_id: UUID,
    object_type: str,
    object_id: object,
    purpose: str = "",
    actor: Staff | None,
    at: datetime,
) -> InteractionLink:
    """
    Note that an object came of a contact or was its matter. Saying it twice changes nothing.

    `purpose` is what the object says the contact was for; it becomes that of an open contact
    that was taken for an enquiry.
    """
    link, made = InteractionLink.objects.get_or_create(
        interaction_id=interaction_id,
        object_type=object_type,
        object_id=str(object_id),
        defaults={"linked_at": at},
    )
    if purpose:
        _become(interaction_id, Purpose(purpose))
    if made:
        publish(
            INTERACTION_LINKED,
            at=at,
            actor=actor,
            interaction_id=str(interaction_id),
            object_type=object_type,
            object_id=link.object_id,
        )
    return link


def require_interaction(
    *,
    staff: Staff | None,
    customer_id: int,
    least: AuthLevel = AuthLevel.NONE,
    system_origin: bool = False,
) -> Interaction | None:
    """
    Return the contact that an act of business with this customer belongs to.

    `system_origin` allows acts that no contact led to (a dunning run, another system's order);
    they get None, and their caller writes down that origin. People always need a contact.

    :raises InteractionRefused: `no_contact_open`, `contact_with_another` or `identify_first`.
    """
    if system_origin and (staff is None or staff.is_system):
        return None
    interaction = current_interaction(staff) if staff else None
    if interaction is None:
        said = _("Nobody is being served at your desk. Open a contact with the customer first.")
        raise InteractionRefused(said, code="no_contact_open")
    if interaction.customer_id != customer_id:
        said = _("You are serving another customer. Finish or park that contact first.")
        raise InteractionRefused(said, code="contact_with_another")
    if interaction.auth_level < least:
        said = _("This needs to know better who it is: “%(least)s” at least.") % {
            "least": least.label
        }
        raise InteractionRefused(said, code="identify_first")
    return interaction


def _become(interaction_id: UUID, purpose: Purpose) -> None:
    row = _locked(
        DeskContact.objects.filter(interaction_id=interaction_id, purpose=Purpose.ENQUIRY)
    ).first()
    if row is not None:
        row.purpose = purpose
        row.save(update_fields=["purpose"])
        Interaction.objects.filter(started_at=row.started_at, id=row.interaction_id).update(
            purpose=purpose
        )


def _locked(rows: QuerySet[DeskContact]) -> QuerySet[DeskContact]:
    return rows.select_for_update().order_by("pk")


def _mine(interaction_id: UUID, staff: Staff) -> DeskContact:
    row = _locked(DeskContact.objects.filter(interaction_id=interaction_id, staff=staff)).first()
    if row is None:
        said = _("This contact is finished already, or in somebody else's hands.")
        raise InteractionRefused(said, code="interaction_not_open")
    return row


def _of(row: DeskContact) -> Interaction:
    return Interaction.objects.get(started_at=row.started_at, id=row.interaction_id)


def _set_aside(row: DeskContact, staff: Staff, how: Meanwhile, at: datetime) -> None:
    if how == Meanwhile.REFUSE:
        raise _another_is_open()
    if how == Meanwhile.FINISH:
        _finish(row, _of(row), staff, at)
        return
    row.parked_at = at
    row.save(update_fields=["parked_at"])
    _tell(INTERACTION_PARKED, _of(row), staff, at)


def _take_up(row: DeskContact, staff: Staff, at: datetime) -> Interaction:
    row.parked_at = None
    row.save(update_fields=["parked_at"])
    interaction = _of(row)
    _tell(INTERACTION_RESUMED, interaction, staff, at)
    return interaction


def _finish(row: DeskContact, interaction: Interaction, staff: Staff, at: datetime) -> Interaction:
    interaction.state = InteractionState.CLOSED
    interaction.ended_at = at
    interaction.duration_seconds = int((at - interaction.started_at).total_seconds())
    _save(
        interaction,
        "state", "ended_at", "duration_seconds", "purpose", "result", "recording",
    )  # fmt: skip
    row.delete()
    _tell(INTERACTION_CLOSED, interaction, staff, at, seconds=interaction.duration_seconds)
    return interaction


def _save(interaction: Interaction, *names: str) -> None:
    Interaction.objects.filter(started_at=interaction.started_at, id=interaction.id).update(
        **{name: getattr(interaction, name) for name in names}
    )


def _another_is_open() -> InteractionRefused:
    said = _("You are serving another customer. Finish or park that contact first.")
    return InteractionRefused(said, code="another_contact_open")


def _tell(
    event: str, interaction: Interaction, staff: Staff | None, at: datetime, **facts: object
) -> None:
    publish(
        event,
        at=at,
        actor=staff,
        interaction_id=str(interaction.id),
        customer_id=interaction.customer_id,
        **facts,
    )
    transaction.on_commit(partial(announce, timeline_channel(interaction.customer_id)))
