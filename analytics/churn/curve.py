"""The calibration curve as plain numbers: what a stored model needs to give a probability."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def sigmoid(margins: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-np.asarray(margins, dtype=np.float64)))


@dataclass(frozen=True)
class Curve:
    """Maps margins to probabilities: as they are, by a line in log-odds, or by knots."""

    method: str
    slope: float = 1.0
    offset: float = 0.0
    knots: Array = field(default_factory=lambda: np.empty(0))
    heights: Array = field(default_factory=lambda: np.empty(0))

    def __call__(self, margins: Array) -> Array:
        if self.method == "isotonic":
            return np.interp(margins, self.knots, self.heights)
        return sigmoid(self.slope * np.asarray(margins, dtype=np.float64) + self.offset)

    def to_json(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "slope": self.slope,
            "offset": self.offset,
            "knots": self.knots.tolist(),
            "heights": self.heights.tolist(),
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Curve":
        arrays = {name: np.array(stored[name], dtype=np.float64) for name in ("knots", "heights")}
        return cls(stored["method"], stored["slope"], stored["offset"], **arrays)
