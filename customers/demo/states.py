"""Why lines were stopped, when, and the states that follow from it."""

from dataclasses import dataclass

import numpy as np

from customers.demo.arrays import Days, Flags, Whole
from customers.demo.life import BARRED_DAY, NEVER, ORDINARY, Life, recovery_day
from customers.demo.lines import Lines
from customers.demo.mechanism import overdue_when_leaving
from customers.demo.structure import Chunk, Stream
from customers.demo.timeline import WARM_UP, Timeline, moment_value

FULL_BAR_DAY = 19
LOST_SHARE = 0.01
OPEN_STOP_SHARE = 0.002
FOR_EVER = np.iinfo(np.int64).max
_HOUR = 3600
_OPEN_REASONS = ("CUSTOMER_HOLD", "UNREGISTERED", "FRAUD", "LOST")
_OPEN_SHARES = (0.6, 0.2, 0.1, 0.1)


@dataclass(frozen=True)
class Endings:
    """When and why each line ended: `ended_on` NaT and reason "" for one that did not."""

    ended_on: Days
    reason: list[str]


@dataclass(frozen=True)
class States:
    """
    Periods of one state, a row each, in the order of lines and time; `present` is each line's
    last one. `ends_at` FOR_EVER: still.
    """

    line: Whole
    status: list[str]
    reason: list[str]
    starts_at: Whole
    ends_at: Whole
    present: list[str]


@dataclass(frozen=True)
class Stops:
    """
    Stops, a row each. Moments are microseconds since 2000-01-01 UTC; `cleared_at` FOR_EVER
    while it holds. `opens` marks those that begin a suspension (a full bar follows a partial).
    """

    line: Whole
    reason: list[str]
    raised_at: Whole
    cleared_at: Whole
    opens: Flags


def end(chunk: Chunk, lines: Lines, life: Life) -> Endings:
    """Give every line that left its day and its reason."""
    rng, timeline = chunk.rng(Stream.ENDINGS), chunk.specification.timeline
    gone = life.ended_month != NEVER
    ended_on = timeline.start_of(np.where(gone, life.ended_month, 0)) + life.ended_day
    ended_on[~gone] = np.datetime64("NaT")
    luck = rng.random(len(lines))
    ported = ~lines.broadband & (luck < 0.38)
    reason = np.where(ported, "PORTED_OUT", "CANCELLED")
    reason[overdue_when_leaving(life, lines) & (luck < 0.85)] = "ARREARS"
    reason[~gone] = ""
    return Endings(ended_on, reason.tolist())


def stop(chunk: Chunk, lines: Lines, life: Life, endings: Endings) -> Stops:
    """Find the stops of arrears, and draw the few that have other reasons."""
    rng, timeline = chunk.rng(Stream.STOPS), chunk.specification.timeline
    ended = ended_at(lines, endings)
    who, since, back = _arrears(life)
    line, episode = _lines_of(chunk, who)
    there = lines.open_month[line] < since[episode] + 2
    line, episode = line[there], episode[there]
    found = []
    for day, reason in ((BARRED_DAY, "ARREARS_OUT"), (FULL_BAR_DAY, "ARREARS_FULL")):
        raised = moment_value(timeline.start_of(since + 2) + day, 9 * _HOUR)
        paid = moment_value(
            timeline.start_of(np.where(back == NEVER, 0, back)) + recovery_day(who, back),
            23 * _HOUR,
        )
        cleared = np.where(back == NEVER, FOR_EVER, paid)[episode]
        found.append((line, reason, raised[episode], np.minimum(cleared, ended[line])))
    owing = np.zeros(chunk.customers, bool)
    owing[who] = True
    calm = np.flatnonzero(~owing[lines.customer])
    found += _other(rng, timeline, calm, ended)
    return _checked(found, lines, timeline)


def ended_at(lines: Lines, endings: Endings) -> Whole:
    """The moment each line ended, or FOR_EVER."""
    stays = np.isnat(endings.ended_on)
    days = np.where(stays, lines.opened_on, endings.ended_on)
    return np.where(stays, FOR_EVER, moment_value(days, 0))


def _arrears(life: Life) -> tuple[Whole, Whole, Whole]:
    """Return every spell of arrears: whose, its first month, the month of paying or NEVER."""
    settled = life.settled[WARM_UP:]
    month, who = np.nonzero(settled != ORDINARY)
    back = settled[month, who]
    _keys, first = np.unique(who * (NEVER + 1) + back, return_index=True)
    return who[first], month[first], back[first]


def _lines_of(chunk: Chunk, who: Whole) -> tuple[Whole, Whole]:
    """Return the places of all lines of the customers, each with the place in `who`."""
    begin = np.cumsum(chunk.lines) - chunk.lines
    count = chunk.lines[who]
    episode = np.repeat(np.arange(len(who)), count)
    offset = np.arange(len(episode)) - np.repeat(np.cumsum(count) - count, count)
    return begin[who][episode] + offset, episode


def _other(
    rng: np.random.Generator, timeline: Timeline, calm: Whole, ended: Whole
) -> list[tuple[Whole, str, Whole, Whole]]:
    """Phones lost for a day or two somewhen, and the few lines that stand still right now."""
    draw = rng.random(len(calm))
    lost = calm[draw < LOST_SHARE]
    span = int((timeline.starts[-1] - timeline.starts[0]).astype(np.int64)) - 15
    day = timeline.starts[0] + rng.integers(0, max(span, 1), len(lost))
    at = moment_value(day, rng.integers(9 * _HOUR, 20 * _HOUR, len(lost)))
    hours = rng.integers(2, 48, len(lost))
    found = [(lost, "LOST", at, np.minimum(at + hours * _HOUR * 1_000_000, ended[lost]))]
    now = calm[(draw > 1 - OPEN_STOP_SHARE) & (ended[calm] == FOR_EVER)]
    kind = rng.choice(len(_OPEN_REASONS), len(now), p=_OPEN_SHARES)
    day = timeline.last_day - rng.integers(0, 10, len(now))
    at = moment_value(day, rng.integers(9 * _HOUR, 20 * _HOUR, len(now)))
    for n, reason in enumerate(_OPEN_REASONS):
        here = kind == n
        found.append((now[here], reason, at[here], np.full(int(here.sum()), FOR_EVER)))
    return found


def _checked(
    found: list[tuple[Whole, str, Whole, Whole]], lines: Lines, timeline: Timeline
) -> Stops:
    """Keep the stops that were raised on a living line before the end of the data."""
    line = np.concatenate([part[0] for part in found])
    reason = np.repeat([part[1] for part in found], [len(part[0]) for part in found])
    raised = np.concatenate([part[2] for part in found])
    cleared = np.concatenate([part[3] for part in found])
    opened = moment_value(lines.opened_on[line], 24 * _HOUR)
    end_of_data = moment_value(timeline.starts[-1], 0)
    kept = (raised < cleared) & (raised > opened) & (raised < end_of_data)
    order = np.lexsort((raised[kept], line[kept]))
    reason = reason[kept][order]
    return Stops(
        line[kept][order],
        reason.tolist(),
        raised[kept][order],
        cleared[kept][order],
        reason != "ARREARS_FULL",
    )


def trace(lines: Lines, endings: Endings, stops: Stops) -> States:
    """Follow every line from state to state."""
    place, ended = np.arange(len(lines)), ended_at(lines, endings)
    gone = np.flatnonzero(ended != FOR_EVER)
    held = np.flatnonzero(stops.opens)
    cleared = held[stops.cleared_at[held] < ended[stops.line[held]]]
    reasons = np.array(stops.reason, object)
    turns = (
        (place, moment_value(lines.opened_on, 0), "ACTIVE", ""),
        (stops.line[held], stops.raised_at[held], "SUSPENDED", reasons[held]),
        (stops.line[cleared], stops.cleared_at[cleared], "ACTIVE", ""),
        (gone, ended[gone], "TERMINATED", np.array(endings.reason, object)[gone]),
    )
    line = np.concatenate([turn[0] for turn in turns])
    at = np.concatenate([turn[1] for turn in turns])
    status = np.concatenate([np.full(len(turn[0]), turn[2], object) for turn in turns])
    reason = np.concatenate(
        [np.broadcast_to(np.asarray(turn[3], object), len(turn[0])) for turn in turns]
    )
    order = np.lexsort((at, line))
    line, at, status = line[order], at[order], status[order]
    last = np.r_[line[1:] != line[:-1], True]
    ends = np.where(last, FOR_EVER, np.r_[at[1:], FOR_EVER])
    return States(line, status.tolist(), reason[order].tolist(), at, ends, status[last].tolist())
