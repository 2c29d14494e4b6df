"""What has committed stays, and nobody waits, while the broker is away."""

import socket
import time
from contextlib import contextmanager

import pytest
from celery import current_app
from django.db import transaction
from django.utils import timezone

from crm.platform import bus, doorbell
from crm.platform.jobs import tasks
from crm.platform.jobs.models import Job, JobStatus
from crm.platform.jobs.services import start_job
from tests.platform import sample_jobs  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)
WAITED_OUT = doorbell.TIMEOUTS["socket_connect_timeout"]  # what waiting for the broker would take


@contextmanager
def broker(url: str):
    before = current_app.conf.broker_url
    current_app.conf.broker_url = url
    doorbell._new_bell()
    try:
        yield
    finally:
        current_app.conf.broker_url = before
        doorbell._new_bell()


@pytest.fixture
def deaf_port():
    """A port that takes connections and never answers: a broker that hangs."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(16)
        yield listening.getsockname()[1]


def start() -> tuple[Job, float]:
    began = time.monotonic()
    with transaction.atomic():
        job = start_job(kind="tests.count", params={}, actor=None, at=timezone.now())
    return job, time.monotonic() - began


def test_a_broker_that_is_gone_costs_no_page_a_moment_and_no_job():
    with broker("redis://127.0.0.1:1/0"):
        job, took = start()
        doorbell._bell.wait()
        left_alone = time.monotonic() < doorbell._bell.silent_until

    assert took < WAITED_OUT
    assert left_alone
    assert Job.objects.get(pk=job.pk).status == JobStatus.QUEUED


def test_a_broker_that_hangs_costs_no_page_a_moment_and_no_job(deaf_port):
    with broker(f"redis://127.0.0.1:{deaf_port}/0"):
        job, took = start()
        for _ in range(10):
            _more, longer = start()
            took = max(took, longer)

    assert took < WAITED_OUT
    assert Job.objects.get(pk=job.pk).status == JobStatus.QUEUED


def test_a_sweep_without_a_broker_ends_at_once():
    with broker("redis://127.0.0.1:1/0"):
        for _ in range(5):
            start()
        Job.objects.update(ring_at=timezone.now())

        began = time.monotonic()
        tasks.sweep()

    assert time.monotonic() - began < WAITED_OUT


def test_progress_is_told_without_redis(settings, monkeypatch):
    settings.CACHE_URL = "redis://127.0.0.1:1/0"
    bus._redis.cache_clear()
    monkeypatch.setattr(bus, "_silent_until", 0.0)
    try:
        began = time.monotonic()
        for _ in range(100):
            bus.announce("live:job:x")
    finally:
        bus._redis.cache_clear()

    assert time.monotonic() - began < WAITED_OUT
