"""
Rows into tables by COPY.

Two shapes, both without a Python object per value where there are many: rows of fixed width
go as PostgreSQL's binary format, laid out by numpy; the others as text.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from customers.demo.arrays import Bytes

NULL = r"\N"
_BUFFER = 1 << 20
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_NUMBERS = {"int2": ">i2", "int4": ">i4", "int8": ">i8", "date": ">i4", "timestamptz": ">i8"}
_JSONB_VERSION = 1


@dataclass(frozen=True)
class Layout:
    """
    The binary rows of a table: every column with its type.

    Types: int2, int4, int8, date (days since 2000-01-01), timestamptz (microseconds since
    then), text:N and jsonb:N (exactly N bytes; N may be 0 for text).
    """

    table: str
    fields: tuple[tuple[str, str], ...]

    @cached_property
    def dtype(self) -> np.dtype[np.void]:
        parts: list[tuple[str, str]] = [("#", ">i2")]
        for name, kind in self.fields:
            base, _, width = kind.partition(":")
            parts.append((f"{name}#", ">i4"))
            if base == "jsonb":
                parts.append((f"{name}!", "u1"))
            if width != "0":
                parts.append((name, _NUMBERS.get(base) or f"S{width}"))
        return np.dtype(parts)

    def pack(self, columns: Mapping[str, NDArray[np.generic]]) -> bytes:
        """Return the rows in COPY's binary format."""
        rows = np.zeros(len(next(iter(columns.values()))), self.dtype)
        rows["#"] = len(self.fields)
        for name, kind in self.fields:
            if kind.endswith(":0"):
                continue
            rows[name] = columns[name]
            size = rows.dtype[name].itemsize
            if kind.startswith("jsonb"):
                rows[f"{name}!"] = _JSONB_VERSION
                size += 1
            rows[f"{name}#"] = size
        return b"".join((_HEADER, rows.tobytes(), _TRAILER))


@dataclass
class Written:
    """The rows of one table, ready for COPY."""

    table: str
    columns: Sequence[str]
    data: bytes
    rows: int
    binary: bool = False

    def copy(self) -> None:
        names = ", ".join(f'"{name}"' for name in self.columns)
        how = "(FORMAT binary)" if self.binary else ""
        with connection.cursor() as cursor:
            cursor.copy_expert(
                f'COPY "{self.table}" ({names}) FROM STDIN {how}', io.BytesIO(self.data), _BUFFER
            )


def binary(layout: Layout, columns: Mapping[str, NDArray[np.generic]]) -> Written:
    names = [name for name, _kind in layout.fields]
    rows = len(columns[names[0]])
    return Written(layout.table, names, layout.pack(columns), rows, binary=True)


def text(table: str, columns: Mapping[str, Iterable[str]]) -> Written:
    """Rows from columns of strings that need no escaping (no tab, newline or backslash)."""
    lines = list(map("\t".join, zip(*columns.values(), strict=True)))
    data = "\n".join([*lines, ""]).encode()
    return Written(table, list(columns), data, len(lines))


def numbers(values: NDArray[np.generic]) -> list[str]:
    return list(map(str, values.tolist()))


def digits(values: NDArray[np.integer], width: int) -> Bytes:
    """Whole numbers as text of `width` digits, zeros in front."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    figures = values.astype(np.int64)[:, None] // powers % 10 + ord("0")
    return figures.astype(np.uint8).view(f"S{width}").ravel()


def fixed(*parts: Bytes | bytes) -> Bytes:
    """Columns of fixed width and constants, side by side."""
    count = next(len(part) for part in parts if not isinstance(part, bytes))
    blocks = [
        np.broadcast_to(np.frombuffer(part, np.uint8), (count, len(part)))
        if isinstance(part, bytes)
        else np.ascontiguousarray(part).view(np.uint8).reshape(count, part.dtype.itemsize)
        for part in parts
    ]
    joined = np.ascontiguousarray(np.concatenate(blocks, axis=1))
    return joined.view(f"S{joined.shape[1]}").ravel()


def amounts(values: NDArray[np.integer], width: int) -> Bytes:
    """Whole numbers as JSON figures, blanks in front."""
    plain = digits(np.abs(values), width).view(np.uint8).reshape(len(values), width).copy()
    leading = np.cumsum(plain[:, :-1] != ord("0"), axis=1) == 0
    plain[:, :-1][leading] = ord(" ")
    sign = np.where(np.asarray(values) < 0, ord("-"), ord(" ")).astype(np.uint8)
    first = np.concatenate([leading, np.zeros((len(values), 1), bool)], axis=1).sum(axis=1)
    block = np.concatenate([np.full((len(values), 1), ord(" "), np.uint8), plain], axis=1)
    block[np.arange(len(values)), first] = sign
    return np.ascontiguousarray(block).view(f"S{width + 1}").ravel()
