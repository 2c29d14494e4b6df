"""A large batch that stops half-way: killed, cancelled or stopped, it ends whole or not at all."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from crm.platform.feeds.definition import FeedRefused
from crm.platform.feeds.engine import BatchBusy, run_batch
from crm.platform.feeds.models import Batch, BatchChunk, BatchStatus
from crm.platform.feeds.services import receive
from crm.platform.feeds.undo import undo_batch
from crm.platform.jobs.registry import JobCancelled
from customers.models import MonthlyUsage
from tests.feeds.files import CHECKOUT, NOON, counts, imported, quiet, written
from tests.workers import environment_of_workers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("operator")]
ROWS = [f"2026-{month:02},S{n},{month * 10 + n}" for month in range(1, 10) for n in (1, 2, 3, 4)]
DYING_WORKER = """
import os, pathlib, signal
from django.conf import settings
from tests.feeds.files import imported

def dies_in_the_middle_of_applying(now, total, _message):
    if total and now >= 15:
        os.kill(os.getpid(), signal.SIGKILL)

settings.FEED_CHUNK_ROWS = 5
file = pathlib.Path(os.environ["FILE"])
imported("usage", file, progress=dies_in_the_middle_of_applying)
"""


@pytest.fixture(autouse=True)
def small_chunks(settings):
    settings.FEED_CHUNK_ROWS = 5


@pytest.fixture
def usage(tmp_path: Path) -> Path:
    rows = [*ROWS[:20], "2026-09,S9,1", *ROWS[20:]]
    return written(tmp_path / "usage.csv", "month,subscriber_number,data_kb", *rows)


def stopping_at(done: int, stop):
    def progress(now: int, total: int | None, _message: str) -> None:
        if total and now >= done:
            stop()

    return progress


def test_a_killed_worker_leaves_a_checkpoint_and_the_next_one_goes_on(usage):
    worker = [sys.executable, "manage.py", "shell", "--no-imports", "--command", DYING_WORKER]
    environment = environment_of_workers() | {"FILE": str(usage)}
    died = subprocess.run(worker, cwd=CHECKOUT, env=environment, stdin=subprocess.DEVNULL)
    assert died.returncode == -signal.SIGKILL
    batch = Batch.objects.get(feed="usage")
    done = BatchChunk.objects.filter(batch=batch).count()
    assert batch.status == BatchStatus.RUNNING
    assert 0 < done < 8
    assert 0 < MonthlyUsage.objects.count() < 36

    again = imported("usage", usage)

    assert again.pk == batch.pk
    assert counts(again) == (37, 36, 0, 0, 1)
    assert MonthlyUsage.objects.count() == 36
    assert counts(imported("usage", usage)) == (37, 0, 0, 36, 1)


def test_a_cancelled_batch_leaves_nothing_behind(usage):
    def cancel():
        raise JobCancelled

    with pytest.raises(JobCancelled):
        imported("usage", usage, progress=stopping_at(25, cancel))

    batch = Batch.objects.get(feed="usage")
    assert batch.status == BatchStatus.CANCELLED
    assert BatchChunk.objects.filter(batch=batch).count() > 2
    assert not MonthlyUsage.objects.exists()
    assert not _stage_tables()


def test_a_batch_stopped_by_its_rejects_leaves_nothing_behind(tmp_path):
    rows = [*ROWS[:12], *(f"2026-09,S9{n},1" for n in range(12)), *ROWS[12:]]
    path = written(tmp_path / "u.csv", "month,subscriber_number,data_kb", *rows)

    with pytest.raises(FeedRefused, match="20"):
        imported("usage", path, error_percent=20)

    assert Batch.objects.get(feed="usage").status == BatchStatus.REFUSED
    assert not MonthlyUsage.objects.exists()


def test_a_failure_interrupts_and_running_again_goes_on(usage):
    def fail():
        raise RuntimeError("the network went away")

    with pytest.raises(RuntimeError):
        imported("usage", usage, progress=stopping_at(20, fail))
    assert Batch.objects.get(feed="usage").status == BatchStatus.INTERRUPTED

    assert counts(imported("usage", usage)) == (37, 36, 0, 0, 1)


def test_a_crash_of_the_database_that_empties_staging_costs_only_a_new_reading(usage):
    def fail():
        raise RuntimeError

    with pytest.raises(RuntimeError):
        imported("usage", usage, progress=stopping_at(20, fail))
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {_stage_tables()[0]}")

    assert counts(imported("usage", usage)) == (37, 36, 0, 0, 1)


def test_a_batch_runs_in_one_process_at_a_time(usage):
    batch = receive(feed="usage", path=usage, actor=None, at=NOON)
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [0x46454544, batch.pk])

        with pytest.raises(BatchBusy):
            run_batch(batch_id=batch.pk, progress=quiet, at=NOON)
        cursor.execute("SELECT pg_advisory_unlock_all()")
    other.close()

    assert run_batch(batch_id=batch.pk, progress=quiet, at=NOON).status == BatchStatus.APPLIED


def test_chunks_do_not_change_what_becomes_of_a_file(tmp_path, settings):
    rows = [
        "2026-09,B1,A1,100,1",
        "2026-09,B1,A1,100,1",
        "2026-09,B2,A2,200,1",
        "2026-09,B1,A1,150,2",
        "2026-09,B1,A1,120,1",
        "2026-09,B2,A2,250,1",
        "2026-09,B2,A9,250,1",
    ]
    path = written(tmp_path / "b.csv", "month,bill_number,account_number,amount_fen,version", *rows)
    outcomes = set()
    for size in (1, 2, 3, 100):
        settings.FEED_CHUNK_ROWS = size
        batch = imported("bills", path)
        outcomes.add((counts(batch), *_rejects(batch)))
        undone = undo_batch(batch_id=batch.pk, actor=None, at=NOON)
        assert (undone.removed, undone.kept_because_changed) == (2, 0)

    assert outcomes == {
        (
            (7, 2, 1, 1, 3),
            (6, "older_version"),
            (7, "same_version_differs"),
            (8, "unknown_account"),
        )
    }


def test_undoing_one_after_the_other_leaves_nothing(tmp_path, operator):
    header = "subscriber_number,customer_number,plan_name"
    second = imported(
        "subscribers", written(tmp_path / "s.csv", header, "S1,C1,Big", "S7,C1,Small")
    )
    third = imported("subscribers", written(tmp_path / "t.csv", header, "S1,C1,Huge"))

    results = [
        undo_batch(batch_id=batch.pk, actor=None, at=NOON) for batch in (third, second, operator)
    ]

    assert [(b.removed, b.restored, b.kept_because_changed) for b in results] == [
        (0, 1, 0),
        (1, 1, 0),
        (4, 0, 0),
    ]


def _rejects(batch: Batch) -> list[tuple[int, str]]:
    return list(batch.rejects.order_by("row_number").values_list("row_number", "code"))


def _stage_tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname LIKE 'feeds\\_stage\\_%'")
        return [name for (name,) in cursor.fetchall()]
