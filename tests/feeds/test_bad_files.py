"""Files that cannot be what they claim: each is told apart by a sentence, and nothing is lost."""

import gzip
import resource
import tracemalloc
from pathlib import Path

import openpyxl
import pytest

from crm.platform.feeds.definition import FeedRefused
from crm.platform.feeds.models import Batch, BatchStatus, Reject
from crm.platform.feeds.reading import RecordReader
from crm.platform.feeds.rejects import rejects_path
from crm.platform.feeds.survey import survey
from customers.models import Customer, MonthlyUsage, PartyIdentification
from tests.feeds.files import codes, counts, imported, rows_of, written

pytestmark = pytest.mark.django_db
HEADER = "customer_number,name,id_number,opened_on"
USAGE = "month,subscriber_number,data_kb"


class TestRefusedWhole:
    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"", "empty|为空"),
            (b"\n\n", "empty|为空"),
            (HEADER.encode() + b"\n", "no rows|没有"),
            (b"customer_number,name,name\nC1,a,b\n", "name"),
            (b"customer_number,,name\nC1,a,b\n", "2"),
            (b"nummer,name\nC1,a\n", "customer_number"),
            ("customer_number,name\nC1,张\n".encode("utf-16"), "UTF-16"),
            ("customer_number,name\nC1,张\n".encode("utf-16-le"), "UTF-16"),
            (b"%PDF-1.7 whatever", "PDF"),
            (b"customer_number,name,\xff\xfe\nC1,a,b\n", "column 3 is no text"),
            (b"customer_number,name,x\0y\nC1,a,b\n", "column 3 is no text"),
            (bytes(range(128, 256)) * 9, "column 1 is no text"),
            (b"\x1f\x8b\x08\x00broken", "gzip"),
        ],
    )
    def test_with_a_sentence_that_names_the_fault(self, tmp_path, content, says):
        path = tmp_path / "customers.csv"
        path.write_bytes(content)

        with pytest.raises(FeedRefused, match=says):
            imported("customers", path)

        assert Batch.objects.get().status == BatchStatus.REFUSED
        assert not Customer.objects.exists()

    def test_a_workbook_is_called_a_workbook_whatever_its_name(self, tmp_path):
        path = tmp_path / "customers.csv"
        book = openpyxl.Workbook()
        book.active.append(["customer_number", "name"])
        book.save(path)

        with pytest.raises(FeedRefused, match="Excel"):
            imported("customers", path)

    def test_a_file_over_the_limit_is_refused_before_it_is_read_to_its_end(
        self, tmp_path, settings
    ):
        settings.FEED_MOST_BYTES = 3 << 20
        path = tmp_path / "bomb.csv.gz"
        with gzip.open(path, "wb") as file:
            for _n in range(64):
                file.write(b"2026-09,S1,1\n" * 80_000)

        with pytest.raises(FeedRefused, match="3 MB"):
            imported("usage", path)

    def test_a_missing_file_is_missing(self, tmp_path):
        with pytest.raises(FeedRefused, match=r"nowhere\.csv"):
            imported("customers", tmp_path / "nowhere.csv")


class TestEncodings:
    def test_gb18030_is_taken_and_said(self, tmp_path):
        path = tmp_path / "customers.csv"
        path.write_bytes("customer_number,name\nC1,张伟明\nC2,李𠮷\n".encode("gb18030"))

        batch = imported("customers", path)

        assert {c.party.name for c in Customer.objects.all()} == {"张伟明", "李𠮷"}
        assert any("GB18030" in note for note in batch.notes)

    @pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
    def test_a_byte_order_mark_and_any_line_end_are_taken(self, tmp_path, newline):
        path = tmp_path / "customers.csv"
        path.write_bytes(
            b"\xef\xbb\xbf" + newline.join(["customer_number,name", "C1,张", "C2,李", ""]).encode()
        )

        assert counts(imported("customers", path)) == (2, 2, 0, 0, 0)

    def test_a_few_bad_bytes_in_utf8_spoil_their_row_alone(self, tmp_path):
        path = tmp_path / "customers.csv"
        rows = "\n".join(f"C{n},张伟明李娜" for n in range(40)).encode()
        path.write_bytes(b"customer_number,name\n" + rows + b"\nC99,\xe5\xbc\n")

        batch = imported("customers", path)

        assert codes(batch) == {42: "not_in_encoding"}
        assert batch.created == 40


class TestRows:
    def test_every_fault_of_a_row_is_told_at_once(self, tmp_path):
        batch = imported(
            "customers",
            written(
                tmp_path / "c.csv",
                f"{HEADER},star,kind",
                "C1,甲,110105194912310021234,2023-02-29,9,robot",
            ),
        )

        reject = Reject.objects.get(batch=batch)
        assert [reject.code, *(packed.split("|")[1] for packed in reject.more)] == [
            "not_a_date",
            "above_most",
            "not_a_choice",
        ]

    @pytest.mark.parametrize(
        ("number", "is_taken"),
        [
            ("11010519491231002X", True),
            ("11010519491231002x", True),
            ("320102200402291234", True),
            ("320102201502291236", False),
            ("1101051949123100210", False),
            ("320102199003070018", False),
        ],
    )
    def test_identity_numbers_are_checked_and_kept_sealed(self, tmp_path, number, is_taken):
        batch = imported(
            "customers", written(tmp_path / "c.csv", HEADER, f"C1,甲,{number},2024-01-01")
        )

        assert codes(batch) == ({} if is_taken else {2: "identity_number"})
        assert PartyIdentification.objects.count() == is_taken
        if is_taken:
            document = PartyIdentification.objects.get()
            assert number.upper().encode() not in bytes(document.number_encrypted)
            assert "*" in document.number_masked

    def test_an_unclosed_quote_spoils_its_row_alone(self, tmp_path):
        batch = imported(
            "customers",
            written(
                tmp_path / "c.csv",
                "customer_number,name",
                "C1,甲",
                'C2,"乙',
                "C3,丙",
                'C4,"丁, ""的"""',
                'C5,"two\nlines"',
                'C6,x"y',
                'C7,"a"b',
            ),
        )

        assert codes(batch) == {3: "quote_not_closed", 8: "bad_quote"}
        names = dict(Customer.objects.values_list("number", "party__name"))
        assert names == {"C1": "甲", "C3": "丙", "C4": '丁, "的"', "C5": "two\nlines", "C6": 'x"y'}

    def test_a_row_of_more_than_a_megabyte_spoils_itself_alone(self, tmp_path):
        path = tmp_path / "c.csv"
        path.write_text(
            f"customer_number,name\nC1,甲\nC2,{'x' * 3_000_000}\nC3,丙\n"
            f'C4,"{"y" * 1_500_000}"\nC5,戊\n'
        )

        batch = imported("customers", path)

        assert codes(batch) == {3: "row_too_long", 5: "row_too_long"}
        assert set(Customer.objects.values_list("number", flat=True)) == {"C1", "C3", "C5"}
        assert len(Reject.objects.first().raw[0]) == 1000

    def test_formulas_come_back_harmless_and_are_taken_again(self, tmp_path):
        evil = ["=1+1", "+86139", "-5", "@x", "'quoted"]
        batch = imported(
            "customers",
            written(
                tmp_path / "c.csv",
                "customer_number,name,star",
                *(f"C{n},{cell},99" for n, cell in enumerate(evil)),
            ),
        )
        kept = rows_of(rejects_path(batch))
        assert [row["name"] for row in kept] == ["'=1+1", "'+86139", "'-5", "'@x", "'quoted"]
        corrected = tmp_path / "corrected.csv"
        corrected.write_text(rejects_path(batch).read_text().replace(",99,", ",5,"))

        again = imported("customers", corrected)

        assert counts(again) == (5, 5, 0, 0, 0)
        assert [c.party.name for c in Customer.objects.order_by("number")] == evil


class TestMemory:
    def test_stays_flat_while_a_large_file_is_read(self, tmp_path):
        path = tmp_path / "usage.csv"
        with path.open("w") as file:
            file.write(USAGE + "\n")
            for n in range(0, 600_000, 1000):
                file.write("".join(f"2026-09,S{n + i:08},{i}\n" for i in range(1000)))
        tracemalloc.start()

        found = survey(path, most_bytes=1 << 40)
        rows = sum(len(b) for b in RecordReader(found, delimiter=",", quote='"').blocks())

        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert rows >= 600_001
        assert peak < 40 << 20, f"{peak >> 20} MB for a file of {path.stat().st_size >> 20} MB"

    def test_stays_flat_while_rejects_are_written(self, tmp_path):
        path = tmp_path / "usage.csv"
        with path.open("w") as file:
            file.write(USAGE + "\n")
            file.writelines(f"2026-09,S{n:08},{n}\n" for n in range(60_000))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        batch = imported("usage", path)

        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert batch.rejected == 60_000
        assert len(rows_of(rejects_path(batch))) == 60_000
        assert grown < 60 << 10, f"{grown >> 10} MB"
        assert not MonthlyUsage.objects.exists()


def test_blank_lines_are_no_rows_but_keep_their_number(tmp_path: Path):
    batch = imported(
        "customers", written(tmp_path / "c.csv", "customer_number,star", "C1,1", "", "C2,9", "")
    )

    assert batch.rows == 2
    assert codes(batch) == {4: "above_most"}


def test_columns_nobody_reads_are_named(tmp_path):
    batch = imported(
        "customers", written(tmp_path / "c.csv", "customer_number,name,shoe size", "C1,甲,43")
    )

    assert any("shoe size" in note for note in batch.notes)
