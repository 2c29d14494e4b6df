"""What every table of ours may share: audit columns, time-ordered ids, monthly partitions."""

import os
import time
import uuid
from datetime import date
from typing import Any

from django.db import connection, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
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

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
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
    lock on the table's name serialises them. Bounds are midnight UTC of the first of the month.
    """
    made = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT relid::regclass::text FROM pg_partition_tree(%s::regclass)", [table])
        present = {name for (name,) in cursor.fetchall()}
        month, end = first_of_month(first), first_of_month(last)
        while month <= end:
            name = f"{table}_{month:%Y%m}"
            if name not in present:
                cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [table])
                try:
                    cursor.execute(
                        f'CREATE TABLE IF NOT EXISTS "{name}" PARTITION OF "{table}" '
                        "FOR VALUES FROM (%s) TO (%s)",
                        [f"{month} 00:00:00+00", f"{next_month(month)} 00:00:00+00"],
                    )
                finally:
                    cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [table])
                made.append(name)
            month = next_month(month)
    return made
