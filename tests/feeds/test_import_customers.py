"""A snapshot of customers, as an operator's old system writes it, becomes customers."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command

from crm.platform.access.models import OrgUnit
from crm.platform.events.models import Event
from crm.platform.feeds.conversion import months_before
from crm.platform.feeds.models import Batch, BatchStatus
from crm.platform.feeds.undo import undo_batch
from customers.models import (
    CharacteristicSpec,
    Customer,
    Party,
    PayRelation,
    SearchKey,
    Subscriber,
    SubscriberStatus,
    SubscriberStatusPeriod,
)
from tests.feeds.files import (
    IBM_MAPPING,
    IBM_SAMPLE,
    NOON,
    codes,
    counts,
    imported,
    real_data_param,
    rows_of,
    shared_data,
    written,
)

pytestmark = pytest.mark.django_db
AS_OF = date(2026, 9, 30)
REAL = real_data_param("ibm_telco_churn.csv")
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture(params=["sample", *REAL])
def snapshot(request: pytest.FixtureRequest) -> Path:
    return IBM_SAMPLE if request.param == "sample" else shared_data("ibm_telco_churn.csv")


def test_every_customer_of_a_snapshot_is_there_with_account_and_subscriber(snapshot):
    rows = rows_of(snapshot)

    batch = imported("customers", snapshot, mapping=IBM_MAPPING)

    assert counts(batch) == (len(rows), len(rows), 0, 0, 0)
    customers = {c.number: c for c in Customer.objects.select_related("party", "home_org")}
    subscribers = {s.number: s for s in Subscriber.objects.all()}
    accounts = {
        c.number: a for c in Customer.objects.prefetch_related("accounts") for a in c.accounts.all()
    }
    for row in rows:
        number = row["customerID"]
        customer, subscriber, account = customers[number], subscribers[number], accounts[number]
        opened = months_before(AS_OF, int(row["tenure"]))
        assert (customer.party.name, customer.party.kind) == (number, "INDIVIDUAL")
        assert (customer.opened_on, subscriber.opened_on, account.opened_on) == (opened,) * 3
        assert customer.source == subscriber.source == account.source == "ibm_telco"
        assert customer.characteristics_as_of == AS_OF
        assert subscriber.monthly_fee_fen == round(float(row["MonthlyCharges"]) * 100)
        assert account.billed_total_fen == round(float(row["TotalCharges"].strip() or 0) * 100)
        assert customer.characteristics["contract"] == row["Contract"]
        assert customer.characteristics["senior_citizen"] == (row["SeniorCitizen"] == "1")
        assert not {"churn", "Churn"} & customer.characteristics.keys()
    assert PayRelation.objects.filter(ends_at=None).count() == len(rows)
    assert set(
        SearchKey.objects.filter(key__startswith="c").values_list("customer_id", flat=True)
    ) == {customer.pk for customer in customers.values()}


def test_who_left_ends_within_thirty_days_after_the_snapshot_spread_over_them(snapshot):
    rows = {row["customerID"]: row for row in rows_of(snapshot)}

    imported("customers", snapshot, mapping=IBM_MAPPING)

    ended = set()
    for subscriber in Subscriber.objects.prefetch_related("status_periods"):
        periods = list(subscriber.status_periods.order_by("starts_at"))
        opened = datetime.combine(subscriber.opened_on, datetime.min.time(), SHANGHAI)
        if rows[subscriber.number]["Churn"] == "No":
            assert (subscriber.status, subscriber.ended_on) == (SubscriberStatus.ACTIVE, None)
            assert [(p.status, p.starts_at, p.ends_at) for p in periods] == [
                ("ACTIVE", opened, None)
            ]
            continue
        assert subscriber.status == SubscriberStatus.TERMINATED
        assert AS_OF < subscriber.ended_on <= AS_OF + timedelta(days=30)
        end = datetime.combine(subscriber.ended_on, datetime.min.time(), SHANGHAI)
        assert [(p.status, p.starts_at, p.ends_at) for p in periods] == [
            ("ACTIVE", opened, end),
            ("TERMINATED", end, None),
        ]
        ended.add(subscriber.ended_on)
    assert len(ended) > 10


def test_the_same_file_again_changes_nothing(snapshot):
    first = imported("customers", snapshot, mapping=IBM_MAPPING)
    before = _everything()

    again = imported("customers", snapshot, mapping=IBM_MAPPING)

    assert counts(again) == (first.rows, 0, 0, first.rows, 0)
    assert again.duplicate_of == first
    assert _everything() == before


def test_the_same_rows_in_another_order_change_nothing_either(tmp_path):
    imported("customers", IBM_SAMPLE, mapping=IBM_MAPPING)
    header, *lines = IBM_SAMPLE.read_text().splitlines()
    before = _everything()

    again = imported(
        "customers", written(tmp_path / "turned.csv", header, *lines[::-1]), mapping=IBM_MAPPING
    )

    assert again.duplicate_of is None
    assert counts(again) == (120, 0, 0, 120, 0)
    assert _everything() == before


def test_a_correction_updates_what_differs_and_undo_brings_it_back(tmp_path):
    path = tmp_path / "snapshot.csv"
    path.write_text(IBM_SAMPLE.read_text())
    first = imported("customers", path, mapping=IBM_MAPPING)
    before = _everything()
    lines = IBM_SAMPLE.read_text().splitlines()
    cells = lines[1].split(",")
    cells[15], cells[18] = "Two year", "1.25"
    path.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n")

    second = imported("customers", path, mapping=IBM_MAPPING)

    assert second.corrects == first
    assert counts(second) == (120, 0, 1, 119, 0)
    subscriber = Subscriber.objects.get(number=cells[0])
    assert subscriber.monthly_fee_fen == 125
    assert subscriber.customer.characteristics["contract"] == "Two year"

    undone = undo_batch(batch_id=second.pk, actor=None, at=NOON)

    assert (undone.removed, undone.restored, undone.kept_because_changed) == (0, 1, 0)
    assert _everything() == before


def test_undo_removes_what_was_created_and_keeps_what_was_changed_since():
    batch = imported("customers", IBM_SAMPLE, mapping=IBM_MAPPING)
    touched = Subscriber.objects.order_by("number")[3]
    touched.plan_name = "Someone chose another plan"
    touched.save()

    undone = undo_batch(batch_id=batch.pk, actor=None, at=NOON)

    assert (undone.removed, undone.restored, undone.kept_because_changed) == (119, 0, 1)
    assert [c.pk for c in Customer.objects.all()] == [touched.customer_id]
    assert Party.objects.count() == 1
    assert SubscriberStatusPeriod.objects.filter(subscriber=touched).exists()
    assert set(SearchKey.objects.values_list("customer_id", flat=True)) == {touched.customer_id}


def test_a_batch_is_undone_once(capsys):
    batch = imported("customers", IBM_SAMPLE, mapping=IBM_MAPPING)
    call_command("undo_feed", batch.number)
    assert json.loads(capsys.readouterr().out) == {
        "batch": batch.number,
        "removed": 120,
        "restored": 0,
        "kept_because_changed": 0,
    }

    with pytest.raises(CommandError, match=batch.number):
        call_command("undo_feed", batch.number)


def test_the_command_answers_with_one_json_line(capsys):
    call_command("import_feed", "customers", str(IBM_SAMPLE), mapping=IBM_MAPPING)

    answer = json.loads(capsys.readouterr().out)
    assert answer["rows"] == answer["created"] == 120
    assert answer["rejects_file"] is None
    assert answer["rows_per_second"] > 0
    assert Batch.objects.get(number=answer["batch"]).status == BatchStatus.APPLIED
    event = Event.objects.get(name="feeds.batch.applied")
    assert event.data["created"] == 120


def test_an_unknown_feed_is_told_the_known_ones():
    with pytest.raises(CommandError, match="customers"):
        call_command("import_feed", "tickets", str(IBM_SAMPLE))


def test_customers_without_an_org_get_the_root_and_declared_columns_are_declared():
    imported("customers", IBM_SAMPLE, mapping=IBM_MAPPING)

    root = OrgUnit.objects.get(parent=None)
    assert set(Customer.objects.values_list("home_org", flat=True)) == {root.pk}
    spec = CharacteristicSpec.objects.get(entity="CUSTOMER", code="contract")
    assert (spec.value_type, spec.name_zh, spec.source) == ("TEXT", "合约类型", "ibm_telco")


def test_a_dry_run_promises_what_the_run_does_and_leaves_nothing():
    promised = imported("customers", IBM_SAMPLE, mapping=IBM_MAPPING, dry_run=True)

    assert promised.status == BatchStatus.CHECKED
    assert not Customer.objects.exists() and not OrgUnit.objects.exists()
    done = imported("customers", IBM_SAMPLE, mapping=IBM_MAPPING)
    assert counts(done) == counts(promised)


def test_a_line_of_another_customer_is_not_taken_over(tmp_path):
    header = "customer_number,name,account_number,subscriber_number,service_number"
    imported("customers", written(tmp_path / "a.csv", header, "C1,甲,A1,S1,13900000001"))

    batch = imported(
        "customers",
        written(
            tmp_path / "b.csv",
            header,
            "C2,乙,A1,S2,13900000002",
            "C3,丙,A3,S1,13900000003",
            "C4,丁,A4,S4,13900000001",
            "C5,戊,A5,S5,13900000005",
            "C6,己,A6,S6,13900000005",
        ),
    )

    assert codes(batch) == {
        2: "account_of_another",
        3: "subscriber_of_another",
        4: "number_in_use",
        6: "number_in_use",
    }
    assert counts(batch) == (5, 1, 0, 0, 4)


def _everything() -> dict[str, list[tuple]]:
    """Every column of every table a customers file writes, except when it was touched last."""
    models = (Party, Customer, Subscriber, SubscriberStatusPeriod, PayRelation, SearchKey)
    return {
        model.__name__: sorted(
            map(
                repr,
                model.objects.values_list(*[f.name for f in model._meta.concrete_fields]),
            )
        )
        for model in models
    }
