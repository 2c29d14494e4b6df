"""Two real connections: a withdrawal that has committed stops the very next send."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event as Flag

import pytest
from django.db import connection, transaction

from customers.models import Customer
from customers.selectors import contact_verdicts
from customers.services import Proof, give_consent, withdraw_consent
from tests.factories import make_customer

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 11, 2, 4, tzinfo=UTC)
SOON = timedelta(seconds=30).total_seconds()


@pytest.fixture
def wang() -> Customer:
    customer = make_customer()
    give_consent(
        customer_id=customer.pk, purpose="MARKETING", channels=["SMS"],
        proof=Proof("PAPER", "Form 17"), actor=None, at=NOON,
    )  # fmt: skip
    return customer


@pytest.fixture
def elsewhere() -> Iterator[Callable[..., Future]]:
    """Run something on a connection of its own."""

    def ended(work: Callable[[], object]) -> object:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        yield lambda work: pool.submit(ended, work)


def withdraw(customer: Customer) -> None:
    withdraw_consent(
        customer_id=customer.pk, purpose="MARKETING", proof=Proof("SMS", "TD"), actor=None,
        at=NOON + timedelta(hours=1),
    )  # fmt: skip


def may_send(customer: Customer, *, hold: bool = False) -> bool:
    found = contact_verdicts(
        customer_ids=[customer.pk], purpose="MARKETING", channel="SMS", at=NOON, hold=hold
    )
    return found[customer.pk].allowed


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction sees its first look only
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])


def wait_until_somebody_waits() -> None:
    end = datetime.now(UTC) + timedelta(seconds=SOON)
    while not waits_for_a_lock():
        assert datetime.now(UTC) < end, "nobody waits for anybody"


def test_a_sender_whose_transaction_began_before_sees_it(wang, elsewhere):
    with transaction.atomic():
        assert may_send(wang)

        elsewhere(lambda: withdraw(wang)).result(SOON)

        assert not may_send(wang)


def test_a_sender_that_holds_the_customers_waits_for_one_that_is_being_written(wang, elsewhere):
    locked, may_commit = Flag(), Flag()

    def slowly() -> None:
        with transaction.atomic():
            withdraw(wang)
            locked.set()
            assert may_commit.wait(SOON)

    writing = elsewhere(slowly)
    assert locked.wait(SOON)
    with ThreadPoolExecutor(1) as pool:

        def send() -> bool:
            try:
                with transaction.atomic():
                    return may_send(wang, hold=True)
            finally:
                connection.close()

        sending = pool.submit(send)
        wait_until_somebody_waits()
        assert not sending.done()
        may_commit.set()
        writing.result(SOON)
        assert sending.result(SOON) is False


def test_a_withdrawal_waits_for_the_sends_that_are_being_claimed(wang, elsewhere):
    with transaction.atomic():
        assert may_send(wang, hold=True)
        withdrawing = elsewhere(lambda: withdraw(wang))
        wait_until_somebody_waits()
        assert not withdrawing.done()
        assert may_send(wang)  # what was decided holds until the claim is written

    withdrawing.result(SOON)
    assert not may_send(wang)


def test_two_senders_do_not_wait_for_each_other(wang, elsewhere):
    def hold() -> bool:
        with transaction.atomic():
            return may_send(wang, hold=True)

    with transaction.atomic():
        assert may_send(wang, hold=True)
        assert elsewhere(hold).result(SOON)


def test_the_claiming_statement_may_ask_by_itself(wang, elsewhere):
    def claims() -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE customers_customer SET star = 1 WHERE id = %s AND"
                " customers_contact_verdict(party_id, 'MARKETING', 'SMS', %s, 'Asia/Shanghai')"
                " = 'allowed'",
                [wang.pk, NOON],
            )
            return cursor.rowcount

    with transaction.atomic():
        assert claims() == 1
        elsewhere(lambda: withdraw(wang)).result(SOON)
        assert claims() == 0


def test_customers_are_held_in_a_transaction_only(wang):
    with pytest.raises(RuntimeError, match="transaction"):
        may_send(wang, hold=True)
