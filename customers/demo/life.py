"""What happened in a chunk, as arrays of months by lines or by customers."""

from dataclasses import dataclass

import numpy as np

from customers.demo.arrays import Figures, Flags, Whole

NEVER = 999
ORDINARY = -1
BARRED_DAY = 4
PAYS_UP_SHARE = 0.4


@dataclass
class Life:
    """
    What happened. Rows are months (the first WARM_UP of them before the written history),
    columns are lines or customers. Amounts in fen.

    `ended_month` is NEVER for a line that stays; `ended_day` counts from that month's first day.
    `chance` is the probability of leaving in the month, without noise; NaN where nothing could.
    `settled` is the month in which arrears swallowed the bill of a month: −1 paid in the
    ordinary way, NEVER not yet.
    """

    share: Figures
    data_kb: Whole
    voice_out: Whole
    dropped: Whole
    chance: Figures
    overdue: Whole
    ended_month: Whole
    ended_day: Whole
    plan_fen: Whole
    discount_fen: Whole
    usage_fen: Whole
    value_added_fen: Whole
    bill_fen: Whole
    complaints: Whole
    troubled: Flags
    settled: Whole
    postpaid: Flags
    eagerness: Figures
    shocked: Flags


def unlived(months: int, lines: int, customers: int, rng: np.random.Generator) -> Life:
    def whole(width: int, value: int = 0) -> Whole:
        return np.full((months, width), value, np.int64)

    return Life(
        share=np.zeros((months, lines)),
        data_kb=whole(lines), voice_out=whole(lines), dropped=whole(lines),
        chance=np.full((months, lines), np.nan),
        overdue=whole(customers),
        ended_month=np.full(lines, NEVER), ended_day=np.zeros(lines, np.int64),
        plan_fen=whole(customers), discount_fen=whole(customers), usage_fen=whole(customers),
        value_added_fen=whole(customers), bill_fen=whole(customers), complaints=whole(customers),
        troubled=np.zeros((months, lines), bool),
        settled=whole(customers, ORDINARY),
        postpaid=rng.random(customers) < 0.55,
        eagerness=np.minimum(rng.pareto(1.6, customers) + 0.3, 40.0),
        shocked=np.zeros((months, customers), bool),
    )  # fmt: skip


def recovery_day(customers: Whole, month: Whole | int) -> Whole:
    """The day of a month (from 0) on which a customer pays all arrears: theirs, not random."""
    return (customers * 7 + np.asarray(month) * 5) % 28
