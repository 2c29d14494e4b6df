"""The dashboards' charts: each metric in the one form that answers its question."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from analytics.metrics.definitions import BUCKETS, RISK, Shape
from analytics.metrics.reading import Point, Series
from crm.platform.ui import charts


def chart_of(series: Series, link: Callable[[Point], str]) -> dict[str, Any]:
    """Return the chart of a metric; `link` gives the address of the rows behind a bar."""
    metric = series.metric
    draw = charts.line if metric.shape == Shape.RATE else charts.bar
    option = draw(
        title=str(metric.name),
        categories=[label_of(point, metric.code) for point in series.points],
        series={
            str(metric.name): [figure_of(point.value, metric.shape) for point in series.points]
        },
        unit=str(metric.unit),
        category_name=_("Probability") if metric.code == RISK else _("Month"),
    )
    return charts.with_links(option, [link(point) for point in series.points])


def label_of(point: Point, code: str) -> str:
    """Return what stands under a bar: its month, or its step of probability."""
    if code != RISK:
        return f"{point.month:%Y-%m}"
    step = 100 // BUCKETS
    return f"{point.bucket * step}–{(point.bucket + 1) * step}%"


def figure_of(value: float | None, shape: Shape) -> float | None:
    """Return a figure in the unit on its axis: yuan, per cent, or as it is."""
    if value is None:
        return None
    factor = {Shape.COUNT: 1.0, Shape.RATE: 100.0, Shape.MONEY: 0.01}[shape]
    return round(value * factor, 2)
