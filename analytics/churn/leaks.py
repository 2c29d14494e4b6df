"""
The leak alarm: one column that alone tells leavers from stayers was written after they left.

Honest churn features are weak one by one. A column measured after the event (what is left of a
contract, a stop date, another model's score) lifts a model from an AUC of 0.85 to 0.95 and is
worth nothing on the day it is needed.
"""

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from xgboost import XGBClassifier

from analytics.churn.curve import Array

THRESHOLD = 0.90
_ROWS = 40_000


def alone(column: Array, labels: Array, *, is_category: bool, seed: int) -> float:
    """
    Return the held-out AUC of one column by itself, whatever the shape of its effect.

    Ten small trees on two folds, so that a category, a range in the middle, or merely being
    known at all is found as well as a plain threshold.
    """
    if np.isnan(column).all():
        return 0.5
    margins = np.empty(len(labels))
    values = column.reshape(-1, 1)
    for learn, rest in StratifiedKFold(2, shuffle=True, random_state=seed).split(values, labels):
        trees = XGBClassifier(
            n_estimators=10,
            max_depth=3,
            learning_rate=0.3,
            min_child_weight=5,
            tree_method="hist",
            enable_categorical=True,
            feature_types=["c" if is_category else "q"],
            n_jobs=1,
            random_state=seed,
        ).fit(values[learn], labels[learn])
        margins[rest] = trees.predict(values[rest], output_margin=True)
    return float(roc_auc_score(labels, margins))


def sample_of(labels: Array, *, seed: int) -> np.ndarray:
    """The rows that the alarm looks at: all of a small base, every leaver of a large one."""
    if len(labels) <= _ROWS:
        return np.arange(len(labels))
    generator = np.random.default_rng(seed)
    leavers, stayers = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    leavers = generator.permutation(leavers)[: _ROWS // 2]
    return np.sort(
        np.concatenate([leavers, generator.permutation(stayers)[: _ROWS - len(leavers)]])
    )
