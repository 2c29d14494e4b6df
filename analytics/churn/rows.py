"""Scores as lines of PostgreSQL's COPY text."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analytics.churn.curve import Array

if TYPE_CHECKING:
    from analytics.churn.scoring import Scored


def _quoted(value: object) -> str:
    """JSON, with the backslashes doubled that COPY would take for its own."""
    return json.dumps(value, ensure_ascii=False).replace("\\", "\\\\")


def score_rows(
    part: "Scored",
    codes: Sequence[str],
    vocabularies: Sequence[Sequence[str]],
    probabilities: Array,
    deciles: NDArray[np.int64],
) -> Iterator[str]:
    """Return subscriber, customer, probability, decile and reasons of each row, tab-separated."""
    heads = [f'{{"feature":{_quoted(code)},"value":' for code in codes]
    words = [[_quoted(word) for word in vocabulary] for vocabulary in vocabularies]

    def reason(feature: int, value: float, contribution: float) -> str:
        if value != value:
            text = "null"
        elif words[feature]:
            text = words[feature][int(value)]
        else:
            text = f"{value:.6g}"
        return f'{heads[feature]}{text},"contribution":{contribution:.4f}}}'

    columns = zip(
        part.subscriber_ids.tolist(),
        part.customer_ids.tolist(),
        probabilities.tolist(),
        deciles.tolist(),
        part.features.tolist(),
        part.values.tolist(),
        part.contributions.tolist(),
        strict=True,
    )
    for subscriber, customer, probability, decile, features, values, heights in columns:
        reasons = ",".join(
            reason(feature, value, height)
            for feature, value, height in zip(features, values, heights, strict=True)
            if feature >= 0
        )
        yield f"{subscriber}\t{customer}\t{probability:.6g}\t{decile}\t[{reasons}]"
