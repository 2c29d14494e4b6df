"""What customers allowed when they joined, what some withdrew since, and how they want it."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from customers.consent_texts import current_text
from customers.demo.arrays import Days, Flags, Whole, Words
from customers.demo.people import People, Where
from customers.demo.structure import CONSENTS_OF_A_CUSTOMER, Chunk, Stream
from customers.demo.timeline import moment_text, moment_value
from customers.demo.writer import NULL, Written, numbers, text
from customers.models import ConsentPurpose, ConsentState

# Purpose, channel, and the share of persons and of enterprises who agreed when they joined.
_ASKED = (
    ("MARKETING", "SMS", 0.62, 0.35),
    ("MARKETING", "CALL", 0.30, 0.55),
    ("MARKETING", "APP", 0.34, 0.05),
    ("MARKETING", "EMAIL", 0.04, 0.60),
    ("SURVEY", "SMS", 0.45, 0.30),
    ("PROFILING", "", 0.40, 0.20),
    ("SHARING", "", 0.07, 0.02),
)
_STOPPED_ALL, _STOPPED_CALLS, _STOPPED_PROFILING = 0.09, 0.12, 0.05
_WISHING, _LEFT_ALONE = 0.18, 0.015
_CHANNELS = ("SMS", "CALL", "WECHAT", "APP", "")
_WINDOWS = (("09:00", "20:30"), ("18:00", "21:00"), ("10:00", "12:00"), (NULL, NULL))
_DAYS = ("{1,2,3,4,5,6,7}", "{1,2,3,4,5}", "{6,7}")
_REASONS = ("WISH", "COMPLAINT", "BEREAVED")
_OPENING, _CLOSING = 9 * 3600, 18 * 3600

Columns = dict[str, NDArray[np.object_]]


def rows(chunk: Chunk, people: People, where: Where) -> Iterator[Written]:
    """Lay out the ledger of consents and the preferences, a customer's in the order of time."""
    rng = chunk.rng(Stream.WISHES)
    joined = moment_value(people.opened_on, rng.integers(_OPENING, _CLOSING, chunk.customers))
    given = _given(rng, chunk)
    yield _consents(chunk, people, where, joined, given, _withdrawn(rng, chunk, people, given))
    yield _preferences(rng, chunk, people, where)


def _given(rng: np.random.Generator, chunk: Chunk) -> Flags:
    """Who agreed to what: customers down, what was asked across."""
    share = np.array([[person, office] for _purpose, _channel, person, office in _ASKED])
    return rng.random((chunk.customers, len(_ASKED))) < share[:, chunk.enterprise.astype(int)].T


def _withdrawn(
    rng: np.random.Generator, chunk: Chunk, people: People, given: Flags
) -> list[tuple[str, str, Whole, Whole]]:
    """Return who withdrew what and when: purpose, channel, the customers' places, the moments."""
    found = []
    for purpose, channel, asked, share in (
        ("MARKETING", "", slice(0, 4), _STOPPED_ALL),
        ("MARKETING", "CALL", slice(1, 2), _STOPPED_CALLS),
        ("PROFILING", "", slice(5, 6), _STOPPED_PROFILING),
    ):
        stops = given[:, asked].any(axis=1) & (rng.random(chunk.customers) < share)
        day = _later(rng, chunk, people.opened_on)
        stops &= day > people.opened_on
        who = np.flatnonzero(stops)
        at = moment_value(day[who], rng.integers(_OPENING, _CLOSING, len(who)))
        found.append((purpose, channel, who, at))
    return found


def _later(rng: np.random.Generator, chunk: Chunk, opened_on: Days) -> Days:
    """A day between the one on which each customer joined and the last of the data."""
    span = (chunk.specification.timeline.last_day - opened_on).astype(np.int64)
    return opened_on + (rng.random(len(opened_on)) * (span + 1)).astype(np.int64)


def _consents(
    chunk: Chunk,
    people: People,
    where: Where,
    joined: Whole,
    given: Flags,
    withdrawn: list[tuple[str, str, Whole, Whole]],
) -> Written:
    who_gave, asked = np.nonzero(given)
    purposes, channels = (np.array([one[n] for one in _ASKED], object) for n in (0, 1))
    version = {purpose: current_text(purpose).version for purpose in ConsentPurpose.values}
    who = np.concatenate([who_gave, *(part[2] for part in withdrawn)])
    at = np.concatenate([joined[who_gave], *(part[3] for part in withdrawn)])
    gave = np.arange(len(who)) < len(who_gave)
    purpose = _joined(purposes[asked], [(part[0], len(part[2])) for part in withdrawn])
    channel = _joined(channels[asked], [(part[1], len(part[2])) for part in withdrawn])
    in_order = np.lexsort((at, who))
    who, at, gave = who[in_order], at[in_order], gave[in_order]
    purpose, channel = purpose[in_order], channel[in_order]
    place = np.arange(len(who))
    changed = np.r_[True, who[1:] != who[:-1]][: len(who)]
    nth = place - np.maximum.accumulate(np.where(changed, place, 0))
    moments = moment_text(at)
    papers = [f"入网协议 {people.numbers[n]}" for n in who.tolist()]
    return text(
        "customers_consent",
        {
            "id": numbers(where.bases.consent + chunk.serials[who] * CONSENTS_OF_A_CUSTOMER + nth),
            "party_id": numbers(people.party_ids[who]),
            "purpose": purpose.tolist(),
            "channel": channel.tolist(),
            "state": np.where(
                gave, ConsentState.GIVEN.value, ConsentState.WITHDRAWN.value
            ).tolist(),
            "text_version": [
                version[name] if yes else ""
                for name, yes in zip(purpose.tolist(), gave.tolist(), strict=True)
            ],
            "decided_at": moments,
            "expires_at": [NULL] * len(who),
            "recorded_at": moments,
            "source": np.where(gave, "PAPER", np.where(channel == "CALL", "CALL", "SMS")).tolist(),
            "evidence": [
                paper if yes else "TD" for paper, yes in zip(papers, gave.tolist(), strict=True)
            ],
            "interaction_id": [NULL] * len(who),
            "staff_id": [NULL] * len(who),
        },
    )


def _joined(first: Words, others: list[tuple[str, int]]) -> Words:
    return np.concatenate([first, *(np.full(count, word, object) for word, count in others)])


def _preferences(rng: np.random.Generator, chunk: Chunk, people: People, where: Where) -> Written:
    who = np.flatnonzero(rng.random(chunk.customers) < _WISHING)
    count = len(who)
    day = _later(rng, chunk, people.opened_on)[who]
    at = moment_value(day, rng.integers(_CLOSING, _CLOSING + 3600, count))
    window = rng.choice(len(_WINDOWS), count, p=[0.5, 0.2, 0.1, 0.2]).tolist()
    reason = rng.choice(np.array(_REASONS, object), count)
    alone = rng.random(count) < _LEFT_ALONE / _WISHING
    return text(
        "customers_contactpreference",
        {
            "id": numbers(where.bases.preference + chunk.serials[who]),
            "party_id": numbers(people.party_ids[who]),
            "preferred_channel": rng.choice(np.array(_CHANNELS, object), count).tolist(),
            "language": rng.choice(
                np.array(["zh-hans", "en", ""], object), count, p=[0.7, 0.02, 0.28]
            ).tolist(),
            "window_starts": [_WINDOWS[n][0] for n in window],
            "window_ends": [_WINDOWS[n][1] for n in window],
            "window_days": rng.choice(np.array(_DAYS, object), count, p=[0.6, 0.3, 0.1]).tolist(),
            "do_not_contact": np.where(alone, reason, "").tolist(),
            "set_at": moment_text(at),
            "interaction_id": [NULL] * count,
            "staff_id": [NULL] * count,
        },
    )
