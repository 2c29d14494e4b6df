"""Months of big tables: made before the first row needs them, closed after the later ones came."""

from datetime import date, datetime

from django.db import connection
from django.utils import timezone

from crm.platform.feeds.chunks import Chunk
from crm.platform.feeds.definition import Preparation
from crm.platform.feeds.read_model import FIRST, LATEST, within_reach
from crm.platform.feeds.sql import day
from crm.platform.records import ensure_months, latest_time


def prepare_months(run: Preparation, *, table: str, column: str, staged: str) -> None:
    """
    Remember the latest month that is loaded already, and make the months the file brings.

    Every chunk of a file compares with the same latest month, whatever the chunks before loaded.
    """
    if LATEST not in run.context:
        run.context[LATEST] = _month_of(latest_time(table, column))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT date_trunc('month', s.{staged} AT TIME ZONE 'UTC')::date, min(s.{staged})"
            f" FROM {run.stage} AS s WHERE {within_reach(run.facts, f's.{staged}')} GROUP BY 1"
        )
        months = sorted(cursor.fetchall())
    run.context[FIRST] = _month_of(months[0][1]) if months else None
    for month, _first in months:
        ensure_months(table, first=month, last=month)


def _month_of(time: date | None) -> str | None:
    """Months are the operator's: its first night of a month is still the one before in UTC."""
    local = timezone.localtime(time) if isinstance(time, datetime) else time
    return local.strftime("%Y-%m-01") if local else None


def months_late(chunk: Chunk, month: str) -> str:
    """
    Return the expression of how many months a row's month lies before the latest one that was
    loaded when the batch began: above zero, its month had been closed.
    """
    latest = chunk.batch.context.get(LATEST)
    if latest is None:
        return "0"
    year, number = int(latest[:4]), int(latest[5:7])
    return (
        f"({year * 12 + number} - (extract(year FROM {month})::int * 12"
        f" + extract(month FROM {month})::int))"
    )


def too_late(chunk: Chunk, late: str, column: str) -> str:
    """Return the packed finding of a row that is more months late than are accepted."""
    months = f"{chunk.late_months:d}"
    return f"CASE WHEN {late} > {months} THEN '{column}|too_late|{months}' END"


def time_rules(chunk: Chunk, column: str) -> list[tuple[str, ...]]:
    """Return what may be wrong with when a row says it was."""
    tomorrow = f"{day(chunk.facts.today)} + interval '2 days'"
    return [
        (f"s.{column} >= {tomorrow}", column, "in_the_future"),
        (f"s.{column} < '2000-01-01'", column, "too_long_ago"),
    ]
