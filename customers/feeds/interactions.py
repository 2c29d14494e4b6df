"""The feed of contacts that happened in other systems: call centre, app, shops."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.platform.feeds.chunks import Chunk
from crm.platform.feeds.columns import Column, Kind
from crm.platform.feeds.definition import Preparation
from crm.platform.feeds.read_model import ReadModelFeed
from crm.platform.feeds.sql import findings
from customers.feeds.columns import CUSTOMER, OPTIONAL_CUSTOMER_NUMBER, SERVICE_NUMBER
from customers.feeds.owners import Holder, customer_join
from customers.feeds.periods import months_late, prepare_months, time_rules
from customers.feeds.usage import BIGGEST_INTEGER, SUBSCRIBER_NUMBER
from customers.models import Channel, Direction, Purpose

_STARTED_ON = f"(s.started_at AT TIME ZONE '{settings.TIME_ZONE}')::date"
STAFF = next(column for column in CUSTOMER if column.name == "manager")


class InteractionsFeed(ReadModelFeed):
    """A row is one contact. The same number and time again with other data replaces it."""

    code = "interactions"
    label = _("Interactions")
    key = "interaction_number"
    columns = (
        Column(name="interaction_number", aliases=("interaction", "number"), kind=Kind.CODE,
               length=40, required=True, meaning=_("the other system's reference")),
        Column(name="started_at", kind=Kind.MOMENT, required=True, meaning=_("when it began")),
        OPTIONAL_CUSTOMER_NUMBER,
        SUBSCRIBER_NUMBER,
        SERVICE_NUMBER,
        Column(name="channel", kind=Kind.CHOICE, choices=tuple(Channel.values), required=True,
               meaning=_("by which channel")),
        Column(name="direction", kind=Kind.CHOICE, choices=tuple(Direction.values),
               meaning=_("IN: the customer came to us; OUT: we went to them")),
        Column(name="purpose", kind=Kind.CHOICE, choices=tuple(Purpose.values), required=True,
               meaning=_("what for")),
        Column(name="topic", kind=Kind.TEXT, length=100, meaning=_("about what")),
        Column(name="duration_seconds", kind=Kind.INTEGER, most=BIGGEST_INTEGER,
               meaning=_("how long, in seconds")),
        Column(name="staff", aliases=("staff_code",), kind=Kind.CODE, length=40,
               meaning=_("staff code of who served them")),
        Column(name="result", kind=Kind.TEXT, length=100, meaning=_("what came of it")),
    )  # fmt: skip
    one_of = (("customer_number", "subscriber_number", "service_number"),)
    table = "customers_interaction"
    identity = ("number", "started_at")
    insert_order = ("started_at", "number")
    partitioned_by = "started_at"
    owners = ("customer_id", "subscriber_id")
    generated = {"id": "gen_random_uuid()"}
    values = {
        "channel": "NULL",
        "direction": "'IN'",
        "purpose": "NULL",
        "topic": "''",
        "duration_seconds": "0",
        "staff_id": "NULL::bigint",
        "result": "''",
    }

    def prepare(self, run: Preparation) -> None:
        prepare_months(run, table=self.table, column="started_at", staged="started_at")

    def resolved(self, chunk: Chunk) -> str:
        stated = chunk.facts.stated
        holder = Holder(stated, begins=_STARTED_ON, ends=_STARTED_ON)
        owner = holder.column("customer_id")
        joins, rules = holder.joins, list(holder.rules())
        if "customer_number" in stated:
            owner = f"coalesce(c.id, {owner})"
            joins += f" {customer_join()}"
            rules += [
                ("s.customer_number IS NOT NULL AND c.id IS NULL", "customer_number",
                 "unknown_customer"),
                (f"c.id <> {holder.column('customer_id')}", "customer_number", "not_theirs"),
            ]  # fmt: skip
        if "staff" in stated:
            joins += " LEFT JOIN access_staff AS m ON m.staff_code = s.staff"
            rules.append(("s.staff IS NOT NULL AND m.id IS NULL", "staff", "unknown_staff"))
        found = findings(*rules, *time_rules(chunk, "started_at"))
        return (
            f"SELECT s.row, s.interaction_number AS number, s.started_at,"
            f" {owner} AS customer_id, {holder.column('id')} AS subscriber_id, s.channel,"
            f" s.direction, s.purpose, s.topic, s.duration_seconds, s.result,"
            f" {'m.id' if 'staff' in stated else 'NULL::bigint'} AS staff_id,"
            f" {months_late(chunk, _STARTED_ON)} > 0 AS late, NULL::text AS too_late,"
            f" {found} AS findings"
            f" FROM {chunk.stage} AS s {joins} WHERE {chunk.staged_rows}"
        )

    def is_looked_over(self, chunk: Chunk) -> bool:
        return "service_number" in chunk.facts.stated

    def look_over(self, chunk: Chunk) -> None:
        Holder(chunk.facts.stated, _STARTED_ON, _STARTED_ON).refuse_several(chunk)
