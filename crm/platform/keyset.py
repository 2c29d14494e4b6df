"""
Paging by the last row seen: page one thousand costs what page one costs, and rows that
arrive meanwhile neither repeat nor hide others.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

_SALT = "crm.keyset"


class BadCursor(Exception):
    """The cursor was not made by us, or for another list."""


class _Json(signing.JSONSerializer):
    """JSON in which a moment keeps its microseconds; Django's own encoder would cut them off."""

    def dumps(self, obj: Any) -> bytes:
        return json.dumps(obj, separators=(",", ":"), default=_text).encode()


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


@dataclass(frozen=True)
class KeysetPage:
    """Some rows, and the cursors of the pages after and before them; None where none is."""

    rows: list[Any]
    next: str | None
    previous: str | None


def page_of(
    queryset: QuerySet[Any], *, ordering: Sequence[str], cursor: str | None, limit: int
) -> KeysetPage:
    """
    Return the rows that follow the cursor, or the first ones.

    `ordering` names fields that are never null and together unique, all ascending or all
    descending ("-at", "-id"): PostgreSQL compares them as one row, along one index. A field of
    another table ("party__name") comes from rows of `values`.

    :raises BadCursor: for a cursor that is not ours.
    :raises ValueError: for an ordering of both directions.
    """
    names = [name.removeprefix("-") for name in ordering]
    descending = ordering[0].startswith("-")
    if any(name.startswith("-") != descending for name in ordering):
        raise ValueError("A keyset goes in one direction")
    backwards, values = _read(cursor, queryset.model, names) if cursor else (False, None)
    if values is not None:
        after = TupleLessThan if descending != backwards else TupleGreaterThan
        queryset = queryset.filter(after(Tuple(*names), values))
        if "__" in names[0]:  # columns of two tables: no index has them both, one has the first
            side = "lte" if after is TupleLessThan else "gte"
            queryset = queryset.filter(**{f"{names[0]}__{side}": values[0]})
    reversed_ordering = [name if descending else f"-{name}" for name in names]
    rows = list(queryset.order_by(*(reversed_ordering if backwards else ordering))[: limit + 1])
    more, rows = len(rows) > limit, rows[:limit]
    if backwards:
        rows.reverse()

    def mark(row: Any, *, back: bool) -> str:
        return _write([back, *(_value(row, name) for name in names)], names)

    has_next = backwards or more
    has_previous = more if backwards else cursor is not None
    return KeysetPage(
        rows,
        mark(rows[-1], back=False) if rows and has_next else None,
        mark(rows[0], back=True) if rows and has_previous else None,
    )


def _value(row: Any, name: str) -> Any:
    return row[name] if isinstance(row, dict) else getattr(row, name)


def _write(values: list[Any], names: list[str]) -> str:
    return signing.dumps([names, *values], salt=_SALT, serializer=_Json)


def _read(cursor: str, model: type[Model], names: list[str]) -> tuple[bool, tuple[Any, ...]]:
    try:
        made_for, backwards, *values = signing.loads(cursor, salt=_SALT, serializer=_Json)
        if made_for != names:
            raise BadCursor
        fields = [_field(model, name) for name in names]
        return bool(backwards), tuple(
            field.to_python(value) for field, value in zip(fields, values, strict=True)
        )
    except (signing.BadSignature, ValueError, TypeError, ValidationError) as error:
        raise BadCursor from error


def _field(model: Any, path: str) -> Any:
    *relations, name = path.split("__")
    for relation in relations:
        model = model._meta.get_field(relation).related_model
    return model._meta.get_field(name)
