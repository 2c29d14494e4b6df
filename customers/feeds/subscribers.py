"""The feed of subscribers: further lines of known customers, and changes of their status."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from crm.platform.feeds.chunks import Chunk
from crm.platform.feeds.definition import Characteristic, Derive, FileFacts, Preparation, Staged
from crm.platform.feeds.entity import EntityFeed
from crm.platform.feeds.entity_undo import Owned, Reference
from crm.platform.feeds.sql import day, findings, literal
from crm.platform.feeds.undo import Undoing
from customers.feeds import parts, sides
from customers.feeds.characteristics import declare, declared_types
from customers.feeds.columns import ACCOUNT_NUMBER, CUSTOMER_NUMBER, SUBSCRIBER
from customers.feeds.owners import customer_join
from customers.feeds.search_keys import SEPARATOR, add_keys, remake_keys, renew_keys
from customers.feeds.subscriber_rules import STATUS_SAID, subscriber_findings
from customers.search import keys_for

_ALIASES = {
    "subscriber_number": ("subscriber", "number"),
    "subscriber_status": ("status",),
    "subscriber_opened_on": ("opened_on",),
}


class SubscribersFeed(EntityFeed):
    """
    A row is one subscriber. Its status moves; whose it is does not: that takes an order.

    Endings come first, so that a number given up and taken anew in one file is free by then.
    """

    code = "subscribers"
    label = _("Subscribers")
    key = "subscriber_number"
    columns = (
        *(
            replace(
                column,
                aliases=_ALIASES.get(column.name, column.aliases),
                required=column.name == "subscriber_number",
            )
            for column in SUBSCRIBER
        ),
        replace(CUSTOMER_NUMBER, aliases=("customer",)),
        ACCOUNT_NUMBER,
    )
    entities = ("subscriber",)
    passes = ("s.ended_on IS NOT NULL", "s.ended_on IS NULL")
    derived = (Staged("keys", "text"),)
    parts = (parts.SUBSCRIBER,)
    primary = "subscriber"
    sides = (sides.status_periods, sides.pay_relations, add_keys, renew_keys)
    owned = (
        Owned("customers_subscriberstatusperiod", "t.subscriber_id"),
        Owned("customers_payrelation", "t.subscriber_id"),
        Owned("customers_subscriber", "t.id"),
    )
    references = (
        Reference("customers_monthlyusage", "subscriber_id"),
        Reference("customers_interaction", "subscriber_id"),
        Reference("customers_churnscore", "subscriber_id"),
    )
    wave_keys = ("subscriber_number", "service_number")

    def derive(self, facts: FileFacts, positions: Mapping[str, int]) -> Derive:
        number, service = positions["subscriber_number"], positions.get("service_number")

        def keys(row: list[str]) -> list[str]:
            phone = (row[service] if service is not None else "") or row[number]
            found = keys_for(number="", name="", phones=[phone], subscribers=[row[number]])
            return [SEPARATOR.join(found)]

        return keys

    def declared_types(self, characteristics: Iterable[Characteristic]) -> dict[str, str]:
        return declared_types(characteristics)

    def prepare(self, run: Preparation) -> None:
        declare(run.facts)

    def resolved(self, chunk: Chunk, wave: str) -> str:
        facts = chunk.facts
        found = findings(
            ("c.id IS NULL", "customer_number", "unknown_customer"),
            ("s.account_number IS NOT NULL AND a.id IS NULL", "account_number", "unknown_account"),
            ("u.customer_id <> c.id", "subscriber_number", "subscriber_of_another"),
            *subscriber_findings(opened="coalesce(s.subscriber_opened_on, u.opened_on)"),
        )
        return f"""
            SELECT s.*, c.id AS customer_id, u.id IS NULL AS subscriber_new,
                u.id IS NOT NULL AS is_known, false AS customer_new,
                coalesce(u.id, nextval('customers_subscriber_id_seq')) AS subscriber_id,
                a.id AS account_id, {STATUS_SAID} AS status_said, NULL::date AS opened_on,
                {literal(facts.source)} AS source, {day(facts.as_of or facts.today)} AS today,
                {found} AS findings
            FROM {chunk.stage} AS s
            {customer_join()}
            LEFT JOIN customers_billingaccount AS a ON a.number = s.account_number
            LEFT JOIN customers_subscriber AS u ON u.number = s.subscriber_number
            LEFT JOIN customers_subscriber AS live
                ON live.service_number = coalesce(s.service_number, s.subscriber_number)
                AND live.ended_on IS NULL
            WHERE {chunk.staged_rows} AND {wave}
        """

    def customers_of(self, undoing: Undoing) -> list[int]:
        rows = undoing.rows(
            "SELECT DISTINCT customer_id FROM customers_subscriber AS t WHERE " + undoing.ours
        )
        return [customer_id for (customer_id,) in rows]

    def after_undo(self, undoing: Undoing, customers: list[int], removed: list[int]) -> None:
        remake_keys(customers)
