"""
Importing a file, beside bare COPY of the very same rows into the very same tables.

The file is in the order in which a billing system writes: by month and number. The product
reads, checks, resolves, applies and counts it; the limit is COPY alone, with every
index and constraint in place, in one session. The two take turns; the ratio is the median of
the rounds', below 1 where the product was the faster one.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from crm.platform.access.models import OrgLevel, OrgUnit
from crm.platform.feeds.models import Batch
from crm.platform.feeds.services import import_file

ROUNDS = 3
ROWS_PER_CUSTOMER = 10
_SURNAMES, _GIVEN = "王李张刘陈杨赵黄周吴", "伟芳娜敏静丽强磊军洋勇艳杰涛明超霞平刚桂"
_OPENED = "2024-01-01"
# Table → the order in which the file brought its rows. Parents first.
CUSTOMER_TABLES = {
    "customers_party": "id",
    "customers_customer": "id",
    "customers_partyidentification": "id",
    "customers_contactmedium": "id",
    "customers_billingaccount": "id",
    "customers_subscriber": "id",
    "customers_subscriberstatusperiod": "id",
    "customers_payrelation": "id",
    "customers_searchkey": "customer_id, key",
}


def import_customers(*, customers: int) -> dict[str, Any]:
    """Seconds to import as many customers, each with document, phone, account and line."""
    _make_org()
    lines = [
        "customer_number,name,id_kind,id_number,phone,opened_on,account_number,"
        "subscriber_number,service_number,monthly_fee_fen"
    ]
    for n in range(customers):
        name = _SURNAMES[n % 10] + _GIVEN[n // 10 % 20] + _GIVEN[n // 200 % 20]
        lines.append(
            f"C{n:09},{name},PASSPORT,E{n:08},139{n:08},{_OPENED},A{n:09},S{n:09},138{n:08},5800"
        )
    return _measured("import_customers", "customers", lines, CUSTOMER_TABLES, customers)


def import_usage(*, customers: int) -> dict[str, Any]:
    """Seconds to import ten months of usage of so many customers."""
    _make_customers(customers)
    lines = [
        "month,subscriber_number,voice_out_seconds,voice_in_seconds,sms_count,data_kb,"
        "roaming_kb,night_data_kb,dropped_calls"
    ]
    lines += [
        f"2026-{month:02},S{n:09},{n * 7 % 9999},{n * 3 % 8888},{n % 100},{n * 31 % 9999999},"
        f"0,{n % 777},{n % 3}"
        for month in range(1, ROWS_PER_CUSTOMER + 1)
        for n in range(customers)
    ]
    tables = {"customers_monthlyusage": "month, subscriber_id"}
    return _measured("import_usage", "usage", lines, tables, customers)


def import_bills(*, customers: int) -> dict[str, Any]:
    """Seconds to import ten months of bills, with their items, of so many customers."""
    _make_customers(customers)
    lines = ["month,bill_number,account_number,amount_fen,paid_fen,due_on,items"]
    lines += [
        f"2026-{month:02},B{month:02}{n:09},A{n:09},{5000 + n % 900},{5000 + n % 900},"
        f"2026-{month + 1:02}-25,monthly=5000;data={n % 900}"
        for month in range(1, ROWS_PER_CUSTOMER + 1)
        for n in range(customers)
    ]
    tables = {"customers_bill": "month, account_id"}
    return _measured("import_bills", "bills", lines, tables, customers)


def import_payments(*, customers: int) -> dict[str, Any]:
    """Seconds to import ten months of payments of so many customers."""
    _make_customers(customers)
    lines = ["payment_number,paid_at,account_number,amount_fen,channel"]
    lines += [
        f"P{month:02}{n:09},2026-{month:02}-{1 + n * 27 // customers:02} 1{n % 10}:00:00,A{n:09},"
        f"{5000 + n % 900},APP"
        for month in range(1, ROWS_PER_CUSTOMER + 1)
        for n in range(customers)
    ]
    tables = {"customers_payment": "date_trunc('day', paid_at), number"}
    return _measured("import_payments", "payments", lines, tables, customers)


def _measured(
    name: str, feed: str, lines: Sequence[str], tables: dict[str, str], customers: int
) -> dict[str, Any]:
    rows = len(lines) - 1
    took: list[float] = []
    bare: list[float] = []
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / f"{feed}.csv"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        for _round in range(ROUNDS):
            took.append(_timed(lambda: _import(feed, path, rows)))
            counts = _dump(tables, Path(place))
            _empty(tables)
            bare.append(_timed(lambda: _copy(tables, Path(place))))
            assert _counts(tables) == counts
            _empty(tables)
    seconds = statistics.median(took)
    return {
        "name": name,
        "value": round(seconds, 3),
        "unit": "s",
        "limit": round(statistics.median(bare), 3),
        "ratio": round(statistics.median(p / b for p, b in zip(took, bare, strict=True)), 3),
        "customers": customers,
        "rows": rows,
        "rows_per_second": round(rows / seconds),
        "rounds": [[round(p, 2), round(b, 2)] for p, b in zip(took, bare, strict=True)],
    }


def _import(feed: str, path: Path, rows: int) -> None:
    batch = import_file(
        feed=feed,
        path=path,
        actor=None,
        at=timezone.now(),
        progress=lambda _done, _total, _message: None,
    )
    assert (batch.rows, batch.created) == (rows, rows), batch


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _dump(tables: dict[str, str], place: Path) -> list[int]:
    with connection.cursor() as cursor:
        for table, order in tables.items():
            with (place / table).open("wb") as file:
                query = f"SELECT * FROM {table} ORDER BY {order}"
                cursor.copy_expert(f"COPY ({query}) TO STDOUT", file)
    return _counts(tables)


def _copy(tables: dict[str, str], place: Path) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for table in tables:
            with (place / table).open("rb") as file:
                cursor.copy_expert(f"COPY {table} FROM STDIN", file, 1 << 20)


def _empty(tables: dict[str, str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET crm.may_truncate = on")
        cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
    Batch.objects.update(duplicate_of=None, sha256="")  # the next round is no second delivery


def _counts(tables: dict[str, str]) -> list[int]:
    counts = []
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {table}")
            counts.append(cursor.fetchone()[0])
    return counts


def _make_org() -> None:
    OrgUnit.objects.create(code="P", name="Province", level=OrgLevel.PROVINCE)


def _make_customers(customers: int) -> None:
    """So many customers with an account and a line each, written by the database itself."""
    _make_org()
    series = f"generate_series(0, {customers - 1:d}) AS n"
    number = "lpad(n::text, 9, '0')"
    own = "substr(c.number, 2)"
    stamps = "created_at, updated_at"
    with connection.cursor() as cursor:
        for statement in (
            f"INSERT INTO customers_party (id, kind, name, sort_key, sex, industry,"
            f" legal_representative, {stamps}) OVERRIDING SYSTEM VALUE"
            f" SELECT n + 1, 'INDIVIDUAL', {number}, {number}, '', '', '', now(), now()"
            f" FROM {series}",
            f"INSERT INTO customers_customer (number, party_id, category, status, star,"
            f" home_org_id, opened_on, source, characteristics, {stamps})"
            f" SELECT 'C' || {number}, n + 1, 'PUBLIC', 'ACTIVE', 0,"
            f" (SELECT min(id) FROM access_orgunit), '{_OPENED}', 'bench', '{{}}', now(), now()"
            f" FROM {series}",
            f"INSERT INTO customers_billingaccount (number, customer_id, pay_type, pay_method,"
            f" cycle_day, status, credit_limit_fen, balance_fen, billed_total_fen, opened_on,"
            f" source, characteristics, {stamps}) SELECT 'A' || {own}, c.id, 'POSTPAID', '', 1,"
            f" 'ACTIVE', 0, 0, 0, '{_OPENED}', 'bench', '{{}}', now(), now()"
            f" FROM customers_customer AS c ORDER BY c.id",
            f"INSERT INTO customers_subscriber (number, customer_id, service_number, product,"
            f" plan_code, plan_name, monthly_fee_fen, opened_on, status, end_reason, source,"
            f" characteristics, {stamps}) SELECT 'S' || {own}, c.id, '13' || {own}, 'mobile', '',"
            f" '', 0, '{_OPENED}', 'ACTIVE', '', 'bench', '{{}}', now(), now()"
            f" FROM customers_customer AS c ORDER BY c.id",
        ):
            cursor.execute(statement)
        cursor.execute("VACUUM ANALYZE")
