"""
Which days the base can be looked at from, source by source.

A source that delivers month by month (usage, bills) can be looked at from the last day of each
month that it delivered. A source that is a snapshot (records whose characteristics are dated)
can be looked at from the day of the snapshot alone: before it nothing was known, and after it
nothing more.

To train, the outcome must be complete too. A monthly source is known until the end of its
latest month, a snapshot until today; the label window has to end by then. The default is the
latest such day, over all sources asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from crm.platform.errors import DomainError
from crm.platform.records import next_month

_PROBED = 1000  # customers of a source, oldest and newest ids, that stand for it
_MONTHS = """
WITH known AS (
  SELECT DISTINCT customer_id AS id FROM customers_subscriber WHERE source = %(source)s
), probed AS (
  (SELECT id FROM known ORDER BY id LIMIT %(probed)s)
  UNION (SELECT id FROM known ORDER BY id DESC LIMIT %(probed)s)
)
SELECT DISTINCT delivered.month
FROM probed CROSS JOIN LATERAL (
  SELECT month FROM customers_monthlyusage WHERE customer_id = probed.id
  UNION SELECT month FROM customers_bill WHERE customer_id = probed.id
) delivered
ORDER BY 1
"""
_SNAPSHOTS = """
SELECT DISTINCT c.characteristics_as_of
FROM customers_customer c JOIN customers_subscriber s ON s.customer_id = c.id
WHERE s.source = %(source)s AND c.characteristics_as_of IS NOT NULL
"""


class NoData(DomainError):
    """There is no day from which the base can be looked at as asked."""

    code = "no_data"


@dataclass(frozen=True)
class Sight:
    """One source seen from one day; `known_until` is the last day whose outcome is known."""

    source: str
    day: date
    known_until: date
    is_snapshot: bool


def sources_present() -> list[str]:
    return [source for (source,) in _rows("SELECT DISTINCT source FROM customers_subscriber")]


def sights(sources: Sequence[str] | None, *, today: date) -> list[Sight]:
    """Every source and day that can be looked at, up to today."""
    found = []
    for source in sorted(sources or sources_present()):
        months = [month for (month,) in _rows(_MONTHS, source=source, probed=_PROBED // 2)]
        ends = [next_month(month) - timedelta(days=1) for month in months]
        known_until = min(max(ends, default=today), today)
        found += [Sight(source, end, known_until, False) for end in ends if end <= known_until]
        snapshots = [day for (day,) in _rows(_SNAPSHOTS, source=source)]
        found += [
            Sight(source, day, today if not ends else known_until, True)
            for day in snapshots
            if day <= today and day not in ends
        ]
    return found


def trainable(found: Sequence[Sight], *, horizon_days: int) -> list[Sight]:
    """Those whose label window is over."""
    window = timedelta(days=horizon_days)
    return [sight for sight in found if sight.day + window <= sight.known_until]


def day_to_train(found: Sequence[Sight], *, horizon_days: int) -> date:
    """
    Return the latest day with data whose label window is complete.

    :raises NoData: if there is none.
    """
    days = [sight.day for sight in trainable(found, horizon_days=horizon_days)]
    if not days:
        raise NoData(
            _(
                "No day can be learned from: no source has data of a day that is %(days)s days"
                " before the end of what is known of it. Import usage, bills or a dated"
                " customer file first, or shorten the horizon."
            )
            % {"days": horizon_days}
        )
    return max(days)


def day_to_score(found: Sequence[Sight]) -> date:
    """
    Return the latest day with data.

    :raises NoData: if there is none.
    """
    if not found:
        raise NoData(
            _("There is nothing to score yet: import usage, bills or a dated customer file first.")
        )
    return max(sight.day for sight in found)


def earlier_days(
    found: Sequence[Sight], *, before: date, horizon_days: int, most: int
) -> list[tuple[date, list[str]]]:
    """
    Return up to `most` days before `before`, latest first, whose windows do not reach the next
    day taken, each with the sources that can be looked at from it.
    """
    usable = [s for s in trainable(found, horizon_days=horizon_days) if s.day < before]
    taken: list[tuple[date, list[str]]] = []
    limit = before
    for day in sorted({sight.day for sight in usable}, reverse=True):
        # Months differ in length: a window may reach three days into the next one.
        if len(taken) < most and day + timedelta(days=horizon_days - 3) <= limit:
            taken.append((day, [sight.source for sight in usable if sight.day == day]))
            limit = day
    return taken


def _rows(sql: str, **parameters: str | int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
