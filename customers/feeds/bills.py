"""The feed of monthly bills."""

from django.utils.translation import gettext_lazy as _

from crm.platform.feeds.chunks import Chunk
from crm.platform.feeds.columns import Column, Kind
from crm.platform.feeds.definition import FileFacts, Preparation
from crm.platform.feeds.read_model import NEWER, ReadModelFeed
from crm.platform.feeds.sql import findings
from customers.feeds.columns import REQUIRED_ACCOUNT_NUMBER
from customers.feeds.periods import months_late, prepare_months, time_rules
from customers.feeds.usage import BIGGEST_INTEGER

_SUM_OF_ITEMS = (
    " CROSS JOIN LATERAL (SELECT coalesce(sum(value::bigint), 0) AS fen"
    " FROM jsonb_each_text(s.items)) AS i"
)
_NO_ITEMS = " CROSS JOIN (SELECT NULL::numeric AS fen) AS i"


class BillsFeed(ReadModelFeed):
    """
    A row is one bill of one account. A higher version replaces a lower one; a bill of the same
    version that says something else is rejected, unless the file states no versions and
    corrects one of the same name. `paid_fen` is billing's word: payments do not change it.
    """

    code = "bills"
    label = _("Bills")
    key = "bill_number"
    amount = "amount_fen"
    columns = (
        Column(name="month", aliases=("cycle", "period"), kind=Kind.MONTH, required=True,
               meaning=_("the billing month, YYYY-MM")),
        Column(name="bill_number", aliases=("bill", "number"), kind=Kind.CODE, length=40,
               required=True, meaning=_("the bill's number, unique within account and month")),
        REQUIRED_ACCOUNT_NUMBER,
        Column(name="amount_fen", kind=Kind.INTEGER, least=-(2**62), required=True,
               meaning=_("amount of the bill in fen; below zero is a credit note")),
        Column(name="paid_fen", kind=Kind.INTEGER, least=-(2**62),
               meaning=_("what of it is paid, in fen")),
        Column(name="due_on", kind=Kind.DATE,
               meaning=_("last day to pay; the last of the following month where it is blank")),
        Column(name="items", kind=Kind.ITEMS,
               meaning=_("amounts in fen by charge item: a=100;b=250 or JSON; they add up")),
        Column(name="version", kind=Kind.INTEGER, least=1, most=BIGGEST_INTEGER,
               meaning=_("a higher version replaces a lower one")),
    )  # fmt: skip
    table = "customers_bill"
    identity = ("month", "account_id", "number")
    is_guarded = True
    partitioned_by = "month"
    owners = ("customer_id",)
    values = {
        "version": "1",
        "amount_fen": "0",
        "paid_fen": "0",
        "due_on": "(r.month + interval '2 months - 1 day')::date",
        "items": "'{}'::jsonb",
    }

    def prepare(self, run: Preparation) -> None:
        prepare_months(run, table=self.table, column="month", staged="month")

    def resolved(self, chunk: Chunk) -> str:
        values = ", ".join(f"s.{name}" for name in self.values)
        found = findings(
            ("a.id IS NULL", "account_number", "unknown_account"),
            ("s.items IS NOT NULL AND i.fen <> s.amount_fen", "items", "items_do_not_add_up",
             "i.fen"),
            *time_rules(chunk, "month"),
        )  # fmt: skip
        return (
            f"SELECT s.row, s.month, a.id AS account_id, s.bill_number AS number,"
            f" a.customer_id, {values}, {months_late(chunk, 's.month')} > 0 AS late,"
            f" NULL::text AS too_late, {found} AS findings FROM {chunk.stage} AS s"
            " LEFT JOIN customers_billingaccount AS a ON a.number = s.account_number"
            f"{_SUM_OF_ITEMS if 'items' in chunk.facts.stated else _NO_ITEMS}"
            f" WHERE {chunk.staged_rows}"
        )

    def verdict(self, facts: FileFacts) -> str:
        equal = "'version|same_version_differs|' || t.version"
        if "version" not in facts.stated and facts.is_correction:
            equal = NEWER
        return (
            f"CASE WHEN coalesce(r.version, t.version) > t.version THEN {NEWER}"
            f" WHEN coalesce(r.version, t.version) = t.version THEN {equal}"
            " ELSE 'version|older_version|' || t.version END"
        )
