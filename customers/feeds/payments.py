"""The feed of payments and their reversals."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.platform.feeds.chunks import Chunk
from crm.platform.feeds.columns import Column, Kind
from crm.platform.feeds.definition import FileFacts, Preparation
from crm.platform.feeds.read_model import ReadModelFeed
from crm.platform.feeds.sql import findings
from customers.feeds.columns import ACCOUNT_NUMBER, SERVICE_NUMBER
from customers.feeds.owners import Holder
from customers.feeds.periods import months_late, prepare_months, time_rules, too_late
from customers.feeds.usage import SUBSCRIBER_NUMBER
from customers.models import PaymentChannel

_PAID_ON = f"(s.paid_at AT TIME ZONE '{settings.TIME_ZONE}')::date"


class PaymentsFeed(ReadModelFeed):
    """
    A row is money received or, with a negative amount, given back. A payment never changes:
    the same number with anything else is rejected. Reversals come after the payments of the
    same file, so that they find what they take back wherever it stands.
    """

    code = "payments"
    label = _("Payments")
    key = "payment_number"
    amount = "amount_fen"
    columns = (
        Column(name="payment_number", aliases=("payment", "number", "payment_id"),
               kind=Kind.CODE, length=40, required=True,
               meaning=_("the payment's number, unique for ever")),
        Column(name="paid_at", kind=Kind.MOMENT, required=True, meaning=_("when it was paid")),
        ACCOUNT_NUMBER,
        SUBSCRIBER_NUMBER,
        SERVICE_NUMBER,
        Column(name="amount_fen", kind=Kind.INTEGER, least=-(2**62), required=True,
               meaning=_("amount in fen; below zero it takes back `reversal_of`")),
        Column(name="channel", kind=Kind.CHOICE, choices=tuple(PaymentChannel.values),
               meaning=_("where it was paid")),
        Column(name="reversal_of", kind=Kind.CODE, length=40,
               meaning=_("number of the payment that it takes back")),
    )  # fmt: skip
    one_of = (("account_number", "subscriber_number", "service_number"),)
    passes = ("s.reversal_of IS NULL", "s.reversal_of IS NOT NULL")
    table = "customers_payment"
    identity = ("number",)
    partitioned_by = "paid_at"
    owners = ("account_id", "customer_id")
    values = {
        "paid_at": "r.paid_at",
        "amount_fen": "0",
        "channel": "'OTHER'",
        "reversal_of": "''",
    }

    def prepare(self, run: Preparation) -> None:
        prepare_months(run, table=self.table, column="paid_at", staged="paid_at")

    def resolved(self, chunk: Chunk) -> str:
        stated = chunk.facts.stated
        holder = Holder(stated, begins=_PAID_ON, ends=_PAID_ON)
        account, joins, rules = _account(stated, holder)
        late = months_late(chunk, _PAID_ON)
        found = findings(
            *rules,
            *holder.rules(),
            *time_rules(chunk, "paid_at"),
            ("s.amount_fen = 0", "amount_fen", "zero_amount"),
            ("s.amount_fen < 0 AND s.reversal_of IS NULL", "reversal_of",
             "negative_without_reversal"),
        )  # fmt: skip
        return (
            f"SELECT s.row, s.payment_number AS number, s.paid_at, {account} AS account_id,"
            f" {_owner(stated, holder)} AS customer_id, s.amount_fen, s.channel, s.reversal_of,"
            f" {late} > 0 AS late, {too_late(chunk, late, 'paid_at')} AS too_late,"
            f" {found} AS findings"
            f" FROM {chunk.stage} AS s {joins} {holder.joins} WHERE {chunk.staged_rows}"
        )

    def is_looked_over(self, chunk: Chunk) -> bool:
        by_holder = {"subscriber_number", "service_number"} & chunk.facts.stated
        return bool(by_holder) or chunk.only == self.passes[1]

    def look_over(self, chunk: Chunk) -> None:
        if "service_number" in chunk.facts.stated:
            Holder(chunk.facts.stated, _PAID_ON, _PAID_ON).refuse_several(chunk)
        chunk.execute(
            "UPDATE feed_rows SET findings = findings || ARRAY['account_number|no_account|']"
            " WHERE account_id IS NULL AND findings = '{}'"
        )
        if chunk.only == self.passes[1]:
            self._look_over_reversals(chunk)

    def _look_over_reversals(self, chunk: Chunk) -> None:
        """Each takes back a known payment, and all of them together no more than it was."""
        chunk.drop("feed_reversed")
        chunk.execute(
            "CREATE TEMPORARY TABLE feed_reversed ON COMMIT DROP AS SELECT r.row, o.amount_fen,"
            " sum(-r.amount_fen) OVER (PARTITION BY r.reversal_of ORDER BY r.row)"
            " + coalesce((SELECT sum(-p.amount_fen) FROM customers_payment AS p"
            " WHERE p.customer_id = o.customer_id AND p.paid_at >= o.paid_at"
            " AND p.reversal_of = r.reversal_of AND p.number <> r.number), 0) AS reversed_fen"
            " FROM feed_rows AS r LEFT JOIN customers_payment AS o ON o.number = r.reversal_of"
            " AND o.amount_fen > 0 WHERE r.findings = '{}'"
        )
        chunk.execute(
            "UPDATE feed_rows AS r SET findings = findings || CASE WHEN v.amount_fen IS NULL"
            " THEN ARRAY['reversal_of|reversal_of_unknown|']"
            " ELSE ARRAY['amount_fen|reversal_exceeds|' || v.amount_fen] END"
            " FROM feed_reversed AS v WHERE v.row = r.row"
            " AND (v.amount_fen IS NULL OR v.reversed_fen > v.amount_fen)"
        )

    def anything_there(self, chunk: Chunk) -> bool:
        """Numbers are given out in order, so most chunks bring a range of them that is new."""
        span = chunk.row(
            "SELECT min(s.payment_number), max(s.payment_number)"
            f" FROM {chunk.stage} AS s WHERE {chunk.staged_rows}"
        )
        return bool(
            chunk.value(
                "SELECT EXISTS (SELECT FROM customers_payment WHERE number BETWEEN %s AND %s)", span
            )
        )

    def verdict(self, facts: FileFacts) -> str:
        return (
            "CASE WHEN r.amount_fen <> t.amount_fen"
            " THEN 'amount_fen|amount_differs|' || t.amount_fen"
            " WHEN r.paid_at <> t.paid_at"
            " THEN 'paid_at|payment_elsewhere|' || t.paid_at"
            " ELSE '|payment_differs|' END"
        )


def _account(stated: frozenset[str], holder: Holder) -> tuple[str, str, list[tuple[str, ...]]]:
    """Return how the paying account is found: by its number, else as the subscriber's payer."""
    ids: list[str] = []
    rules: list[tuple[str, ...]] = []
    joins = ""
    if "account_number" in stated:
        ids.append("a.id")
        joins = "LEFT JOIN customers_billingaccount AS a ON a.number = s.account_number"
        rules.append(
            ("s.account_number IS NOT NULL AND a.id IS NULL", "account_number", "unknown_account")
        )
    if stated & {"subscriber_number", "service_number"}:
        ids.append(
            "(SELECT p.account_id FROM customers_payrelation AS p"
            f" WHERE p.subscriber_id = {holder.column('id')} AND p.charge_item = ''"
            " ORDER BY s.paid_at >= p.starts_at AND (p.ends_at IS NULL OR s.paid_at < p.ends_at)"
            " DESC, p.priority, p.starts_at LIMIT 1)"
        )
    return f"coalesce({', '.join(ids)})", joins, rules


def _owner(stated: frozenset[str], holder: Holder) -> str:
    found = ["a.customer_id"] if "account_number" in stated else []
    if stated & {"subscriber_number", "service_number"}:
        found.append(holder.column("customer_id"))
    return f"coalesce({', '.join(found)})"
