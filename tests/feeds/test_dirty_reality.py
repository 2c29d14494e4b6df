"""Files as they really come: twice, late, reordered, wrong. One test for each rule."""

import gzip
import hashlib
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from crm.platform.feeds.definition import FeedRefused
from crm.platform.feeds.models import Batch, BatchStatus, Reject
from crm.platform.feeds.rejects import rejects_path
from crm.platform.feeds.undo import undo_batch
from customers.models import Bill, Interaction, MonthlyUsage, Payment, Subscriber
from tests.feeds.files import NOON, codes, counts, imported, written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("operator")]
USAGE = "month,subscriber_number,data_kb"
BILLS = "month,bill_number,account_number,amount_fen"
PAYMENTS = "payment_number,paid_at,account_number,amount_fen,reversal_of"


class TestTheSameFileTwice:
    def test_changes_nothing_and_says_which_batch_it_was(self, tmp_path):
        path = written(tmp_path / "usage.csv", USAGE, "2026-09,S1,100", "2026-09,S2,200")
        first = imported("usage", path)

        again = imported("usage", path)

        assert counts(first) == (2, 2, 0, 0, 0)
        assert counts(again) == (2, 0, 0, 2, 0)
        assert again.duplicate_of == first

    def test_never_puts_old_values_over_newer_ones(self, tmp_path):
        old = written(tmp_path / "a.csv", USAGE, "2026-09,S1,100")
        imported("usage", old)
        imported("usage", written(tmp_path / "b.csv", USAGE, "2026-09,S1,150"))

        again = imported("usage", old)

        assert counts(again) == (1, 0, 0, 1, 0)
        assert MonthlyUsage.objects.get().data_kb == 150

    def test_takes_in_what_was_not_known_the_first_time(self, tmp_path):
        path = written(tmp_path / "usage.csv", USAGE, "2026-09,S1,100", "2026-09,S9,900")
        assert codes(imported("usage", path)) == {3: "unknown_subscriber"}
        imported(
            "subscribers",
            written(tmp_path / "s.csv", "subscriber_number,customer_number", "S9,C1"),
        )

        again = imported("usage", path)

        assert counts(again) == (2, 1, 0, 1, 0)
        assert MonthlyUsage.objects.count() == 2

    def test_is_a_new_file_once_the_first_was_undone(self, tmp_path):
        path = written(tmp_path / "usage.csv", USAGE, "2026-09,S1,100")
        undo_batch(batch_id=imported("usage", path).pk, actor=None, at=NOON)

        again = imported("usage", path)

        assert again.duplicate_of is None
        assert counts(again) == (1, 1, 0, 0, 0)

    def test_of_the_same_name_with_other_content_corrects_the_first(self, tmp_path):
        path = written(tmp_path / "bills.csv", BILLS, "2026-09,B1,A1,5800", "2026-09,B2,A2,100")
        first = imported("bills", path)

        second = imported("bills", written(path, BILLS, "2026-09,B1,A1,5900", "2026-09,B2,A2,100"))

        assert second.corrects == first
        assert counts(second) == (2, 0, 1, 1, 0)
        assert Bill.objects.get(number="B1").amount_fen == 5900


class TestTheSameRecordTwice:
    def test_identical_in_one_file_counts_as_a_duplicate(self, tmp_path):
        batch = imported(
            "payments",
            written(
                tmp_path / "p.csv",
                PAYMENTS,
                "P1,2026-10-01 10:00:00,A1,5800,",
                "P1,2026-10-01 10:00:00,A1,5800,",
            ),
        )

        assert counts(batch) == (2, 1, 0, 1, 0)

    def test_with_a_higher_version_replaces_and_with_a_lower_one_does_not(self, tmp_path):
        header = f"{BILLS},version"
        imported("bills", written(tmp_path / "a.csv", header, "2026-09,B1,A1,5800,2"))

        batch = imported(
            "bills",
            written(
                tmp_path / "b.csv",
                header,
                "2026-09,B1,A1,5900,1",
                "2026-09,B1,A1,6000,2",
                "2026-09,B1,A1,6100,3",
                "2026-09,B1,A1,6200,3",
            ),
        )

        assert codes(batch) == {
            2: "older_version",
            3: "same_version_differs",
            5: "same_version_differs",
        }
        assert counts(batch) == (4, 0, 1, 0, 3)
        bill = Bill.objects.get()
        assert (bill.amount_fen, bill.version) == (6100, 3)

    def test_of_a_payment_with_another_amount_is_kept_out(self, tmp_path):
        paid = "P1,2026-10-01 10:00:00,A1,5800,"
        imported("payments", written(tmp_path / "a.csv", PAYMENTS, paid))

        batch = imported(
            "payments",
            written(
                tmp_path / "b.csv",
                PAYMENTS,
                "P1,2026-10-01 10:00:00,A1,5900,",
                "P1,2026-11-01 10:00:00,A1,5800,",
                paid,
            ),
        )

        assert codes(batch) == {2: "amount_differs", 3: "payment_elsewhere"}
        assert counts(batch) == (3, 0, 0, 1, 2)
        assert Payment.objects.count() == 1

    def test_of_a_payment_in_another_month_of_one_file_is_kept_out(self, tmp_path):
        batch = imported(
            "payments",
            written(
                tmp_path / "a.csv",
                PAYMENTS,
                "P1,2026-10-01 10:00:00,A1,5800,",
                "P1,2026-09-01 10:00:00,A1,5800,",
            ),
        )

        assert codes(batch) == {3: "payment_elsewhere"}


class TestLateRows:
    @pytest.fixture(autouse=True)
    def september_is_loaded(self, operator, tmp_path):
        imported("usage", written(tmp_path / "sep.csv", USAGE, "2026-09,S1,100"))

    def test_are_taken_and_counted_up_to_three_months(self, tmp_path):
        batch = imported(
            "usage",
            written(
                tmp_path / "late.csv",
                USAGE,
                "2026-09,S2,1",
                "2026-08,S1,1",
                "2026-06,S1,1",
                "2026-05,S1,1",
            ),
        )

        assert codes(batch) == {5: "too_late"}
        assert counts(batch) == (4, 3, 0, 0, 1)
        assert batch.late == 2

    def test_are_taken_as_far_back_as_the_mapping_says(self, tmp_path):
        mapping = 'feed = "usage"\nlate_months = 12\n'

        batch = imported(
            "usage", written(tmp_path / "late.csv", USAGE, "2026-05,S1,1"), mapping=mapping
        )

        assert (batch.created, batch.late) == (1, 1)

    def test_months_are_the_operators_not_those_of_utc(self, tmp_path):
        first = "N1,2026-09-30 23:59:59,A1,100,"
        imported("payments", written(tmp_path / "sep-pay.csv", PAYMENTS, first))
        october = ["O1,2026-10-01 00:00:00,A1,100,", "O2,2026-10-20 12:00:00,A1,100,"]
        imported("payments", written(tmp_path / "oct-pay.csv", PAYMENTS, *october))

        late = ["L1,2026-09-30 23:59:59,A1,100,", "L2,2026-10-01 07:00:00,A1,100,"]
        batch = imported("payments", written(tmp_path / "late-pay.csv", PAYMENTS, *late))

        assert (batch.created, batch.late) == (2, 1)

    def test_the_latest_month_is_the_operators_too(self, tmp_path):
        night = "N1,2026-10-01 00:30:00,A1,100,"
        imported("payments", written(tmp_path / "oct-pay.csv", PAYMENTS, night))

        batch = imported(
            "payments",
            written(tmp_path / "sep-pay.csv", PAYMENTS, "N2,2026-09-30 12:00:00,A1,100,"),
        )

        assert (batch.created, batch.late) == (1, 1)

    def test_of_a_first_load_are_not_late_whatever_their_order(self, tmp_path, settings):
        MonthlyUsage.objects.all().delete()
        settings.FEED_CHUNK_ROWS = 3
        months = [f"2026-{month:02}" for month in range(9, 0, -1)]

        batch = imported(
            "usage", written(tmp_path / "all.csv", USAGE, *(f"{m},S1,1" for m in months))
        )

        assert (batch.created, batch.late, batch.rejected) == (9, 0, 0)


class TestATruncatedFile:
    def test_with_a_wrong_count_is_refused_whole(self, tmp_path):
        path = written(tmp_path / "bills.csv", BILLS, "2026-09,B1,A1,5800", "T,2,9999")

        with pytest.raises(FeedRefused, match=r"1 .* 2|2.*1"):
            imported("bills", path)
        assert not Bill.objects.exists()
        assert Batch.objects.latest("pk").status == BatchStatus.REFUSED

    def test_with_a_wrong_sum_is_refused_whole(self, tmp_path):
        path = written(tmp_path / "bills.csv", BILLS, "2026-09,B1,A1,5800", "T,1,5801")

        with pytest.raises(FeedRefused, match="5801"):
            imported("bills", path)
        assert not Bill.objects.exists()

    def test_with_the_right_trailer_is_taken_without_it(self, tmp_path):
        path = written(tmp_path / "bills.csv", BILLS, "2026-09,B1,A1,5800", "T,1,5800")

        assert counts(imported("bills", path)) == (1, 1, 0, 0, 0)

    def test_is_checked_against_its_companion(self, tmp_path):
        path = tmp_path / "bill_js_20261001_001_0001.dat"
        path.write_text(f"{BILLS.replace(',', '|')}\n202609|B1|A1|5800\n202609|B2|A2|-100\n")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        size = path.stat().st_size
        chk = path.with_suffix(".chk")
        chk.write_text(f"{path.name}|3|{size}|5700|{digest}\n")
        with pytest.raises(FeedRefused, match="3"):
            imported("bills", path)

        chk.write_text(f"{path.name}|2|{size}|5700|{'0' * 64}\n")
        with pytest.raises(FeedRefused, match="sha256"):
            imported("bills", path)

        chk.write_text(f"{path.name}|2|{size}|5700|{digest}\n")
        assert counts(imported("bills", path)) == (2, 2, 0, 0, 0)

    def test_as_a_cut_archive_is_refused_whole(self, tmp_path):
        path = tmp_path / "usage.csv.gz"
        whole = gzip.compress(("\n".join([USAGE, "2026-09,S1,1"]) + "\n").encode())
        path.write_bytes(whole[:-6])

        with pytest.raises(FeedRefused, match="gzip"):
            imported("usage", path)
        assert not MonthlyUsage.objects.exists()

        path.write_bytes(whole)
        assert imported("usage", path).created == 1


class TestOwners:
    def test_an_unknown_subscriber_is_kept_with_its_row_and_can_be_sent_again(self, tmp_path):
        batch = imported(
            "usage", written(tmp_path / "u.csv", USAGE, "2026-09,S1,1", "2026-09,S9,9")
        )
        assert codes(batch) == {3: "unknown_subscriber"}
        assert Reject.objects.get().raw == ["2026-09", "S9", "9"]
        imported(
            "subscribers",
            written(tmp_path / "s.csv", "subscriber_number,customer_number", "S9,C1"),
        )

        again = imported("usage", rejects_path(batch))

        assert counts(again) == (1, 1, 0, 0, 0)
        assert MonthlyUsage.objects.get(data_kb=9).subscriber_id == _id("S9")

    def test_late_usage_of_a_number_goes_to_who_held_it_then(self, tmp_path):
        header = "month,service_number,used_on,data_kb"

        batch = imported(
            "usage",
            written(
                tmp_path / "u.csv",
                header,
                "2026-06,13900000003,,6",
                "2026-09,13900000003,,9",
                "2026-07,13900000003,,7",
            ),
        )

        assert codes(batch) == {4: "number_not_in_service"}
        holders = dict(MonthlyUsage.objects.values_list("data_kb", "subscriber_id"))
        assert holders == {6: _id("S3"), 9: _id("S4")}

    def test_a_number_that_changed_hands_within_the_month_needs_the_day(self, tmp_path):
        Subscriber.objects.filter(number="S4").update(opened_on=date(2026, 7, 20))
        Subscriber.objects.filter(number="S3").update(ended_on=date(2026, 7, 10))
        header = "month,service_number,used_on,data_kb"

        batch = imported(
            "usage",
            written(
                tmp_path / "u.csv",
                header,
                "2026-07,13900000003,,1",
                "2026-07,13900000003,2026-07-02,2",
                "2026-07,13900000003,2026-07-21,3",
            ),
        )

        assert codes(batch) == {2: "number_held_by_several"}
        holders = dict(MonthlyUsage.objects.values_list("data_kb", "subscriber_id"))
        assert holders == {2: _id("S3"), 3: _id("S4")}

    def test_contacts_follow_the_number_too(self, tmp_path):
        header = "interaction_number,started_at,service_number,channel,purpose"

        imported(
            "interactions",
            written(
                tmp_path / "i.csv",
                header,
                "I1,2026-06-30 23:59:59,13900000003,CALL,COMPLAINT",
                "I2,2026-08-01 00:00:00,13900000003,CALL,ENQUIRY",
            ),
        )

        found = dict(Interaction.objects.values_list("number", "subscriber_id"))
        assert found == {"I1": _id("S3"), "I2": _id("S4")}


class TestReversals:
    def test_find_their_payment_wherever_it_stands_in_the_file(self, tmp_path, settings):
        settings.FEED_CHUNK_ROWS = 2

        batch = imported(
            "payments",
            written(
                tmp_path / "p.csv",
                PAYMENTS,
                "R1,2026-10-02 10:00:00,A1,-5800,P1",
                "P2,2026-10-01 11:00:00,A1,100,",
                "P3,2026-10-01 11:00:00,A1,100,",
                "P1,2026-10-01 10:00:00,A1,5800,",
            ),
        )

        assert counts(batch) == (4, 4, 0, 0, 0)

    def test_of_an_unknown_payment_wait_until_it_has_arrived(self, tmp_path):
        first = imported(
            "payments", written(tmp_path / "r.csv", PAYMENTS, "R1,2026-10-02 10:00:00,A1,-58,P1")
        )
        assert codes(first) == {2: "reversal_of_unknown"}
        imported("payments", written(tmp_path / "p.csv", PAYMENTS, "P1,2026-10-01 10:00:00,A1,58,"))

        assert counts(imported("payments", rejects_path(first))) == (1, 1, 0, 0, 0)

    def test_take_back_no_more_than_was_paid(self, tmp_path):
        batch = imported(
            "payments",
            written(
                tmp_path / "p.csv",
                PAYMENTS,
                "P1,2026-10-01 10:00:00,A1,5800,",
                "R1,2026-10-02 10:00:00,A1,-3000,P1",
                "R2,2026-10-03 10:00:00,A1,-3000,P1",
                "R3,2026-10-03 10:00:00,A1,-1,",
                "P0,2026-10-03 10:00:00,A1,0,",
            ),
        )

        assert codes(batch) == {
            4: "reversal_exceeds",
            5: "negative_without_reversal",
            6: "zero_amount",
        }


class TestOrder:
    def test_an_older_file_does_not_overwrite_a_newer_one(self, tmp_path):
        def snapshot(as_of: str) -> str:
            return f'feed = "usage"\nas_of = {as_of}\n'

        path = written(tmp_path / "new.csv", USAGE, "2026-09,S1,900")
        imported("usage", path, mapping=snapshot("2026-09-20"))

        batch = imported(
            "usage",
            written(tmp_path / "old.csv", USAGE, "2026-09,S1,500", "2026-09,S2,5"),
            mapping=snapshot("2026-09-10"),
        )

        assert codes(batch) == {2: "older_than_known"}
        assert counts(batch) == (2, 1, 0, 0, 1)
        assert MonthlyUsage.objects.get(subscriber_id=_id("S1")).data_kb == 900

    def test_an_older_balance_does_not_overwrite_a_newer_one(self, tmp_path):
        header = "account_number,customer_number,balance_fen,balance_as_of"
        imported("accounts", written(tmp_path / "a.csv", header, "A1,C1,-500,2026-10-02T00:00:00Z"))

        batch = imported(
            "accounts", written(tmp_path / "b.csv", header, "A1,C1,900,2026-10-01T00:00:00Z")
        )

        assert codes(batch) == {2: "older_than_known"}

    def test_an_ended_subscriber_does_not_come_back(self, tmp_path):
        header = "subscriber_number,customer_number,subscriber_status"

        batch = imported("subscribers", written(tmp_path / "s.csv", header, "S3,C3,ACTIVE"))

        assert codes(batch) == {2: "has_ended"}

    def test_a_number_given_up_and_taken_anew_in_one_file_is_free(self, tmp_path):
        header = "subscriber_number,customer_number,service_number,subscriber_opened_on,ended_on"

        batch = imported(
            "subscribers",
            written(
                tmp_path / "s.csv",
                header,
                "S8,C2,13900000001,2026-11-01,",
                "S1,C1,,,2026-10-20",
            ),
        )

        assert counts(batch) == (2, 1, 1, 0, 0)
        periods = list(
            Subscriber.objects.get(number="S1")
            .status_periods.order_by("starts_at")
            .values_list("status", "ends_at")
        )
        end = datetime(2026, 10, 20, tzinfo=ZoneInfo("Asia/Shanghai"))
        assert periods == [("ACTIVE", end), ("TERMINATED", None)]


class TestPoison:
    def test_a_poisoned_record_does_not_take_its_neighbours_along(self, tmp_path):
        path = tmp_path / "u.csv"
        path.write_bytes(
            USAGE.encode()
            + b"\n2026-09,S1,1\n2026-09,\xff\xfe,2\n2026-09,S2,\x003\n"
            + b"2026-09,S4,4,5\n2026-09,S2,2\n"
        )

        batch = imported("usage", path)

        assert codes(batch) == {3: "not_in_encoding", 4: "nul", 5: "cell_count"}
        assert counts(batch) == (5, 2, 0, 0, 3)

    def test_too_many_stop_the_batch_with_nothing_applied(self, tmp_path):
        rows = ["2026-09,S1,1", "2026-09,S2,2", "2026-09,S8,3", "2026-09,S9,x"]

        with pytest.raises(FeedRefused, match=r"2 .* 4|4 .* 2"):
            imported("usage", written(tmp_path / "u.csv", USAGE, *rows), error_percent=49)

        batch = Batch.objects.latest("pk")
        assert batch.status == BatchStatus.REFUSED
        assert not MonthlyUsage.objects.exists()
        assert codes(batch) == {4: "unknown_subscriber", 5: "not_a_whole_number"}
        assert "S8" in rejects_path(batch).read_text()


def _id(number: str) -> int:
    return Subscriber.objects.get(number=number).pk
