"""What machines ask: live, ready with every reason why not, metrics that count."""

import pytest
from django.db import connection
from django.test import Client, override_settings

from crm.platform.health import broker, metrics, views
from crm.platform.health.metrics import register_gauge

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "_migrated", False)
    monkeypatch.setattr(metrics, "_gauges", dict(metrics._gauges))
    broker.connection.cache_clear()
    for queue in ("interactive", "bulk"):
        broker.leave_sign_of_life(queue=queue)


def problems(client: Client) -> list[str]:
    answer = client.get("/health/ready")
    assert answer.status_code == (503 if answer.json()["problems"] else 200)
    return answer.json()["problems"]


def test_the_process_says_that_it_lives_without_looking_at_anything(
    client: Client, django_assert_num_queries
) -> None:
    with django_assert_num_queries(0):
        assert client.get("/health/live").json() == {"status": "live"}


def test_ready_when_all_is_well(client: Client) -> None:
    assert problems(client) == []


def test_not_ready_while_nobody_works_off_a_queue(client: Client) -> None:
    broker.connection().delete("crm:alive:bulk")

    assert problems(client) == ["nobody works off the queue bulk"]


def test_not_ready_while_a_migration_is_missing(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")

    assert problems(client) == ["1 migrations are not applied"]


def test_not_ready_while_redis_is_away(client: Client) -> None:
    with override_settings(REDIS_URL="unix:///nowhere.sock?db=0"):
        broker.connection.cache_clear()

        assert problems(client) == ["Redis does not answer"]
    broker.connection.cache_clear()


def test_a_request_is_counted_by_its_view_and_never_by_its_path(client: Client) -> None:
    client.get("/health/live")
    client.get("/customers/13800138000/no-such-page")

    text = client.get("/metrics").content.decode()

    assert 'crm_http_requests_total{method="GET",status="200",view="health:live"}' in text
    assert 'status="404",view="unmatched"' in text
    assert "13800138000" not in text


def test_a_gauge_that_fails_is_left_out_and_the_others_stay(client: Client) -> None:
    register_gauge("crm_test_good", "Good.", read=lambda: 3)
    register_gauge("crm_test_bad", "Bad.", read=lambda: 1 / 0)

    text = client.get("/metrics").content.decode()

    assert "crm_test_good 3.0" in text
    assert "crm_test_bad" not in text


def test_a_gauge_has_one_owner() -> None:
    register_gauge("crm_test_twice", "Once.", read=lambda: 1)

    with pytest.raises(ValueError, match="crm_test_twice"):
        register_gauge("crm_test_twice", "Twice.", read=lambda: 2)


@override_settings(METRICS_TOKEN="scraper")
def test_where_a_token_is_set_only_its_bearer_reads_metrics(client: Client) -> None:
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"authorization": "Bearer other"}).status_code == 401
    assert client.get("/metrics", headers={"authorization": "Bearer scraper"}).status_code == 200
