"""A mapping is the operator's data: it says exactly what is wrong with it, and converts exactly."""

from datetime import date

import pytest

from crm.platform.feeds.conversion import in_smallest_unit, months_before
from crm.platform.feeds.definition import FeedRefused
from crm.platform.feeds.mapping_reader import read_mapping
from crm.platform.feeds.reasons import CellFault
from customers.models import CharacteristicSpec, Customer, Subscriber
from tests.feeds.files import codes, counts, imported, written


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('feed = "customers"\nas_of = \nsource = "x"', "line 2"),
        ('feed = "customers"\nas_of = "2026-09-30"', r"2.*as_of"),
        ('feed = "customers"\n[columns]\nshoe_size = "x"', r"3.*columns\.shoe_size"),
        ('feed = "customers"\n[columns]\nname = { colum = "x" }', r"3.*colum"),
        ('feed = "customers"\n[columns]\nname = 5', r"3.*columns\.name"),
        ('feed = "customers"\n[columns]\nopened_on = { months_before_as_of = "t" }', "as_of"),
        ('feed = "customers"\n[columns]\nname = "x"\n[constants]\nname = "y"', r"5.*constants"),
        ('feed = "customers"\nrest = "everything"', r"2.*rest"),
        ('feed = "customers"\nrest = "customer"', "as_of"),
        ('feed = "usage"\n[characteristics]\nx = "X"', "usage"),
        ('feed = "tickets"', "customers, accounts"),
        ('feed = "customers"\n[file]\ndelimiter = "||"', r"3.*delimiter"),
        ("a = " + "[" * 5000, "nested too deeply"),
        ("late_months = " + "9" * 5000, "no TOML"),
        *(
            (f'feed = "customers"\n[file]\nencoding = "{name}"', r"3.*encoding")
            for name in ("nonsense", "hex", "undefined", "idna", "utf-16", "cp037", "utf-7")
        ),
        *(
            (f'feed = "customers"\n[file]\nencoding = "{name}"', r"3.*encoding")
            for name in ("unicode_escape", "raw_unicode_escape", "utf-8\\u0000", "")
        ),
        (
            'feed = "customers"\nas_of = 2026-09-30\n[columns]\n'
            'ended_on = { when = { Churn = "Yes" }, days_after_as_of_within = 30 }\n'
            '[characteristics]\nleft = "Churn"',
            r"6.*Churn",
        ),
    ],
)
def test_a_wrong_mapping_is_told_line_and_key(text, says):
    with pytest.raises(FeedRefused, match=says):
        read_mapping(text)


@pytest.mark.parametrize(
    "name", ["utf-8", "utf-8-sig", "gb18030", "GBK", "big5", "latin-1", "cp1252", "shift_jis"]
)
def test_encodings_of_files_are_taken(name):
    mapping = read_mapping(f'feed = "customers"\n[file]\nencoding = "{name}"')

    assert mapping.encoding == name


@pytest.mark.parametrize(
    ("cell", "unit", "decimal", "fen"),
    [
        ("29.85", "yuan", ".", "2985"),
        ("1,234.5", "yuan", ".", "123450"),
        ("1.234,50", "yuan", ",", "123450"),
        ("-0.01", "yuan", ".", "-1"),
        ("90071992547409.93", "yuan", ".", "9007199254740993"),
        ("1.5", "minutes", ".", "90"),
        ("1.3", "mb", ".", "1331"),
    ],
)
def test_amounts_are_converted_exactly(cell, unit, decimal, fen):
    assert in_smallest_unit(cell, unit=unit, decimal=decimal) == fen


@pytest.mark.parametrize("cell", ["0.005", "NaN", "1e3", "", "１", "Infinity"])
def test_parts_of_a_fen_and_no_numbers_are_refused(cell):
    with pytest.raises(CellFault):
        in_smallest_unit(cell, unit="yuan")


def test_months_are_counted_back_to_the_end_of_a_shorter_month():
    assert months_before(date(2026, 3, 31), 1) == date(2026, 2, 28)
    assert months_before(date(2024, 3, 31), 1) == date(2024, 2, 29)
    assert months_before(date(2026, 9, 30), 9) == date(2025, 12, 30)
    assert months_before(date(2026, 9, 30), 0) == date(2026, 9, 30)


@pytest.mark.django_db
class TestTheRest:
    MAPPING = (
        'feed = "customers"\nas_of = 2026-09-30\nrest = "customer"\nexclude = ["secret"]\n'
        '[columns]\ncustomer_number = "id"\nservice_number = "id"\nsubscriber_number = "id"\n'
    )
    HEADER = "id,Likes Tea,heightCm,weight,since,note,secret,性别"

    def test_becomes_characteristics_of_the_narrowest_type(self, tmp_path):
        imported(
            "customers",
            written(
                tmp_path / "c.csv",
                self.HEADER,
                "1,Yes,170,60.5,2020-02-29,tall,x,女",
                "2,no,,7,2021-01-01,,x,男",
            ),
            mapping=self.MAPPING,
        )

        types = dict(CharacteristicSpec.objects.values_list("name", "value_type"))
        assert types == {
            "Likes Tea": "BOOLEAN",
            "heightCm": "INTEGER",
            "weight": "DECIMAL",
            "since": "DATE",
            "note": "TEXT",
            "性别": "TEXT",
        }
        first = Customer.objects.get(number="1").characteristics
        assert first["likes_tea"] is True
        assert (first["height_cm"], first["weight"], first["note"]) == (170, 60.5, "tall")
        assert "secret" not in first
        assert "height_cm" not in Customer.objects.get(number="2").characteristics
        assert Subscriber.objects.count() == 2

    def test_keeps_the_declared_type_and_rejects_what_does_not_fit(self, tmp_path):
        imported("customers", written(tmp_path / "a.csv", "id,age", "1,30"), mapping=self.MAPPING)

        batch = imported(
            "customers",
            written(tmp_path / "b.csv", "id,age", "1,31", "2,old"),
            mapping=self.MAPPING,
        )

        assert codes(batch) == {3: "wrong_type"}
        assert counts(batch) == (2, 0, 1, 0, 1)
        assert Customer.objects.get(number="1").characteristics == {"age": 31}

    def test_an_older_snapshot_does_not_overwrite_a_newer_one(self, tmp_path):
        imported("customers", written(tmp_path / "a.csv", "id,age", "1,30"), mapping=self.MAPPING)

        batch = imported(
            "customers",
            written(tmp_path / "b.csv", "id,age", "1,29"),
            mapping=self.MAPPING.replace("2026-09-30", "2026-08-31"),
        )

        assert codes(batch) == {2: "older_than_known"}


@pytest.mark.django_db
def test_columns_are_chosen_translated_and_given_by_constant(tmp_path):
    mapping = """
        feed = "customers"
        [file]
        delimiter = "|"
        decimal = ","
        [columns]
        customer_number = "no"
        subscriber_number = "no"
        sex = { column = "s", map = { F = "FEMALE", M = "MALE" } }
        birth_date = { column = "born", format = "%d.%m.%Y" }
        monthly_fee_fen = { column = "fee", unit = "yuan" }
        [columns.product]
        choose = [ { when = { net = ["DSL", "FTTH"] }, value = "broadband" }, { value = "mobile" } ]
        [constants]
        category = "VIP"
    """

    batch = imported(
        "customers",
        written(
            tmp_path / "c.txt",
            "no|s|born|fee|net",
            "1|F|29.02.2000|19,90|DSL",
            "2|M||5|",
            "3|X|30.02.2000|x|",
        ),
        mapping=mapping,
    )

    assert codes(batch) == {4: "not_in_map"}
    first = Customer.objects.select_related("party").get(number="1")
    assert (first.party.sex, first.party.birth_date) == ("FEMALE", date(2000, 2, 29))
    assert first.category == "VIP"
    products = dict(Subscriber.objects.values_list("number", "product"))
    assert products == {"1": "broadband", "2": "mobile"}
    assert Subscriber.objects.get(number="1").monthly_fee_fen == 1990
