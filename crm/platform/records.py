"""What every table of ours may share: audit columns, time-ordered ids, monthly partitions."""

import os
import time
import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import connection, models, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import CursorWrapper
from django.db.migrations.operations import CreateModel
from django.db.migrations.state import ProjectState


class TimeStamped(models.Model):
    """Audit columns. Never decide anything by them; give the domain its own dates."""

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


def uuid7() -> uuid.UUID:
    """Return an RFC 9562 version 7 id: it sorts by time, so indexes grow at their right edge."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & 0xFFFFFFFFFFFF) << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


class CreatePartitionedModel(CreateModel):
    """
    CreateModel whose table is PARTITION BY RANGE of one column, a partition a month.

    The column must be part of the primary key (CompositePrimaryKey) and of every unique key.
    """

    def __init__(self, *args: Any, partition_column: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.partition_column = partition_column

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        name, args, kwargs = super().deconstruct()
        return name, args, {**kwargs, "partition_column": self.partition_column}

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        plain = schema_editor.sql_create_table
        column = schema_editor.quote_name(self.partition_column)
        schema_editor.sql_create_table = f"{plain} PARTITION BY RANGE ({column})"
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            schema_editor.sql_create_table = plain


def first_of_month(day: date) -> date:
    return date(day.year, day.month, 1)


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def ensure_months(table: str, *, first: date, last: date) -> list[str]:
    """
    Create the monthly partitions of `table` from the month of `first` to that of `last`.

    Returns the names of those it made. Safe to call from many processes at once: an advisory
    lock on the table's name, held to the end of the transaction, serialises them. Bounds are
    midnight UTC of the first of the month.
    """
    wanted = {}
    month = first_of_month(first)
    while month <= last:
        wanted[f"{table}_{month:%Y%m}"] = month
        month = next_month(month)
    with transaction.atomic(), connection.cursor() as cursor:
        if wanted.keys() <= _partitions(cursor, table):
            return []
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [table])
        made = sorted(wanted.keys() - _partitions(cursor, table))
        for name in made:
            _attach_month(cursor, table, name, wanted[name])
    return made


def latest_time(table: str, column: str) -> date | None:
    """Return the latest value of the column that `table` is partitioned by, without an index."""
    with connection.cursor() as cursor:
        for name in sorted(_partitions(cursor, table) - {table}, reverse=True):
            cursor.execute(f'SELECT max({column}) FROM "{name}"')
            if (latest := cursor.fetchone()[0]) is not None:
                return latest
    return None


def months_between(table: str, first: date, last: date) -> list[str]:
    """Return the names of the partitions there are from the month of `first` to that of `last`."""
    with connection.cursor() as cursor:
        names = sorted(_partitions(cursor, table) - {table})
    return [n for n in names if f"{table}_{first:%Y%m}" <= n <= f"{table}_{last:%Y%m}"]


def _partitions(cursor: CursorWrapper, table: str) -> set[str]:
    cursor.execute("SELECT relid::regclass::text FROM pg_partition_tree(%s::regclass)", [table])
    return {name for (name,) in cursor.fetchall()}


def _attach_month(cursor: CursorWrapper, table: str, name: str, month: date) -> None:
    """
    Make a table and attach it: unlike CREATE … PARTITION OF, that does not lock readers and
    writers of the other months out. PostgreSQL hands down row triggers, but no statement
    triggers, so those against TRUNCATE are repeated.
    """
    cursor.execute(f'CREATE TABLE "{name}" (LIKE "{table}" INCLUDING ALL EXCLUDING IDENTITY)')
    cursor.execute(
        f'ALTER TABLE "{table}" ATTACH PARTITION "{name}" FOR VALUES FROM (%s) TO (%s)',
        [f"{month} 00:00:00+00", f"{next_month(month)} 00:00:00+00"],
    )
    cursor.execute(
        "SELECT t.tgname, p.proname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
        "WHERE t.tgrelid = %s::regclass AND t.tgtype & 32 <> 0 AND NOT t.tgisinternal",
        [table],
    )
    for trigger, function in cursor.fetchall():
        cursor.execute(
            f'CREATE TRIGGER "{trigger}" BEFORE TRUNCATE ON "{name}" EXECUTE FUNCTION {function}()'
        )
