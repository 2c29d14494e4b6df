"""
The estimator of who leaves: shallow boosted trees, small steps, strong regularisation.

Trees of depth two see pairs of features and no more. On every base tried that was at least as
good as deeper ones, and it keeps the sum of the trees small enough to be explained exactly for
every row (see `analytics.churn.compiled`).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedKFold
from xgboost import XGBClassifier

from analytics.churn.calibration import choose
from analytics.churn.curve import Array, Curve

PARAMETERS: dict[str, Any] = {
    "n_estimators": 400,
    "learning_rate": 0.03,
    "max_depth": 2,
    "min_child_weight": 10,
    "reg_lambda": 2.0,
    "subsample": 0.8,
    "colsample_bytree": 0.8,
    "max_bin": 64,
    "max_cat_to_onehot": 4,
    "tree_method": "hist",
}
_INNER_FOLDS = 3
_ROWS_WORTH_A_SECOND_THREAD = 200_000


class ChurnEstimator(ClassifierMixin, BaseEstimator):
    """
    Boosted trees and a calibration curve, as scikit-learn has it.

    `categories` says which columns hold codes of a category. The curve is chosen on
    out-of-fold margins of the rows it is fitted to. The same rows in the same order with the
    same seed give the same trees.
    """

    def __init__(self, categories: Sequence[bool] = (), seed: int = 0) -> None:
        self.categories = categories
        self.seed = seed

    def fit(self, X: Array, y: Array) -> "ChurnEstimator":
        margins = np.empty(len(y))
        folds = StratifiedKFold(_INNER_FOLDS, shuffle=True, random_state=self.seed)
        for learn, rest in folds.split(X, y):
            margins[rest] = self.fit_trees(X[learn], y[learn]).decision_function(X[rest])
        return self.fit_trees(X, y).fit_curve(margins, y)

    def fit_trees(self, X: Array, y: Array) -> "ChurnEstimator":
        """Fit without choosing a curve: probabilities are the margins' own."""
        self.classes_ = np.array([0, 1])
        self.trees_ = self._trees(len(y)).fit(X, y)
        self.curve_ = Curve("identity")
        return self

    def fit_curve(self, margins: Array, y: Array) -> "ChurnEstimator":
        """Choose the curve from margins of rows that the trees giving them had not seen."""
        self.curve_ = choose(margins, y, seed=self.seed)
        return self

    def decision_function(self, X: Array) -> Array:
        return self.trees_.predict(X, output_margin=True)

    def predict_proba(self, X: Array) -> Array:
        leaving = self.curve_(self.decision_function(X))
        return np.column_stack([1 - leaving, leaving])

    def predict(self, X: Array) -> Array:
        return (self.predict_proba(X)[:, 1] >= 0.5).astype(int)

    def _trees(self, rows: int) -> XGBClassifier:
        """
        The number of threads follows from the rows alone, not from the machine: another number
        sums in another order. On few rows threads only wait for each other.
        """
        kinds = ["c" if is_category else "q" for is_category in self.categories]
        return XGBClassifier(
            **PARAMETERS,
            n_jobs=1 + (rows >= _ROWS_WORTH_A_SECOND_THREAD),
            random_state=self.seed,
            enable_categorical=True,
            feature_types=kinds,
        )
