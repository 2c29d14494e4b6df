"""The figures of the model page: each beside the plain model's, with the words to read it."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from analytics.models import ChurnModel
from crm.platform.ui.figures import MINUS
from customers.demo.selectors import demo_facts

_DEMO = "demo"
_DAYS_OF_A_MONTH = 30


@dataclass(frozen=True)
class Measure:
    """
    One figure of held-out rows. `verdict` is 1 where the model is better than the plain one as
    written on the page, −1 where it is worse, 0 where both say the same.
    """

    name: str | Promise
    meaning: str | Promise
    ours: str
    plain: str
    difference: str
    verdict: int


_MEASURES = (
    (
        "auc",
        _("AUC"),
        _("how often a leaver stands above a stayer; 0.5 is a coin toss, 1 is perfect"),
        4,
        1,
    ),
    (
        "pr_auc",
        _("Average precision"),
        _("the share of leavers, on average, on the way down the list"),
        4,
        1,
    ),
    (
        "lift_at_10",
        _("Lift, first tenth"),
        _("how many times the average leave among the riskiest tenth"),
        2,
        1,
    ),
    ("log_loss", _("Log-loss"), _("the price of wrong probabilities; less is better"), 4, -1),
    (
        "brier",
        _("Brier score"),
        _("the mean squared error of the probabilities; less is better"),
        4,
        -1,
    ),
    (
        "ece",
        _("Calibration error"),
        _("how far what was said lies from what came; less is better"),
        4,
        -1,
    ),
)


def measures(model: ChurnModel) -> list[Measure]:
    """Return the figures that the model was measured by, as the page writes them."""
    return [
        _measure(model.metrics, *measure) for measure in _MEASURES if measure[0] in model.metrics
    ]


def _measure(
    metrics: dict[str, Any], code: str, name: Promise, meaning: Promise, digits: int, more: int
) -> Measure:
    ours, plain = round(metrics[code], digits), round(metrics[f"baseline_{code}"], digits)
    apart = round(ours - plain, digits)
    return Measure(
        name=name,
        meaning=meaning,
        ours=f"{ours:.{digits}f}",
        plain=f"{plain:.{digits}f}",
        difference=f"{MINUS if apart < 0 else '+'}{abs(apart):.{digits}f}" if apart else "0",
        verdict=more * ((apart > 0) - (apart < 0)),
    )


def sources_of(model: ChurnModel) -> list[dict[str, Any]]:
    """Return each source with its AUC and the plain model's; None where all left or all stayed."""
    plain = model.metrics.get("baseline_auc_by_source", {})
    return [
        {"name": source, "auc": auc, "plain": plain.get(source), "is_demo": source == _DEMO}
        for source, auc in model.metrics.get("auc_by_source", {}).items()
    ]


def best_reachable(model: ChurnModel) -> float | None:
    """
    Return the AUC on the demo operator's last months that its own churn mechanism would reach,
    over a window as long as the model's horizon; None for a model of other data.
    """
    facts = demo_facts() if _DEMO in model.sources else None
    if facts is None:
        return None
    months = max(1, round(model.horizon_days / _DAYS_OF_A_MONTH))
    windows = {window["months"]: window["best_auc"] for window in facts["label_windows"]}
    best: float | None = windows.get(months)
    return best
