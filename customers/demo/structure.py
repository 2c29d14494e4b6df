"""
Who there is: customers cut into chunks, the lines of each, and the ids they will have.

Everything random comes from generators seeded by (seed, chunk, stream), so a chunk is the same
whoever makes it and whenever.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from customers.demo.arrays import Flags, Whole
from customers.demo.timeline import Timeline

CHUNK_CUSTOMERS = 10_000
ENTERPRISE_SHARE = 0.05
SECOND_LINE_SHARE = 0.25
ENTERPRISE_LINES_MEAN = 3.0
ENTERPRISE_LINES_AT_MOST = 20
HEAVY_LINES = 30
CUSTOMERS_PER_HEAVY = 20_000
HEAVY_AT_LEAST = 3
MEDIA_OF_A_CUSTOMER = 3
CONSENTS_OF_A_CUSTOMER = 10


class Stream(IntEnum):
    """What a generator is for. The numbers are part of the seed: never renumber."""

    STRUCTURE = 0
    PEOPLE = 1
    LINES = 2
    BEHAVIOUR = 3
    PAYMENTS = 4
    STOPS = 5
    CONTACTS = 6
    ENDINGS = 7
    CONTACT_IDS = 8
    WISHES = 9
    CONTACT_AUTHENTICATION = 10


@dataclass(frozen=True)
class Specification:
    """What was asked for."""

    customers: int
    seed: int
    timeline: Timeline

    @property
    def chunks(self) -> int:
        return -(-self.customers // CHUNK_CUSTOMERS)


@dataclass(frozen=True)
class Bases:
    """The first id of each table's reserved range."""

    party: int
    customer: int
    account: int
    identification: int
    medium: int
    subscriber: int
    pay_relation: int
    status_period: int
    stop: int
    consent: int
    preference: int


@dataclass(frozen=True)
class Chunk:
    """
    One slice of the customers: how many lines each has, and where its ids begin.

    `first` and `first_line` count from the operator's first customer and line.
    """

    specification: Specification
    index: int
    first: int
    first_line: int
    enterprise: Flags
    heavy: Flags
    lines: Whole

    @property
    def customers(self) -> int:
        return len(self.lines)

    @property
    def serials(self) -> Whole:
        """The number of each customer among all of the operator, from 0."""
        return self.first + np.arange(self.customers)

    @property
    def line_serials(self) -> Whole:
        return self.first_line + np.arange(int(self.lines.sum()))

    def rng(self, stream: Stream) -> np.random.Generator:
        return np.random.default_rng([self.specification.seed, self.index, stream])


def periods_of_a_line(timeline: Timeline) -> int:
    """How many ids a line may need in a table of its stops or states."""
    return timeline.months + 4


def chunks(specification: Specification) -> list[Chunk]:
    """Lay the whole operator out; cheap, and the same in every process."""
    found: list[Chunk] = []
    first_line = 0
    for index in range(specification.chunks):
        first = index * CHUNK_CUSTOMERS
        count = min(CHUNK_CUSTOMERS, specification.customers - first)
        rng = np.random.default_rng([specification.seed, index, Stream.STRUCTURE])
        heavy = _heavy(specification.customers, first, count)
        enterprise = (rng.random(count) < ENTERPRISE_SHARE) | heavy
        several = rng.geometric(1 / ENTERPRISE_LINES_MEAN, count)
        lines = np.where(
            enterprise,
            1 + np.minimum(several, ENTERPRISE_LINES_AT_MOST - 1),
            1 + (rng.random(count) < SECOND_LINE_SHARE),
        )
        lines[heavy] = HEAVY_LINES
        found.append(Chunk(specification, index, first, first_line, enterprise, heavy, lines))
        first_line += int(lines.sum())
    return found


def _heavy(customers: int, first: int, count: int) -> Flags:
    """Mark the customers whose history is thousands of rows: evenly among all, three at least."""
    wanted = min(customers, max(HEAVY_AT_LEAST, customers // CUSTOMERS_PER_HEAVY))
    places = (2 * np.arange(wanted) + 1) * customers // (2 * max(wanted, 1))
    marked = np.zeros(count, bool)
    here = places[(places >= first) & (places < first + count)] - first
    marked[here] = True
    return marked
