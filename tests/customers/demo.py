"""What the tests of the demo operator share."""

import hashlib
import io
import json
from datetime import date

from django.core.management import call_command
from django.db import connection

UNTIL = date(2026, 11, 1)
CUSTOMERS = 1200
TABLES = [
    "customers_party", "customers_customer", "customers_partyidentification",
    "customers_contactmedium", "customers_searchkey", "customers_billingaccount",
    "customers_subscriber", "customers_payrelation", "customers_servicestop",
    "customers_subscriberstatusperiod", "customers_monthlyusage", "customers_bill",
    "customers_payment", "customers_interaction", "customers_consent",
    "customers_contactpreference",
]  # fmt: skip


def run(**options):
    answer = io.StringIO()
    given = {"customers": CUSTOMERS, "months": 12, "seed": 7, "until": UNTIL, "workers": 1}
    call_command("demo_operator", stdout=answer, stderr=io.StringIO(), **given | options)
    return json.loads(answer.getvalue())


def ask(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def count(sql, *values):
    return ask(f"SELECT count(*) FROM {sql}", *values)[0][0]


def empty():
    with connection.cursor() as cursor:
        others = ["demo_demooperator", "access_orgunit", "events_event", "events_delivery"]
        names = ", ".join([*TABLES, *others])
        cursor.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")


def fingerprint():
    """A hash of every row of every table; a sealed number and a moment are never the same twice."""
    hashed = hashlib.sha256()
    for table in TABLES:
        unlike = "'{number_encrypted,recorded_from,recorded_by,recorded_via}'::text[]"
        row = f"to_jsonb(t) - {unlike}"
        rows = f"SELECT ({row})::text AS row FROM {table} t"
        found = ask(f"SELECT md5(string_agg(row, '' ORDER BY row)) FROM ({rows}) r")
        hashed.update(repr(found).encode())
    return hashed.hexdigest()
