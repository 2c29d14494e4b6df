"""Monthly partitions that are there before the first row of the month asks for them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from django.apps import AppConfig, apps
from django.db import connection, transaction

from crm.platform.records import ensure_months, first_of_month, next_month

MONTHS_AHEAD = 3

# Months that were seen to be committed, so that most rows cost no look at the catalogue.
_present: set[tuple[str, str, date]] = set()


def partitioned_tables() -> list[str]:
    """Return every table of ours that is partitioned by range of one date or time column."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_partitioned_table p"
            " JOIN pg_class c ON c.oid = p.partrelid"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]"
            " WHERE p.partstrat = 'r' AND p.partnatts = 1"
            " AND a.atttypid IN ('date'::regtype, 'timestamptz'::regtype)"
            " AND c.relnamespace = current_schema()::regnamespace"
            " ORDER BY c.relname"
        )
        return [name for (name,) in cursor.fetchall()]


def ensure_partitions(*, at: datetime) -> list[str]:
    """
    Give every partitioned table the month before `at`, its own, and the three after it.

    Returns the names of the partitions it made. A month is made long before its first row,
    so a beat that stood still for weeks does no harm.
    """
    months = list(_months_around(at))
    made = []
    for table in partitioned_tables():
        made += ensure_months(table, first=months[0], last=months[-1])
        for month in months:
            transaction.on_commit(partial(_present.add, _key(table, month)))
    return made


def ensure_month(table: str, at: datetime) -> None:
    """
    See to it that a row of that moment finds its partition. Costs nothing where the month is
    known to be there; a month made in a transaction is only known once that has committed.
    """
    month = first_of_month(at.astimezone(UTC).date())
    if _key(table, month) not in _present:
        ensure_months(table, first=month, last=month)
        transaction.on_commit(partial(_present.add, _key(table, month)))


def after_migrate(*, app_config: AppConfig, **_signal: Any) -> None:
    """Wait for the last app: only then is every table there."""
    if app_config is [c for c in apps.get_app_configs() if c.models_module][-1]:
        ensure_partitions(at=datetime.now(UTC))


def _months_around(at: datetime) -> Iterator[date]:
    month = first_of_month(at.astimezone(UTC).date())
    yield date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)
    for _ in range(MONTHS_AHEAD + 1):
        yield month
        month = next_month(month)


def _key(table: str, month: date) -> tuple[str, str, date]:
    return str(connection.settings_dict["NAME"]), table, month
