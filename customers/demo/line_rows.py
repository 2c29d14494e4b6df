"""Rows of accounts, subscribers, pay relations, stops and states."""

import numpy as np

from customers.demo import plans
from customers.demo.arrays import Whole
from customers.demo.ledger import account_method
from customers.demo.life import Life
from customers.demo.lines import Lines
from customers.demo.money import Money
from customers.demo.party_rows import SOURCE, ended_customers, local_midnight, stamps
from customers.demo.people import People, Where
from customers.demo.states import FOR_EVER, Endings, States, Stops
from customers.demo.structure import Chunk, periods_of_a_line
from customers.demo.timeline import date_text, moment_text
from customers.demo.writer import NULL, Written, numbers, text

_CREDIT_FEN = 10_000


def accounts(
    chunk: Chunk, people: People, lines: Lines, life: Life, endings: Endings, money: Money
) -> Written:
    count, timeline = chunk.customers, chunk.specification.timeline
    unpaid = money.unpaid_of_customers(count)
    gone = ended_customers(chunk, lines, endings)
    status = np.where(money.overdue_of_customers(count, timeline), "DUNNING", "ACTIVE")
    status = np.where(gone, np.where(unpaid > 0, "CLOSING", "CLOSED"), status)
    last = np.where(np.isnat(endings.ended_on), timeline.starts[-1], endings.ended_on)
    last = np.maximum.reduceat(last, np.flatnonzero(lines.first_of_customer))
    closed_on = np.where(status == "CLOSED", last, np.datetime64("NaT"))
    as_of = stamps(chunk, count)["created_at"]
    return text(
        "customers_billingaccount",
        {
            "id": numbers(people.account_ids),
            "number": people.account_numbers,
            "customer_id": numbers(people.customer_ids),
            "pay_type": np.where(life.postpaid, "POSTPAID", "PREPAID").tolist(),
            "pay_method": account_method(money),
            "cycle_day": ["1"] * count,
            "status": status.tolist(),
            "credit_limit_fen": numbers(life.postpaid * _CREDIT_FEN),
            "balance_fen": numbers(-unpaid),
            "billed_total_fen": numbers(money.billed_of_customers(count)),
            "balance_as_of": as_of,
            "opened_on": date_text(people.opened_on),
            "closed_on": date_text(closed_on),
            "source": [SOURCE] * count,
            "characteristics": ["{}"] * count,
            **stamps(chunk, count),
        },
    )


def subscribers(
    chunk: Chunk, people: People, lines: Lines, endings: Endings, states: States
) -> Written:
    count = len(lines)
    return text(
        "customers_subscriber",
        {
            "id": numbers(lines.ids),
            "number": lines.numbers,
            "customer_id": numbers(people.customer_ids[lines.customer]),
            "service_number": lines.service_numbers,
            "product": plans.column("product")[lines.plan].tolist(),
            "plan_code": plans.column("code")[lines.plan].tolist(),
            "plan_name": plans.column("name")[lines.plan].tolist(),
            "monthly_fee_fen": numbers(lines.fee_fen),
            "opened_on": date_text(lines.opened_on),
            "contract_ends_on": date_text(lines.contract_ends_on),
            "status": states.present,
            "ended_on": date_text(endings.ended_on),
            "end_reason": endings.reason,
            "source": [SOURCE] * count,
            "characteristics": ["{}"] * count,
            **stamps(chunk, count),
        },
    )


def pay_relations(
    chunk: Chunk, people: People, lines: Lines, endings: Endings, where: Where
) -> Written:
    count = len(lines)
    return text(
        "customers_payrelation",
        {
            "id": numbers(where.bases.pay_relation + chunk.line_serials),
            "subscriber_id": numbers(lines.ids),
            "account_id": numbers(people.account_ids[lines.customer]),
            "charge_item": [""] * count,
            "priority": ["1"] * count,
            "limit_fen": [NULL] * count,
            "starts_at": local_midnight(lines.opened_on),
            "ends_at": local_midnight(endings.ended_on),
            **stamps(chunk, count),
        },
    )


def stops(chunk: Chunk, lines: Lines, found: Stops, where: Where) -> Written:
    count = len(found.line)
    return text(
        "customers_servicestop",
        {
            "id": numbers(_block(chunk, where.bases.stop) + np.arange(count)),
            "subscriber_id": numbers(lines.ids[found.line]),
            "reason": found.reason,
            "raised_at": moment_text(found.raised_at),
            "raised_by_id": [NULL] * count,
            "cleared_at": _moments(found.cleared_at),
            **stamps(chunk, count),
        },
    )


def periods(chunk: Chunk, lines: Lines, states: States, where: Where) -> Written:
    count = len(states.line)
    return text(
        "customers_subscriberstatusperiod",
        {
            "id": numbers(_block(chunk, where.bases.status_period) + np.arange(count)),
            "subscriber_id": numbers(lines.ids[states.line]),
            "status": states.status,
            "reason": states.reason,
            "starts_at": moment_text(states.starts_at),
            "ends_at": _moments(states.ends_at),
        },
    )


def _block(chunk: Chunk, base: int) -> int:
    """The first of the ids kept for a chunk in a table of a line's stops or states."""
    return base + chunk.first_line * periods_of_a_line(chunk.specification.timeline)


def _moments(values: Whole) -> list[str]:
    shown = moment_text(np.where(values == FOR_EVER, 0, values))
    return [NULL if n == FOR_EVER else at for n, at in zip(values.tolist(), shown, strict=True)]
