"""
Charts, built on the server as ECharts options: plain dicts that JSON can carry.

Colours are names of tokens ("accent", "red"): `charts.js` turns them into the colours of the
theme on screen. Every option also carries `summary`, a sentence for those who do not see it,
and `table`, the same figures as rows; the tag `chart` shows both.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext

from crm.platform.ui import figures

Figure = float | None
COLOURS = ("accent", "teal", "amber", "purple", "pink", "grey")
"""In order of use. Red and green stay free for late and done."""
_TABLE_ROWS = 60


def line(
    *,
    title: str,
    categories: Sequence[str],
    series: Mapping[str, Sequence[Figure]],
    unit: str = "",
    category_name: str = "",
    colours: Sequence[str] = COLOURS,
) -> dict[str, Any]:
    """Return a line a series over named categories, usually months. None is a gap."""
    drawn = [
        {
            "type": "line",
            "name": name,
            "data": list(values),
            "showSymbol": len(values) <= 31,
            "connectNulls": False,
        }
        for name, values in series.items()
    ]
    return _over_categories(title, categories, series, unit, category_name, colours, drawn)


def bar(
    *,
    title: str,
    categories: Sequence[str],
    series: Mapping[str, Sequence[Figure]],
    unit: str = "",
    category_name: str = "",
    colours: Sequence[str] = COLOURS,
    stacked: bool = False,
    horizontal: bool = False,
) -> dict[str, Any]:
    """Return bars from zero, side by side or stacked. `horizontal` suits long names."""
    extra = {"stack": "all"} if stacked else {}
    drawn = [
        {"type": "bar", "name": name, "data": list(values), "barMaxWidth": 28, **extra}
        for name, values in series.items()
    ]
    option = _over_categories(title, categories, series, unit, category_name, colours, drawn)
    if horizontal:
        option["xAxis"], option["yAxis"] = option["yAxis"], option["xAxis"]
        option["yAxis"]["inverse"] = True
    return option


def stacked_bar(**named: Any) -> dict[str, Any]:
    """Return bars whose parts add up. Arguments as for `bar`."""
    return bar(stacked=True, **named)


def histogram(
    *,
    title: str,
    edges: Sequence[float],
    counts: Sequence[int],
    unit: str = "",
    count_name: str = "",
    colour: str = "accent",
) -> dict[str, Any]:
    """Return how many fall in each half-open bin; `edges` has one more entry than `counts`."""
    if len(edges) != len(counts) + 1:
        raise ValueError("a histogram needs one more edge than bins")
    bins = [f"{figures.quantity(low)}–{figures.quantity(high)}" for low, high in pairwise(edges)]
    name = count_name or gettext("Count")
    option = bar(
        title=title, categories=bins, series={name: counts}, category_name=unit, colours=[colour]
    )
    option["series"][0] |= {"barCategoryGap": "4%", "barMaxWidth": 400}
    return option


def xy_line(
    *,
    title: str,
    series: Mapping[str, Sequence[tuple[float, float]]],
    x_name: str,
    y_name: str,
    diagonal: bool = False,
    within_one: bool = False,
    colours: Sequence[str] = COLOURS,
) -> dict[str, Any]:
    """
    Return curves of y over x: a ROC, a gain or a calibration curve.

    `diagonal` draws the line of a coin toss; `within_one` fixes both axes to 0–1.
    """
    drawn = [
        {"type": "line", "name": name, "data": [list(p) for p in points], "showSymbol": False}
        for name, points in series.items()
    ]
    if diagonal:
        drawn.append(_diagonal())
    axis: dict[str, Any] = {"type": "value", "nameLocation": "middle"}
    if within_one:
        axis |= {"min": 0, "max": 1}
    rows = [
        [figures.quantity(x), name, figures.quantity(y)]
        for name, points in series.items()
        for x, y in _thinned(points)
    ]
    return _option(
        summary=gettext("%(title)s: %(y)s over %(x)s, %(names)s.")
        % {"title": title, "y": y_name, "x": x_name, "names": ", ".join(series)},
        names=list(series),
        colours=colours,
        series=drawn,
        table={"columns": [x_name, gettext("Series"), y_name], "rows": rows},
        xAxis={**axis, "name": x_name, "nameGap": 28},
        yAxis={**axis, "name": y_name, "nameGap": 44},
    )


def with_links(option: dict[str, Any], links: Sequence[str]) -> dict[str, Any]:
    """Return the option with the address that each category's bar, point and row opens."""
    return {**option, "links": list(links), "table": {**option["table"], "links": list(links)}}


def _diagonal() -> dict[str, Any]:
    return {
        "type": "line",
        "data": [[0, 0], [1, 1]],
        "showSymbol": False,
        "silent": True,
        "tooltip": {"show": False},
        "lineStyle": {"type": "dashed", "color": "grey", "width": 1},
    }


def _over_categories(
    title: str,
    categories: Sequence[str],
    series: Mapping[str, Sequence[Figure]],
    unit: str,
    category_name: str,
    colours: Sequence[str],
    drawn: list[dict[str, Any]],
) -> dict[str, Any]:
    for name, values in series.items():
        if len(values) != len(categories):
            raise ValueError(f"series {name!r} has {len(values)} values, not {len(categories)}")
    head = [f"{name} ({unit})" if unit else name for name in series]
    rows = [
        [category, *("–" if v is None else figures.quantity(v) for v in values)]
        for category, *values in zip(categories, *series.values(), strict=True)
    ]
    return _option(
        summary=_summary(title, list(series), rows),
        names=list(series),
        colours=colours,
        series=drawn,
        table={"columns": [category_name, *head], "rows": rows},
        unit=unit,
        xAxis={"type": "category", "data": list(categories)},
        yAxis={"type": "value", "name": unit},
    )


def _option(
    *,
    summary: str,
    names: list[str],
    colours: Sequence[str],
    series: list[dict[str, Any]],
    table: dict[str, Any],
    **axes: Any,
) -> dict[str, Any]:
    legend = {"legend": {"data": names}} if len(names) > 1 else {}
    return {
        "summary": summary,
        "color": list(colours),
        "series": series,
        "table": table,
        **legend,
        **axes,
    }


def _summary(title: str, names: list[str], rows: list[list[str]]) -> str:
    if not rows:
        return gettext("%(title)s: no figures yet.") % {"title": title}
    first, latest = rows[0], rows[-1]
    return gettext("%(title)s: %(first)s to %(last)s; latest %(figures)s.") % {
        "title": title,
        "first": first[0],
        "last": latest[0],
        "figures": ", ".join(
            f"{name} {figure}" for name, figure in zip(names, latest[1:], strict=False)
        ),
    }


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """A curve may have thousands of points; a table of them helps nobody."""
    step = max(1, len(points) // _TABLE_ROWS)
    kept = list(points[::step])
    if points and kept[-1] != points[-1]:
        kept.append(points[-1])
    return kept
