"""How the customers live, month by month; who leaves is for `mechanism` to say."""

import numpy as np
from numpy.typing import NDArray

from customers.demo import plans
from customers.demo.arrays import Figures, Whole
from customers.demo.life import BARRED_DAY, NEVER, PAYS_UP_SHARE, Life, recovery_day, unlived
from customers.demo.lines import NO_CONTRACT, Lines
from customers.demo.mechanism import HAZARD, log_odds_of_leaving, price_shock, probability
from customers.demo.structure import Chunk, Stream
from customers.demo.timeline import WARM_UP, Timeline

CONTRACT_DISCOUNT = 0.25
SEASON = np.array([1.02, 1.10, 0.98, 0.97, 1.0, 1.0, 1.05, 1.06, 0.99, 1.03, 0.98, 0.99])
_GIGABYTE_KB = 1_048_576


def live(chunk: Chunk, lines: Lines) -> Life:
    """Let the chunk's customers live through the warm-up and the written months."""
    rng = chunk.rng(Stream.BEHAVIOUR)
    course = _Course(chunk, lines, rng)
    for month in range(-WARM_UP, chunk.specification.timeline.months):
        course.step(month)
    return course.life


class _Course:
    """The state that one month hands to the next."""

    def __init__(self, chunk: Chunk, lines: Lines, rng: np.random.Generator) -> None:
        self.rng, self.lines, self.customers = rng, lines, chunk.customers
        self.timeline: Timeline = chunk.specification.timeline
        count, months = len(lines), self.timeline.months + WARM_UP
        self.life = unlived(months, count, chunk.customers, rng)
        tier = 0.5 + lines.fee_fen / 9000
        median = np.where(lines.broadband, 140.0, 7.0 * tier) * _GIGABYTE_KB
        self.usual_data = median * rng.lognormal(0, 0.7, count) * ~lines.silent
        talk = 150 * 60 * tier * rng.lognormal(0, 0.8, count)
        self.usual_talk = talk * ~lines.broadband * ~lines.silent
        self.calls_lost = rng.lognormal(-0.7, 0.6, count)
        self.trouble = np.zeros(count, bool)
        self.leaning_away = np.zeros(count, bool)
        self.appetite = np.ones(count)
        add_ons = rng.choice([0, 600, 1000, 1500], chunk.customers, p=[0.6, 0.15, 0.15, 0.1])
        self.add_ons = add_ons
        self.surcharge = np.zeros(chunk.customers, np.int64)
        self.barred = np.zeros(chunk.customers)
        self.arrears_since = np.full(chunk.customers, NEVER)
        self.pays_badly = rng.random(chunk.customers) < 0.08
        self.allowance_kb = plans.column("data_gb")[lines.plan].astype(float) * _GIGABYTE_KB
        self.allowance_seconds = plans.column("voice_minutes")[lines.plan].astype(float) * 60

    def step(self, month: int) -> None:
        row = month + WARM_UP
        if month >= 0:
            self._leave(month, row)
            self._pay_up(month)
        self._serve(month, row)
        self._use(month, row)
        self._bill(month, row)
        if month >= 0:
            self._fall_behind(month, row)
        self._complain(row)

    def _leave(self, month: int, row: int) -> None:
        life, lines = self.life, self.lines
        able = (lines.open_month < month) & (life.ended_month == NEVER)
        log_odds = log_odds_of_leaving(life, lines, self.customers, month=month, known=row)
        life.chance[row, able] = probability(log_odds[able])
        noise = self.rng.normal(0, HAZARD.noise, len(lines))
        draw = self.rng.random(len(lines))
        day = (self.rng.random(len(lines)) * self.timeline.days_in(month)).astype(np.int64)
        gone = able & (draw < probability(log_odds + noise))
        life.ended_month[gone] = month
        life.ended_day[gone] = day[gone]

    def _serve(self, month: int, row: int) -> None:
        """Work out for how much of the month each line was in service."""
        life, lines = self.life, self.lines
        days = int(self.timeline.days_in(month))
        opened = lines.opened_on - self.timeline.start_of(month)
        begin = np.clip(opened.astype(np.int64), 0, days)
        end = np.where(life.ended_month == month, life.ended_day, days)
        end[life.ended_month < month] = 0
        life.share[row] = np.maximum(end - begin, 0) / days

    def _use(self, month: int, row: int) -> None:
        life, lines, rng = self.life, self.lines, self.rng
        count = len(lines)
        self._change_heart(month, row)
        starts, ends = rng.random(count) < 0.014, rng.random(count) < 0.3
        self.trouble = (self.trouble & ~ends) | starts
        life.troubled[row] = self.trouble
        season = SEASON[int(self.timeline.start_of(month).astype("datetime64[M]").astype(int)) % 12]
        level = self.appetite * season * life.share[row] * (1 - self.barred[lines.customer])
        data = self.usual_data * level * rng.lognormal(0, 0.09, count)
        talk = self.usual_talk * level * rng.lognormal(0, 0.16, count)
        life.data_kb[row], life.voice_out[row] = data, talk
        lost = self.calls_lost * np.where(self.trouble, 10.0, 1.0) * ~lines.silent
        life.dropped[row] = rng.poisson(lost * life.share[row])

    def _change_heart(self, month: int, row: int) -> None:
        """Those who were let down use less from month to month, and some come round again."""
        life, lines, rng = self.life, self.lines, self.rng
        reason = np.full(len(lines), 0.010)
        if row:
            reason += 0.14 * life.shocked[row - 1][lines.customer]
            reason += 0.16 * (life.complaints[row - 1] > 0)[lines.customer]
            reason += 0.06 * life.troubled[row - 1]
        left = lines.contract_month - month
        reason += 0.04 * ((left <= 0) & (left >= -2) & (lines.contract_month != NO_CONTRACT))
        starts, comes_round = rng.random(len(lines)) < reason, rng.random(len(lines)) < 0.14
        self.leaning_away = (self.leaning_away & ~comes_round) | starts
        self.appetite *= np.where(self.leaning_away, rng.uniform(0.5, 0.85, len(lines)), 1)
        self.appetite[~self.leaning_away] = 1.0

    def _bill(self, month: int, row: int) -> None:
        life, lines = self.life, self.lines
        share = life.share[row]
        fee = np.rint(lines.fee_fen * share)
        discount = np.rint(CONTRACT_DISCOUNT * fee * (lines.contract_month > month))
        data_over = np.maximum(
            0, life.data_kb[row] / _GIGABYTE_KB - self.allowance_kb / _GIGABYTE_KB
        )
        talk_over = np.maximum(0, (life.voice_out[row] - self.allowance_seconds) / 60)
        beyond = np.minimum(data_over * 300, 1500) + np.minimum(talk_over * 15, 1000)
        beyond = np.rint(beyond * ~lines.broadband * (share > 0))
        for name, per_line in (
            ("plan_fen", fee),
            ("discount_fen", -discount),
            ("usage_fen", beyond),
        ):
            getattr(life, name)[row] = self._sum(per_line)
        served = self._sum(share > 0) > 0
        life.value_added_fen[row] = self._value_added(row) * served
        life.bill_fen[row] = np.maximum(
            life.plan_fen[row] + life.discount_fen[row] + life.usage_fen[row]
            + life.value_added_fen[row], 0,
        )  # fmt: skip
        life.shocked[row] = price_shock(life, row + 1) > 0.15

    def _value_added(self, row: int) -> Whole:
        """Subscriptions, and now and then a charge nobody expected, for a month or more."""
        rng, count = self.rng, self.customers
        ends, starts = rng.random(count) < 0.5, rng.random(count) < 0.02
        size = (
            (self.life.plan_fen[row] * rng.uniform(0.3, 1.3, count)).astype(np.int64) // 100 * 100
        )
        self.surcharge[ends] = 0
        self.surcharge = np.where(starts, size, self.surcharge)
        return self.add_ons + self.surcharge

    def _pay_up(self, month: int) -> None:
        """Some of those in arrears pay everything; until they do, they are barred."""
        life, since = self.life, self.arrears_since
        overdue = np.where(since == NEVER, 0, month - since - 1)
        recovers = (overdue >= 1) & (self.rng.random(self.customers) < PAYS_UP_SHARE)
        here = np.flatnonzero(recovers)
        rows = np.arange(len(life.settled))[:, None]
        covered = (rows >= since[here] + WARM_UP) & (rows < month + WARM_UP)
        life.settled[:, here] = np.where(covered, month, life.settled[:, here])
        until = np.where(recovers, recovery_day(np.arange(self.customers), month), 30)
        begin = np.where(overdue == 1, BARRED_DAY, 0)
        self.barred = np.where(overdue >= 1, np.clip((until - begin) / 30, 0, 1), 0)
        since[here] = NEVER

    def _fall_behind(self, month: int, row: int) -> None:
        """Some who pay after use stop paying."""
        life, since = self.life, self.arrears_since
        begins = self.rng.random(self.customers) < np.where(self.pays_badly, 0.045, 0.004)
        since[begins & (since == NEVER) & life.postpaid & (life.bill_fen[row] > 0)] = month
        life.settled[row, since != NEVER] = NEVER
        life.overdue[row] = np.where(since == NEVER, 0, month - since)

    def _complain(self, row: int) -> None:
        life, rng = self.life, self.rng
        troubled = self._sum(life.troubled[row] & (life.share[row] > 0)) > 0
        rate = 0.008 * life.eagerness**0.5 + 0.06 * life.shocked[row] + 0.09 * troubled
        served = self._sum(life.share[row]) > 0
        life.complaints[row] = rng.poisson(np.minimum(rate, 0.5) * served)

    def _sum(self, per_line: NDArray[np.generic]) -> Figures:
        """Add up over each customer's lines."""
        weights = per_line.astype(np.float64)
        total = np.bincount(self.lines.customer, weights, minlength=self.customers)
        return total.astype(np.float64)
