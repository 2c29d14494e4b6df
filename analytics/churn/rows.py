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

    def slot(place: int) -> list[str]:
        """One reason of every row, "" where there is none; one pass, no call a row."""
        return [
            ""
            if feature < 0
            else f'{heads[feature]}null,"contribution":{height:.4f}}}'
            if value != value
            else f'{heads[feature]}{words[feature][int(value)]},"contribution":{height:.4f}}}'
            if words[feature]
            else f'{heads[feature]}{value:.6g},"contribution":{height:.4f}}}'
            for feature, value, height in zip(
                part.features[:, place].tolist(),
                part.values[:, place].tolist(),
                part.contributions[:, place].tolist(),
                strict=True,
            )
        ]

    columns = zip(
        part.subscriber_ids.tolist(),
        part.customer_ids.tolist(),
        probabilities.tolist(),
        deciles.tolist(),
        *(slot(place) for place in range(part.features.shape[1])),
        strict=True,
    )
    for subscriber, customer, probability, decile, *reasons in columns:
        # Where one is empty, so are those after it.
        said = ",".join(reasons) if reasons[-1] else ",".join(filter(None, reasons))
        yield f"{subscriber}\t{customer}\t{probability:.6g}\t{decile}\t[{said}]"
