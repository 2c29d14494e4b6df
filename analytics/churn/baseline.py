"""The plain model that ours must beat: a logistic regression on well-prepared columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from analytics.churn.curve import Array


def make(categories: Sequence[bool]) -> Pipeline:
    """One-hot categories; numbers imputed by their median with a flag, then scaled."""
    codes = [n for n, is_category in enumerate(categories) if is_category]
    numbers = [n for n, is_category in enumerate(categories) if not is_category]
    columns = ColumnTransformer(
        [
            (
                "numbers",
                make_pipeline(SimpleImputer(strategy="median", add_indicator=True)),
                numbers,
            ),
            (
                "codes",
                make_pipeline(
                    SimpleImputer(strategy="constant", fill_value=-1),
                    OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32),
                ),
                codes,
            ),
        ]
    )
    return make_pipeline(columns, StandardScaler(), LogisticRegression(max_iter=2000))


def coefficients(pipeline: Pipeline, codes: Sequence[str]) -> dict[str, Any]:
    """What the page shows of it: a coefficient (per standard deviation) for each column."""
    names = pipeline[0].get_feature_names_out(list(codes))
    regression = pipeline[-1]
    return {
        "intercept": round(float(regression.intercept_[0]), 6),
        "coefficients": [
            [str(name).split("__", 1)[-1], round(float(value), 6)]
            for name, value in zip(names, regression.coef_[0], strict=True)
        ],
    }


def leaving(pipeline: Pipeline, values: Array) -> Array:
    return pipeline.predict_proba(values)[:, 1]
