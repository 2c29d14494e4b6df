"""
The tables, triggers and views that keep the past, made after every migration.

A row says since when it is as it is and who made it so (`recorded_from`, `recorded_by`,
`recorded_via`): defaults, so that inserting, COPY included, costs nothing more. An UPDATE or a
DELETE, of one row or of a million, moves what was into `<table>_history`, by one statement of a
trigger. So a row's versions follow one another without gap or overlap, whoever wrote them and
by whatever road: page, job, feed or a hand in psql.

Each such table has a view of the same name and columns in the schema `as_of`, which shows it as
it was at the moment that the session's `crm.as_of` names. See `crm.platform.history.past`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from crm.platform.history.kept import Dated, Kept, all_dated, all_kept
from crm.platform.partitions import ensure_partitions

SCHEMA = "as_of"
STAMPS = ("recorded_from", "recorded_by", "recorded_via")
_UNSEEN = ("updated_at", *STAMPS)
"""Columns that are no change by themselves."""

_COMMON = """
CREATE SCHEMA IF NOT EXISTS as_of;
CREATE OR REPLACE FUNCTION history_moment() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT current_setting('crm.as_of')::timestamptz $$;
CREATE OR REPLACE FUNCTION history_actor() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('crm.actor', true), '')::bigint $$;
CREATE OR REPLACE FUNCTION history_via() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('crm.via', true), '') $$;
CREATE OR REPLACE FUNCTION history_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND current_setting('crm.may_truncate', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'history is append-only: % of % refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE OR REPLACE FUNCTION history_is_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('crm.may_truncate', true) = 'on' THEN
        EXECUTE format('TRUNCATE %I', TG_TABLE_NAME || '_history');
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'the history of % is kept: TRUNCATE refused', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
"""

# A constant default first: it marks the rows that are there without writing one of them anew.
_STAMPED = """
ALTER TABLE {table}
    ADD COLUMN recorded_from timestamptz NOT NULL DEFAULT '{now}',
    ADD COLUMN recorded_by bigint,
    ADD COLUMN recorded_via varchar(80);
ALTER TABLE {table}
    ALTER COLUMN recorded_from SET DEFAULT clock_timestamp(),
    ALTER COLUMN recorded_by SET DEFAULT history_actor(),
    ALTER COLUMN recorded_via SET DEFAULT history_via();
"""

_HISTORY = """
CREATE TABLE {history} (
    LIKE {table},
    recorded_to timestamptz NOT NULL,
    ended_by bigint,
    ended_via varchar(80),
    is_removal boolean NOT NULL,
    CHECK (recorded_from < recorded_to)
) PARTITION BY RANGE (recorded_to);
CREATE TRIGGER {history}_append_only BEFORE UPDATE OR DELETE ON {history}
    FOR EACH ROW EXECUTE FUNCTION history_refuses();
CREATE TRIGGER {history}_not_truncated BEFORE TRUNCATE ON {history}
    EXECUTE FUNCTION history_refuses();
"""

_TRIGGERS = """
CREATE OR REPLACE FUNCTION {table}_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id <> OLD.id THEN
        RAISE EXCEPTION 'the id of a row of {table} never changes';
    END IF;
    IF {unchanged} THEN
        {as_it_was}
    ELSE
        NEW.recorded_from :=
            greatest(clock_timestamp(), OLD.recorded_from + interval '1 microsecond');
        NEW.recorded_by := history_actor();
        NEW.recorded_via := history_via();
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE FUNCTION {table}_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        INSERT INTO {history} ({columns}, recorded_to, ended_by, ended_via, is_removal)
        SELECT {old_columns}, n.recorded_from, n.recorded_by, n.recorded_via, false
        FROM old_rows AS o JOIN new_rows AS n USING (id)
        WHERE n.recorded_from > o.recorded_from;
    ELSE
        INSERT INTO {history} ({columns}, recorded_to, ended_by, ended_via, is_removal)
        SELECT {old_columns},
            greatest(clock_timestamp(), o.recorded_from + interval '1 microsecond'),
            history_actor(), history_via(), true
        FROM old_rows AS o;
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER {table}_stamp BEFORE UPDATE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {table}_stamp();
CREATE OR REPLACE TRIGGER {table}_keep_changed AFTER UPDATE ON {table}
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_keep();
CREATE OR REPLACE TRIGGER {table}_keep_removed AFTER DELETE ON {table}
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_keep();
CREATE OR REPLACE TRIGGER {table}_keep_truncated BEFORE TRUNCATE ON {table}
    EXECUTE FUNCTION history_is_emptied();
"""

_VIEW = """
CREATE OR REPLACE VIEW as_of.{table} AS
SELECT {columns} FROM {schema}.{table} WHERE recorded_from <= history_moment()
UNION ALL
SELECT {columns} FROM {schema}.{history}
WHERE recorded_from <= history_moment() AND recorded_to > history_moment()
"""

_DATED_VIEW = """
CREATE OR REPLACE VIEW as_of.{table} AS
SELECT {columns} FROM {schema}.{table} WHERE {known}
"""


@transaction.atomic
def keep_history() -> None:
    """Make whatever is missing for the declared tables; where nothing is, touch nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('history.keep_history'))")
        if _made(cursor) == _wanted(cursor):
            return
        cursor.execute(_COMMON)
        for kept in all_kept():
            _keep(cursor, kept)
        for dated in all_dated():
            _show_dated(cursor, dated)
        ensure_partitions(at=datetime.now(UTC))
        cursor.execute(f"COMMENT ON SCHEMA {SCHEMA} IS '{_wanted(cursor)}'")


def _made(cursor: CursorWrapper) -> str | None:
    """Return the mark that the last run left on the schema."""
    cursor.execute("SELECT obj_description(to_regnamespace(%s), 'pg_namespace')", [SCHEMA])
    (mark,) = cursor.fetchone()
    return mark


def _wanted(cursor: CursorWrapper) -> str:
    """Return a mark of everything that the triggers and views are made from."""
    declared: list[Kept | Dated] = [*all_kept(), *all_dated()]
    tables = {one.table: list(_columns(cursor, one.table).items()) for one in declared}
    texts = (_COMMON, _STAMPED, _HISTORY, _TRIGGERS, _VIEW, _DATED_VIEW)
    return sha256(repr((texts, declared, tables)).encode()).hexdigest()


def drop_views() -> None:
    """Before tables change: a view would forbid changing the columns that it shows."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")


def _keep(cursor: CursorWrapper, kept: Kept) -> None:
    table, history = kept.table, kept.history
    if "recorded_from" not in _columns(cursor, table):
        cursor.execute("SELECT clock_timestamp()::text")
        (now,) = cursor.fetchone()
        cursor.execute(_STAMPED.format(table=table, now=now))
    columns = _columns(cursor, table)
    remembered = _columns(cursor, history)
    if not remembered:
        cursor.execute(_HISTORY.format(table=table, history=history))
    else:
        for name in columns.keys() - remembered.keys():
            cursor.execute(f'ALTER TABLE {history} ADD COLUMN "{name}" {columns[name]}')
    for column in ("id", *kept.found_by):
        cursor.execute(
            f"CREATE INDEX IF NOT EXISTS {history}_by_{column}"
            f' ON {history} ("{column}", recorded_to)'
        )
    unseen = [name for name in columns if name in _UNSEEN]
    seen = [name for name in columns if name not in _UNSEEN]
    cursor.execute(
        _TRIGGERS.format(
            table=table,
            history=history,
            columns=_listed(columns),
            old_columns=_listed(columns, of="o."),
            as_it_was=" ".join(f"NEW.{name} := OLD.{name};" for name in unseen),
            unchanged=f"({_listed(seen, of='NEW.')}) IS NOT DISTINCT FROM"
            f" ({_listed(seen, of='OLD.')})",
        )
    )
    cursor.execute(
        _VIEW.format(table=table, history=history, columns=_listed(columns), schema=_schema(cursor))
    )


def _show_dated(cursor: CursorWrapper, dated: Dated) -> None:
    columns = _listed(_columns(cursor, dated.table))
    cursor.execute(
        _DATED_VIEW.format(
            table=dated.table, columns=columns, known=dated.known, schema=_schema(cursor)
        )
    )


def _columns(cursor: CursorWrapper, table: str) -> dict[str, str]:
    """Return the columns of a table, in order, and their types; none if there is no table."""
    cursor.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [table],
    )
    return dict(cursor.fetchall())


def _schema(cursor: CursorWrapper) -> str:
    cursor.execute("SELECT quote_ident(current_schema())")
    (schema,) = cursor.fetchone()
    return str(schema)


def _listed(columns: Sequence[str] | dict[str, str], *, of: str = "") -> str:
    return ", ".join(f'{of}"{name}"' for name in columns)
