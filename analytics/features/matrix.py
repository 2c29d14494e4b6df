"""The feature table as arrays: binary COPY out of the database, straight into numpy."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from numpy.typing import NDArray

from analytics.features.definition import Feature
from analytics.features.sql import AsOf, feature_table, population

CUSTOMERS_A_READ = 20_000
EVERYBODY = {"first_customer": 0, "end_customer": 2**62}
_HEADER_BYTES = 19  # signature, flags, no extension
_TRAILER_BYTES = 2


@dataclass(frozen=True)
class Matrix:
    """Rows of features: `values` is float32, NaN where not known; categories are their codes."""

    subscriber_ids: NDArray[np.int64]
    customer_ids: NDArray[np.int64]
    labels: NDArray[np.float32]
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.subscriber_ids)


@dataclass(frozen=True)
class FeatureReader:
    """Reads the feature table of one as-of date, a range of customers at a time."""

    features: Sequence[Feature]
    vocabularies: Sequence[Sequence[str]]
    at: AsOf
    sources: Sequence[str] | None = None

    @cached_property
    def _query(self) -> tuple[str, dict[str, Any]]:
        return feature_table(self.features, self.vocabularies, at=self.at, sources=self.sources)

    def read(self, first_customer: int, end_customer: int) -> Matrix:
        """Return the rows of customers with `first_customer` <= id < `end_customer`."""
        bounds = {"first_customer": first_customer, "end_customer": end_customer}
        sql, parameters = self._query
        return _parse(copy_out(sql, parameters | bounds), len(self.features))

    def ranges(self) -> list[tuple[int, int]]:
        """Split all customers into ranges of a good size to read at once."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT min(id), max(id) FROM customers_customer")
            first, last = cursor.fetchone()
        if first is None:
            return []
        return [
            (start, min(start + CUSTOMERS_A_READ, last + 1))
            for start in range(first, last + 1, CUSTOMERS_A_READ)
        ]

    def read_all(self) -> Matrix:
        parts = [self.read(*bounds) for bounds in self.ranges()]
        return Matrix(
            np.concatenate([part.subscriber_ids for part in parts]),
            np.concatenate([part.customer_ids for part in parts]),
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.values for part in parts]),
        )


def numbered(
    *, at: AsOf, sources: Sequence[str] | None
) -> tuple[NDArray[np.int64], list[str], NDArray[np.int64]]:
    """
    Return the subscriber ids in order of their numbers, the sources there are, and each
    subscriber's place among them. Ids differ between two databases, numbers do not.
    """
    parameters = at.parameters() | {"sources": list(sources) if sources else None, **EVERYBODY}
    with planned_for_many_rows() as cursor:
        cursor.execute(f"SELECT DISTINCT s.source {population()} ORDER BY 1", parameters)
        present = [source for (source,) in cursor.fetchall()]
    sql = f"""
        SELECT s.id, s.customer_id, (array_position(%(present)s::text[], s.source) - 1)::float4
        {population()} ORDER BY s.number
    """
    table = _parse(copy_out(sql, parameters | {"present": present}), columns=0)
    return table.subscriber_ids, present, table.labels.astype(np.int64)


def subscribers_on(at: AsOf, sources: Sequence[str] | None) -> int:
    """Count those live on the day."""
    parameters = at.parameters() | {"sources": list(sources) if sources else None, **EVERYBODY}
    with planned_for_many_rows() as cursor:
        cursor.execute(f"SELECT count(*) {population()}", parameters)
        count: int = cursor.fetchone()[0]
    return count


@contextmanager
def planned_for_many_rows() -> Iterator[CursorWrapper]:
    """
    A cursor whose queries join by hash or merge, never row by row.

    Every query here reads whole ranges. A planner that takes a fresh table for an empty one
    would compute each block again for every subscriber.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '64MB'")
        yield cursor
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT; SET LOCAL work_mem TO DEFAULT")


def copy_out(sql: str, parameters: dict[str, Any]) -> memoryview:
    """Return what a query answers in PostgreSQL's binary COPY format, without its frame."""
    buffer = io.BytesIO()
    with planned_for_many_rows() as cursor:
        text = cursor.mogrify(sql, parameters).decode()
        cursor.copy_expert(f"COPY ({text}) TO STDOUT (FORMAT binary)", buffer)
    return buffer.getbuffer()[_HEADER_BYTES:-_TRAILER_BYTES]


def _parse(rows: memoryview, columns: int) -> Matrix:
    """Every row is of one width, because no column is ever null: no parsing, only a view."""
    whole, single = ("length", ">i4"), ("value", ">f4")
    row = np.dtype(
        [
            ("columns", ">i2"),
            ("subscriber", [whole, ("value", ">i8")]),
            ("customer", [whole, ("value", ">i8")]),
            ("label", [whole, single]),
            ("features", [whole, single], (columns,)),
        ]
    )
    table = np.frombuffer(rows, dtype=row) if len(rows) else np.empty(0, dtype=row)
    return Matrix(
        table["subscriber"]["value"].astype(np.int64),
        table["customer"]["value"].astype(np.int64),
        table["label"]["value"].astype(np.float32),
        table["features"]["value"].astype(np.float32),
    )


def vocabularies(
    features: Sequence[Feature],
    *,
    at: AsOf,
    sources: Sequence[str] | None,
    least: int = 20,
    most: int = 60,
) -> list[list[str]]:
    """
    Return for each feature the values it takes, the commonest first; none for a number.

    A value of fewer than `least` subscribers, or beyond the `most` commonest, is left out: the
    model sees it as not known, which is also how it will see a value that comes later.
    """
    return [
        _values(feature, at=at, sources=sources, least=least, most=most)
        if feature.is_category
        else []
        for feature in features
    ]


def _values(
    feature: Feature, *, at: AsOf, sources: Sequence[str] | None, least: int, most: int
) -> list[str]:
    sql = f"""
        SELECT ({feature.sql})::text AS value {population([feature])}
        AND ({feature.sql}) IS NOT NULL
        GROUP BY 1 HAVING count(*) >= %(least)s ORDER BY count(*) DESC, 1 LIMIT %(most)s
    """
    parameters = at.parameters() | {"sources": list(sources) if sources else None}
    with planned_for_many_rows() as cursor:
        cursor.execute(sql, parameters | EVERYBODY | {"least": least, "most": most})
        return [value for (value,) in cursor.fetchall()]
