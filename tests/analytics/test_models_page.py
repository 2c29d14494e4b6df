"""The model pages: what they show, who may do what, and what they refuse."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from analytics.events import MODEL_ACTIVATED, MODEL_RETIRED
from analytics.models import ChurnModel, ModelStatus, ScoringRun, version_of
from crm.platform.events.models import Event
from crm.platform.jobs.inline import run_inline
from crm.platform.jobs.models import Job
from customers.demo.models import DemoOperator, DemoState
from tests.analytics.base import declare, make_base
from tests.factories import make_staff, make_subscriber

pytestmark = pytest.mark.django_db
DAY = date(2026, 9, 30)
NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
OURS = {
    "auc": 0.85114,
    "pr_auc": 0.66,
    "lift_at_10": 2.91,
    "log_loss": 0.4101,
    "brier": 0.1341,
    "ece": 0.0071,
}
PLAIN = {
    "auc": 0.84632,
    "pr_auc": 0.66,
    "lift_at_10": 2.83,
    "log_loss": 0.4153,
    "brier": 0.1359,
    "ece": 0.0062,
}
CURVES = {
    "roc": [[0, 0], [0.2, 0.7], [1, 1]],
    "baseline_roc": [[0, 0], [0.3, 0.7], [1, 1]],
    "lift": [2.9, 2.2, 1.6, 1.1, 0.8, 0.5, 0.4, 0.2, 0.2, 0.1],
    "calibration": [{"predicted": 0.1, "observed": 0.12, "rows": 700}],
}


def make_model(*, number: int = 1, metrics: dict | None = None, **given) -> ChurnModel:
    measured = OURS | {f"baseline_{name}": value for name, value in PLAIN.items()}
    told = {
        "rows": 7043,
        "positives": 1869,
        "held_out_rows": 7043,
        "held_out": "a random fifth of the subscribers, stratified by outcome; rows that look"
        " alike stay together",
        "days": [str(DAY)],
        "out_of_time_auc": None,
        "auc_by_source": {"file": 0.85114},
        "baseline_auc_by_source": {"file": 0.84632},
        "constant": ["roaming_mean_6"],
        "not_activated": "",
    }
    fields = {
        "version": version_of(DAY, number),
        "as_of": DAY,
        "horizon_days": 30,
        "sources": ["file"],
        "trained_at": NOW + timedelta(minutes=number),
        "parameters": {"seed": 0, "leak_threshold": 0.9, "allowed": []},
        "curves": CURVES,
        "importance": [{"code": "tenure_months", "weight": 0.6}, {"code": "plan", "weight": 0.2}],
        "booster": b"trees",
    }
    return ChurnModel.objects.create(metrics=measured | told | (metrics or {}), **fields | given)


def browser_of(*roles: str, language: str = "en") -> Client:
    client = Client(headers={"accept-language": language})
    client.force_login(make_staff(*roles, language=language))
    return client


def page_of(client: Client, model: ChurnModel) -> str:
    answer = client.get(f"/models/{model.version}/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_without_models_the_list_says_so_and_offers_to_train_one():
    page = browser_of("analyst").get("/models/").content.decode()

    assert "No model has been trained yet." in page
    assert "/models/train/" in page


def test_the_list_sets_each_model_beside_the_plain_one():
    make_model(status=ModelStatus.ACTIVE, trained_by=make_staff(name="Ann Lyst"))

    page = browser_of("marketer").get("/models/").content.decode()

    for shown in ("churn-20260930-1", "Active", "2026-09-30", "30 days", "7,043", "1,869"):
        assert shown in page
    assert "0.8511" in page and "(0.8463)" in page and "0.4101" in page and "Ann Lyst" in page
    assert "/models/train/" not in page


def test_longer_lists_cost_no_more_queries(
    django_assert_num_queries, django_assert_max_num_queries
):
    client = browser_of("analyst")
    make_model(trained_by=make_staff())
    with django_assert_max_num_queries(8) as first:
        client.get("/models/")
    for number in range(2, 6):
        make_model(number=number, trained_by=make_staff())

    with django_assert_num_queries(len(first)):
        client.get("/models/")


def test_the_page_tells_better_from_worse_and_names_features_in_words():
    model = make_model(leaks=[{"code": "customer.rest", "auc": 0.97, "excluded": True}])
    declare("rest", name="Rest of contract", name_zh="剩余合约")

    page = page_of(browser_of("analyst"), model)

    assert "+0.0048" in page and "better" in page
    assert "+0.0009" in page and "worse" in page  # the calibration error: less is better
    assert "the same" in page
    assert "<strong>Rest of contract</strong> alone tells leavers from stayers" in page
    assert "AUC of 0.970" in page and "left out" in page
    assert "/models/train/?allow=customer.rest" in page
    assert "1 feature said nothing" in page and "Roaming data, mean of 6 months" in page
    assert "Held out: a random fifth of the subscribers" in page
    for chart in ("roc", "lift", "calibration", "importance"):
        assert f'data-chart="{chart}"' in page
    assert "Time with us" in page and "Best reachable" not in page


def test_declared_features_are_named_in_the_language_of_the_reader():
    model = make_model(leaks=[{"code": "customer.rest", "auc": 0.97, "excluded": False}])
    declare("rest", name="Rest of contract", name_zh="剩余合约")

    page = page_of(browser_of("analyst", language="zh-hans"), model)

    assert "剩余合约" in page and "Rest of contract" not in page


def test_what_the_demo_operator_allows_stands_beside_its_own_auc():
    DemoOperator.objects.create(
        state=DemoState.READY,
        seed=1,
        months=12,
        until=date(2026, 11, 1),
        first_customer_id=1,
        last_customer_id=2,
        facts={
            "label_windows": [{"months": 1, "best_auc": 0.8851}, {"months": 2, "best_auc": 0.8}]
        },
        begun_at=NOW,
        ready_at=NOW,
    )
    of_demo = make_model(sources=["demo"], metrics={"auc_by_source": {"demo": 0.861}})
    of_file = make_model(number=2)
    client = browser_of("analyst")

    assert "0.8851" in page_of(client, of_demo)
    assert "0.8851" not in page_of(client, of_file)


def test_scoring_runs_are_told_with_whether_they_came_to_their_end():
    model = make_model()
    ScoringRun.objects.create(
        model=model, as_of=DAY, started_at=NOW, finished_at=NOW, scored=5174, sources=["file"]
    )
    ScoringRun.objects.create(model=model, as_of=DAY, started_at=NOW + timedelta(hours=1))
    client = browser_of("analyst")

    page = page_of(client, model)

    assert "5,174" in page and "Not finished" in page
    assert "It has scored nobody yet." in page_of(client, make_model(number=2))


def test_the_page_asks_few_questions(django_assert_max_num_queries):
    model = make_model(trained_by=make_staff())
    client = browser_of("manager")

    with django_assert_max_num_queries(10):
        page_of(client, model)


@pytest.mark.parametrize("role", ["clerk", "teamlead"])
def test_who_has_nothing_to_do_with_models_is_kept_out(role):
    model = make_model()
    client = browser_of(role)

    assert client.get("/models/").status_code == 403
    assert client.get(f"/models/{model.version}/").status_code == 403
    assert client.get("/models/train/").status_code == 403


def test_the_navigation_leads_to_the_models_those_who_may_see_them():
    assert 'href="/models/"' in browser_of("analyst").get("/models/").content.decode()
    assert b'href="/models/"' not in browser_of("clerk").get("/").content


def test_no_such_model_is_no_such_page():
    assert browser_of("analyst").get("/models/churn-20200101-9/").status_code == 404


def test_strangers_are_sent_to_the_log_in_page():
    assert Client().get("/models/").url.startswith("/login/")


def test_training_is_a_job_that_is_not_started_twice():
    make_subscriber(source="file")
    client = browser_of("analyst")
    asked = {"as_of": "2026-09-30", "horizon_days": 30, "sources": ["file"], "seed": 7}

    first = client.post("/models/train/", asked)
    again = client.post("/models/train/", asked)

    job = Job.objects.get(kind="analytics.train_churn")
    assert first.url == again.url == f"/jobs/{job.pk}/"
    assert job.params == {
        "as_of": "2026-09-30",
        "horizon_days": 30,
        "sources": ["file"],
        "seed": 7,
    }


def test_what_the_form_asks_for_is_trained_and_its_job_leads_to_the_model(few_trees):
    make_base(400)
    client, analyst = browser_of("analyst"), make_staff("analyst", language="en")
    client.force_login(analyst)
    client.post("/models/train/", {"as_of": "", "horizon_days": "30", "seed": "0"})
    job = Job.objects.get(kind="analytics.train_churn")

    result = run_inline(job.kind, job.params, actor=analyst)

    model = ChurnModel.objects.get(version=result["model"])
    assert (model.trained_by, model.as_of, model.horizon_days) == (analyst, DAY, 30)
    ended = {"status": "SUCCEEDED", "finished_at": timezone.now(), "result": result}
    Job.objects.filter(pk=job.pk).update(**ended)
    page = client.get(f"/jobs/{job.pk}/").content.decode()
    assert f'href="/models/{model.version}/"' in page and "It is the active model now." in page
    assert "Held out: every row once" in page_of(client, model)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"horizon_days": "0"}, "The horizon is a whole number of days from 1 to 365."),
        ({"horizon_days": "soon"}, "The horizon is a whole number of days from 1 to 365."),
        ({"horizon_days": ""}, "The horizon is a whole number of days from 1 to 365."),
        ({"seed": "-1"}, "The seed is a whole number from 0 to 2147483647."),
        ({"as_of": "yesterday"}, "Write the day as YYYY-MM-DD, or leave it open."),
        ({"as_of": "2099-01-01"}, "The as-of date must lie in the past; 2099-01-01 does not."),
        ({"as_of": "0001-01-01"}, "There are no records of such a day."),
        ({"sources": ["elsewhere"]}, "There is no source “elsewhere”."),
    ],
)
def test_bad_input_is_refused_with_a_sentence(wrong, sentence):
    make_subscriber(source="file")

    answer = browser_of("analyst").post("/models/train/", {"horizon_days": 30, "seed": 0} | wrong)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Job.objects.exists()


def test_a_day_whose_outcome_is_not_known_yet_is_refused():
    make_subscriber(source="file")
    lately = timezone.localdate() - timedelta(days=10)

    answer = browser_of("analyst").post(
        "/models/train/", {"as_of": lately, "horizon_days": 30, "seed": 0}
    )

    assert f"The 30 days after {lately} are not over yet" in answer.content.decode()
    assert not Job.objects.exists()


def test_what_the_alarm_left_out_can_be_allowed_by_name():
    make_subscriber(source="file")
    make_model(leaks=[{"code": "customer.rest", "auc": 0.97, "excluded": True}])
    client = browser_of("analyst")

    page = client.get("/models/train/?allow=customer.rest").content.decode()
    client.post("/models/train/", {"horizon_days": 30, "seed": 0, "allowed": ["customer.rest"]})

    assert 'value="customer.rest" checked' in page
    assert Job.objects.get().params["allowed"] == ["customer.rest"]


def test_those_who_only_look_cannot_train_or_score():
    model = make_model()
    client = browser_of("marketer")

    assert client.post("/models/train/", {"horizon_days": 30, "seed": 0}).status_code == 403
    assert client.post(f"/models/{model.version}/score/").status_code == 403
    assert "Score now" not in page_of(client, model)
    assert not Job.objects.exists()


def test_score_now_starts_a_job_with_this_model():
    model = make_model()

    answer = browser_of("analyst").post(f"/models/{model.version}/score/")

    job = Job.objects.get(kind="analytics.score_churn")
    assert answer.url == f"/jobs/{job.pk}/" and job.params == {"version": model.version}


def test_a_model_whose_features_are_read_otherwise_now_says_so_and_is_not_scored_with():
    changed = [{"code": "tenure_months", "kind": "number", "definition": "of old"}]
    model = make_model(features=changed, status=ModelStatus.ACTIVE)

    page = page_of(browser_of("analyst"), model)

    assert "Feature tenure_months has changed since model churn-20260930-1 was trained." in page
    assert "Score now" not in page


def test_activating_a_model_retires_the_one_in_use():
    old = make_model(status=ModelStatus.ACTIVE)
    new = make_model(number=2, metrics={"not_activated": "worse than the active model"})
    client = browser_of("manager")
    assert "did not become active by itself: worse than" in page_of(client, new)

    page = client.post(f"/models/{new.version}/activate/", follow=True).content.decode()

    assert "is the one that scores from now on" in page
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.status, new.status) == (ModelStatus.RETIRED, ModelStatus.ACTIVE)
    assert "/activate/" not in page and "/retire/" in page


def test_who_activated_and_who_retired_a_model_is_told_and_written_down():
    model = make_model()
    boss = make_staff("manager", name="Ada Boss", language="en")
    client = Client(headers={"accept-language": "en"})
    client.force_login(boss)
    client.post(f"/models/{model.version}/activate/")
    client.post(f"/models/{model.version}/retire/")

    page = page_of(browser_of("analyst"), model)

    assert page.count("Ada Boss") == 2
    told = Event.objects.order_by("occurred_at").values_list("name", "actor", "data__model")
    assert list(told) == [
        (MODEL_ACTIVATED, boss.pk, model.version),
        (MODEL_RETIRED, boss.pk, model.version),
    ]


def test_a_move_that_is_none_is_refused_with_a_sentence():
    model = make_model(status=ModelStatus.RETIRED)

    page = browser_of("manager").post(f"/models/{model.version}/retire/", follow=True)

    assert "is retired; it cannot become retired." in page.content.decode()


@pytest.mark.parametrize("role", ["analyst", "clerk", "marketer"])
def test_who_may_not_decide_cannot_activate_or_retire(role):
    model = make_model(status=ModelStatus.ACTIVE)
    client = browser_of(role)

    assert client.post(f"/models/{model.version}/activate/").status_code == 403
    assert client.post(f"/models/{model.version}/retire/").status_code == 403
    model.refresh_from_db()
    assert model.status == ModelStatus.ACTIVE


def test_looking_changes_nothing():
    model = make_model()

    assert browser_of("manager").get(f"/models/{model.version}/activate/").status_code == 405
