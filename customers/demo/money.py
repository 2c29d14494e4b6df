"""When and in how many parts the bills were paid."""

from dataclasses import dataclass

import numpy as np

from customers.demo.arrays import Days, Flags, Whole
from customers.demo.life import NEVER, ORDINARY, Life, recovery_day
from customers.demo.people import People
from customers.demo.structure import Chunk, Stream
from customers.demo.timeline import WARM_UP, Timeline, moment_value

DUE_DAY = 25
LATE_SHARE = 0.07
PARTIAL_SHARE = 0.02
PARTIAL_REST_NEVER = 0.3
REVERSED_SHARE = 0.003
HEAVY_INSTALMENTS = 200
METHODS = ("app", "bank_mandate", "counter", "agent", "kiosk", "other")
_METHOD_SHARES = (0.46, 0.24, 0.12, 0.08, 0.06, 0.04)
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Money:
    """
    Bills (a row each) with what was paid of each, and the payments (a row each).

    `month` counts from the first written month. Of a payment: `bill` is its bill's row,
    `paid_at` is in microseconds since 2000-01-01 UTC, `ordinal` its place among the bill's.
    `method` is a customer's usual way to pay, an index of METHODS.
    """

    customer: Whole
    month: Whole
    amount_fen: Whole
    paid_fen: Whole
    bill: Whole
    paid_at: Whole
    part_fen: Whole
    ordinal: Whole
    reversed: Flags
    method: Whole

    def unpaid_of_customers(self, count: int) -> Whole:
        owed = np.bincount(self.customer, self.amount_fen - self.paid_fen, minlength=count)
        return owed.astype(np.int64)

    def overdue_of_customers(self, count: int, timeline: Timeline) -> Flags:
        """Who owes a bill whose due date has passed: all but that of the last month."""
        late = (self.amount_fen > self.paid_fen) & (self.month < timeline.months - 1)
        return np.bincount(self.customer, late, minlength=count) > 0

    def billed_of_customers(self, count: int) -> Whole:
        return np.bincount(self.customer, self.amount_fen, minlength=count).astype(np.int64)


def settle(chunk: Chunk, people: People, life: Life) -> Money:
    """Find the bills, and draw when and in how many parts each was paid."""
    rng, timeline = chunk.rng(Stream.PAYMENTS), chunk.specification.timeline
    months, customers = np.nonzero(life.bill_fen[WARM_UP:] > 0)
    amount = life.bill_fen[months + WARM_UP, customers]
    settled = life.settled[months + WARM_UP, customers]
    prepaid = ~life.postpaid[customers]
    luck = rng.random(len(amount))
    late = luck < LATE_SHARE
    partial = ~late & (luck < LATE_SHARE + PARTIAL_SHARE) & (settled == ORDINARY) & ~prepaid
    when = _first_days(rng, timeline, months, late=late, prepaid=prepaid)
    when = np.maximum(when, people.opened_on[customers])
    recovered = (settled != ORDINARY) & (settled != NEVER)
    back = timeline.start_of(np.where(recovered, settled, 0)) + recovery_day(customers, settled)
    when = np.where(recovered, back, when)
    bill, part, when = _partial(rng, amount, when, partial)
    bill, part, when = _instalments(rng, chunk, customers, bill, part, when)
    seconds = rng.integers(8 * 3600, 22 * 3600, len(when))
    paid = (when <= timeline.last_day) & (settled[bill] != NEVER)
    bill, part = bill[paid], part[paid]
    return Money(
        customer=customers,
        month=months,
        amount_fen=amount,
        paid_fen=np.bincount(bill, part, minlength=len(amount)).astype(np.int64),
        bill=bill,
        paid_at=moment_value(when[paid], seconds[paid]),
        part_fen=part,
        ordinal=_ordinals(bill),
        reversed=rng.random(len(bill)) < REVERSED_SHARE,
        method=rng.choice(len(METHODS), chunk.customers, p=_METHOD_SHARES),
    )


def _first_days(
    rng: np.random.Generator, timeline: Timeline, months: Whole, *, late: Flags, prepaid: Flags
) -> Days:
    """
    The day of each bill's first payment, out of arrears.

    Prepaid: in the month's last days. Postpaid: until the 25th of the next month, or up to
    twenty days after it.
    """
    chance = rng.random(len(months))
    punctual = (chance**1.5 * DUE_DAY).astype(np.int64)
    delayed = DUE_DAY + (chance * 20).astype(np.int64)
    after = timeline.start_of(months + 1) + np.where(late, delayed, punctual)
    before = timeline.start_of(months + 1) - 1 - (chance * 3).astype(np.int64)
    return np.where(prepaid, before, after)


def _partial(
    rng: np.random.Generator, amount: Whole, when: Days, partial: Flags
) -> tuple[Whole, Whole, Days]:
    """Pay some bills in two parts a month apart, or the second part never."""
    share = rng.uniform(0.4, 0.8, len(amount))
    first = np.where(partial, np.maximum((amount * share).astype(np.int64), 1), amount)
    comes = rng.random(len(amount)) >= PARTIAL_REST_NEVER
    later = np.flatnonzero(partial & comes & (amount > first))
    bill = np.r_[np.arange(len(amount)), later]
    part = np.r_[first, (amount - first)[later]]
    return bill, part, np.r_[when, when[later] + 30 * _DAY]


def _instalments(
    rng: np.random.Generator, chunk: Chunk, customers: Whole, bill: Whole, part: Whole, when: Days
) -> tuple[Whole, Whole, Days]:
    """Break the payments of the heavy accounts into hundreds: their staff pay one by one."""
    pieces = np.where(chunk.heavy[customers[bill]], np.minimum(HEAVY_INSTALMENTS, part), 1)
    source = np.repeat(np.arange(len(bill)), pieces)
    share = (part // pieces)[source]
    share[np.cumsum(pieces) - 1] += part % pieces
    earlier = rng.integers(0, 10, len(source)) * (pieces[source] > 1)
    return bill[source], share, when[source] - earlier


def _ordinals(bill: Whole) -> Whole:
    """The place of each payment among those of its bill, from 0."""
    order = np.argsort(bill, kind="stable")
    grouped = bill[order]
    starts = np.r_[True, grouped[1:] != grouped[:-1]][: len(bill)]
    run = np.arange(len(bill))
    since = np.maximum.accumulate(np.where(starts, run, 0)) if len(bill) else run
    ordinal = np.empty(len(bill), np.int64)
    ordinal[order] = run - since
    return ordinal
