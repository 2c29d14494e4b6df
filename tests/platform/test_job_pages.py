import pytest
from django.test import Client
from django.utils import timezone

from crm.platform.jobs.models import Job, JobStatus
from crm.platform.jobs.services import start_job
from tests.factories import make_staff
from tests.platform import sample_jobs  # noqa: F401

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def clerk():
    return make_staff("clerk", language="en")


def browser_of(staff) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(staff)
    return client


def start(staff, kind: str = "tests.count", **fields) -> Job:
    job = start_job(kind=kind, params={}, actor=staff, at=timezone.now())
    Job.objects.filter(pk=job.pk).update(**fields)
    job.refresh_from_db()
    return job


def running(staff, **fields) -> Job:
    now = timezone.now()
    return start(staff, status=JobStatus.RUNNING, started_at=now, heartbeat_at=now, **fields)


def test_a_page_shows_how_far_it_is_and_follows_it(clerk):
    job = running(clerk, done=1234, total=5000, message="Applying")

    page = browser_of(clerk).get(f"/jobs/{job.pk}/").content.decode()

    assert "Counting" in page and "Applying" in page
    assert "24 %" in page and "1,234 / 5,000" in page
    assert f'sse-connect="/live/jobs/{job.pk}"' in page
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page


def test_what_has_ended_is_not_followed_any_more(clerk):
    job = start(
        clerk, status=JobStatus.SUCCEEDED, finished_at=timezone.now(), result={"counted_rows": 9876}
    )

    page = browser_of(clerk).get(f"/jobs/{job.pk}/").content.decode()

    assert "sse-connect" not in page and "http-equiv" not in page
    assert "Counted rows" in page and "9,876" in page


def test_a_failure_says_why_and_can_be_tried_again(clerk):
    job = start(
        clerk, status=JobStatus.FAILED, error="The file is empty.", finished_at=timezone.now()
    )
    client = browser_of(clerk)
    assert "The file is empty." in client.get(f"/jobs/{job.pk}/").content.decode()

    answer = client.post(f"/jobs/{job.pk}/retry/")

    assert (answer.status_code, answer.headers["Location"]) == (302, f"/jobs/{job.pk}/")
    job.refresh_from_db()
    assert job.status == JobStatus.QUEUED


def test_cancel_works_with_and_without_htmx(clerk):
    client = browser_of(clerk)
    first, second = start(clerk), running(clerk)

    assert client.post(f"/jobs/{first.pk}/cancel/").status_code == 302
    fragment = client.post(f"/jobs/{second.pk}/cancel/", headers=HTMX)

    assert fragment.status_code == 200
    assert "Asked to stop" in fragment.content.decode()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.cancelled_by) == (JobStatus.CANCELLED, clerk)


def test_a_refusal_is_said_in_place(clerk):
    job = start(clerk, status=JobStatus.SUCCEEDED, finished_at=timezone.now())
    client = browser_of(clerk)

    refused = client.post(f"/jobs/{job.pk}/cancel/", headers=HTMX)

    assert refused.status_code == 409
    assert "nothing left to cancel" in refused.content.decode()


@pytest.mark.parametrize(("method", "act"), [("get", ""), ("post", "cancel/"), ("post", "retry/")])
def test_a_stranger_finds_nothing(clerk, method, act):
    job = start(clerk)

    answer = getattr(browser_of(make_staff("clerk")), method)(f"/jobs/{job.pk}/{act}")

    assert answer.status_code == 404
    job.refresh_from_db()
    assert job.status == JobStatus.QUEUED


def test_nobody_known_is_sent_to_log_in(client, clerk):
    job = start(clerk)

    assert client.get(f"/jobs/{job.pk}/").status_code == 302
    assert client.get("/jobs/").status_code == 302
    assert client.post(f"/jobs/{job.pk}/cancel/").status_code == 302


def test_the_list_has_ones_own_and_the_administrator_sees_all(clerk):
    start(clerk)
    other = start(make_staff("clerk", name="Ada Byron"))

    own = browser_of(clerk).get("/jobs/").content.decode()
    every = browser_of(make_staff("admin", language="en")).get("/jobs/").content.decode()

    assert str(other.pk) not in own
    assert str(other.pk) in every and "Ada Byron" in every


def test_the_list_asks_no_more_for_fifty_jobs(clerk, django_assert_max_num_queries):
    for _ in range(51):
        start(clerk)
    client = browser_of(clerk)
    client.get("/jobs/")

    with django_assert_max_num_queries(7):  # session, account, permissions, roles, page
        page = client.get("/jobs/").content.decode()

    assert page.count("<tr>") == 51
    assert 'rel="next"' in page


def test_only_what_is_open(clerk):
    ended = start(clerk, status=JobStatus.SUCCEEDED, finished_at=timezone.now())
    waiting = start(clerk)

    page = browser_of(clerk).get("/jobs/?open=1").content.decode()

    assert str(waiting.pk) in page and str(ended.pk) not in page


@pytest.mark.parametrize("cursor", ["x", "a:b:c", "%00"])
def test_a_strange_cursor_is_400(clerk, cursor):
    assert browser_of(clerk).get(f"/jobs/?cursor={cursor}").status_code == 400


def test_htmx_gets_the_fragment_alone(clerk):
    job = running(clerk, done=1, total=4)

    fragment = browser_of(clerk).get(f"/jobs/{job.pk}/", headers=HTMX)

    assert b"<html" not in fragment.content and b"25 %" in fragment.content
    assert fragment.headers["Vary"].startswith("HX-Request")
