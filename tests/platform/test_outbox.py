import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from crm.platform.errors import DomainError
from crm.platform.events import handlers, tasks
from crm.platform.events.models import MAX_ATTEMPTS, Delivery, Event
from crm.platform.events.outbox import on, publish
from crm.platform.events.tasks import deliver, deliver_overdue, forget_done
from tests.factories import make_staff

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
NAME = "tests.thing.happened"


@pytest.fixture
def seen():
    return []


@pytest.fixture(autouse=True)
def handler(seen, monkeypatch):
    monkeypatch.setattr(handlers, "_handlers", type(handlers._handlers)(dict))

    @on(NAME)
    def note(event: Event) -> None:
        seen.append(event.data)

    return note


@contextmanager
def handler_instead(function):
    (key,) = handlers.keys_for(NAME)
    before, handlers._handlers[NAME][key] = handlers._handlers[NAME][key], function
    try:
        yield
    finally:
        handlers._handlers[NAME][key] = before


def happen(**data) -> Delivery:
    with transaction.atomic():
        publish(NAME, at=NOON, **data)
    return Delivery.objects.get()


def due(delivery: Delivery) -> None:
    past = timezone.now() - timedelta(minutes=1)
    Delivery.objects.filter(pk=delivery.pk).update(next_attempt_at=past, rung_at=past)


def test_an_event_says_what_who_and_when():
    clerk = make_staff("clerk")

    with transaction.atomic():
        publish(NAME, at=NOON, actor=clerk, customer_id=7)

    event = Event.objects.get()
    assert (event.name, event.occurred_at, event.actor, event.data) == (
        NAME,
        NOON,
        clerk,
        {"customer_id": 7},
    )


def test_its_handler_hears_of_it_once(seen):
    delivery = happen(customer_id=7)

    for _ in range(3):
        due(delivery)
        deliver(delivery_id=delivery.pk)

    delivery.refresh_from_db()
    assert seen == [{"customer_id": 7}]
    assert (delivery.attempts, delivery.done_at is None) == (1, False)


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nothing_can_be_published():
    with pytest.raises(RuntimeError, match="inside the transaction"):
        publish(NAME, at=NOON)


def test_what_did_not_commit_did_not_happen():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        publish(NAME, at=NOON)
        raise ZeroDivisionError

    assert not Event.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("field", ["phone", "id_number", "msisdn"])
def test_personal_data_stays_out(field):
    with pytest.raises(ValueError, match=field):
        publish(NAME, at=NOON, **{field: "13800138000"})


@pytest.mark.parametrize("value", [NOON, {1}, object(), b"x"])
def test_only_json_goes_in(value):
    with pytest.raises(TypeError):
        publish(NAME, at=NOON, value=value)


def test_a_lost_ring_is_made_up(seen):
    delivery = happen()  # on_commit never runs here: the broker lost it
    deliver_overdue()
    assert not seen  # nobody rings twice within seconds

    due(delivery)
    rung = rings_of(deliver_overdue)

    assert rung == [delivery.pk]
    assert rings_of(deliver_overdue) == []


def rings_of(task) -> list[int]:
    rung = []
    original, tasks.ring = tasks.ring, lambda _task, delivery_id: rung.append(delivery_id) or True
    try:
        task()
    finally:
        tasks.ring = original
    return rung


def test_a_failure_stays_owed_and_waits_longer_each_time(seen):
    delivery = happen()

    pauses = []
    with handler_instead(lambda event: 1 / 0):
        for _ in range(3):
            due(delivery)
            with pytest.raises(ZeroDivisionError):
                deliver(delivery_id=delivery.pk)
            delivery.refresh_from_db()
            pauses.append(round((delivery.next_attempt_at - timezone.now()).total_seconds()))

    assert pauses == [10, 20, 40]
    assert (delivery.attempts, delivery.done_at) == (3, None)
    assert delivery.failed_reason.startswith("ZeroDivisionError at tests/platform/test_outbox.py:")

    due(delivery)
    deliver(delivery_id=delivery.pk)
    assert seen == [{}]


def test_the_work_and_the_mark_commit_together(seen):
    delivery = happen()

    def half(event):
        make_staff(staff_code="half-done")
        raise DomainError("The hall is closed.")

    with handler_instead(half), pytest.raises(DomainError):
        deliver(delivery_id=delivery.pk)

    delivery.refresh_from_db()
    assert (delivery.done_at, delivery.failed_reason) == (None, "The hall is closed.")
    assert not type(make_staff()).objects.filter(staff_code="half-done").exists()


def test_after_ten_attempts_it_stops_and_stays_visible(caplog):
    delivery = happen()

    with handler_instead(lambda event: 1 / 0):
        for _ in range(MAX_ATTEMPTS):
            due(delivery)
            with pytest.raises(ZeroDivisionError):
                deliver(delivery_id=delivery.pk)
    due(delivery)
    deliver(delivery_id=delivery.pk)  # quiet: no eleventh attempt

    delivery.refresh_from_db()
    assert delivery.attempts == MAX_ATTEMPTS
    assert list(Delivery.objects.given_up()) == [delivery]
    assert rings_of(deliver_overdue) == []
    assert "given up" in caplog.text


def test_a_handler_this_release_does_not_have_is_a_failed_attempt():
    delivery = happen()
    Delivery.objects.update(handler="gone.away")

    with pytest.raises(LookupError):
        deliver(delivery_id=delivery.pk)

    delivery.refresh_from_db()
    assert (delivery.attempts, delivery.done_at) == (1, None)


def test_an_event_is_owed_to_a_handler_once():
    delivery = happen()
    delivery.pk = None
    with pytest.raises(IntegrityError, match="delivery_once_per_handler"), transaction.atomic():
        delivery.save(force_insert=True)


def test_deliveries_done_long_ago_are_forgotten_and_their_events_kept():
    delivery = happen()
    Delivery.objects.update(done_at=timezone.now() - timedelta(days=31))

    forget_done()

    assert not Delivery.objects.filter(pk=delivery.pk).exists()
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("locked", [True, False])
def test_two_workers_at_once_run_it_once(monkeypatch, locked):
    """The second parameter is the control: without the lock both run it."""
    monkeypatch.setattr(tasks, "FIRST_PAUSE", timedelta(seconds=-1))  # due again while it runs
    if not locked:
        queryset = type(Delivery.objects.all())
        monkeypatch.setattr(queryset, "select_for_update", lambda self, **_: self)
    delivery = happen()
    both, runs = threading.Barrier(2), []

    def slow(event):
        runs.append(event.id)
        wait(both)

    def attempt(_):
        try:
            deliver(delivery_id=delivery.pk)
        finally:
            connection.close()

    with handler_instead(slow), ThreadPoolExecutor(2) as pool:
        list(pool.map(attempt, range(2)))

    assert len(runs) == (1 if locked else 2)


def wait(barrier: threading.Barrier) -> None:
    """Wait for the other worker, or a second for one that never comes."""
    try:
        barrier.wait(timeout=1)
    except threading.BrokenBarrierError:
        return
