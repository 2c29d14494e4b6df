"""A job in this process: how it is claimed, ended, cancelled, put back. No worker needed."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from crm.platform.jobs import pulse, services, tasks
from crm.platform.jobs.inline import run_inline
from crm.platform.jobs.models import TRIES, IllegalMove, Job, JobStatus
from crm.platform.jobs.registry import JobLost, job
from crm.platform.jobs.services import request_cancel, retry_job, start_job
from crm.platform.jobs.tasks import run, sweep
from tests.factories import make_staff
from tests.platform import sample_jobs  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def rung(monkeypatch):
    """Nobody listens to the broker here; remember what it was told."""
    rung = []

    def note(_task, *, queue, job_id, attempt):
        rung.append((queue, job_id, attempt))
        return True

    monkeypatch.setattr(tasks, "ring", note)
    monkeypatch.setattr(services, "ring_on_commit", note)
    return rung


def start(kind: str = "tests.count", **params) -> Job:
    return start_job(kind=kind, params=params, actor=make_staff("clerk"), at=timezone.now())


def done(job: Job) -> Job:
    run(job_id=str(job.pk), attempt=job.attempt)
    job.refresh_from_db()
    return job


def test_a_job_waits_runs_and_leaves_its_result(rung):
    job = start(to=5)
    assert (job.status, rung) == (JobStatus.QUEUED, [("interactive", str(job.pk), 0)])

    done(job)

    assert (job.status, job.result) == (JobStatus.SUCCEEDED, {"counted": 5})
    assert (job.done, job.total, job.message, job.percent) == (5, 5, "at 5", 100)
    assert job.started_at <= job.heartbeat_at <= job.finished_at


def test_a_refusal_is_the_jobs_sentence():
    job = done(start("tests.refuse"))

    assert (job.status, job.error) == (JobStatus.FAILED, "The file is empty.")
    assert (job.done, job.total) == (1, 2)


@pytest.mark.parametrize("kind", ["tests.break", "tests.nonsense"])
def test_a_fault_of_ours_is_logged_and_not_shown(kind, caplog):
    job = done(start(kind))

    assert job.status == JobStatus.FAILED
    assert ("13800138000" not in job.error and "It has been logged" in job.error) or job.error
    assert "failed" in caplog.text


def test_an_unknown_kind_cannot_be_started():
    with pytest.raises(LookupError):
        start("tests.nobody_knows")


def test_parameters_are_json():
    with pytest.raises(TypeError):
        start(to=NOON)


def test_a_message_delivered_twice_runs_the_job_once(tmp_path):
    marks = tmp_path / "marks"
    job = start(to=3, pause=0.05, marks=str(marks))

    def deliver(_):
        try:
            run(job_id=str(job.pk), attempt=0)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(deliver, range(4)))

    assert len(marks.read_text().splitlines()) == 3


def test_progress_is_seen_while_the_jobs_own_transaction_is_open():
    from crm.platform.access.models import OrgUnit

    job = start("tests.long_transaction", seconds=1.0)

    worker = threading.Thread(target=in_a_thread, args=(run, str(job.pk)))
    worker.start()
    seen = wait_for(lambda: Job.objects.filter(pk=job.pk, message="half way").exists())
    open_meanwhile = not OrgUnit.objects.filter(code="OPEN").exists()
    worker.join()

    assert seen and open_meanwhile
    assert OrgUnit.objects.filter(code="OPEN").exists()


def in_a_thread(task, job_id: str) -> None:
    try:
        task(job_id=job_id, attempt=0)
    finally:
        connection.close()


def wait_for(condition, seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_progress_is_written_five_times_a_second_at_most(monkeypatch):
    writes = []
    original = pulse.Pulse._write
    monkeypatch.setattr(pulse.Pulse, "_write", lambda self: writes.append(1) or original(self))

    began = time.monotonic()
    done(start(to=200, pause=0.005))
    took = time.monotonic() - began

    assert 2 <= len(writes) <= took / pulse.LEAST_PAUSE_SECONDS + 2


def test_a_waiting_job_is_cancelled_at_once():
    boss = make_staff("manager")
    job = start()

    request_cancel(job_id=job.pk, actor=boss, at=NOON)

    job.refresh_from_db()
    assert (job.status, job.cancelled_by, job.finished_at) == (JobStatus.CANCELLED, boss, NOON)
    assert done(job).status == JobStatus.CANCELLED


def test_a_running_job_stops_at_its_next_progress():
    job = start(to=1000, pause=0.02)
    worker = threading.Thread(target=in_a_thread, args=(run, str(job.pk)))
    worker.start()
    assert wait_for(lambda: Job.objects.filter(pk=job.pk, done__gte=2).exists())

    request_cancel(job_id=job.pk, actor=job.created_by, at=timezone.now())
    worker.join(timeout=10)

    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED
    assert 2 <= job.done < 1000


def test_what_has_ended_cannot_be_cancelled():
    job = done(start())

    with pytest.raises(IllegalMove, match=r".+"):
        request_cancel(job_id=job.pk, actor=job.created_by, at=NOON)


def test_a_failed_job_can_be_tried_again(rung):
    job = done(start("tests.refuse"))

    retry_job(job_id=job.pk, actor=job.created_by, at=NOON)

    job.refresh_from_db()
    assert (job.status, job.error, job.finished_at) == (JobStatus.QUEUED, "", None)
    assert (job.attempt, job.attempt_limit) == (1, 1 + TRIES)
    assert rung[-1] == ("interactive", str(job.pk), 1)
    assert done(job).attempt == 2


def test_a_job_that_succeeded_is_not_tried_again():
    job = done(start())

    with pytest.raises(IllegalMove):
        retry_job(job_id=job.pk, actor=job.created_by, at=NOON)


def silent_for(job: Job, seconds: float) -> None:
    Job.objects.filter(pk=job.pk).update(
        status=JobStatus.RUNNING,
        attempt=job.attempt + 1,
        started_at=NOON,
        heartbeat_at=timezone.now() - timedelta(seconds=seconds),
    )
    job.refresh_from_db()


def test_a_job_whose_worker_died_goes_back_to_its_queue(rung):
    job = start()
    silent_for(job, 31)

    sweep()

    job.refresh_from_db()
    assert (job.status, job.attempt) == (JobStatus.QUEUED, 1)
    assert rung[-1] == ("interactive", str(job.pk), 1)
    assert done(job).status == JobStatus.SUCCEEDED


def test_a_job_that_is_heard_of_is_left_alone():
    job = start()
    silent_for(job, 29)

    sweep()

    job.refresh_from_db()
    assert job.status == JobStatus.RUNNING


def test_after_three_deaths_it_fails_with_a_sentence():
    job = start()
    for _ in range(TRIES):
        silent_for(job, 31)
        sweep()
        job.refresh_from_db()

    assert (job.status, job.attempt) == (JobStatus.FAILED, TRIES)
    assert "3" in job.error


def test_a_cancelled_job_whose_worker_died_is_cancelled():
    job = start()
    silent_for(job, 31)
    request_cancel(job_id=job.pk, actor=job.created_by, at=NOON)

    sweep()

    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED


def test_a_worker_given_up_for_dead_can_no_longer_say_anything(monkeypatch):
    """Its heartbeat stood still, the job ran elsewhere, and then it wakes up."""
    monkeypatch.setattr(pulse, "HEARTBEAT_SECONDS", 0.05)
    woken = []

    @job("tests.zombie")
    def zombie(context):
        Job.objects.filter(pk=context.id).update(attempt=2, done=77)
        try:
            while True:
                context.progress(1, 2)
                time.sleep(0.02)
        except JobLost:
            woken.append("lost")
            raise

    row = done(start("tests.zombie"))

    assert woken == ["lost"]
    assert (row.status, row.attempt, row.done) == (JobStatus.RUNNING, 2, 77)


def test_a_lost_message_is_rung_for_with_growing_pauses(rung):
    job = start()
    rung.clear()
    sweep()
    assert not rung  # not in its first ten seconds

    pauses = []
    for _ in range(5):
        Job.objects.update(ring_at=timezone.now())
        sweep()
        job.refresh_from_db()
        pauses.append(round((job.ring_at - timezone.now()).total_seconds()))

    assert len(rung) == 5
    assert pauses == [10, 20, 40, 80, 120]


@pytest.mark.parametrize(
    ("constraint", "wrong"),
    [
        ("job_failed_iff_error", {"status": "FAILED", "finished_at": NOON}),
        ("job_finished_iff_finished_at", {"finished_at": NOON}),
        ("job_running_has_a_heartbeat", {"status": "RUNNING"}),
        ("job_result_only_when_succeeded", {"result": {}}),
        ("job_attempts_within_limit", {"attempt": 4}),
        ("job_cancelled_was_asked_for", {"status": "CANCELLED", "finished_at": NOON}),
        ("job_status_known", {"status": "ASLEEP"}),
    ],
)
def test_the_database_refuses_impossible_jobs(constraint, wrong):
    row = start()
    with pytest.raises(IntegrityError, match=rf"{constraint}|job_"), transaction.atomic():
        Job.objects.filter(pk=row.pk).update(**wrong)


def test_a_stranger_sees_no_job_and_the_administrator_all():
    row = start()

    assert list(Job.objects.visible_to(row.created_by)) == [row]
    assert not Job.objects.visible_to(make_staff("clerk"))
    assert list(Job.objects.visible_to(make_staff("admin"))) == [row]


def test_a_command_runs_the_same_function_without_a_row(capsys):
    assert run_inline("tests.count", {"to": 2}) == {"counted": 2}

    assert capsys.readouterr().err.splitlines()[-1] == "2 of 2 at 2"
    assert not Job.objects.exists()
