"""The past is what it was: whoever changed it since, and by whatever road."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.platform.access.models import Staff
from crm.platform.history.attribution import attributed
from crm.platform.history.keeping import keep_history
from crm.platform.history.past import as_of
from customers.models import BillingAccount, ContactMedium, Customer, Interaction, Subscriber
from tests.factories import make_account, make_customer, make_staff, make_subscriber

pytestmark = pytest.mark.django_db


def clock() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    return now


def rows_of(table: str, **where: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        condition = " AND ".join(f"{name} = %s" for name in where) or "true"
        cursor.execute(f"SELECT * FROM {table} WHERE {condition}", list(where.values()))
        return cursor.fetchall()


def medium(customer: Customer, value: str) -> ContactMedium:
    return ContactMedium.objects.create(
        party=customer.party, kind="EMAIL", value=value, starts_at=clock()
    )


def test_a_changed_row_is_seen_as_it_was_and_as_it_is():
    customer = make_customer()
    before = clock()
    Customer.objects.filter(pk=customer.pk).update(status="DORMANT")

    with as_of(before):
        assert Customer.objects.get(pk=customer.pk).status == "ACTIVE"
    with as_of(clock()):
        assert Customer.objects.get(pk=customer.pk).status == "DORMANT"
    assert Customer.objects.get(pk=customer.pk).status == "DORMANT"


def test_what_was_not_there_yet_is_not_seen_and_what_was_deleted_is():
    customer = make_customer()
    before = clock()
    mail = medium(customer, "a@example.com")
    between = clock()
    mail.delete()

    seen = []
    for moment in (before, between, clock()):
        with as_of(moment):
            seen.append(customer.party.media.count())

    assert seen == [0, 1, 0]


def test_joins_see_one_moment():
    customer = make_customer(name="王小明")
    make_subscriber(customer=customer, plan_name="Old")
    before = clock()
    customer.party.name = "王大明"
    customer.party.save()
    customer.subscribers.update(plan_name="New")

    with as_of(before):
        found = Subscriber.objects.select_related("customer__party").get(customer=customer)
        assert (found.plan_name, found.customer.party.name) == ("Old", "王小明")


def test_a_change_of_a_million_is_kept_by_one_statement():
    customer = make_customer()
    accounts = [make_account(customer=customer) for _ in range(5)]
    before = clock()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE customers_billingaccount SET balance_fen = -100")

    with as_of(before):
        balances = BillingAccount.objects.filter(customer=customer).values_list("balance_fen")
        assert [fen for (fen,) in balances] == [0] * len(accounts)


def test_writing_what_is_there_already_is_no_change():
    customer = make_customer()
    customer.save()
    Customer.objects.filter(pk=customer.pk).update(status=customer.status)

    assert rows_of("customers_customer_history", id=customer.pk) == []


def test_a_version_says_who_made_it_and_who_ended_it():
    clerk, boss = make_staff("clerk"), make_staff("manager")
    customer = make_customer()
    with attributed(actor_id=clerk.pk, via="request 1"):
        mail = medium(customer, "a@example.com")
    with attributed(actor_id=boss.pk, via="request 2"):
        mail.delete()

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT recorded_by, recorded_via, ended_by, ended_via, is_removal"
            " FROM customers_contactmedium_history WHERE party_id = %s",
            [customer.party_id],
        )
        assert cursor.fetchall() == [(clerk.pk, "request 1", boss.pk, "request 2", True)]


@pytest.mark.parametrize("kind", [Customer, Interaction, Staff])
def test_nothing_can_be_written_while_the_past_is_looked_at(kind):
    make_staff()
    make_customer()

    with (
        pytest.raises(DatabaseError, match=r"read-only|cannot delete"),
        transaction.atomic(),
        as_of(clock()),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"DELETE FROM {kind._meta.db_table}")


def test_after_a_look_at_the_past_the_present_is_back():
    customer = make_customer()
    before = clock() - timedelta(days=1)
    with as_of(before):
        assert not Customer.objects.exists()

    customer.status = "LOST"
    customer.save()

    assert Customer.objects.get().status == "LOST"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE customers_customer_history SET status = 'LOST'",
        "DELETE FROM customers_customer_history",
        "SET crm.may_truncate = off; TRUNCATE customers_customer_history",
        "SET crm.may_truncate = off; TRUNCATE customers_customer CASCADE",
        "UPDATE customers_customer SET id = id + 1000000",
    ],
)
def test_the_database_refuses_to_forget(statement):
    customer = make_customer()
    Customer.objects.filter(pk=customer.pk).update(status="DORMANT")

    with (
        pytest.raises(DatabaseError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_making_it_again_touches_nothing():
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin FROM pg_proc WHERE proname = 'customers_customer_keep'")
        before = cursor.fetchall()
        keep_history()
        cursor.execute("SELECT xmin FROM pg_proc WHERE proname = 'customers_customer_keep'")
        assert cursor.fetchall() == before


def test_a_column_that_came_later_is_remembered_from_then_on():
    customer = make_customer()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP SCHEMA as_of CASCADE")
        cursor.execute("ALTER TABLE customers_customer ADD COLUMN shoe_size int DEFAULT 42")
        keep_history()
        moment = clock()
        cursor.execute("UPDATE customers_customer SET shoe_size = 43")
        with as_of(moment):
            cursor.execute("SELECT shoe_size FROM customers_customer")
            assert cursor.fetchall() == [(42,)]
    assert Customer.objects.filter(pk=customer.pk).exists()


EDITS = st.sampled_from(["save", "update", "raw", "add", "remove", "nothing", "attempt"])


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(edits=st.lists(st.tuples(EDITS, st.integers(0, 9)), min_size=1, max_size=25))
def test_any_history_of_edits_can_be_looked_back_on(edits):
    with transaction.atomic():
        customer = make_customer()
        account = make_account(customer=customer)
        seen = [(clock(), _all(customer))]
        for kind, number in edits:
            _edit(kind, number, customer, account)
            seen.append((clock(), _all(customer)))

        for moment, then in seen:
            with as_of(moment):
                assert _all(customer) == then
        transaction.set_rollback(True)


def _all(customer: Customer) -> list[list[tuple[Any, ...]]]:
    return [
        sorted(rows_of("customers_customer", id=customer.pk)),
        sorted(rows_of("customers_billingaccount", customer_id=customer.pk), key=lambda r: r[0]),
        sorted(rows_of("customers_contactmedium", party_id=customer.party_id)),
    ]


def _edit(kind: str, number: int, customer: Customer, account: BillingAccount) -> None:
    values = {"app": number, "counter": number}
    if kind == "save":
        account.refresh_from_db()
        account.balance_fen, account.characteristics = number, values
        account.save()
    elif kind == "update":
        Customer.objects.filter(pk=customer.pk).update(characteristics=values)
    elif kind == "raw":
        with connection.cursor() as cursor:
            cursor.execute("UPDATE customers_billingaccount SET cycle_day = %s", [number + 1])
    elif kind == "add":
        ContactMedium.objects.get_or_create(
            party=customer.party,
            kind="EMAIL",
            value=f"{number}@example.com",
            defaults={"starts_at": clock()},
        )
    elif kind == "remove":
        for one in customer.party.media.order_by("id")[:number]:
            one.delete()
    elif kind == "attempt":
        with transaction.atomic():
            account.balance_fen = 10**6
            account.save()
            transaction.set_rollback(True)
