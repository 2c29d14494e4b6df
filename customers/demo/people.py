"""Parties, customers, their documents, addresses and search keys."""

from dataclasses import dataclass

import numpy as np

from crm.platform.access.masking import FieldClass, mask
from customers.demo import geography, identifiers, names
from customers.demo.arrays import Days, Flags, Whole, Words
from customers.demo.structure import Bases, Chunk, Stream
from customers.demo.timeline import Timeline
from customers.identity import encrypt_number, hash_number
from customers.models import IdentificationKind
from customers.search import sort_key

HISTORY_DAYS = 12 * 365
TENURE_MEAN_DAYS = 1500.0
JOINED_A_MONTH = 0.014
HOUSEHOLD_SHARE = 0.25
VIP_SHARE = 0.03
MANAGED_ENTERPRISES = 200
MANAGED_SHARE = 0.4
_YOUNGEST = 17
_OLDEST = 88


@dataclass(frozen=True)
class Where:
    """What the chunk needs to know of the database it goes to."""

    bases: Bases
    unit_ids: dict[str, int]
    staff_ids: dict[str, int]
    staff_hall: int


@dataclass(frozen=True)
class People:
    """The customers of a chunk, a row each."""

    party_ids: Whole
    customer_ids: Whole
    account_ids: Whole
    numbers: list[str]
    account_numbers: list[str]
    names: list[str]
    sort_keys: list[str]
    male: Flags
    birth_date: Days
    industries: list[str]
    representatives: list[str]
    opened_on: Days
    hall: Whole
    categories: list[str]
    managers: list[str]
    households: list[str]
    addresses: list[str]
    documents: "Documents"


@dataclass(frozen=True)
class Documents:
    kinds: list[str]
    hashes: list[bytes]
    sealed: list[bytes]
    masked: list[str]


def populate(chunk: Chunk, where: Where) -> People:
    """Draw the people and enterprises of a chunk."""
    rng = chunk.rng(Stream.PEOPLE)
    count, timeline = chunk.customers, chunk.specification.timeline
    customer_ids = where.bases.customer + chunk.serials
    halls = geography.halls(where.unit_ids)
    home, hall = _households(rng, chunk, halls)
    opened_on = _opened(rng, chunk)
    male = rng.random(count) < 0.51
    birth_date = _births(rng, opened_on, timeline)
    years = birth_date.astype("datetime64[Y]").astype(np.int64) + 1970
    persons = names.surnames(rng, count) + names.given_names(rng, male=male, birth_year=years)
    registered, industries = names.enterprises(rng, cities=np.array(_short(halls.cities))[hall])
    shown = np.where(chunk.enterprise, registered, persons)
    return People(
        party_ids=where.bases.party + chunk.serials,
        customer_ids=customer_ids,
        account_ids=where.bases.account + chunk.serials,
        numbers=[f"99{n:012d}" for n in customer_ids.tolist()],
        account_numbers=[f"88{n:012d}" for n in (where.bases.account + chunk.serials).tolist()],
        names=shown.tolist(),
        sort_keys=[sort_key(name) for name in shown.tolist()],
        male=male,
        birth_date=birth_date,
        industries=np.where(chunk.enterprise, np.array(industries, object), "").tolist(),
        representatives=np.where(chunk.enterprise, persons, "").tolist(),
        opened_on=opened_on,
        hall=halls.ids[hall],
        categories=_categories(rng, chunk),
        managers=_managers(chunk, where),
        households=_household_codes(home, customer_ids),
        addresses=_addresses(rng, home, halls.places[hall]),
        documents=_documents(chunk, birth_date, male),
    )


def _short(cities: Words) -> list[str]:
    return [city.removesuffix("市") for city in cities]


def _opened(rng: np.random.Generator, chunk: Chunk) -> Days:
    """Newcomers of every month of the history; the others older, fewer the longer ago."""
    count, timeline = chunk.customers, chunk.specification.timeline
    written = int((timeline.starts[-1] - timeline.starts[0]).astype(np.int64))
    new = ~chunk.heavy & (rng.random(count) < min(JOINED_A_MONTH * timeline.months, 0.5))
    reach = max(HISTORY_DAYS - written, 365)
    highest = 1 - np.exp(-reach / TENURE_MEAN_DAYS)
    before = -TENURE_MEAN_DAYS * np.log(1 - rng.random(count) * highest)
    days = np.where(new, rng.random(count) * (written - 1), written + before)
    return timeline.last_day - days.astype(np.int64)


def _births(rng: np.random.Generator, opened_on: Days, timeline: Timeline) -> Days:
    """Everybody was seventeen or older when they became a customer."""
    age = _YOUNGEST + rng.gamma(3.2, 8.5, len(opened_on))
    days = (np.minimum(age, _OLDEST) * 365.25).astype(np.int64)
    youngest = (timeline.last_day - opened_on).astype(np.int64) + _YOUNGEST * 366
    return timeline.last_day - np.maximum(days, youngest + rng.integers(0, 365, len(days)))


def _households(
    rng: np.random.Generator, chunk: Chunk, halls: geography.Halls
) -> tuple[Whole, Whole]:
    """Return whose household each customer lives in (the place of its first), and their hall."""
    joins = rng.random(chunk.customers) < HOUSEHOLD_SHARE
    joins[0] = False
    joins[chunk.enterprise] = False
    joins[1:][chunk.enterprise[:-1]] = False
    home = np.maximum.accumulate(np.where(joins, 0, np.arange(chunk.customers)))
    hall = rng.choice(len(halls.ids), chunk.customers, p=halls.shares)
    return home, hall[home]


def _household_codes(home: Whole, customer_ids: Whole) -> list[str]:
    size = np.bincount(home, minlength=len(home))
    heads = customer_ids[home].tolist()
    shared = (size[home] > 1).tolist()
    return [f"H{head:012d}" if many else "" for head, many in zip(heads, shared, strict=True)]


def _addresses(rng: np.random.Generator, home: Whole, places: Words) -> list[str]:
    own = geography.addresses(rng, places)
    return [own[place] for place in home.tolist()]


def _categories(rng: np.random.Generator, chunk: Chunk) -> list[str]:
    vip = rng.random(chunk.customers) < VIP_SHARE
    found: list[str] = np.where(
        chunk.enterprise, "ENTERPRISE", np.where(vip, "VIP", "PUBLIC")
    ).tolist()
    return found


def _managers(chunk: Chunk, where: Where) -> list[str]:
    """Give the one account manager of the demo as many enterprises as one person can look after."""
    here = np.flatnonzero(chunk.enterprise)
    quota = max(1, MANAGED_ENTERPRISES // chunk.specification.chunks)
    managed = set(here[: min(quota, int(np.ceil(len(here) * MANAGED_SHARE)))].tolist())
    manager = str(where.staff_ids["accountmanager"])
    return [manager if n in managed else r"\N" for n in range(chunk.customers)]


def _documents(chunk: Chunk, birth_date: Days, male: Flags) -> Documents:
    cards = identifiers.words(
        identifiers.id_cards(serial=chunk.serials, birth_date=birth_date, male=male)
    )
    codes = identifiers.words(identifiers.credit_codes(serial=chunk.serials))
    kinds, numbers = [], []
    for card, code, enterprise in zip(cards, codes, chunk.enterprise.tolist(), strict=True):
        kinds.append(
            IdentificationKind.BUSINESS_LICENCE.value
            if enterprise
            else IdentificationKind.ID_CARD.value
        )
        numbers.append(code if enterprise else card)
    return Documents(
        kinds,
        [hash_number(kind, number) for kind, number in zip(kinds, numbers, strict=True)],
        [encrypt_number(number) for number in numbers],
        [mask(number, FieldClass.ID_NUMBER) for number in numbers],
    )
