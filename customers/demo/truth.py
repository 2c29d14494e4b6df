"""What is true of the churn mechanism: how well the best model could do."""

from dataclasses import dataclass

import numpy as np

from customers.demo.arrays import Figures, Flags
from customers.demo.life import NEVER, Life
from customers.demo.lines import Lines
from customers.demo.mechanism import log_odds_of_leaving, probability
from customers.demo.structure import Chunk
from customers.demo.timeline import WARM_UP

LABEL_MONTHS = 2


@dataclass(frozen=True)
class Window:
    """The probability of leaving within a label window, as known before it, and who left."""

    chance: Figures
    left: Flags


def window(chunk: Chunk, lines: Lines, life: Life, *, months: int) -> Window:
    """Look at the last `months` (1 or 2) from the day before they began."""
    end = chunk.specification.timeline.months
    first = end - months
    known = first + WARM_UP
    there = ~np.isnan(life.chance[known])
    stays = np.ones(len(lines))
    for month in range(first, end):
        odds = log_odds_of_leaving(life, lines, chunk.customers, month=month, known=known)
        stays *= 1 - probability(odds)
    left = (life.ended_month >= first) & (life.ended_month != NEVER)
    return Window((1 - stays)[there].astype(np.float32), left[there])


def area_under_curve(chance: Figures, left: Flags) -> float | None:
    """The share of pairs of a leaver and a stayer that the chance puts in the right order."""
    leavers = int(left.sum())
    pairs = leavers * (len(left) - leavers)
    if not pairs:
        return None
    _values, place, count = np.unique(chance, return_inverse=True, return_counts=True)
    rank = np.cumsum(count) - (count - 1) / 2
    won = rank[place][left].sum() - leavers * (leavers + 1) / 2
    return float(won / pairs)
