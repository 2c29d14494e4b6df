"""
The rows of a list, a page at a time, and how many there are, up to a thousand.

Whatever is asked, a request does a bounded amount of work. First the plain question is asked, by
keyset along the order's index, with a time limit. A condition that no index serves and that few
rows fulfil would run through the whole table: then the next few thousand rows of the order are
looked through instead, those of them that match are shown, and the page says so and goes on from
there.
"""

import json
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.core.cache import cache
from django.db.models import OuterRef, QuerySet
from redis.exceptions import RedisError

from crm.platform.access.models import Staff
from crm.platform.access.scope import scope_of
from crm.platform.keyset import KeysetPage, page_of
from customers.filters import Field, Kind
from customers.lists.budget import OverBudget, budget
from customers.lists.wanted import Wanted, conditions_of
from customers.models import CustomerTag

PAGE = 50
WINDOW = 5_000
"""Rows of the order that one page looks through when the plain question takes too long."""
COUNT_TO = 1_000
PAGE_MS, WINDOW_MS, COUNT_MS = 700, 5_000, 400
COUNTED_SECONDS = 60
_TAGS = "tags_shown"


@dataclass(frozen=True)
class ListPage:
    """
    Rows as dicts of the ORM's paths, and the cursors around them. `looked_through` is how many
    rows of the order were looked at where not all could be; 0 where the page is whole.
    """

    rows: list[dict[str, Any]]
    next: str | None
    previous: str | None
    looked_through: int = 0


def page_of_list(
    *, staff: Staff, wanted: Wanted, cursor: str | None, limit: int = PAGE, today: date
) -> ListPage:
    """
    Return the rows after the cursor, or the first ones.

    :raises BadFilter: for values that their fields cannot have.
    :raises BadCursor: for a cursor that is not one of this order's.
    :raises OverBudget: if even a bounded look takes too long.
    """
    matching = with_values(wanted.rows(staff, today=today), wanted)
    by = wanted.order.by
    try:
        with budget(PAGE_MS if wanted.conditions else WINDOW_MS):
            page = page_of(matching, ordering=by, cursor=cursor, limit=limit)
    except OverBudget:
        if not wanted.conditions:
            raise
        return _look_through(staff, wanted, matching, cursor, limit)
    return ListPage(page.rows, page.next, page.previous)


def _look_through(
    staff: Staff, wanted: Wanted, matching: QuerySet[Any], cursor: str | None, limit: int
) -> ListPage:
    """Show what matches of the next rows of the order, and a cursor behind the last of them."""
    by, visible = wanted.order.by, wanted.definition.visible_to(staff)
    names = [name.removeprefix("-") for name in by]
    with budget(WINDOW_MS):
        window: KeysetPage = page_of(
            visible.values("pk", *names), ordering=by, cursor=cursor, limit=WINDOW
        )
        pks = [row["pk"] for row in window.rows]
        found = page_of(matching.filter(pk__in=pks), ordering=by, cursor=None, limit=limit)
    full = found.next is not None
    return ListPage(found.rows, found.next if full else window.next, None, len(pks))


def with_values(rows: QuerySet[Any], wanted: Wanted) -> QuerySet[Any]:
    """Let the rows be dicts of what the columns, the links and the order need."""
    to = wanted.definition.to_customer
    paths = {"id", "number", f"{to}number", f"{to}party__kind"}
    paths |= {name.removeprefix("-") for name in wanted.order.by}
    for field in wanted.shown:
        if field.is_many:
            tags = CustomerTag.objects.filter(customer=OuterRef(f"{to}pk")).order_by("tag__name")
            rows = rows.annotate(**{_TAGS: ArraySubquery(tags.values("tag__name"))})
            paths.add(_TAGS)
        else:
            paths |= paths_of(field)
    return rows.values(*sorted(paths))


def paths_of(field: Field) -> set[str]:
    """Return which values of a row a column is made of."""
    if field.kind == Kind.UNIT:
        return {field.path, f"{field.path}_en"}
    return {field.path.partition(".")[0]}


def count_of_list(*, staff: Staff, wanted: Wanted, today: date) -> int | None:
    """
    Return how many rows match, `COUNT_TO` + 1 for any number above it, None if it took too long.

    Kept for a minute for all who have the same reach.
    """
    key = _count_key(staff, wanted, today)
    known = _recalled(key)
    if known is None:
        known = _counted(staff, wanted, today)
        _remember(key, known)
    return None if known < 0 else known


def _counted(staff: Staff, wanted: Wanted, today: date) -> int:
    rows = wanted.rows(staff, today=today)
    try:
        with budget(COUNT_MS):
            return rows.order_by()[: COUNT_TO + 1].count()
    except OverBudget:
        return -1


def _count_key(staff: Staff, wanted: Wanted, today: date) -> str:
    asked = [wanted.kind, conditions_of(wanted), str(today), [str(p) for p in scope_of(staff).key]]
    return f"list-count:{sha256(json.dumps(asked).encode()).hexdigest()}"


def _recalled(key: str) -> int | None:
    try:
        return cache.get(key)
    except RedisError:
        return None


def _remember(key: str, count: int) -> None:
    try:
        cache.set(key, count, COUNTED_SECONDS)
    except RedisError:
        return
