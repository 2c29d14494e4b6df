"""The lines of a chunk: product, plan, contract, and when each was opened."""

from dataclasses import dataclass

import numpy as np

from customers.demo import identifiers, plans
from customers.demo.arrays import Days, Figures, Flags, Whole
from customers.demo.people import People, Where
from customers.demo.structure import Chunk, Stream

BROADBAND_SECOND_SHARE = 0.7
CONTRACT_SHARE = 0.55
CONTRACT_AHEAD_MONTHS = 20
SILENT_SHARE = 0.01
ROAMING_SHARE = 0.15
NO_CONTRACT = -99


@dataclass(frozen=True)
class Lines:
    """
    The lines of a chunk, a row each. `customer` is the place of its customer in the chunk.

    `open_month` and `contract_month` count from the first written month; a line without a
    contract has contract_month NO_CONTRACT. `called_more` is seconds called for a second of
    calling; the shares are of data.
    """

    ids: Whole
    numbers: list[str]
    service_numbers: list[str]
    customer: Whole
    first_of_customer: Flags
    broadband: Flags
    plan: Whole
    fee_fen: Whole
    opened_on: Days
    open_month: Whole
    contract_ends_on: Days
    contract_month: Whole
    silent: Flags
    called_more: Figures
    roaming_share: Figures
    night_share: Figures

    def __len__(self) -> int:
        return len(self.ids)


def connect(chunk: Chunk, people: People, where: Where) -> Lines:
    """Draw the lines of a chunk's customers."""
    rng = chunk.rng(Stream.LINES)
    timeline = chunk.specification.timeline
    customer = np.repeat(np.arange(chunk.customers), chunk.lines)
    count = len(customer)
    first = np.r_[True, customer[1:] != customer[:-1]]
    second = np.r_[False, first[:-1]] & ~first
    broadband = second & (rng.random(count) < BROADBAND_SECOND_SHARE)
    plan = plans.choose(rng, broadband=broadband, enterprise=chunk.enterprise[customer])
    opened_on = people.opened_on[customer].copy()
    later = ~first & ~chunk.heavy[customer]
    span = (timeline.last_day - opened_on).astype(np.int64)
    opened_on[later] += (rng.random(count) ** 2 * (span + 1)).astype(np.int64)[later]
    contract_month = rng.integers(-4, timeline.months + CONTRACT_AHEAD_MONTHS, count)
    open_month = timeline.month_of(opened_on)
    bound = (rng.random(count) < CONTRACT_SHARE) & (contract_month > open_month + 2)
    contract_month = np.where(bound, contract_month, NO_CONTRACT)
    ends = timeline.start_of(contract_month)
    ends[~bound] = np.datetime64("NaT")
    serials = chunk.line_serials
    ids = where.bases.subscriber + serials
    mobiles = identifiers.mobile_numbers(serials)
    return Lines(
        ids=ids,
        numbers=[f"77{n:012d}" for n in ids.tolist()],
        service_numbers=[
            f"CLKD{n:09d}" if wired else mobile
            for n, wired, mobile in zip(serials.tolist(), broadband.tolist(), mobiles, strict=True)
        ],
        customer=customer,
        first_of_customer=first,
        broadband=broadband,
        plan=plan,
        fee_fen=plans.column("fee_fen")[plan].astype(np.int64),
        opened_on=opened_on,
        open_month=open_month,
        contract_ends_on=ends,
        contract_month=contract_month,
        silent=rng.random(count) < SILENT_SHARE,
        called_more=rng.lognormal(0, 0.4, count),
        roaming_share=np.where(rng.random(count) < ROAMING_SHARE, rng.uniform(0, 0.1, count), 0),
        night_share=rng.uniform(0.03, 0.3, count),
    )
