"""The feed of billing accounts of known customers."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from crm.platform.feeds.chunks import Chunk
from crm.platform.feeds.definition import Characteristic, Derive, FileFacts, Preparation, Staged
from crm.platform.feeds.entity import EntityFeed
from crm.platform.feeds.entity_undo import Owned, Reference
from crm.platform.feeds.sql import day, findings, literal
from crm.platform.feeds.undo import Undoing
from customers.feeds import parts
from customers.feeds.characteristics import declare, declared_types
from customers.feeds.columns import ACCOUNT, CUSTOMER_NUMBER
from customers.feeds.owners import customer_join
from customers.feeds.search_keys import SEPARATOR, add_keys, remake_keys
from customers.feeds.sides import midnight
from customers.search import keys_for


class AccountsFeed(EntityFeed):
    """A row is one account: more accounts of a customer, and what billing says of each."""

    code = "accounts"
    label = _("Billing accounts")
    key = "account_number"
    columns = (
        replace(ACCOUNT[0], required=True, aliases=("account", "number")),
        replace(CUSTOMER_NUMBER, aliases=("customer",)),
        *(
            replace(column, aliases=("status",)) if column.name == "account_status" else column
            for column in ACCOUNT[1:]
        ),
    )
    entities = ("account",)
    derived = (Staged("keys", "text"),)
    parts = (parts.ACCOUNT,)
    primary = "account"
    sides = (add_keys,)
    owned = (Owned("customers_billingaccount", "t.id"),)
    references = (
        Reference("customers_bill", "account_id"),
        Reference("customers_payment", "account_id"),
    )
    wave_keys = ("account_number",)

    def derive(self, facts: FileFacts, positions: Mapping[str, int]) -> Derive:
        at = positions["account_number"]
        return lambda row: [SEPARATOR.join(keys_for(number="", name="", accounts=[row[at]]))]

    def declared_types(self, characteristics: Iterable[Characteristic]) -> dict[str, str]:
        return declared_types(characteristics)

    def prepare(self, run: Preparation) -> None:
        declare(run.facts)

    def resolved(self, chunk: Chunk, wave: str) -> str:
        facts = chunk.facts
        as_of = (
            "coalesce(s.balance_as_of, CASE WHEN coalesce(s.balance_fen, s.billed_total_fen)"
            f" IS NOT NULL THEN {midnight(day(facts.as_of))} END)"
        )
        found = findings(
            ("c.id IS NULL", "customer_number", "unknown_customer"),
            ("a.customer_id <> c.id", "account_number", "account_of_another"),
            (f"a.balance_as_of > {as_of}", "", "older_than_known", "a.balance_as_of"),
        )
        return f"""
            SELECT s.*, c.id AS customer_id, a.id IS NULL AS account_new,
                a.id IS NOT NULL AS is_known, false AS customer_new,
                coalesce(a.id, nextval('customers_billingaccount_id_seq')) AS account_id,
                {as_of} AS balance_as_of_or_file, c.opened_on,
                {literal(facts.source)} AS source, {day(facts.as_of or facts.today)} AS today,
                {found} AS findings
            FROM {chunk.stage} AS s
            {customer_join()}
            LEFT JOIN customers_billingaccount AS a ON a.number = s.account_number
            WHERE {chunk.staged_rows} AND {wave}
        """

    def customers_of(self, undoing: Undoing) -> list[int]:
        rows = undoing.rows(
            "SELECT DISTINCT customer_id FROM customers_billingaccount AS t WHERE " + undoing.ours
        )
        return [customer_id for (customer_id,) in rows]

    def after_undo(self, undoing: Undoing, customers: list[int], removed: list[int]) -> None:
        remake_keys(customers)
