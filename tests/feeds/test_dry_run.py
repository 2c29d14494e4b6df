"""What a dry run promises is what the run does, whatever the file."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.platform.feeds.undo import undo_batch
from customers.models import Bill, MonthlyUsage, SearchKey
from tests.feeds.files import NOON, codes, counts, imported

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("operator")]
LENIENT = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
months = st.sampled_from(["2026-08", "2026-09", "202609", "2026-09-01", "2026-13", "", "May"])
subscribers = st.sampled_from(["S1", "S2", "S3", "S9", "", " S1"])
amounts = st.sampled_from(
    ["0", "1", "-1", "1e3", "9223372036854775807", "99999999999999999999", ""]
)
versions = st.sampled_from(["1", "2", "3", "", "0", "x"])
odd = st.sampled_from(["", '"', "\x00", "a,b,c,d,e", "=1+1,2,3,4"])
usage_rows = st.lists(
    st.one_of(
        st.tuples(months, subscribers, amounts, versions).map(",".join),
        odd,
    ),
    max_size=12,
)


@LENIENT
@given(first=usage_rows, second=usage_rows)
def test_of_usage(first, second):
    header = "month,subscriber_number,data_kb,version"
    with tempfile.TemporaryDirectory() as place:
        _run_and_compare("usage", Path(place), header, first, second)
        assert not MonthlyUsage.objects.exists()


bill_rows = st.lists(
    st.tuples(
        st.sampled_from(["2026-09", "2026-08"]),
        st.sampled_from(["B1", "B2"]),
        st.sampled_from(["A1", "A2", "A9"]),
        st.sampled_from(["100", "200"]),
        st.sampled_from(["", "a=100", "a=60;b=40", "a", '"{""a"": 200}"']),
        versions,
    ).map(",".join),
    max_size=12,
)


@LENIENT
@given(first=bill_rows, second=bill_rows)
def test_of_bills(first, second):
    header = "month,bill_number,account_number,amount_fen,items,version"
    with tempfile.TemporaryDirectory() as place:
        _run_and_compare("bills", Path(place), header, first, second)
        assert not Bill.objects.exists()


customer_rows = st.lists(
    st.tuples(
        st.sampled_from(["C1", "C2", "C7", "C8", ""]),
        st.sampled_from(["张伟", "李娜", "Ann Lee", ""]),
        st.sampled_from(["A1", "A7", "A8", ""]),
        st.sampled_from(["S1", "S7", "S8", ""]),
        st.sampled_from(["13900000001", "13900000007", ""]),
        st.sampled_from(["", "", "2026-10-01", "2020-01-01"]),
    ).map(",".join),
    max_size=10,
)


@LENIENT
@given(first=customer_rows, second=customer_rows)
def test_of_customers(first, second):
    header = "customer_number,name,account_number,subscriber_number,service_number,ended_on"
    before = set(SearchKey.objects.values_list("key", "customer_id"))
    with tempfile.TemporaryDirectory() as place:
        _run_and_compare("customers", Path(place), header, first, second)
    assert set(SearchKey.objects.values_list("key", "customer_id")) == before


def _run_and_compare(
    feed: str, place: Path, header: str, first: list[str], second: list[str]
) -> None:
    """Two files after one another, each with its dry run before it; then both are undone."""
    batches = []
    for name, rows in (("first", first), ("second", second)):
        if not any(row.strip("\n") for row in rows):
            continue
        path = place / f"{name}.csv"
        path.write_text("\n".join([header, *rows]) + "\n")
        promised = imported(feed, path, dry_run=True)
        done = imported(feed, path)
        assert counts(done) == counts(promised)
        assert codes(done) == codes(promised)
        assert done.rows == sum(counts(done)[1:])
        batches.append(done)
    for batch in reversed(batches):
        undone = undo_batch(batch_id=batch.pk, actor=None, at=NOON)
        assert undone.kept_because_changed == 0
