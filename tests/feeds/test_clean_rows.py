"""Clean rows go to the database as they stand; that may be faster, but must not be different."""

import json
from pathlib import Path

import pytest

from crm.platform.feeds.columns import Column, Kind
from crm.platform.feeds.reasons import CellFault
from customers.models import Bill, MonthlyUsage
from tests.feeds.files import codes, counts, imported, written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("operator")]
BILLS = "month,bill_number,account_number,amount_fen,items"
USAGE = "month,subscriber_number,data_kb"
ITEMS = Column(name="items", kind=Kind.ITEMS, meaning="")
CELLS = [
    "",
    "a=1",
    "a=100;b=-40",
    "月租=60;流量=40",
    "a=1;a=2",
    "a=1;",
    ";a=1",
    " a = 1 ; b = 2 ",
    "a=007",
    "a=-0",
    "a=+5",
    "a=1.5",
    "a=b=5",
    "a",
    "=5",
    "a=",
    "{}",
    "{a=1",
    "a}=1",
    'a"=1',
    "a\\=1",
    "a:b=1",
    "a=999999999999999999",
    "a=9223372036854775807",
    "a=9223372036854775808",
    "a=99999999999999999999",
]
JSON_CELLS = [
    '{"a": 1}',
    '{"a":1,"b":2}',
    '{"a": 1, "b": -2}',
    '{"a": 1, "a": 2}',
    '{"a": 1.0}',
    '{"a": "1"}',
    '{"a": true}',
    '{"a": {"b": 1}}',
    '{"": 1}',
    '{"a": 1',
    '{"a\\u0000": 1}',
    '{"a": 007}',
    "[1]",
]


def _read(cell: str) -> dict[str, int] | None:
    """What a cell of items means, read by itself; None if it is none."""
    try:
        return json.loads(ITEMS.read(cell) or "{}")
    except CellFault:
        return None


@pytest.mark.parametrize(
    ("delimiter", "cells"), [(",", CELLS), ("|", CELLS + JSON_CELLS), ("\t", CELLS + JSON_CELLS)]
)
def test_items_mean_the_same_among_clean_rows_as_by_themselves(tmp_path, delimiter, cells):
    means = {f"B{n}": _read(cell) for n, cell in enumerate(cells)}
    rows = [
        f"2026-09,B{n},A1,{sum((means[f'B{n}'] or {}).values())},{cell}".replace(",", delimiter, 4)
        for n, cell in enumerate(cells)
    ]
    header = BILLS.replace(",", delimiter)

    batch = imported("bills", written(tmp_path / "bills.csv", header, *rows))

    taken = {bill.number: bill.items for bill in Bill.objects.all()}
    assert taken == {number: items for number, items in means.items() if items is not None}
    refused = [n for n, items in enumerate(means.values(), start=2) if items is None]
    assert codes(batch) == dict.fromkeys(refused, "not_items")


def test_items_that_do_not_add_up_are_told_with_their_sum(tmp_path):
    path = written(
        tmp_path / "bills.csv",
        BILLS,
        "2026-09,B1,A1,100,a=60;b=40",
        "2026-09,B2,A1,100,a=60",
        "2026-09,B3,A1,100,a=60;a=40",
        "2026-09,B4,A1,100,",
        "2026-09,B5,A1,0,a=9223372036854775807;b=9223372036854775807",
    )

    batch = imported("bills", path)

    assert codes(batch) == dict.fromkeys((3, 4, 6), "items_do_not_add_up")
    sums = batch.rejects.order_by("row_number").values_list("detail", flat=True)
    assert list(sums) == ["60", "40", str(2 * 9223372036854775807)]


def test_items_are_not_taken_for_two_cells_nor_two_cells_for_items(tmp_path):
    path = written(
        tmp_path / "bills.csv",
        BILLS.replace(",", ";"),
        "2026-09;B1;A1;1;a=1",
        "2026-09;B2;A1;3;a=1;b=2",
    )

    batch = imported("bills", path)

    assert codes(batch) == {3: "cell_count"}
    assert Bill.objects.get().items == {"a": 1}


def test_dirty_rows_among_clean_ones_are_found_by_their_number(tmp_path: Path):
    dirt = {
        3: "2026-09,S1,many",
        4: "2026-09,S1,1,2",
        17: "",
        18: "2026-13,S1,1",
        19: "2026-08,S\x001,1",
        600: "2026-08,S 1,1",
        601: '2026-08,"S1,1',
        999: "2026-08,S1,-1",
        1000: "2026-08",
    }
    clean = "20{:02}-{:02},S2,{}"
    rows = [dirt.get(n, clean.format(1 + n // 48, 1 + n // 4 % 12, n)) for n in range(2, 1001)]
    sources = {
        "clean": [row for n, row in enumerate(rows, start=2) if n not in dirt],
        "dirty": rows,
    }
    (tmp_path / "dirty").mkdir()
    (tmp_path / "clean").mkdir()

    dirty = imported("usage", written(tmp_path / "dirty" / "usage.csv", USAGE, *sources["dirty"]))
    after_dirty = sorted(MonthlyUsage.objects.values_list("month", "subscriber_id", "data_kb"))
    MonthlyUsage.objects.all().delete()
    imported("usage", written(tmp_path / "clean" / "usage.csv", USAGE, *sources["clean"]))

    assert after_dirty == sorted(
        MonthlyUsage.objects.values_list("month", "subscriber_id", "data_kb")
    )
    found = {n: code for n, code in codes(dirty).items() if n in dirt}
    assert found == {
        3: "not_a_whole_number",
        4: "cell_count",
        18: "not_a_month",
        19: "nul",
        600: "has_blanks",
        601: "quote_not_closed",
        999: "below_least",
        1000: "cell_count",
    }


def test_control_totals_count_clean_dirty_and_unreadable_rows(tmp_path):
    rows = (
        "2026-09,B1,A1,100,a=100",
        "2026-09,B2,A1,20,a=20,too many",
        "2026-09,B3,A1,-30,none",
        "2026-09,B4,A1, 7 ,",
        "2026-09,B5,A1,seven,",
        "2026-09,B6,A9,1000,",
    )
    path = written(tmp_path / "bills.csv", BILLS, *rows, "T|6|1077")

    batch = imported("bills", path)

    assert counts(batch) == (6, 2, 0, 0, 4)
    assert set(Bill.objects.values_list("number", "amount_fen")) == {("B1", 100), ("B4", 7)}
