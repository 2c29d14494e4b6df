"""Rows of parties, customers, documents, contact media and search keys."""

import json
from collections.abc import Iterator

import numpy as np

from customers.demo.arrays import Days, Flags, Whole
from customers.demo.lines import Lines
from customers.demo.money import Money
from customers.demo.people import People, Where
from customers.demo.states import Endings
from customers.demo.structure import MEDIA_OF_A_CUSTOMER, Chunk
from customers.demo.timeline import date_text, moment_text, moment_value
from customers.demo.writer import NULL, Written, numbers, text
from customers.search import keys_for

SOURCE = "demo"
_STAR_EVERY_FEN = 4500
_STAR_EVERY_DAYS = 1000
_STARS = 5


def stamps(chunk: Chunk, rows: int) -> dict[str, list[str]]:
    """Audit columns: everything was written down at the end of the data."""
    end = moment_value(chunk.specification.timeline.starts[-1:], np.zeros(1, np.int64))
    now = moment_text(end) * rows
    return {"created_at": now, "updated_at": now}


def local_midnight(days: Days) -> list[str]:
    return [NULL if day == NULL else f"{day} 00:00:00+08" for day in date_text(days)]


def parties(chunk: Chunk, people: People) -> Written:
    person = ~chunk.enterprise
    birth_date = np.where(person, people.birth_date, np.datetime64("NaT"))
    sex = np.where(person, np.where(people.male, "MALE", "FEMALE"), "")
    return text(
        "customers_party",
        {
            "id": numbers(people.party_ids),
            "kind": np.where(person, "INDIVIDUAL", "ORGANISATION").tolist(),
            "name": people.names,
            "sort_key": people.sort_keys,
            "birth_date": date_text(birth_date),
            "sex": sex.tolist(),
            "industry": people.industries,
            "legal_representative": people.representatives,
            **stamps(chunk, chunk.customers),
        },
    )


def customers(
    chunk: Chunk, people: People, lines: Lines, endings: Endings, money: Money
) -> Written:
    lost = ended_customers(chunk, lines, endings)
    silent = np.bincount(lines.customer, ~lines.silent, minlength=chunk.customers) == 0
    return text(
        "customers_customer",
        {
            "id": numbers(people.customer_ids),
            "number": people.numbers,
            "party_id": numbers(people.party_ids),
            "category": people.categories,
            "status": np.where(lost, "LOST", np.where(silent, "DORMANT", "ACTIVE")).tolist(),
            "star": numbers(_stars(chunk, people, money)),
            "home_org_id": numbers(people.hall),
            "manager_id": people.managers,
            "opened_on": date_text(people.opened_on),
            "source": [SOURCE] * chunk.customers,
            "characteristics": [
                json.dumps({"household": code}) if code else "{}" for code in people.households
            ],
            "characteristics_as_of": date_text(
                np.repeat(chunk.specification.timeline.starts[:1], chunk.customers)
            ),
            **stamps(chunk, chunk.customers),
        },
    )


def ended_customers(chunk: Chunk, lines: Lines, endings: Endings) -> Flags:
    """Mark the customers none of whose lines is left."""
    alive = np.isnat(endings.ended_on)
    return np.bincount(lines.customer, alive, minlength=chunk.customers) == 0


def _stars(chunk: Chunk, people: People, money: Money) -> Whole:
    """One star for each so many yuan a month and each so many days of tenure, five at most."""
    timeline = chunk.specification.timeline
    monthly = money.billed_of_customers(chunk.customers) // timeline.months
    days = (timeline.last_day - people.opened_on).astype(np.int64)
    return np.minimum(monthly // _STAR_EVERY_FEN + days // _STAR_EVERY_DAYS, _STARS)


def identifications(chunk: Chunk, people: People, where: Where) -> Written:
    documents, count = people.documents, chunk.customers
    verified = local_midnight(people.opened_on)
    return text(
        "customers_partyidentification",
        {
            "id": numbers(where.bases.identification + chunk.serials),
            "party_id": numbers(people.party_ids),
            "kind": documents.kinds,
            "number_encrypted": [rf"\\x{sealed.hex()}" for sealed in documents.sealed],
            "number_hash": [rf"\\x{hashed.hex()}" for hashed in documents.hashes],
            "number_masked": documents.masked,
            "issuer": [""] * count,
            "valid_to": [NULL] * count,
            "verified_at": verified,
            "verified_by": ["card reader"] * count,
            **stamps(chunk, count),
        },
    )


def media(chunk: Chunk, people: People, lines: Lines, where: Where) -> Iterator[Written]:
    """Every customer's own first number and address; the office mailbox of an enterprise."""
    first = np.flatnonzero(lines.first_of_customer).tolist()
    offices = np.flatnonzero(chunk.enterprise)
    everyone = np.arange(chunk.customers)
    kinds = (
        ("PHONE", everyone, [lines.service_numbers[n] for n in first]),
        ("ADDRESS", everyone, people.addresses),
        ("EMAIL", offices, [f"office{n}@canglan.example" for n in offices.tolist()]),
    )
    for place, (kind, who, values) in enumerate(kinds):
        count = len(who)
        ids = where.bases.medium + chunk.serials[who] * MEDIA_OF_A_CUSTOMER + place
        yield text(
            "customers_contactmedium",
            {
                "id": numbers(ids),
                "party_id": numbers(people.party_ids[who]),
                "kind": [kind] * count,
                "value": values,
                "is_preferred": ["t" if kind == "PHONE" else "f"] * count,
                "verified_at": [NULL] * count,
                "starts_at": local_midnight(people.opened_on[who]),
                "ends_at": [NULL] * count,
                **stamps(chunk, count),
            },
        )


def search_keys(people: People, lines: Lines) -> Written:
    """Every key of every customer, in the order of the index, which spares it many page visits."""
    begin = np.flatnonzero(lines.first_of_customer)
    bounds = [*begin.tolist(), len(lines)]
    rows: list[str] = []
    for n, customer in enumerate(people.customer_ids.tolist()):
        own = slice(bounds[n], bounds[n + 1])
        found = keys_for(
            number=people.numbers[n],
            name=people.names[n],
            phones=[number for number in lines.service_numbers[own] if number.isdigit()],
            accounts=[people.account_numbers[n]],
            subscribers=lines.numbers[own],
            id_hashes=[people.documents.hashes[n]],
        )
        rows += [f"{key}\t{customer}\n" for key in found]
    rows.sort()
    return Written("customers_searchkey", ["key", "customer_id"], "".join(rows).encode(), len(rows))
