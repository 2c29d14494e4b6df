from datetime import UTC, date, datetime

import pytest
from django.db import connection, transaction

from crm.platform import partitions
from crm.platform.audit.models import AccessRecord
from crm.platform.partitions import ensure_month, ensure_partitions, partitioned_tables
from crm.platform.records import ensure_months

pytestmark = pytest.mark.django_db
TABLE = AccessRecord._meta.db_table


def months_of(table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relid::regclass::text FROM pg_partition_tree(%s)", [table])
        return {name.removeprefix(f"{table}_") for (name,) in cursor.fetchall()} - {table}


def test_a_fresh_database_has_last_month_this_one_and_the_next_three():
    today = datetime.now(UTC).date()
    this, ahead = f"{today:%Y%m}", today.month + 3
    furthest = f"{today.year + (ahead - 1) // 12}{(ahead - 1) % 12 + 1:02}"

    for table in partitioned_tables():
        assert {this, furthest} <= months_of(table)
        assert len(months_of(table)) >= 5


def test_the_tables_are_found_in_the_catalogue():
    assert {"audit_accessrecord", "events_event", "customers_bill"} <= set(partitioned_tables())


@pytest.mark.parametrize(
    ("at", "months"),
    [
        (datetime(2031, 1, 31, 23, tzinfo=UTC), {"203012", "203101", "203102", "203103", "203104"}),
        (datetime(2031, 12, 1, tzinfo=UTC), {"203111", "203112", "203201", "203202", "203203"}),
    ],
)
def test_months_go_over_the_year(at, months):
    ensure_partitions(at=at)

    assert months <= months_of(TABLE)


def test_the_daily_round_makes_nothing_twice():
    at = datetime(2032, 5, 5, tzinfo=UTC)

    assert ensure_partitions(at=at)
    assert not ensure_partitions(at=at)


@pytest.mark.django_db(transaction=True)
def test_a_month_made_in_a_transaction_that_failed_is_made_again():
    at = datetime(2033, 6, 1, tzinfo=UTC)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        ensure_month(TABLE, at)
        raise ZeroDivisionError
    assert "203306" not in months_of(TABLE)

    ensure_month(TABLE, at)

    assert "203306" in months_of(TABLE)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {TABLE}_203306")
    partitions._present.clear()


def test_a_known_month_costs_no_query(django_assert_num_queries):
    now = datetime.now(UTC)

    with django_assert_num_queries(0):
        ensure_month(TABLE, now)


def test_a_new_month_has_the_indexes_and_triggers_of_the_others():
    (name,) = ensure_months(TABLE, first=date(2034, 1, 1), last=date(2034, 1, 31))

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE tablename = %s", [name])
        assert cursor.fetchone() == (4,)
        cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgrelid = %s::regclass", [name])
        assert cursor.fetchone() == (2,)
