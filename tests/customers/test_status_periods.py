"""Status periods of a line never overlap: whatever is written, however, by however many."""

import threading
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.models import Subscriber, SubscriberStatusPeriod
from tests.factories import make_subscriber

START = datetime(2026, 1, 1, tzinfo=UTC)
TABLE = "customers_subscriberstatusperiod"
migration = import_module("customers.migrations.0005_status_periods_form_a_chain")
hours = st.integers(0, 12)
writes = st.one_of(
    st.tuples(st.just("insert"), hours, st.none() | hours),
    st.tuples(st.just("end"), hours, st.none() | hours),
    st.tuples(st.just("begin"), hours, hours),
    st.tuples(st.just("delete"), hours),
)


def at(hour: int | None) -> datetime | None:
    return None if hour is None else START + timedelta(hours=hour)


def write(line: Subscriber, kind: str, hour: int, other: int | None = None) -> None:
    """Write one thing in plain SQL, and have every constraint checked."""
    statement, values = {
        "insert": (
            f"INSERT INTO {TABLE} (subscriber_id, status, reason, starts_at, ends_at)"
            " VALUES (%s, 'ACTIVE', '', %s, %s)",
            [line.pk, at(hour), at(other)],
        ),
        "end": (
            f"UPDATE {TABLE} SET ends_at = %s WHERE subscriber_id = %s AND starts_at = %s",
            [at(other), line.pk, at(hour)],
        ),
        "begin": (
            f"UPDATE {TABLE} SET starts_at = %s WHERE subscriber_id = %s AND starts_at = %s",
            [at(other), line.pk, at(hour)],
        ),
        "delete": (
            f"DELETE FROM {TABLE} WHERE subscriber_id = %s AND starts_at = %s",
            [line.pk, at(hour)],
        ),
    }[kind]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def periods(line: Subscriber) -> list[tuple[datetime, datetime | None]]:
    return list(line.status_periods.order_by("starts_at").values_list("starts_at", "ends_at"))


def overlap(one: tuple[datetime, datetime | None], other: tuple[datetime, datetime | None]) -> bool:
    return (other[1] is None or one[0] < other[1]) and (one[1] is None or other[0] < one[1])


@pytest.mark.django_db
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(writes, max_size=8))
def test_whatever_is_written_they_never_overlap_and_what_fits_is_taken(done):
    line = make_subscriber()
    SubscriberStatusPeriod.objects.filter(subscriber=line).delete()
    for one in done:
        before = periods(line)
        try:
            write(line, *one)
            refused = False
        except IntegrityError:
            refused = True
        after = periods(line)
        assert not any(map(overlap, after, after[1:]))
        if one[0] == "insert":
            new = (at(one[1]), at(one[2]))
            fits = (new[1] is None or new[0] < new[1]) and not any(
                overlap(new, known) for known in before
            )
            assert refused == (not fits)


@pytest.mark.django_db
def test_the_end_of_a_period_moves_only_as_far_as_the_next_begins():
    line = make_subscriber()
    SubscriberStatusPeriod.objects.filter(subscriber=line).delete()
    for hours_of_one in ((0, 2), (4, 6), (6, None)):
        write(line, "insert", *hours_of_one)

    write(line, "end", 0, 4)
    write(line, "end", 0, 1)
    with pytest.raises(IntegrityError, match="statusperiod_do_not_overlap"):
        write(line, "end", 0, 5)
    with pytest.raises(IntegrityError):
        write(line, "end", 0, None)
    with pytest.raises(IntegrityError, match="statusperiod_do_not_overlap"):
        write(line, "begin", 6, 5)
    assert periods(line) == [(at(0), at(1)), (at(4), at(6)), (at(6), None)]


@pytest.mark.django_db
@pytest.mark.parametrize("forged", ["NULL", "starts_at - interval '1 hour'", "ends_at"])
def test_the_chain_cannot_be_forged(forged):
    line = make_subscriber()
    SubscriberStatusPeriod.objects.filter(subscriber=line).delete()
    write(line, "insert", 0, 2)
    write(line, "insert", 2, 4)

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {TABLE} SET previous_ends_at = {forged}, starts_at = %s"
            " WHERE subscriber_id = %s AND starts_at = %s",
            [at(1), line.pk, at(2)],
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ"])
def test_of_many_at_once_one_wins(level):
    line = make_subscriber()
    SubscriberStatusPeriod.objects.filter(subscriber=line).update(
        starts_at=at(0), ends_at=at(1), status="ACTIVE"
    )
    together = threading.Barrier(4)
    outcomes: list[str] = []

    def add(hour: int) -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
                cursor.execute("SELECT count(*) FROM customers_subscriberstatusperiod")
                together.wait(timeout=30)
                cursor.execute(
                    f"INSERT INTO {TABLE} (subscriber_id, status, reason, starts_at)"
                    " VALUES (%s, 'ACTIVE', '', %s)",
                    [line.pk, at(hour)],
                )
            outcomes.append("taken")
        except IntegrityError:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=add, args=(hour,)) for hour in (1, 2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["refused", "refused", "refused", "taken"]
    assert len(periods(line)) == 2


@pytest.mark.django_db(transaction=True)
def test_an_end_that_moves_while_another_follows_it_leaves_no_overlap():
    line = make_subscriber()
    SubscriberStatusPeriod.objects.filter(subscriber=line).update(
        starts_at=at(0), ends_at=at(1), status="ACTIVE"
    )
    inserted, moved = threading.Event(), threading.Event()

    def follow() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(
                    f"INSERT INTO {TABLE} (subscriber_id, status, reason, starts_at)"
                    " VALUES (%s, 'SUSPENDED', '', %s)",
                    [line.pk, at(2)],
                )
                inserted.set()
                moved.wait(timeout=30)
        except IntegrityError:
            pass
        finally:
            connection.close()

    thread = threading.Thread(target=follow)
    thread.start()
    inserted.wait(timeout=30)
    try:
        write(line, "end", 0, 5)
    finally:
        moved.set()
        thread.join()

    assert periods(line) == [(at(0), at(5))]


@pytest.mark.django_db
def test_periods_from_before_are_chained_by_the_migration():
    line, other = make_subscriber(), make_subscriber()
    SubscriberStatusPeriod.objects.filter(subscriber=line).delete()
    for hours_of_one in ((4, None), (0, 2), (2, 3)):
        write(line, "insert", *hours_of_one)
    chained = f"SELECT id, previous_ends_at FROM {TABLE} ORDER BY id"
    with connection.cursor() as cursor:
        cursor.execute(chained)
        before = cursor.fetchall()
        for name in ("do_not_overlap", "follows_another"):
            cursor.execute(f"ALTER TABLE {TABLE} DROP CONSTRAINT statusperiod_{name}")
        cursor.execute(f"UPDATE {TABLE} SET previous_ends_at = NULL")
        cursor.execute(migration._FILL)
        cursor.execute(chained)
        assert cursor.fetchall() == before
    assert periods(other)
