"""What a model is worth, on rows that it has not seen."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from analytics.churn.curve import Array

_POINTS = 120
_BINS = 10


def lift(labels: Array, probabilities: Array, share: float = 0.1) -> float:
    """How many times the base rate leaves among the riskiest `share` of the rows."""
    chosen = np.argsort(-probabilities, kind="stable")[: max(1, round(len(labels) * share))]
    return float(labels[chosen].mean() / labels.mean())


def bins_of(labels: Array, probabilities: Array) -> list[dict[str, float]]:
    """Ten bins of equal size by probability: what was said, and what came."""
    order = np.argsort(probabilities, kind="stable")
    return [
        {
            "predicted": round(float(probabilities[part].mean()), 6),
            "observed": round(float(labels[part].mean()), 6),
            "rows": len(part),
        }
        for part in np.array_split(order, _BINS)
        if len(part)
    ]


def calibration_error(bins: list[dict[str, float]]) -> float:
    """The mean distance between said and seen, weighted by rows (ECE, equal-size bins)."""
    rows = sum(b["rows"] for b in bins)
    return sum(b["rows"] * abs(b["predicted"] - b["observed"]) for b in bins) / rows


def metrics_of(labels: Array, probabilities: Array, baseline: Array) -> dict[str, float]:
    values = {
        "auc": roc_auc_score(labels, probabilities),
        "pr_auc": average_precision_score(labels, probabilities),
        "lift_at_10": lift(labels, probabilities),
        "brier": brier_score_loss(labels, probabilities),
        "log_loss": log_loss(labels, probabilities),
        "ece": calibration_error(bins_of(labels, probabilities)),
        "baseline_auc": roc_auc_score(labels, baseline),
        "baseline_pr_auc": average_precision_score(labels, baseline),
        "baseline_lift_at_10": lift(labels, baseline),
        "baseline_brier": brier_score_loss(labels, baseline),
        "baseline_log_loss": log_loss(labels, baseline),
        "baseline_ece": calibration_error(bins_of(labels, baseline)),
    }
    return {name: round(float(value), 6) for name, value in values.items()}


def auc_by(groups: NDArray[Any], labels: Array, probabilities: Array) -> dict[str, float | None]:
    """The AUC within each group; none where a group has only leavers or only stayers."""
    result: dict[str, float | None] = {}
    for group in np.unique(groups):
        rows = groups == group
        mixed = 0 < labels[rows].sum() < rows.sum()
        auc = roc_auc_score(labels[rows], probabilities[rows]) if mixed else None
        result[str(group)] = None if auc is None else round(float(auc), 6)
    return result


def _thinned(*axes: Array) -> list[list[float]]:
    """At most `_POINTS` points of a curve, its ends among them."""
    chosen = np.unique(np.linspace(0, len(axes[0]) - 1, _POINTS).round().astype(int))
    return [[round(float(axis[n]), 5) for axis in axes] for n in chosen]


def curves_of(labels: Array, probabilities: Array, baseline: Array) -> dict[str, Any]:
    """The points of the charts on the model page."""
    order = np.argsort(-probabilities, kind="stable")
    deciles = [labels[part].mean() / labels.mean() for part in np.array_split(order, 10)]
    precision, recall, _ = precision_recall_curve(labels, probabilities)
    return {
        "roc": _thinned(*roc_curve(labels, probabilities)[:2]),
        "baseline_roc": _thinned(*roc_curve(labels, baseline)[:2]),
        "precision_recall": _thinned(recall[::-1], precision[::-1]),
        "lift": [round(float(value), 4) for value in deciles],
        "calibration": bins_of(labels, probabilities),
    }
