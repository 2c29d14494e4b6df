"""
The point-in-time feature table, as one SELECT.

It reads a range of customers, so a large base is read in pieces that each table answers from
its index on `customer_id` (which is also how the base is spread over machines). Nothing dated
after the as-of date is read: the tests change everything later and compare.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from analytics.features.blocks import BLOCKS, REQUIRES
from analytics.features.definition import Feature
from crm.platform.records import first_of_month, next_month

MONTHS_READ = 6


@dataclass(frozen=True)
class AsOf:
    """
    A moment to look from: the end of `day` in the operator's time zone.

    A month counts as known once it is over by then. The label of a subscriber is whether it
    ended within `horizon_days` after `day`.
    """

    day: date
    horizon_days: int = 30

    @property
    def until(self) -> datetime:
        return timezone.make_aware(datetime.combine(self.day + timedelta(days=1), time.min))

    def month_before(self, number: int) -> date:
        """The first day of the `number`-th last month that is over (1: the latest)."""
        month = first_of_month(self.day + timedelta(days=1))
        for _ in range(number):
            month = first_of_month(month - timedelta(days=1))
        return month

    def parameters(self) -> dict[str, Any]:
        months = {f"m{n}": self.month_before(n) for n in range(1, MONTHS_READ + 1)}
        return months | {
            "as_of": self.day,
            "until": self.until,
            "label_until": self.day + timedelta(days=self.horizon_days),
            "paid_from": timezone.make_aware(
                datetime.combine(next_month(months[f"m{MONTHS_READ}"]), time.min)
            ),
            "zone": settings.TIME_ZONE,
        }


# Live at the as-of date; not those whose termination was already on its way, or not yet begun.
_POPULATION = """
FROM customers_subscriber s
JOIN customers_customer c ON c.id = s.customer_id
{joins}
WHERE s.customer_id >= %(first_customer)s AND s.customer_id < %(end_customer)s
  AND s.opened_on <= %(as_of)s::date
  AND (s.ended_on IS NULL OR s.ended_on > %(as_of)s::date)
  AND (%(sources)s::text[] IS NULL OR s.source = ANY (%(sources)s::text[]))
  AND NOT EXISTS (
    SELECT FROM customers_subscriberstatusperiod p
    WHERE p.subscriber_id = s.id AND p.status IN ('PENDING', 'PENDING_TERMINATE')
      AND p.starts_at < %(until)s AND (p.ends_at IS NULL OR p.ends_at >= %(until)s)
  )
"""
LABEL = "(s.ended_on IS NOT NULL AND s.ended_on <= %(label_until)s::date)::int"


def population(features: Sequence[Feature] = ()) -> str:
    """Return FROM … WHERE of the subscribers live at the as-of date, with the needed blocks."""
    wanted = {block for feature in features for block in feature.blocks}
    for block in tuple(wanted):
        wanted.update(REQUIRES.get(block, ()))
    return _POPULATION.format(
        joins="\n".join(sql for name, sql in BLOCKS.items() if name in wanted)
    )


def encoded(feature: Feature, position: int) -> str:
    """
    Return SQL of one fixed-width column: a float4, NaN where not known. A category is the
    place of its value in the parameter `v<position>`, from 0; a value not in it is not known.
    """
    value = feature.sql
    if feature.is_category:
        value = f"array_position(%(v{position})s::text[], ({feature.sql})::text) - 1"
    return f"coalesce(({value})::float4, 'NaN')"


def feature_table(
    features: Sequence[Feature],
    vocabularies: Sequence[Sequence[str]],
    *,
    at: AsOf,
    sources: Sequence[str] | None,
) -> tuple[str, dict[str, Any]]:
    """
    Return the SELECT and its parameters, but for `first_customer` and `end_customer`.

    Columns: subscriber id, customer id (int8), label (float4), then each feature (float4).
    """
    columns = [encoded(feature, n) for n, feature in enumerate(features)]
    select = ",\n  ".join(["s.id", "s.customer_id", f"{LABEL}::float4", *columns])
    parameters = at.parameters() | {"sources": list(sources) if sources else None}
    parameters |= {f"v{n}": list(values) for n, values in enumerate(vocabularies)}
    return f"SELECT {select}\n{population(features)}", parameters
