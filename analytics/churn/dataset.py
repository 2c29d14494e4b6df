"""The rows to learn from: what was known on one or more days, and who left after each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from analytics.churn.curve import Array
from analytics.features.definition import Feature
from analytics.features.matrix import FeatureReader, numbered
from analytics.features.sql import AsOf

_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Dataset:
    """
    Rows ordered by day (the latest first), then by subscriber number.

    `groups` joins the rows that may not be parted between learning and checking: those of one
    subscriber, and those whose features are all the same.
    """

    features: Sequence[Feature]
    values: NDArray[np.float32]
    labels: NDArray[np.int64]
    sources: NDArray[np.str_]
    days: NDArray[np.datetime64]
    subscriber_ids: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def positives(self) -> int:
        return int(self.labels.sum())

    @property
    def categories(self) -> list[bool]:
        return [feature.is_category for feature in self.features]

    def groups(self) -> NDArray[np.int64]:
        """
        Number the groups; computed, because it takes a pass over all values.

        Where looking alike is so common that it would chain a tenth of the rows together,
        only the subscriber counts.
        """
        rows = np.arange(len(self))
        _, subscribers = np.unique(self.subscriber_ids, return_inverse=True)
        _, alike = np.unique(_digest(self.values), return_inverse=True)
        # A graph of rows, subscribers and looks: what hangs together stays together.
        first_alike = len(self) + subscribers.max() + 1
        ends = np.concatenate([subscribers + len(self), alike + first_alike])
        size = int(first_alike + alike.max() + 1)
        edges = (np.ones(len(ends), np.int8), (np.concatenate([rows, rows]), ends))
        _, component = connected_components(coo_array(edges, shape=(size, size)), directed=False)
        groups = component[: len(self)].astype(np.int64)
        if np.bincount(groups).max() > max(len(self) // 10, 10):
            return subscribers.astype(np.int64)
        return groups

    def without(self, codes: Sequence[str]) -> "Dataset":
        """The same rows with some features gone."""
        kept = [n for n, feature in enumerate(self.features) if feature.code not in codes]
        return Dataset(
            [self.features[n] for n in kept],
            np.ascontiguousarray(self.values[:, kept]),
            self.labels,
            self.sources,
            self.days,
            self.subscriber_ids,
        )


def load(
    features: Sequence[Feature],
    vocabularies: Sequence[Sequence[str]],
    *,
    days: Sequence[tuple[date, Sequence[str]]],
    horizon_days: int,
) -> Dataset:
    """Read the feature tables of several days, each for its sources."""
    parts = []
    for day, sources in days:
        at = AsOf(day, horizon_days)
        matrix = FeatureReader(features, vocabularies, at, sources).read_all()
        ordered, present, source_codes = numbered(at=at, sources=sources)
        by_id = np.argsort(matrix.subscriber_ids)
        places = by_id[np.searchsorted(matrix.subscriber_ids[by_id], ordered)]
        parts.append(
            (
                matrix.values[places],
                matrix.labels[places].astype(np.int64),
                np.array(present, dtype=np.str_)[source_codes],
                np.full(len(places), day, dtype="datetime64[D]"),
                ordered,
            )
        )
    values, labels, names, dates, ids = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    return Dataset(features, values, labels, names, dates, ids)


def constant(values: Array) -> NDArray[np.bool_]:
    """Which columns say nothing: one value in every row, or none."""
    first = values[0]
    same = (values == first) | (np.isnan(values) & np.isnan(first))
    return same.all(axis=0)


def _digest(values: NDArray[np.float32]) -> NDArray[np.uint64]:
    """A 64-bit digest of each row: equal rows have equal digests."""
    digest = np.zeros(len(values), np.uint64)
    with np.errstate(over="ignore"):
        for column in values.T:
            bits = np.ascontiguousarray(column).view(np.uint32).astype(np.uint64)
            digest = (digest ^ bits) * _ODD
            digest ^= digest >> np.uint64(29)
    return digest
