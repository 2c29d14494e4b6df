"""Real workers for the tests whose claims are about them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings

from tests.workers import CHECKOUT, Web, Worker


@pytest.fixture(scope="session")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The static files as a deployment has them, collected once."""
    folder = tmp_path_factory.mktemp("static")
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v", "0"]
    environment = os.environ | {"STATIC_ROOT": str(folder)}
    subprocess.run(command, cwd=CHECKOUT, env=environment, check=True)
    return folder


@pytest.fixture
def web(transactional_db: None, tmp_path: Path, collected: Path) -> Iterator[Web]:
    serving = Web(tmp_path / "web.log", collected)
    try:
        serving.wait_until_ready()
        yield serving
    finally:
        serving.stop()


@pytest.fixture
def start_worker(transactional_db: None, tmp_path: Path) -> Iterator[Callable[[], Worker]]:
    """Return a function that starts a worker on empty queues; all end with the test."""
    broker = redis.Redis.from_url(settings.REDIS_URL)
    broker.delete("interactive", "bulk", "unacked", "unacked_index")
    started: list[Worker] = []

    def start() -> Worker:
        started.append(Worker(tmp_path / f"worker-{len(started)}.log"))
        started[-1].wait_until_ready()
        return started[-1]

    yield start
    for worker in started:
        worker.stop()
    broker.delete("interactive", "bulk", "unacked", "unacked_index")
