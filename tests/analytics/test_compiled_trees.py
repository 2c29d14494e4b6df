"""Looking up must give what walking the trees gives: margins, and exact contributions."""

import numpy as np
import pytest
import xgboost

from analytics.churn.compiled import CompiledTrees

KINDS = ["q", "q", "q", "c", "c", "q"]
VALUES = [0, 0, 0, 7, 3, 0]


def make_rows(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, 6)).astype(np.float32)
    rows[:, 3] = rng.integers(0, 7, count)
    rows[:, 4] = rng.integers(0, 3, count)
    rows[:, 5] = rng.integers(0, 4, count)  # many ties, right on thresholds
    rows[rng.random(rows.shape) < 0.15] = np.nan
    return rows


def matrix_of(rows: np.ndarray, labels: np.ndarray | None = None) -> xgboost.DMatrix:
    return xgboost.DMatrix(rows, labels, feature_types=KINDS, enable_categorical=True)


def train(depth: int, rounds: int = 80) -> xgboost.Booster:
    rows = make_rows(4000, 1)
    known = np.nan_to_num(rows)
    odds = known[:, 0] * known[:, 1] + known[:, 2] * (known[:, 3] > 3) - known[:, 5]
    labels = (np.random.default_rng(2).random(4000) < 1 / (1 + np.exp(-odds))).astype(int)
    parameters = {
        "objective": "binary:logistic",
        "max_depth": depth,
        "max_cat_to_onehot": 4,
        "subsample": 0.8,
        "nthread": 1,
        "tree_method": "hist",
    }
    return xgboost.train(parameters, matrix_of(rows, labels), rounds)


@pytest.mark.parametrize("depth", [1, 2])
def test_margins_and_contributions_are_those_of_the_library(depth):
    booster = train(depth)
    rows = make_rows(20_000, 7)

    compiled = CompiledTrees(booster, VALUES)
    contributions = compiled.explain(rows)

    exact = booster.predict(matrix_of(rows), pred_contribs=True)
    assert np.abs(contributions.T - exact[:, :-1]).max() < 1e-4
    assert abs(compiled.bias - exact[0, -1]) < 1e-4
    margins = booster.predict(matrix_of(rows), output_margin=True)
    assert np.abs(contributions.sum(axis=0) + compiled.bias - margins).max() < 1e-4


def test_deeper_trees_are_refused():
    with pytest.raises(ValueError, match="depth two"):
        CompiledTrees(train(3, rounds=5), VALUES)
