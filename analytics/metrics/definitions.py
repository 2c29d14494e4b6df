"""The dictionary of metrics: what each means, how it is worked out, where it comes from."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _


class Shape(StrEnum):
    COUNT = "count"  # the numerator
    RATE = "rate"  # the numerator over half the denominator, a share
    MONEY = "money"  # the numerator over half the denominator, fen


BASE, CHURN_RATE, ARPU, RISK = "base", "churn_rate", "arpu", "risk"
BUCKETS = 10


@dataclass(frozen=True, kw_only=True)
class Metric:
    """
    One metric. `denominator` of a rate is the subscribers at the month's start plus those at
    its end, so half of it is the average base that operators divide by.
    """

    code: str
    question: Any
    name: Any
    formula: Any
    tables: Any
    shape: Shape
    unit: Any = ""
    rows: Any = ""

    def value(self, numerator: int, denominator: int) -> float | None:
        """Return the figure of these sums; None where there is nothing to divide by."""
        if self.shape == Shape.COUNT:
            return float(numerator)
        return 2 * numerator / denominator if denominator else None


METRICS = {
    metric.code: metric
    for metric in (
        Metric(
            code=BASE,
            question=_("How many subscribers do we have?"),
            name=_("Subscribers at month end"),
            formula=_(
                "Subscribers opened before the first of the next month and not ended by then;"
                " stopped ones count, those still being set up do not."
            ),
            tables=_("Subscribers"),
            shape=Shape.COUNT,
            unit=_("subscribers"),
            rows=_("The subscribers behind this figure"),
        ),
        Metric(
            code=CHURN_RATE,
            question=_("How many leave?"),
            name=_("Monthly churn rate"),
            formula=_(
                "Subscribers whose service ended in the month, for whatever reason, divided by"
                " the average of the base at its start and at its end."
            ),
            tables=_("Subscribers"),
            shape=Shape.RATE,
            unit="%",
            rows=_("The subscribers who left in this month"),
        ),
        Metric(
            code=ARPU,
            question=_("What does a subscriber bring?"),
            name=_("ARPU"),
            formula=_(
                "Bills of the month, divided by the average of the base at its start and at its"
                " end. Every account counts, whatever has been paid."
            ),
            tables=_("Bills, subscribers"),
            shape=Shape.MONEY,
            unit=_("yuan"),
            rows=_("The bills behind this figure"),
        ),
        Metric(
            code=RISK,
            question=_("Who is about to leave?"),
            name=_("Subscribers by probability of leaving"),
            formula=_(
                "The latest scores, counted by probability in steps of ten per cent; a score of"
                " exactly a tenth counts in 10–20%."
            ),
            tables=_("Churn scores"),
            shape=Shape.COUNT,
            unit=_("subscribers"),
            rows=_("The subscribers of this bar"),
        ),
    )
}
