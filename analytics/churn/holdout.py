"""
What a model is worth on rows it has not seen.

Up to HELD_OUT_ALL rows every row is held out once (five folds); above that a fifth is. All
that is chosen (the calibration curve) is chosen inside the learning rows of each fold. With
several days to learn from, the latest is also predicted from the earlier ones alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from analytics.churn import baseline, evaluation
from analytics.churn.curve import Array
from analytics.churn.dataset import Dataset
from analytics.churn.estimator import ChurnEstimator

HELD_OUT_ALL = 50_000
FOLDS = 5


@dataclass(frozen=True)
class Checked:
    """What was predicted of rows by models that had not seen them."""

    rows: NDArray[np.int64]
    margins: Array
    probabilities: Array
    baseline: Array
    how: str


def held_out(rows: Dataset, *, seed: int, tell: Callable[[int, int], None]) -> Checked:
    """Predict rows from others, by the estimator and by the baseline; `tell` each fold."""
    folds = _folds(rows, seed)
    everybody = len(rows) <= HELD_OUT_ALL
    numbers = range(FOLDS) if everybody else range(1)
    margins, ours, plain = (np.full(len(rows), np.nan) for _column in range(3))
    for number in numbers:
        learn, rest = folds != number, folds == number
        tell(number, len(numbers))
        fitted = ChurnEstimator(rows.categories, seed).fit(rows.values[learn], rows.labels[learn])
        margins[rest] = fitted.decision_function(rows.values[rest])
        ours[rest] = fitted.predict_proba(rows.values[rest])[:, 1]
        simple = baseline.make(rows.categories).fit(rows.values[learn], rows.labels[learn])
        plain[rest] = baseline.leaving(simple, rows.values[rest])
    how = (
        "every row once, 5 folds stratified by outcome; a subscriber's rows and rows that look"
        " alike stay together"
        if everybody
        else "a random fifth of the subscribers, stratified by outcome; rows that look alike"
        " stay together"
    )
    held = np.flatnonzero(~np.isnan(ours))
    return Checked(held, margins[held], ours[held], plain[held], how)


def _folds(rows: Dataset, seed: int) -> NDArray[np.int64]:
    """Deal the groups out like cards, those with most leavers first: folds of equal make."""
    groups = rows.groups()
    leavers = np.bincount(groups, rows.labels)
    shuffled = np.random.default_rng(seed).permutation(len(leavers))
    order = shuffled[np.argsort(-leavers[shuffled], kind="stable")]
    fold_of_group = np.empty(len(order), np.int64)
    fold_of_group[order] = np.arange(len(order)) % FOLDS
    return fold_of_group[groups]


def measures(rows: Dataset, checked: Checked) -> dict[str, Any]:
    """The figures of the model page, over all sources and for each."""
    labels, ours, plain = rows.labels[checked.rows], checked.probabilities, checked.baseline
    sources = rows.sources[checked.rows]
    return evaluation.metrics_of(labels, ours, plain) | {
        "held_out_rows": len(labels),
        "held_out_positives": int(labels.sum()),
        "auc_by_source": evaluation.auc_by(sources, labels, ours),
        "baseline_auc_by_source": evaluation.auc_by(sources, labels, plain),
    }


def curves(rows: Dataset, checked: Checked) -> dict[str, Any]:
    labels = rows.labels[checked.rows]
    return evaluation.curves_of(labels, checked.probabilities, checked.baseline)


def out_of_time_auc(rows: Dataset, *, seed: int, least: int) -> float | None:
    """Predict the latest day from the days before it, where both have `least` leavers."""
    latest = rows.days == rows.days.max()
    for chosen in (latest, ~latest):
        if not least <= rows.labels[chosen].sum() < chosen.sum():
            return None
    fitted = ChurnEstimator(rows.categories, seed)
    fitted.fit_trees(rows.values[~latest], rows.labels[~latest])
    auc = roc_auc_score(rows.labels[latest], fitted.decision_function(rows.values[latest]))
    return round(float(auc), 6)
