"""The charts of the model page, all of held-out rows."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from analytics.model_pages.words import named
from analytics.models import ChurnModel
from crm.platform.ui import charts

MOST_FEATURES = 15
_BELOW_LEGEND = 36


def charts_of(model: ChurnModel, names: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the options by name: roc, lift, calibration, importance."""
    return {
        "roc": roc(model),
        "lift": lift(model),
        "calibration": calibration(model),
        "importance": importance(model, names),
    }


def roc(model: ChurnModel) -> dict[str, Any]:
    option = charts.xy_line(
        title=_("Leavers found against stayers troubled"),
        series={
            _("This model"): model.curves["roc"],
            _("Plain model"): model.curves["baseline_roc"],
        },
        x_name=_("Stayers troubled"),
        y_name=_("Leavers found"),
        diagonal=True,
        within_one=True,
        colours=("accent", "amber"),
    )
    return _with_room(option, top=_BELOW_LEGEND)


def lift(model: ChurnModel) -> dict[str, Any]:
    """How many times the average each tenth leaves; a tenth like all others stands at 1."""
    tenths = model.curves["lift"]
    option = charts.bar(
        title=_("Lift by tenth, the riskiest first"),
        categories=[str(tenth) for tenth in range(1, len(tenths) + 1)],
        series={_("Times the average"): tenths},
        category_name=_("Tenth"),
    )
    return option | {"grid": {"top": 12}}


def calibration(model: ChurnModel) -> dict[str, Any]:
    """What was said against what came, in ten groups of equal size."""
    groups = [(one["predicted"], one["observed"]) for one in model.curves["calibration"]]
    option = charts.xy_line(
        title=_("What was said against what came"),
        series={_("Tenth of the rows"): groups},
        x_name=_("Probability said"),
        y_name=_("Share that left"),
        diagonal=True,
        within_one=True,
    )
    option["series"][0] |= {"showSymbol": True, "symbolSize": 7}
    # Where few leave, all groups lie in one corner of the unit square.
    largest = max((share for group in groups for share in group), default=1.0)
    top = min(1.0, (int(largest * 10) + 1) / 10)
    for axis in ("xAxis", "yAxis"):
        option[axis]["max"] = top
    return _with_room(option, top=12)


def importance(model: ChurnModel, names: Mapping[str, str]) -> dict[str, Any]:
    """The share of each feature in all contributions to the log-odds, the largest first."""
    total = sum(one["weight"] for one in model.importance) or 1.0
    shown = model.importance[:MOST_FEATURES]
    option = charts.bar(
        title=_("What weighs most"),
        categories=named([one["code"] for one in shown], names),
        series={_("Share of all weight"): [round(100 * o["weight"] / total, 1) for o in shown]},
        unit="%",
        category_name=_("Feature"),
        horizontal=True,
    )
    # Long names take two lines, so that bars are left on a narrow screen.
    names_beside = {"width": 150, "overflow": "break", "lineHeight": 13, "interval": 0}
    option["yAxis"]["axisLabel"] = names_beside | {"hideOverlap": False}
    return option | {"grid": {"top": 4, "right": 28}}


def rest_of_importance(model: ChurnModel) -> dict[str, Any] | None:
    """How many features the chart leaves out, and their share of all weight."""
    rest = model.importance[MOST_FEATURES:]
    total = sum(one["weight"] for one in model.importance) or 1.0
    if not rest:
        return None
    return {"count": len(rest), "share": sum(one["weight"] for one in rest) / total}


def _with_room(option: dict[str, Any], *, top: int) -> dict[str, Any]:
    """Return the option with room for the name of its y axis, in pixels."""
    option["yAxis"]["nameGap"] = 34
    return option | {"grid": {"left": 24, "top": top}}
