"""
How complete a customer's record is.

    score = 100 × (weight of the mandatory fields that are filled) / (weight of all of them)

rounded down, so that 100 % means that nothing is missing. Which fields are mandatory depends on
the kind of party; weights are rows of CompletenessWeight, and those below where there are none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models import CompletenessWeight, PartyKind

_DOCUMENT = "EXISTS (SELECT FROM customers_partyidentification AS i WHERE i.party_id = p.id{more})"
_MEDIUM = (
    "EXISTS (SELECT FROM customers_contactmedium AS m WHERE m.party_id = p.id"
    " AND m.kind = '{kind}' AND m.ends_at IS NULL)"
)
FILLED = {
    "name": "p.name <> c.number",  # a file without names leaves the number in its place
    "document": _DOCUMENT.format(more=""),
    "verified": _DOCUMENT.format(
        more=" AND i.verified_at IS NOT NULL AND (i.valid_to IS NULL OR i.valid_to >= %(today)s)"
    ),
    "phone": _MEDIUM.format(kind="PHONE")[:-1]
    + " UNION ALL SELECT FROM customers_subscriber AS s WHERE s.customer_id = c.id"
    " AND s.ended_on IS NULL)",
    "address": _MEDIUM.format(kind="ADDRESS"),
    "birth_date": "p.birth_date IS NOT NULL",
    "sex": "p.sex <> ''",
    "industry": "p.industry <> ''",
    "legal_representative": "p.legal_representative <> ''",
}
LABELS: dict[str, str | Promise] = {
    "name": pgettext_lazy("of a customer", "Name"),
    "document": _("Identity document"),
    "verified": _("Document verified and valid"),
    "phone": _("Phone"),
    "address": _("Address"),
    "birth_date": _("Birth date"),
    "sex": _("Sex"),
    "industry": _("Industry"),
    "legal_representative": _("Legal representative"),
}
DEFAULT_WEIGHTS: dict[str, dict[str, int]] = {
    PartyKind.INDIVIDUAL: {
        "document": 25, "verified": 20, "name": 15, "phone": 15, "birth_date": 10,
        "address": 10, "sex": 5,
    },
    PartyKind.ORGANISATION: {
        "document": 25, "verified": 20, "name": 15, "legal_representative": 15, "phone": 10,
        "address": 10, "industry": 5,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One mandatory field: its code, what it counts of 100, and whether it is filled."""

    code: str
    label: str | Promise
    weight: int
    is_filled: bool


@dataclass(frozen=True)
class Completeness:
    """`percent` is 0 to 100; `fields` the heaviest first."""

    percent: int
    fields: list[Field]

    @property
    def missing(self) -> list[Field]:
        return [field for field in self.fields if not field.is_filled]


def weights() -> dict[str, dict[str, int]]:
    """Return the weights by kind of party and field."""
    found: dict[str, dict[str, int]] = {}
    for kind, field, weight in CompletenessWeight.objects.values_list("kind", "field", "weight"):
        if field in FILLED:
            found.setdefault(kind, {})[field] = weight
    return DEFAULT_WEIGHTS | found


def completeness_of(customer_ids: Iterable[int], *, today: date) -> dict[int, Completeness]:
    """Return how complete each of the customers is: two queries for one or for a thousand."""
    by_kind = weights()
    codes = list(FILLED)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id, p.kind, {', '.join(FILLED[code] for code in codes)}"
            " FROM customers_customer AS c JOIN customers_party AS p ON p.id = c.party_id"
            " WHERE c.id = ANY(%(ids)s)",
            {"ids": list(customer_ids), "today": today},
        )
        rows = cursor.fetchall()
    return {
        pk: _scored(by_kind[kind], dict(zip(codes, filled, strict=True)))
        for pk, kind, *filled in rows
    }


def _scored(weight_of: dict[str, int], filled: dict[str, bool]) -> Completeness:
    fields = [
        Field(code, LABELS[code], weight, filled[code])
        for code, weight in sorted(weight_of.items(), key=lambda item: -item[1])
    ]
    total = sum(field.weight for field in fields)
    have = sum(field.weight for field in fields if field.is_filled)
    return Completeness(100 * have // total if total else 100, fields)
