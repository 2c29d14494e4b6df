"""Finding customers by what somebody says, within what the asker may see."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from crm.platform.access.models import Reach, Staff
from crm.platform.access.scope import scope_of
from crm.platform.prepared import PreparedForReach
from customers.models import Customer, SearchKey
from customers.search import Prefix, query_keys

BY_NAME = {"name", "pinyin", "initials"}
SCANNED = 20_000
"""Keys looked through for one prefix. It bounds the work where a prefix is common and the
asker sees few of its customers (every 王 of a province, for one hall)."""


@dataclass(frozen=True)
class Match:
    """A customer who was found, and what matched: a kind of `query_keys`."""

    customer_id: int
    kind: str


@dataclass(frozen=True)
class Found:
    """
    Matches, best first. `is_exact`: a whole number matched, so these are all there are; `number`
    is then the customer number of the best.

    `has_more`: others match, too, or could not all be looked at; more letters would tell.
    """

    matches: list[Match]
    is_exact: bool
    has_more: bool
    number: str = ""


def find_customers(
    *,
    staff: Staff,
    text: str,
    by_name: bool,
    whole_only: bool = False,
    most: int = 20,
) -> Found:
    """
    Return up to `most` customers in the account's reach that `text` finds.

    A whole number (phone, document, account, customer, subscriber) wins over beginnings of
    numbers and parts of names. `by_name` False leaves the latter out, `whole_only` both.
    """
    prefixes = [p for p in query_keys(text) if by_name or p.kind not in BY_NAME]
    may_see = _VISIBLE[staff].sql
    if may_see is None:
        return Found([], is_exact=False, has_more=False)
    kinds, number = _exactly(may_see, [p for p in prefixes if p.exact], most=most)
    is_exact, was_cut = bool(kinds), False
    beginnings = [p for p in prefixes if not (p.exact or whole_only)]
    if beginnings and not kinds and scope_of(staff).reach == Reach.ASSIGNED:
        visible = Customer.objects.visible_to(staff)
        kinds = _beginning_of_few(visible, beginnings, most=most)
    elif beginnings and not kinds:
        kinds, was_cut = _beginning(may_see, beginnings, most=most)
    return Found(
        [Match(pk, kind) for pk, kind in list(kinds.items())[:most]],
        is_exact=is_exact,
        has_more=was_cut or len(kinds) > most,
        number=number,
    )


_VISIBLE = PreparedForReach(lambda staff: Customer.objects.visible_to(staff).values("pk", "number"))
_WHOLE = """
SELECT k.key, k.customer_id, c.number
FROM customers_searchkey k JOIN (VISIBLE) c ON c.pk = k.customer_id
WHERE k.key = ANY(%s) LIMIT %s
"""


def _exactly(
    may_see: tuple[str, list[Any]], prefixes: list[Prefix], *, most: int
) -> tuple[dict[int, str], str]:
    """Return customer → kind for whole keys, in the prefixes' order, and the first's number."""
    kind_of: dict[str, str] = {}
    for prefix in prefixes:
        kind_of.setdefault(prefix.text, prefix.kind)
    if not kind_of:
        return {}, ""
    order = list(kind_of)
    visible, params = may_see
    with connection.cursor() as cursor:
        cursor.execute(_WHOLE.replace("VISIBLE", visible), [*params, order, most + 1])
        rows = sorted(cursor.fetchall(), key=lambda row: (order.index(row[0]), row[1]))
    found: dict[int, str] = {}
    for key, customer_id, _number in rows:
        found.setdefault(customer_id, kind_of[key])
    return found, rows[0][2] if rows else ""


_ONE_PREFIX = """
(SELECT %s AS place, k.key, k.customer_id FROM (
     SELECT key, customer_id FROM customers_searchkey WHERE key LIKE %s ORDER BY key LIMIT %s
 ) k WHERE k.customer_id IN (SELECT pk FROM (VISIBLE) v) ORDER BY k.key LIMIT %s)
"""


def _beginning(
    may_see: tuple[str, list[Any]], prefixes: list[Prefix], *, most: int
) -> tuple[dict[int, str], bool]:
    """Return customer → kind for keys that begin so, and whether some were not looked at."""
    inner, inner_params = may_see
    one = _ONE_PREFIX.replace("VISIBLE", inner)
    params: list[Any] = []
    for place, prefix in enumerate(prefixes):
        params += [place, f"{prefix.text}%", SCANNED, *inner_params, _rows_for(most)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([one] * len(prefixes)), params)
        found = _in_order(cursor.fetchall(), prefixes)
    was_cut = len(found) <= most and _any_longer_than_scanned(prefixes)
    return found, was_cut


def _beginning_of_few(
    visible: QuerySet[Customer], prefixes: list[Prefix], *, most: int
) -> dict[int, str]:
    """The same for somebody who sees a handful of customers: their keys are looked through."""
    rows = [
        (place, key, customer_id)
        for place, prefix in enumerate(prefixes)
        for key, customer_id in SearchKey.objects.filter(
            key__startswith=prefix.text, customer_id__in=visible.values("pk")
        )
        .order_by("key")
        .values_list("key", "customer_id")[: _rows_for(most)]
    ]
    return _in_order(rows, prefixes)


def _rows_for(most: int) -> int:
    """Two rows a customer at the most: a name may repeat its own beginning (王王)."""
    return 2 * most + 1


def _in_order(rows: Iterable[tuple[int, str, int]], prefixes: list[Prefix]) -> dict[int, str]:
    found: dict[int, str] = {}
    for place, _key, customer_id in sorted(rows):
        found.setdefault(customer_id, prefixes[place].kind)
    return found


def _any_longer_than_scanned(prefixes: list[Prefix]) -> bool:
    return any(
        SearchKey.objects.filter(key__startswith=prefix.text)
        .order_by("key")
        .values("key")[SCANNED : SCANNED + 1]
        .exists()
        for prefix in prefixes
    )
