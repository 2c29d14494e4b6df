"""What the demo operator sells: plans with a monthly fee (fen) and what it includes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from customers.demo.arrays import Flags, Whole


@dataclass(frozen=True)
class Plan:
    """`share` is how many of a hundred lines of its market take it."""

    code: str
    name: str
    product: str
    market: str
    fee_fen: int
    data_gb: int
    voice_minutes: int
    share: int


PLANS = (
    Plan("M019", "轻享19元套餐", "mobile", "PUBLIC", 1900, 5, 60, 14),
    Plan("M039", "畅享39元套餐", "mobile", "PUBLIC", 3900, 15, 150, 24),
    Plan("M059", "畅享59元套餐", "mobile", "PUBLIC", 5900, 25, 250, 24),
    Plan("M089", "畅享89元套餐", "mobile", "PUBLIC", 8900, 40, 500, 17),
    Plan("M129", "5G尊享129元套餐", "mobile", "PUBLIC", 12900, 60, 800, 12),
    Plan("M199", "5G尊享199元套餐", "mobile", "PUBLIC", 19900, 100, 1500, 6),
    Plan("M299", "5G尊享299元套餐", "mobile", "PUBLIC", 29900, 200, 3000, 3),
    Plan("B060", "宽带300M包月", "broadband", "ANY", 6000, 0, 0, 45),
    Plan("B090", "宽带500M包月", "broadband", "ANY", 9000, 0, 0, 38),
    Plan("B120", "宽带1000M包月", "broadband", "ANY", 12000, 0, 0, 17),
    Plan("E058", "政企商务58元套餐", "mobile", "ENTERPRISE", 5800, 30, 500, 50),
    Plan("E098", "政企商务98元套餐", "mobile", "ENTERPRISE", 9800, 50, 1000, 35),
    Plan("E158", "政企商务158元套餐", "mobile", "ENTERPRISE", 15800, 80, 2000, 15),
)


def choose(rng: np.random.Generator, *, broadband: Flags, enterprise: Flags) -> Whole:
    """Return the index in PLANS of each line's plan."""
    chosen = np.zeros(len(broadband), np.int64)
    markets = (
        ("ANY", broadband),
        ("PUBLIC", ~broadband & ~enterprise),
        ("ENTERPRISE", ~broadband & enterprise),
    )
    for market, lines in markets:
        offered = [n for n, plan in enumerate(PLANS) if plan.market == market]
        shares = np.array([PLANS[n].share for n in offered], float)
        chosen[lines] = rng.choice(offered, int(lines.sum()), p=shares / shares.sum())
    return chosen


def column(name: str) -> NDArray[np.generic]:
    """One attribute of every plan, to be indexed by what `choose` returned."""
    values = [getattr(plan, name) for plan in PLANS]
    return np.array(values, object if isinstance(values[0], str) else np.int64)
