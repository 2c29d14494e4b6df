"""Reading the counted metrics: figures over months, or the bars of the distribution."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Max, Sum

from analytics.metrics.definitions import BUCKETS, METRICS, RISK, Metric
from analytics.models import MetricValue
from crm.platform.access.models import OrgLevel, OrgUnit


@dataclass(frozen=True)
class Choice:
    """What a dashboard is narrowed to; None means all."""

    city: OrgUnit | None = None
    source: str | None = None

    @property
    def filters(self) -> dict[str, object]:
        chosen = {"city": self.city, "source": self.source}
        return {name: value for name, value in chosen.items() if value is not None}


@dataclass(frozen=True)
class Point:
    """One bar: its month (or the day of the scores), its bucket, and what it came to."""

    month: date
    bucket: int
    numerator: int
    value: float | None


@dataclass(frozen=True)
class Series:
    metric: Metric
    points: list[Point]
    refreshed_at: datetime | None

    @property
    def latest(self) -> Point | None:
        return self.points[-1] if self.points else None

    @property
    def change(self) -> float | None:
        """The latest figure against the one before it, as a share of that one."""
        if len(self.points) < 2:
            return None
        before, now = self.points[-2].value, self.points[-1].value
        return (now - before) / before if before and now is not None else None


def all_series(choice: Choice) -> Mapping[str, Series]:
    """Return every metric's figures in order, in one query. Empty where nothing is counted."""
    sums = (
        MetricValue.objects.filter(**choice.filters)
        .values("code", "month", "bucket")
        .annotate(n=Sum("numerator"), d=Sum("denominator"), at=Max("refreshed_at"))
        .order_by("code", "month", "bucket")
    )
    points: dict[str, list[Point]] = {code: [] for code in METRICS}
    refreshed: dict[str, datetime] = {}
    for row in sums:
        if row["code"] in METRICS:
            value = METRICS[row["code"]].value(int(row["n"]), int(row["d"]))
            points[row["code"]].append(Point(row["month"], row["bucket"], int(row["n"]), value))
            refreshed[row["code"]] = row["at"]
    if points[RISK]:
        points[RISK] = _every_bucket(points[RISK])
    return {c: Series(METRICS[c], found, refreshed.get(c)) for c, found in points.items()}


def _every_bucket(found: list[Point]) -> list[Point]:
    """A bar for each step, over the days of all sources: an empty one is an answer too."""
    day = max(point.month for point in found)
    counts = [0] * BUCKETS
    for point in found:
        counts[point.bucket] += point.numerator
    return [Point(day, n, count, float(count)) for n, count in enumerate(counts)]


def scored_days() -> list[tuple[str, date]]:
    """Return each source with the day whose scores are counted for it."""
    counted = MetricValue.objects.filter(code=RISK).order_by()
    return list(counted.values_list("source", "month").distinct())


def choices() -> tuple[list[OrgUnit], list[str]]:
    """Return the cities and the sources that a dashboard may be narrowed to."""
    cities = OrgUnit.objects.filter(level=OrgLevel.CITY).order_by("path")
    sources = MetricValue.objects.order_by("source").values_list("source", flat=True).distinct()
    return list(cities), list(sources)
