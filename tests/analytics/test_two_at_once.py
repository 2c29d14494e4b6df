"""Two people at one model, two scorings of one day: one waits for the other, and says so."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from analytics.churn import scoring
from analytics.churn.scoring import score
from analytics.models import ChurnModel, ModelStatus, ScoringRun, version_of
from analytics.services import activate_model, retire_model
from crm.platform.jobs.registry import JobCancelled
from customers.models import ChurnScore
from tests.analytics.base import DAY, make_base
from tests.analytics.test_score_churn import run, silent
from tests.factories import make_staff

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now()


def in_a_thread(pool: ThreadPoolExecutor, work, *args, **kwargs):
    def whole():
        try:
            return work(*args, **kwargs)
        finally:
            connection.close()

    return pool.submit(whole)


def make_model(number: int, status: ModelStatus = ModelStatus.RETIRED) -> ChurnModel:
    return ChurnModel.objects.create(
        version=version_of(DAY, number),
        as_of=DAY,
        horizon_days=30,
        sources=["file"],
        trained_at=NOW + timedelta(minutes=number),
        booster=b"trees",
        status=status,
    )


@pytest.mark.parametrize("first_move", [activate_model, retire_model])
def test_whoever_activates_second_retires_what_the_first_activated(first_move):
    active, second, third = make_model(1, ModelStatus.ACTIVE), make_model(2), make_model(3)
    moved = active if first_move is retire_model else second
    staff = make_staff("manager")

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first_move(model_id=moved.pk, actor=staff, at=NOW)
            later = in_a_thread(pool, activate_model, model_id=third.pk, actor=staff, at=NOW)
            assert not later.done()
        later.result(timeout=30)

    assert ChurnModel.objects.get(status=ModelStatus.ACTIVE) == third


def test_two_scorings_of_one_day_follow_each_other(monkeypatch):
    make_base(400)
    run("train_churn")
    writing, waited, said = threading.Event(), threading.Event(), []

    def first(done: int, total: int, message: str) -> None:
        writing.set()
        assert waited.wait(30)

    def second(done: int, total: int, message: str) -> None:
        said.append(message)
        waited.set()

    with ThreadPoolExecutor(2) as pool:
        one = in_a_thread(pool, score, at=NOW, progress=first)
        assert writing.wait(30)
        other = in_a_thread(pool, score, at=NOW + timedelta(minutes=1), progress=second)
        assert (one.result(60)["scored"], other.result(60)["scored"]) == (400, 400)

    assert said[0] == "Waiting for another scoring of the same day"
    assert ScoringRun.objects.exclude(finished_at=None).count() == 2
    assert set(ChurnScore.objects.values_list("scored_at", flat=True)) == {
        NOW + timedelta(minutes=1)
    }


def test_whoever_waits_can_be_cancelled_and_leaves_the_day_free():
    make_base(400)
    run("train_churn")

    def cancel(done: int, total: int, message: str) -> None:
        raise JobCancelled

    with ThreadPoolExecutor(1) as pool:
        with scoring.alone(scoring._LOCK_SPACE, DAY.toordinal(), while_waiting=list):
            waiting = in_a_thread(pool, score, at=NOW, progress=cancel)
            with pytest.raises(JobCancelled):
                waiting.result(30)
        assert not ScoringRun.objects.exists()

    assert score(at=NOW, progress=silent)["scored"] == 400
