"""The claims about real workers: what a kill -9 costs, and what a lost message costs."""

import time
from datetime import timedelta

import pytest
import redis
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from crm.platform.access.models import OrgUnit
from crm.platform.jobs.models import Job, JobStatus
from crm.platform.jobs.running import LOST_AFTER
from crm.platform.jobs.services import request_cancel, start_job
from crm.platform.jobs.tasks import sweep
from tests.factories import make_staff
from tests.platform import sample_jobs  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)


def start(kind: str, **params) -> Job:
    with transaction.atomic():
        return start_job(kind=kind, params=params, actor=make_staff("clerk"), at=timezone.now())


def wait(job: Job, *statuses: str, seconds: float = 20.0) -> Job:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        job.refresh_from_db()
        if job.status in statuses:
            return job
        time.sleep(0.05)
    raise AssertionError(f"{job} is {job.status} after {seconds} s, not {statuses}")


def half_a_minute_passes(job: Job) -> None:
    """The worker is dead, so nobody else writes the heartbeat that we turn back."""
    job.refresh_from_db()
    Job.objects.filter(pk=job.pk).update(heartbeat_at=job.heartbeat_at - LOST_AFTER)


def test_a_worker_hears_of_a_job_and_does_it(start_worker, tmp_path):
    start_worker()
    job = start("tests.count", to=3, marks=str(tmp_path / "marks"))

    wait(job, JobStatus.SUCCEEDED)

    assert job.result == {"counted": 3}
    assert len((tmp_path / "marks").read_text().splitlines()) == 3


def test_kill_9_of_the_child_in_the_middle_ends_in_one_finished_job(start_worker, tmp_path):
    worker = start_worker()
    marks = tmp_path / "marks"
    job = start("tests.die_once", marks=str(marks))
    wait_until(lambda: "SIGKILL" in worker.log.read_text() or marks.exists())
    time.sleep(1.0)  # the redelivered message comes and must not run it a second time
    job.refresh_from_db()
    assert (job.status, len(marks.read_text().splitlines())) == (JobStatus.RUNNING, 1)

    half_a_minute_passes(job)
    sweep()
    wait(job, JobStatus.SUCCEEDED)

    first, second = marks.read_text().splitlines()
    assert first != second
    assert (job.attempt, job.result, job.error) == (2, {"died": 1}, "")


def test_kill_9_of_the_whole_worker_loses_nothing(start_worker, tmp_path):
    worker = start_worker()
    marks = tmp_path / "marks"
    job = start("tests.count", to=40, pause=0.1, marks=str(marks))
    wait_until(lambda: marks.exists() and len(marks.read_text().splitlines()) >= 3)

    worker.kill()
    job.refresh_from_db()
    assert job.status == JobStatus.RUNNING
    half_a_minute_passes(job)
    start_worker()
    sweep()
    wait(job, JobStatus.SUCCEEDED)

    assert (job.attempt, job.result) == (2, {"counted": 40})
    runs = [line.split()[0] for line in marks.read_text().splitlines()]
    assert len(set(runs)) == 2 and runs.count(runs[-1]) == 40


def test_the_heartbeat_of_a_silent_job_goes_on(start_worker):
    start_worker()
    job = start("tests.long_transaction", seconds=6)
    wait(job, JobStatus.RUNNING)
    time.sleep(5)

    job.refresh_from_db()

    assert timezone.now() - job.heartbeat_at < timedelta(seconds=3.5)
    assert not OrgUnit.objects.filter(code="OPEN").exists()  # its transaction is open
    assert job.message == "half way"
    wait(job, JobStatus.SUCCEEDED)


def test_a_job_whose_message_the_broker_forgot_is_done_after_all(start_worker):
    job = start("tests.count")
    redis.Redis.from_url(settings.REDIS_URL).delete("interactive", "bulk")
    start_worker()
    Job.objects.update(ring_at=timezone.now())

    sweep()

    wait(job, JobStatus.SUCCEEDED)


def test_a_running_job_is_cancelled_within_seconds(start_worker):
    start_worker()
    job = start("tests.count", to=1000, pause=0.05)
    wait(job, JobStatus.RUNNING)

    request_cancel(job_id=job.pk, actor=job.created_by, at=timezone.now())
    wait(job, JobStatus.CANCELLED, seconds=5)

    assert job.done < 1000


def wait_until(condition, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)
