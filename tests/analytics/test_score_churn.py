"""Scoring: every live subscriber once a day, ranked over the whole base, with its reasons."""

import json
from datetime import date, timedelta
from io import StringIO

import numpy as np
import pytest
import xgboost
from django.core.management import CommandError, call_command
from django.utils import timezone

from analytics.churn.scoring import Scorer, score
from analytics.features import matrix
from analytics.models import ChurnModel, ScoringRun
from crm.platform.events.models import Event
from crm.platform.jobs.inline import run_inline
from crm.platform.jobs.registry import JobCancelled
from customers.models import CharacteristicSpec, ChurnScore, Customer, Subscriber
from tests.analytics.base import DAY, make_base
from tests.factories import make_staff


def run(command: str, *arguments: str) -> dict:
    out = StringIO()
    call_command(command, *arguments, stdout=out)
    return json.loads(out.getvalue())


def silent(done: int, total: int, message: str) -> None:
    pass


@pytest.fixture
def trained(db):
    lines = make_base(400)
    run("train_churn")
    return lines


def test_everybody_live_on_the_day_is_scored_also_who_left_later(trained):
    answer = run("score_churn")

    assert answer["as_of"] == str(DAY)
    assert answer["scored"] == len(trained) == ChurnScore.objects.count()
    assert {"estimator", "scored", "seconds", "rows_per_second"} <= answer.keys()
    sizes = [ChurnScore.objects.filter(decile=n).count() for n in range(1, 11)]
    assert sum(sizes) == 400
    assert all(36 <= size <= 48 for size in sizes)  # who is alike is ranked alike
    riskiest = ChurnScore.objects.filter(decile=1).order_by("probability").first()
    safest = ChurnScore.objects.filter(decile=10).order_by("-probability").first()
    assert riskiest.probability > safest.probability


def test_a_score_is_the_models_probability_and_its_reasons_are_exact(trained):
    run("score_churn")
    model = ChurnModel.objects.get()
    scorer = Scorer(model)
    rows = scorer.reader(DAY, model.sources).read_all()
    booster = xgboost.Booster()
    booster.load_model(bytearray(model.booster))
    kinds = ["c" if feature.is_category else "q" for feature in scorer.features]
    table = xgboost.DMatrix(rows.values, feature_types=kinds, enable_categorical=True)
    said = scorer.curve(booster.predict(table, output_margin=True))
    exact = booster.predict(table, pred_contribs=True)[:, :-1]
    codes = [feature.code for feature in scorer.features]

    for n, pk in enumerate(rows.subscriber_ids.tolist()):
        stored = ChurnScore.objects.get(subscriber_id=pk)
        assert stored.probability == pytest.approx(said[n], abs=1e-4)
        best = sorted((x for x in exact[n] if x > 0), reverse=True)[:3]
        assert [r["contribution"] for r in stored.reasons] == pytest.approx(best, abs=1e-3)
        for reason in stored.reasons:
            column = codes.index(reason["feature"])
            if scorer.vocabularies[column]:
                word = scorer.vocabularies[column][int(rows.values[n, column])]
                assert reason["value"] == word
            else:
                assert reason["value"] == pytest.approx(float(rows.values[n, column]), rel=1e-4)


def test_scoring_the_same_day_again_replaces(trained):
    run("score_churn")
    before = list(ChurnScore.objects.order_by("subscriber_id").values_list("probability", "decile"))
    Subscriber.objects.filter(pk=trained[0].pk).update(
        opened_on=DAY + timedelta(days=1), ended_on=None, status="ACTIVE"
    )

    run("score_churn", "--as-of", str(DAY))

    assert not ChurnScore.objects.filter(subscriber_id=trained[0].pk).exists()
    again = ChurnScore.objects.order_by("subscriber_id").values_list("probability", flat=True)
    assert list(again) == [probability for probability, _decile in before[1:]]


def test_scoring_one_source_leaves_the_others_scores(trained):
    make_base(100, source="other")
    run("train_churn")
    run("score_churn")
    old = ChurnScore.objects.get(subscriber_id=trained[0].pk)

    answer = run("score_churn", "--source", "other")

    assert answer["scored"] == 100
    assert ChurnScore.objects.count() == 500
    assert ChurnScore.objects.get(subscriber_id=trained[0].pk).scored_at == old.scored_at


def test_ranges_of_customers_make_no_difference(trained, monkeypatch):
    run("score_churn")
    whole = list(ChurnScore.objects.order_by("subscriber_id").values_list("decile", "reasons"))
    monkeypatch.setattr(matrix, "CUSTOMERS_A_READ", 37)

    run("score_churn", "--threads", "1")

    parts = ChurnScore.objects.order_by("subscriber_id").values_list("decile", "reasons")
    assert list(parts) == whole


@pytest.mark.django_db(transaction=True)
def test_threads_make_no_difference_either(monkeypatch):
    make_base(300)
    run("train_churn")
    run("score_churn", "--threads", "1")
    one = list(ChurnScore.objects.order_by("subscriber_id").values_list("decile", "probability"))
    monkeypatch.setattr(matrix, "CUSTOMERS_A_READ", 37)

    run("score_churn", "--threads", "3")

    three = ChurnScore.objects.order_by("subscriber_id").values_list("decile", "probability")
    assert list(three) == one


def test_a_finished_run_is_written_down_and_told(trained):
    run("score_churn")

    finished = ScoringRun.objects.get()
    assert (finished.scored, finished.as_of) == (400, DAY)
    assert finished.finished_at > finished.started_at
    assert len(finished.thresholds) == 9
    told = Event.objects.get(name="analytics.churn.scored")
    assert told.data["scored"] == 400


def test_a_cancelled_run_stays_unfinished_and_can_be_made_good(trained, monkeypatch):
    monkeypatch.setattr(matrix, "CUSTOMERS_A_READ", 50)

    def cancel(done: int, total: int, message: str) -> None:
        if done > total * 0.7:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        score(at=timezone.now(), progress=cancel, threads=1)
    assert ScoringRun.objects.get().finished_at is None
    assert 0 < ChurnScore.objects.count() < 400

    assert score(at=timezone.now(), progress=silent, threads=1)["scored"] == 400
    assert ChurnScore.objects.count() == 400


def test_as_background_work_both_answer_what_they_did(db):
    make_base(300)
    staff = make_staff("analyst")

    trained = run_inline("analytics.train_churn", {"as_of": str(DAY)}, actor=staff)
    scored = run_inline("analytics.score_churn", {"version": trained["model"]}, actor=staff)

    assert ChurnModel.objects.get(version=trained["model"]).trained_by == staff
    assert (scored["scored"], scored["as_of"]) == (300, str(DAY))


def test_without_a_model_scoring_is_refused(db):
    make_base(20)

    with pytest.raises(CommandError, match="Train one first"):
        run("score_churn")


def test_a_source_that_no_model_knows_is_refused(trained):
    make_base(20, source="other")

    with pytest.raises(CommandError, match="no model for these customers"):
        run("score_churn", "--source", "other")


def test_a_feature_that_changed_its_meaning_stops_the_model(trained):
    CharacteristicSpec.objects.filter(code="contract").update(value_type="DECIMAL")

    with pytest.raises(CommandError, match=r"customer\.contract has changed"):
        run("score_churn")


def test_a_value_never_seen_counts_as_not_known(trained):
    Customer.objects.filter(pk=trained[0].customer_id).update(
        characteristics={"contract": 'five\tyears "\\'}
    )

    assert run("score_churn")["scored"] == 400
    reasons = ChurnScore.objects.get(subscriber_id=trained[0].pk).reasons
    assert all(r["value"] is None for r in reasons if r["feature"] == "customer.contract")


def test_a_day_before_anybody_came_is_refused(trained):
    with pytest.raises(CommandError, match="Nobody was a subscriber"):
        run("score_churn", "--as-of", str(date(2001, 1, 1)))


def test_words_with_tabs_and_backslashes_survive_the_way_into_the_database(db):
    make_base(300)
    nasty = 'a\tb\\n"c\\'
    Customer.objects.filter(characteristics__contract="monthly").update(
        characteristics={"contract": nasty}
    )
    run("train_churn")
    run("score_churn")

    values = {
        reason["value"]
        for reasons in ChurnScore.objects.values_list("reasons", flat=True)
        for reason in reasons
        if reason["feature"] == "customer.contract"
    }
    assert nasty in values
    assert not np.any([value not in (nasty, "yearly") for value in values])
