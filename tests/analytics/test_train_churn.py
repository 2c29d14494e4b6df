"""Training: what it answers, what it refuses, and what it does not fall for."""

import json
from datetime import date, timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from analytics.models import ChurnModel, ModelStatus
from customers.models import Customer, Subscriber
from tests.analytics.base import DAY, declare, deliver_months, make_base
from tests.factories import make_org
from tests.feeds.files import IBM_MAPPING, imported, shared_data

KEYS = (
    "estimator rows positives auc pr_auc lift_at_10 brier baseline_auc seconds log_loss"
    " baseline_log_loss baseline_brier as_of horizon_days held_out excluded model auc_by_source ece"
)


def train(*arguments: str) -> dict:
    out = StringIO()
    call_command("train_churn", *arguments, stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.django_db
def test_a_snapshot_is_trained_from_its_own_day_and_measured_on_held_out_rows():
    lines = make_base(900)

    answer = train()

    assert KEYS.split() == [key for key in KEYS.split() if key in answer]
    assert (answer["as_of"], answer["horizon_days"]) == (str(DAY), 30)
    assert answer["rows"] == answer["held_out_rows"] == len(lines)
    assert answer["positives"] == sum(line.ended_on is not None for line in lines)
    assert 0.65 < answer["auc"] < 0.9
    assert answer["auc_by_source"] == {"file": answer["auc"]}
    assert answer["ece"] < 0.08
    assert ChurnModel.objects.get(version=answer["model"]).status == ModelStatus.ACTIVE


@pytest.mark.django_db
def test_the_same_seed_gives_the_same_numbers_whatever_the_order_of_the_rows():
    make_base(400)
    first = train("--seed", "3")
    physically_elsewhere = Subscriber.objects.order_by("-number").values_list("pk", flat=True)
    for pk in physically_elsewhere[:200]:
        Subscriber.objects.filter(pk=pk).update(service_number=f"x{pk}")

    second = train("--seed", "3", "--as-of", str(DAY), "--horizon-days", "30")

    told = ("model", "seconds", "status", "not_activated")
    assert {k: v for k, v in first.items() if k not in told} == {
        k: v for k, v in second.items() if k not in told
    }


@pytest.mark.django_db
def test_a_column_that_knows_the_outcome_is_named_and_left_out():
    lines = make_base(600)
    declare("remaining", "DECIMAL")
    rng = np.random.default_rng(5)
    for line in lines:
        known = 2.0 if line.ended_on else 10.0
        Customer.objects.filter(pk=line.customer_id).update(
            characteristics={"remaining": known + float(rng.normal(0, 2))}
        )

    honest = train()
    deceived = train("--allow-feature", "customer.remaining")

    assert honest["excluded"] == ["customer.remaining"]
    assert honest["auc"] < 0.9
    assert deceived["excluded"] == []
    assert deceived["auc"] > 0.95
    leak = ChurnModel.objects.get(version=honest["model"]).leaks[0]
    assert leak["code"] == "customer.remaining" and leak["auc"] >= 0.9


@pytest.mark.django_db
def test_being_known_at_all_may_be_the_leak():
    """A stop date that only leavers have has no two values to compare, and still tells all."""
    lines = make_base(400)
    declare("stopped_on", "DATE")
    Customer.objects.update(characteristics={})
    leavers = [line.customer_id for line in lines if line.ended_on]
    Customer.objects.filter(pk__in=leavers).update(characteristics={"stopped_on": "2026-09-01"})

    assert train()["excluded"] == ["customer.stopped_on"]


@pytest.mark.django_db
def test_telling_two_sources_apart_is_no_leak():
    make_base(400, source="file")
    others = make_base(400, source="other", dated=False, seed=9)
    gone = [line.pk for line in others if line.ended_on]
    Subscriber.objects.filter(pk__in=gone[60:]).update(ended_on=None, status="ACTIVE")
    deliver_months(others, first=date(2026, 8, 1), last=date(2026, 10, 1))

    answer = train()

    assert answer["excluded"] == []
    assert answer["sources"] == ["file", "other"]
    assert set(answer["auc_by_source"]) == {"file", "other"}
    assert train("--source", "file")["sources"] == ["file"]


@pytest.mark.django_db
def test_too_few_leavers_are_refused_with_the_count():
    make_base(300)
    leavers = Subscriber.objects.exclude(ended_on=None).values_list("pk", flat=True)
    Subscriber.objects.filter(pk__in=leavers[49:]).update(ended_on=None, status="ACTIVE")

    with pytest.raises(CommandError, match="Only 49 of 300 subscribers left within 30 days"):
        train()
    assert not ChurnModel.objects.exists()


@pytest.mark.django_db
def test_a_base_that_all_left_is_refused():
    make_base(80)
    Subscriber.objects.update(ended_on=DAY + timedelta(days=3), status="TERMINATED")

    with pytest.raises(CommandError, match="All 80 subscribers left"):
        train()


@pytest.mark.django_db
def test_an_empty_base_is_refused():
    with pytest.raises(CommandError, match="No day can be learned from"):
        train()


@pytest.mark.django_db
def test_a_day_that_has_not_come_is_refused():
    make_base(80)

    with pytest.raises(CommandError, match="must lie in the past"):
        train("--as-of", "2099-01-01")


@pytest.mark.django_db
def test_a_monthly_source_is_trained_on_the_last_month_whose_outcome_is_known():
    lines = make_base(300, dated=False)
    deliver_months(lines, first=date(2026, 7, 1), last=date(2026, 10, 1))

    answer = train()

    assert answer["as_of"] == "2026-09-30"
    assert answer["days"] == ["2026-09-30", "2026-08-31", "2026-07-31"]


@pytest.mark.django_db
def test_models_of_different_sources_do_not_push_each_other_aside():
    make_base(300, source="file")
    make_base(300, source="other", seed=4)

    statuses = [train("--source", name)["status"] for name in ("file", "other")]

    assert statuses == ["ACTIVE", "ACTIVE"]
    assert ChurnModel.objects.filter(status=ModelStatus.ACTIVE).count() == 2
    assert train()["status"] == "ACTIVE"
    assert ChurnModel.objects.filter(status=ModelStatus.ACTIVE).count() == 1


@pytest.mark.django_db
def test_a_narrower_or_worse_model_waits_as_a_candidate():
    make_base(300, source="file")
    make_base(300, source="other", seed=4)
    whole = train()

    narrow = train("--source", "file")

    assert (whole["status"], narrow["status"]) == ("ACTIVE", "CANDIDATE")
    assert narrow["not_activated"] == "covers fewer sources than the active model"


@pytest.mark.django_db
def test_the_public_telecom_file_is_learned_as_well_as_it_can_honestly_be(all_trees):
    make_org()
    batch = imported("customers", shared_data("ibm_telco_churn.csv"), mapping=IBM_MAPPING)
    assert batch.created == 7043

    answer = train()

    assert (answer["as_of"], answer["rows"], answer["positives"]) == ("2026-09-30", 7043, 1869)
    assert 0.840 <= answer["auc"] < 0.86
    assert answer["log_loss"] <= answer["baseline_log_loss"]
    assert answer["excluded"] == []
