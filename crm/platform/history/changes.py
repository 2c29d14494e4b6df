"""What changed between two moments, row by row, from the versions that were kept."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import connection

from crm.platform.history.keeping import STAMPS
from crm.platform.history.kept import Kept

Version = dict[str, Any]
_ENDS = {"recorded_to", "ended_by", "ended_via", "is_removal"}
_QUIET = {"id", "created_at", "updated_at", *STAMPS, *_ENDS}


class ChangeKind(StrEnum):
    ADDED = "ADDED"
    CHANGED = "CHANGED"
    REMOVED = "REMOVED"


@dataclass(frozen=True)
class Change:
    """
    One change of one row. `fields` maps a column to what it was and what it became, as JSON has
    them; None before an addition and after a removal. `row` is the whole row as it became, or
    last was. `by` is an account's id.
    """

    model: str
    row_id: int
    kind: ChangeKind
    at: datetime
    by: int | None
    via: str
    fields: dict[str, tuple[Any, Any]]
    row: Version


def changes_between(
    kept: Kept, *, column: str, ids: Sequence[int], after: datetime, until: datetime, most: int
) -> list[Change]:
    """
    Return what happened to the rows with `column` among `ids` after one moment, until another,
    latest first and at most so many.
    """
    sql = f"""
        SELECT id, recorded_from, recorded_to, recorded_by, recorded_via, ended_by, ended_via,
            is_removal, version, lag(version) OVER (PARTITION BY id ORDER BY recorded_from)
        FROM (
            SELECT id, recorded_from, NULL::timestamptz AS recorded_to, recorded_by, recorded_via,
                NULL::bigint AS ended_by, NULL::text AS ended_via, false AS is_removal,
                to_jsonb(t) AS version
            FROM {kept.table} AS t
            WHERE "{column}" = ANY(%(ids)s) AND recorded_from <= %(until)s
            UNION ALL
            SELECT id, recorded_from, recorded_to, recorded_by, recorded_via,
                ended_by, ended_via, is_removal, to_jsonb(h)
            FROM {kept.history} AS h
            WHERE "{column}" = ANY(%(ids)s)
                AND recorded_from <= %(until)s AND recorded_to > %(after)s
        ) AS v
        ORDER BY recorded_from DESC
        LIMIT %(most)s
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, {"ids": list(ids), "after": after, "until": until, "most": most})
        found = [
            change for row in cursor.fetchall() for change in _told(kept.model, row, after, until)
        ]
    return sorted(found, key=lambda change: change.at, reverse=True)[:most]


def _told(model: str, row: tuple[Any, ...], after: datetime, until: datetime) -> Iterator[Change]:
    """Tell the changes at the two ends of a version, as far as they lie in the period."""
    row_id, since, to, by, via, ended_by, ended_via, is_removal, version, before = row
    now = json.loads(version)
    if since > after:
        was = json.loads(before) if before else None
        kind = ChangeKind.CHANGED if was else ChangeKind.ADDED
        yield Change(model, row_id, kind, since, by, via or "", _difference(was, now), now)
    if is_removal and after < to <= until:
        gone = _difference(now, None)
        yield Change(model, row_id, ChangeKind.REMOVED, to, ended_by, ended_via or "", gone, now)


def _difference(before: Version | None, now: Version | None) -> dict[str, tuple[Any, Any]]:
    names = sorted((before or now or {}).keys() - _QUIET)
    pairs = {name: ((before or {}).get(name), (now or {}).get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
