"""What the tests of merging share."""

import json
from datetime import UTC, date, datetime, timedelta

from django.db import connection

from crm.platform.records import ensure_months
from customers.identity import encrypt_number, hash_number
from customers.merging.moves import all_moves
from customers.models import (
    Bill,
    ContactMedium,
    Interaction,
    MonthlyUsage,
    PartyIdentification,
    Payment,
)
from tests.factories import make_account, make_customer, make_subscriber

NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)
LATER = NOON + timedelta(days=3)
MARCH = date(2026, 3, 1)
_STAMPS = {"created_at", "updated_at", "recorded_from", "recorded_by", "recorded_via"}


def make_months():
    for table in (
        "customers_bill",
        "customers_payment",
        "customers_monthlyusage",
        "customers_interaction",
        "customers_churnscore",
    ):
        ensure_months(table, first=MARCH, last=MARCH)


def make_full(*, home_org=None, name="王小明", number="320102199001011234", **given):
    """A customer with something in every table."""
    customer = make_customer(home_org=home_org, name=name, **given)
    account = make_account(customer=customer)
    line = make_subscriber(customer=customer, account=account)
    add_document(customer, number)
    add_medium(customer, line.service_number)
    add_contact(customer)
    add_contact(customer, line)
    add_bill(account)
    paid = Payment.objects.create(
        paid_at=NOON, number=f"P{line.number}", account_id=account.pk,
        customer_id=customer.pk, amount_fen=100,
    )  # fmt: skip
    assert paid.pk
    MonthlyUsage.objects.create(month=MARCH, subscriber_id=line.pk, customer_id=customer.pk)
    return customer


def add_document(customer, number, *, verified_at=None, kind="ID_CARD"):
    return PartyIdentification.objects.create(
        party=customer.party,
        kind=kind,
        number_encrypted=encrypt_number(number),
        number_hash=hash_number(kind, number),
        number_masked=f"{number[:6]}********{number[-4:]}",
        verified_at=verified_at,
        verified_by="reader" if verified_at else "",
    )


def add_medium(customer, value, *, kind="PHONE"):
    return ContactMedium.objects.create(
        party=customer.party, kind=kind, value=value, starts_at=NOON - timedelta(days=9)
    )


def add_contact(customer, line=None):
    return Interaction.objects.create(
        started_at=NOON,
        customer_id=customer.pk,
        subscriber_id=line.pk if line else None,
        channel="CALL",
        purpose="ENQUIRY",
    )


def add_bill(account, number="1"):
    return Bill.objects.create(
        month=MARCH, account_id=account.pk, number=number, customer_id=account.customer_id,
        amount_fen=100, due_on=MARCH, items={"plan": 100},
    )  # fmt: skip


def snapshot():
    """Every row that a merge can touch, without its stamps."""
    tables = [*(moves.table for moves in all_moves()), "customers_customer", "customers_party"]
    found = {}
    with connection.cursor() as cursor:
        for table in [*tables, "customers_searchkey"]:
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} AS t")
            rows = [json.loads(text) for (text,) in cursor.fetchall()]
            for row in rows:
                for stamp in _STAMPS & row.keys():
                    del row[stamp]
            found[table] = sorted(repr(sorted(row.items())) for row in rows)
    return found
