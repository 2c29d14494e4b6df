"""Contacts that happened in other systems and are told to us one at a time."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import connection, transaction
from django.utils.translation import gettext as _

from crm.platform.access.models import Staff
from crm.platform.bus import announce
from crm.platform.errors import Refusal
from crm.platform.events.outbox import publish
from crm.platform.partitions import ensure_month
from customers.events import INTERACTION_RECORDED
from customers.models import AuthMethod, Direction, Interaction, Subscriber
from customers.selectors.interactions import timeline_channel
from customers.services.interactions import InteractionRefused


@dataclass(frozen=True)
class Record:
    """A contact as another system tells of it; it is over. `number` is that system's own."""

    number: str
    started_at: datetime
    channel: str
    purpose: str
    direction: str = Direction.INBOUND
    topic: str = ""
    duration_seconds: int = 0
    result: str = ""
    subscriber_id: int | None = None
    staff_id: int | None = None
    auth_method: str = AuthMethod.NONE
    recording: str = ""


@transaction.atomic
def record_interaction(
    *, customer_id: int, record: Record, actor: Staff, at: datetime
) -> tuple[Interaction, bool]:
    """
    Write down a contact of another system; say whether it is new.

    The same number with the same words changes nothing, whoever comes first; with others it is
    refused, since a contact that is over does not change.

    :raises InteractionRefused: with every rule that fails: `starts_in_the_future`,
        `line_of_another`, `number_says_otherwise`.
    """
    _one_at_a_time(record.number)
    told = vars(record) | {"customer_id": customer_id}
    known = Interaction.objects.filter(number=record.number).first()
    _refuse(record, customer_id, known, told, at)
    if known is not None:
        return known, False
    ensure_month(Interaction._meta.db_table, record.started_at)
    is_known = record.auth_method != AuthMethod.NONE
    interaction = Interaction.objects.create(
        **told, authenticated_at=record.started_at if is_known else None
    )
    publish(
        INTERACTION_RECORDED,
        at=at,
        actor=actor,
        interaction_id=str(interaction.id),
        customer_id=customer_id,
        channel=record.channel,
        purpose=record.purpose,
    )
    transaction.on_commit(partial(announce, timeline_channel(customer_id)))
    return interaction, True


def _one_at_a_time(number: str) -> None:
    """No index of a partitioned table could hold a number once for all months."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"interaction:{number}"]
        )


def _refuse(
    record: Record,
    customer_id: int,
    known: Interaction | None,
    told: dict[str, object],
    at: datetime,
) -> None:
    refusals = []
    if record.started_at > at:
        said = _("A contact cannot have begun later than now.")
        refusals.append(Refusal("starts_in_the_future", said, field="started_at"))
    if (
        record.subscriber_id is not None
        and not Subscriber.objects.filter(pk=record.subscriber_id, customer=customer_id).exists()
    ):
        said = _("The line is not this customer's.")
        refusals.append(Refusal("line_of_another", said, field="subscriber"))
    if known is not None and any(getattr(known, name) != value for name, value in told.items()):
        said = _("There is a contact of this number that says otherwise.")
        refusals.append(Refusal("number_says_otherwise", said, field="number"))
    if refusals:
        said = " ".join(refusal.message for refusal in refusals)
        raise InteractionRefused(said, code=refusals[0].code, refusals=refusals)
