"""
Making the demo operator, beside bare COPY of the very same rows into the very same tables.

The rows are read back from the tables in the order they were written, in COPY's binary format,
and written again: as many sessions, the same chunks, one transaction each, every index and
constraint in place. The two take turns; the ratio is the median of the rounds'.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg2
from django.db import connection
from django.utils import timezone
from psycopg2.extensions import connection as Session

from customers.demo.models import DemoOperator
from customers.demo.operator import Request, build
from customers.demo.structure import CHUNK_CUSTOMERS
from customers.models import Customer

ROUNDS = 3
_OF_CUSTOMER = "customer_id BETWEEN {0} AND {1}"
_OF_LINE = f"subscriber_id IN (SELECT id FROM customers_subscriber WHERE {_OF_CUSTOMER})"
_PARTIES = "(SELECT party_id FROM customers_customer WHERE id BETWEEN {0} AND {1})"
# Parents first.
TABLES = {
    "customers_party": f"id IN {_PARTIES}",
    "customers_customer": "id BETWEEN {0} AND {1}",
    "customers_partyidentification": f"party_id IN {_PARTIES}",
    "customers_contactmedium": f"party_id IN {_PARTIES}",
    "customers_searchkey": _OF_CUSTOMER,
    "customers_billingaccount": _OF_CUSTOMER,
    "customers_subscriber": _OF_CUSTOMER,
    "customers_payrelation": _OF_LINE,
    "customers_servicestop": _OF_LINE,
    "customers_subscriberstatusperiod": _OF_LINE,
    "customers_monthlyusage": _OF_CUSTOMER,
    "customers_bill": _OF_CUSTOMER,
    "customers_payment": _OF_CUSTOMER,
    "customers_interaction": _OF_CUSTOMER,
    "customers_consent": f"party_id IN {_PARTIES}",
    "customers_contactpreference": f"party_id IN {_PARTIES}",
}


def demo_operator(*, customers: int) -> dict[str, Any]:
    """Seconds to make the operator; the limit is the seconds of COPY alone."""
    if Customer.objects.exists():
        raise SystemExit("This measure empties the tables; it needs a database without customers.")
    workers = os.cpu_count() or 1
    made, bare, counts = [], [], []
    with tempfile.TemporaryDirectory() as place:
        for _round in range(ROUNDS):
            made.append(_timed(lambda: _make(customers, workers)))
            counts.append(_counts())
            folders = _read_back(Path(place))
            _empty()
            bare.append(_timed(lambda folders=folders: _write_again(folders, workers)))
            counts.append(_counts())
            _empty()
    if any(found != counts[0] for found in counts):
        raise SystemExit("The two sides did not write the same rows.")
    rows = sum(counts[0].values())
    return {
        "name": "demo_operator",
        "value": round(statistics.median(made), 2),
        "unit": "s",
        "limit": round(statistics.median(bare), 2),
        "ratio": round(statistics.median(a / b for a, b in zip(made, bare, strict=True)), 3),
        "customers": customers,
        "rows": rows,
        "rows_per_second": round(rows / statistics.median(made)),
        "rounds": [[round(a, 2), round(b, 2)] for a, b in zip(made, bare, strict=True)],
    }


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _make(customers: int, workers: int) -> None:
    until = timezone.localdate().replace(day=1)
    request = Request(customers=customers, months=12, seed=1, until=until)
    build(request, at=timezone.now(), workers=workers, say=lambda _sentence: None)


def _counts() -> dict[str, int]:
    with connection.cursor() as cursor:
        found = {}
        for table in TABLES:
            cursor.execute(f"SELECT count(*) FROM {table}")
            found[table] = cursor.fetchone()[0]
    return found


def _empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET crm.may_truncate = on")
        cursor.execute(f"TRUNCATE {', '.join([*TABLES, DemoOperator._meta.db_table])} CASCADE")


def _session() -> Session:
    return psycopg2.connect(**connection.get_connection_params() | {"cursor_factory": None})


def _read_back(place: Path) -> list[Path]:
    """Write the rows of each chunk into a folder of its own, a file a table."""
    operator = DemoOperator.objects.get()
    firsts = range(operator.first_customer_id, operator.last_customer_id + 1, CHUNK_CUSTOMERS)
    folders = []
    for first in firsts:
        folder = place / str(first)
        folder.mkdir(exist_ok=True)
        last = min(first + CHUNK_CUSTOMERS - 1, operator.last_customer_id)
        with connection.cursor() as cursor:
            for table, condition in TABLES.items():
                rows = f"SELECT * FROM {table} WHERE {condition.format(first, last)}"
                with (folder / table).open("wb") as file:
                    cursor.copy_expert(f"COPY ({rows}) TO STDOUT (FORMAT binary)", file)
        folders.append(folder)
    return folders


def _write_again(folders: list[Path], workers: int) -> None:
    sessions = [_session() for _ in range(workers)]
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(_copy_in, sessions, [folders[n::workers] for n in range(workers)]))
    for session in sessions:
        session.close()


def _copy_in(session: Session, folders: list[Path]) -> None:
    for folder in folders:
        with session, session.cursor() as cursor:
            for table in TABLES:
                with (folder / table).open("rb") as file:
                    cursor.copy_expert(f"COPY {table} FROM STDIN (FORMAT binary)", file, 1 << 20)
