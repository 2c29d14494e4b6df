"""Months in which nothing is loaded yet are filled without comparing; nothing else changes."""

from datetime import date

import pytest

from crm.platform.feeds.definition import feed_named
from crm.platform.feeds.models import BatchChunk
from crm.platform.feeds.undo import undo_batch
from crm.platform.records import latest_time
from customers.models import Bill, MonthlyUsage, Payment
from tests.feeds.files import NOON, codes, counts, imported, written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("operator")]
USAGE = "month,subscriber_number,data_kb,version"
PAYMENTS = "payment_number,paid_at,account_number,amount_fen"


@pytest.mark.parametrize("chunk_rows", [1, 2, 3, 250_000])
def test_a_key_that_comes_again_is_compared_however_the_file_is_cut(tmp_path, settings, chunk_rows):
    settings.FEED_CHUNK_ROWS = chunk_rows
    path = written(
        tmp_path / "usage.csv",
        USAGE,
        "2026-09,S1,100,1",
        "2026-09,S2,200,1",
        "2026-09,S9,1,1",
        "2026-09,S1,100,1",
        "2026-09,S1,300,2",
        "2026-09,S2,201,1",
        "2026-09,S4,400,1",
    )

    batch = imported("usage", path)

    assert counts(batch) == (7, 3, 1, 1, 2)
    assert codes(batch) == {4: "unknown_subscriber", 7: "same_version_differs"}
    assert sorted(MonthlyUsage.objects.values_list("data_kb", flat=True)) == [200, 300, 400]

    undone = undo_batch(batch_id=batch.pk, actor=None, at=NOON)

    assert not MonthlyUsage.objects.exists()
    assert undone.kept_because_changed == 0


def test_rejected_rows_of_a_key_do_not_stand_before_the_right_one(tmp_path):
    path = written(
        tmp_path / "bills.csv",
        "month,bill_number,account_number,amount_fen,items",
        "2026-09,B1,A1,100,a=1",
        "2026-09,B1,A1,100,a=100",
        "2026-09,B1,A1,100,a=2",
    )

    batch = imported("bills", path)

    assert counts(batch) == (3, 1, 0, 0, 2)
    assert Bill.objects.get().items == {"a": 100}


def test_a_chunk_that_meets_somebody_elses_row_after_all_is_done_again(tmp_path):
    batches = []

    def meanwhile(_done, _total, message):
        if message == "Applying" and not batches:
            other = written(tmp_path / "other.csv", USAGE, "2026-09,S1,50,1")
            batches.append(None)
            batches[0] = imported("usage", other)

    path = written(tmp_path / "usage.csv", USAGE, "2026-09,S1,100,2", "2026-09,S2,200,1")

    batch = imported("usage", path, progress=meanwhile)

    assert counts(batch) == (2, 2, 0, 0, 0)  # the other one's transaction was part of ours
    assert BatchChunk.objects.filter(batch=batch).count() == 1
    assert sorted(MonthlyUsage.objects.values_list("data_kb", flat=True)) == [100, 200]


def test_a_payment_is_known_whatever_month_it_is_in(tmp_path):
    imported("payments", written(tmp_path / "a.csv", PAYMENTS, "P1,2026-08-01 10:00:00,A1,500"))

    batch = imported(
        "payments",
        written(
            tmp_path / "b.csv",
            PAYMENTS,
            "P1,2026-09-01 10:00:00,A1,500",
            "P2,2026-09-01 10:00:00,A1,500",
            "P2,2026-10-01 10:00:00,A1,500",
        ),
    )

    assert codes(batch) == {2: "payment_elsewhere", 4: "payment_elsewhere"}
    assert set(Payment.objects.values_list("number", flat=True)) == {"P1", "P2"}


def test_the_latest_time_is_found_in_the_last_month_that_has_rows(tmp_path):
    assert latest_time("customers_monthlyusage", "month") is None
    rows = ("2026-07,S1,1,1", "2026-09,S1,1,1", "2026-10,S1,1,1")
    imported("usage", written(tmp_path / "usage.csv", USAGE, *rows))
    MonthlyUsage.objects.filter(month="2026-10-01").delete()

    assert latest_time("customers_monthlyusage", "month") == date(2026, 9, 1)


def test_a_night_of_the_operators_month_before_is_late_in_a_table_without_its_rows(tmp_path):
    imported("payments", written(tmp_path / "a.csv", PAYMENTS, "P1,2026-10-01 00:30:00,A1,500"))
    rows = ("P2,2026-10-01 07:00:00,A1,500", "P3,2026-09-30 23:30:00,A1,500")

    batch = imported("payments", written(tmp_path / "b.csv", PAYMENTS, *rows))

    assert (batch.created, batch.late) == (2, 1)


def test_a_large_batch_has_only_the_months_it_wrote_analysed(tmp_path):
    imported("usage", written(tmp_path / "a.csv", USAGE, "2026-06-01,S1,1,1", "2026-09,S1,1,1"))
    rows = ("2026-07,S1,1,1", "2026-08,S1,1,1", "2031-01,S1,1,1")
    batch = imported("usage", written(tmp_path / "b.csv", USAGE, *rows))

    assert feed_named("usage").tables(batch) == [
        "ONLY customers_monthlyusage",
        "customers_monthlyusage_202607",
        "customers_monthlyusage_202608",
    ]


def test_payments_of_one_file_are_told_apart_however_it_is_cut(tmp_path, settings):
    settings.FEED_CHUNK_ROWS = 2
    rows = [f"P{n},2026-09-0{n} 10:00:00,A1,500" for n in (5, 1, 4, 2, 5, 1, 3)]
    path = written(tmp_path / "payments.csv", PAYMENTS, *rows, "P4,2026-09-04 10:00:00,A1,7")

    batch = imported("payments", path)

    assert counts(batch) == (8, 5, 0, 2, 1)
    assert codes(batch) == {9: "amount_differs"}
