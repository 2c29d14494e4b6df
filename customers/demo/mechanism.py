"""
Why a line leaves: the stated function, and nothing else.

The probability of leaving in a month is a function of what is *written down* of the months
before it (bills, usage, dropped calls, complaints, contract, arrears), so that a model that
reads the tables as of that day can find every driver. docs/demo.md explains it.
"""

from dataclasses import dataclass

import numpy as np

from customers.demo.arrays import Figures, Flags
from customers.demo.life import NEVER, Life
from customers.demo.lines import NO_CONTRACT, Lines
from customers.demo.timeline import WARM_UP


@dataclass(frozen=True)
class Hazard:
    """The mechanism: log-odds of leaving within one month."""

    base: float = -5.25
    price_shock: float = 2.6  # per +100 % of the last bill over the mean of the three before
    complaint: float = 1.25  # per complaint of the last three months, three at most
    contract_near: float = 1.5  # it ends this month or next, or ended within the last two
    contract_far: float = -1.1  # more than three months of it are left
    decline: float = 7.0  # per 100 % of data (broadband: too) lost against the mean of three
    dropped_calls: float = 0.16  # per dropped call a month, mean of three, beyond two; ten at most
    newcomer: float = 0.9  # at tenure 0, fading with a time constant of one year
    several_products: float = -0.5  # the customer has more than one line
    overdue: float = 1.3  # per month of arrears beyond the due date, two at most
    noise: float = 0.25  # standard deviation of what nobody writes down


HAZARD = Hazard()
SHOCK_IGNORED = 0.08
DECLINE_IGNORED = 0.12


def price_shock(life: Life, row: int) -> Figures:
    """The last bill before `row` over the mean of the three before it, less 1; 0 if unknown."""
    if row < 4:
        return np.zeros(life.bill_fen.shape[1])
    last, before = life.bill_fen[row - 1], life.bill_fen[row - 4 : row - 1]
    known = (before > 0).all(axis=0) & (last > 0)
    return np.where(known, np.clip(last / np.maximum(before.mean(axis=0), 1) - 1, 0, 1.5), 0)


def usage_decline(life: Life, row: int) -> Figures:
    """The share of data a line lost in the month before `row` against the three before that."""
    last, before = life.data_kb[row - 1], life.data_kb[row - 4 : row - 1]
    known = (life.share[row - 4 : row] >= 1).all(axis=0) & (before > 0).all(axis=0)
    return np.where(known, np.clip(1 - last / np.maximum(before.mean(axis=0), 1), 0, 0.6), 0)


def log_odds_of_leaving(
    life: Life, lines: Lines, customers: int, *, month: int, known: int
) -> Figures:
    """
    The mechanism for `month`, from the rows of months before row `known` alone.

    With `known` earlier than the month itself it is what can be foreseen of the month.
    """
    weigh, of = HAZARD, lines.customer
    left = lines.contract_month - month
    bound = lines.contract_month != NO_CONTRACT
    first = month + WARM_UP - 3
    complaints = np.minimum(life.complaints[first:known].sum(axis=0), 3)
    dropped = life.dropped[first:known].mean(axis=0)
    tenure_years = np.maximum(month - lines.open_month, 0) / 12
    several = np.bincount(of, life.share[known - 1] > 0, minlength=customers) > 1
    return (
        weigh.base
        + weigh.price_shock * np.maximum(price_shock(life, known) - SHOCK_IGNORED, 0)[of]
        + weigh.complaint * complaints[of]
        + weigh.contract_near * (bound & (left <= 1) & (left >= -2))
        + weigh.contract_far * (bound & (left > 3))
        + weigh.decline * np.maximum(usage_decline(life, known) - DECLINE_IGNORED, 0)
        + weigh.dropped_calls * np.clip(dropped - 2, 0, 10)
        + weigh.newcomer * np.exp(-tenure_years)
        + weigh.several_products * several[of]
        + weigh.overdue * np.minimum(life.overdue[known - 1], 2)[of]
    )


def probability(log_odds: Figures) -> Figures:
    return 1 / (1 + np.exp(-log_odds))


def overdue_when_leaving(life: Life, lines: Lines) -> Flags:
    """Which of the lines that left had a bill past its due date at the beginning of that month."""
    gone = life.ended_month != NEVER
    row = np.where(gone, life.ended_month, 0) + WARM_UP - 1
    return gone & (life.overdue[row, lines.customer] > 0)
