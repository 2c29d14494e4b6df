"""Figures are counted beforehand, equal what a raw count says, and open the rows behind them."""

from datetime import UTC, date, datetime

import pytest
from django.urls import reverse

from analytics.metrics.reading import Choice, all_series
from analytics.metrics.refreshing import count_soon, refresh_metrics
from analytics.metrics.rows import rows_behind
from analytics.models import MetricValue
from crm.platform.audit.models import AccessRecord
from crm.platform.jobs.models import Job
from crm.platform.records import ensure_months
from customers.models import Bill, ChurnScore, Subscriber, SubscriberStatus
from tests.factories import make_account, make_customer, make_province, make_staff, make_subscriber

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
OCTOBER = date(2026, 10, 1)


@pytest.fixture
def land():
    return make_province()


def test_a_second_click_counts_no_second_time(client):
    client.force_login(make_staff("auditor"))

    first = client.post(reverse("analytics:dashboards-refresh"))
    again = client.post(reverse("analytics:dashboards-refresh"))

    assert first.url == again.url
    assert Job.objects.filter(kind="analytics.refresh_metrics").count() == 1


def line(*, home, source="demo", opened=date(2024, 1, 5), ended=None) -> Subscriber:
    given = {"opened_on": opened, "source": source}
    if ended:
        given |= {"ended_on": ended, "status": SubscriberStatus.TERMINATED}
    return make_subscriber(customer=make_customer(home_org=home, source=source), **given)


def score(subscriber: Subscriber, probability: float, day: date = OCTOBER) -> None:
    ensure_months("customers_churnscore", first=day, last=day)
    ChurnScore.objects.create(
        as_of=day,
        subscriber_id=subscriber.pk,
        customer_id=subscriber.customer_id,
        probability=probability,
        decile=1,
        model_version="m",
        scored_at=NOW,
    )


def value(code: str, month: date = OCTOBER, **choice) -> float | None:
    points = all_series(Choice(**choice))[code].points
    return next(point.value for point in points if point.month == month)


def count() -> None:
    refresh_metrics(at=NOW, today=TODAY)


def test_the_base_counts_who_is_there_at_the_months_end(land):
    line(home=land["a_hall"])
    line(home=land["a_hall"], opened=date(2026, 10, 31))
    line(home=land["a_hall"], opened=date(2026, 11, 1))
    line(home=land["a_hall"], ended=date(2026, 10, 31))
    line(home=land["a_hall"], ended=date(2026, 11, 1))
    line(home=land["a_hall"], ended=date(2024, 6, 1))

    count()

    assert value("base") == 3
    assert value("base", date(2026, 9, 1)) == 3


def test_churn_divides_by_the_average_base(land):
    for _ in range(3):
        line(home=land["a_hall"])
    line(home=land["a_hall"], ended=date(2026, 10, 15))

    count()

    assert value("churn_rate") == pytest.approx(1 / 3.5)


def test_net_growth_of_the_base_is_what_came_less_what_went(land):
    line(home=land["a_hall"])
    line(home=land["a_hall"], opened=date(2026, 10, 3), ended=date(2026, 10, 20))
    line(home=land["a_hall"], opened=date(2026, 10, 4))

    count()

    assert value("base") - value("base", date(2026, 9, 1)) == 1


def test_arpu_is_bills_over_the_average_base(land):
    ensure_months("customers_bill", first=OCTOBER, last=OCTOBER)
    subscriber = line(home=land["a_hall"])
    line(home=land["a_hall"], opened=date(2026, 10, 2))
    account = make_account(customer=subscriber.customer)
    for number, fen in (("B1", 10_000), ("B2", 5_000)):
        Bill.objects.create(
            month=OCTOBER,
            account_id=account.pk,
            customer_id=subscriber.customer_id,
            number=number,
            amount_fen=fen,
            due_on=TODAY,
        )

    count()

    assert value("arpu") == pytest.approx(15_000 / 1.5)
    page = rows_behind(
        code="arpu", month=OCTOBER, bucket=0, choice=Choice(), staff=make_staff("analyst")
    )
    assert sum(row.fen for row in page.rows) == 15_000


def test_a_dashboard_is_narrowed_to_a_city_and_a_source(land):
    line(home=land["a_hall"])
    line(home=land["b_hall"])
    line(home=land["b_hall"], source="ibm_telco")
    line(home=land["p"])

    count()

    assert value("base") == 4
    assert value("base", city=land["b"]) == 2
    assert value("base", city=land["b"], source="ibm_telco") == 1


def test_the_rows_behind_every_bar_add_up_to_it(land):
    for n in range(60):
        ended = date(2026, 10, 9) if n % 3 == 0 else None
        subscriber = line(home=land["a_hall"] if n % 2 else land["b_hall"], ended=ended)
        score(subscriber, n / 60)
    count()

    for code, series in all_series(Choice(city=land["a"])).items():
        for point in series.points:
            if code == "arpu":
                continue
            keys, after = [], ""
            while True:
                page = rows_behind(
                    code=code,
                    month=point.month,
                    bucket=point.bucket,
                    choice=Choice(city=land["a"]),
                    staff=make_staff("analyst"),
                    after=after,
                )
                keys += [row.key for row in page.rows]
                if not (after := page.next_key):
                    break
            assert len(keys) == len(set(keys)) == point.numerator, (code, point)


def test_the_latest_scores_make_the_distribution(land):
    subscriber = line(home=land["a_hall"])
    score(subscriber, 0.95, date(2026, 9, 1))
    score(subscriber, 0.05)
    count()

    points = all_series(Choice())["risk"].points
    assert [point.numerator for point in points] == [1] + [0] * 9


def test_each_source_is_counted_as_it_was_last_scored(land):
    score(line(home=land["a_hall"]), 0.05)
    score(line(home=land["a_hall"], source="ibm_telco"), 0.95, date(2026, 9, 30))
    count()

    assert [p.numerator for p in all_series(Choice())["risk"].points] == [1] + [0] * 8 + [1]
    assert all_series(Choice(source="ibm_telco"))["risk"].points[9].numerator == 1
    page = rows_behind(
        code="risk", month=OCTOBER, bucket=9, choice=Choice(), staff=make_staff("analyst")
    )
    assert [row.probability for row in page.rows] == [0.95]


def test_counting_again_replaces_the_figures(land):
    line(home=land["a_hall"])
    count()
    before = MetricValue.objects.count()
    count()

    assert MetricValue.objects.count() == before
    assert value("base") == 1


def test_counting_soon_asks_for_one_job_however_often(django_capture_on_commit_callbacks):
    count_soon(at=NOW)
    count_soon(at=NOW)

    assert Job.objects.filter(kind="analytics.refresh_metrics").count() == 1


def test_the_page_answers_its_questions_in_few_queries(client, land, django_assert_max_num_queries):
    for _ in range(5):
        score(line(home=land["a_hall"]), 0.5)
    count()
    client.force_login(make_staff("manager", org=land["p"]))

    with django_assert_max_num_queries(12):
        answer = client.get(reverse("analytics:dashboards"))

    assert answer.status_code == 200
    assert b"data-chart" in answer.content


def test_without_figures_the_page_says_so(client):
    client.force_login(make_staff("analyst"))

    assert b"alert-info" in client.get(reverse("analytics:dashboards")).content


def rows_page(client, **query):
    asked = {"month": "2026-10-01"} | query
    return client.get(reverse("analytics:dashboard-rows", args=["base"]), asked)


def test_an_analyst_sees_references_and_never_a_person(client, land):
    customer = line(home=land["a_hall"]).customer
    count()
    client.force_login(make_staff("analyst", org=land["p"]))

    page = rows_page(client).content.decode()

    assert customer.number not in page
    assert customer.party.name not in page and "王*明" not in page
    assert not AccessRecord.objects.filter(action="SEARCH").exists()


def test_a_manager_sees_masked_names_within_reach_and_is_written_down(client, land):
    inside, outside = line(home=land["a_hall"]).customer, line(home=make_province()["a"]).customer
    count()
    client.force_login(make_staff("manager", org=land["p"]))

    page = rows_page(client).content.decode()

    assert inside.number in page and "王*明" in page and "王小明" not in page
    assert outside.number not in page
    assert AccessRecord.objects.get(action="SEARCH").row_count == 1


@pytest.mark.parametrize(
    "query", [{"month": "x"}, {"month": "1999-01-01"}, {"bucket": "x"}, {"after": "x"}]
)
def test_an_address_that_names_no_bar_is_no_page(client, land, query):
    line(home=land["a_hall"])
    count()
    client.force_login(make_staff("analyst"))

    assert rows_page(client, **query).status_code == 404


def test_a_clerk_has_no_dashboards(client):
    client.force_login(make_staff("clerk"))

    assert client.get(reverse("analytics:dashboards")).status_code == 403
    assert client.post(reverse("analytics:dashboards-refresh")).status_code == 403


def test_counting_again_is_a_job_of_whoever_asked(client):
    analyst = make_staff("analyst")
    client.force_login(analyst)

    client.post(reverse("analytics:dashboards-refresh"))

    assert Job.objects.get().created_by == analyst
