"""Real web and worker processes on a test's database, for claims that are about processes."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import psutil
from django.conf import settings
from django.db import connection

CHECKOUT = Path(__file__).resolve().parent.parent


def environment_of_workers() -> dict[str, str]:
    """The environment of another process that shall see this test's database and broker."""
    at = connection.settings_dict
    account = f"{at['USER']}:{quote(at['PASSWORD'])}" if at["PASSWORD"] else at["USER"]
    place = f"host={quote(str(at['HOST']), safe='')}&port={at['PORT'] or 5432}"
    return os.environ | {
        "DATABASE_URL": f"postgresql://{account}@/{at['NAME']}?{place}",
        "REDIS_URL": settings.REDIS_URL,
        "CACHE_URL": settings.CACHE_URL,
        "SECRET_KEY": settings.SECRET_KEY,
        "FIELD_KEYS": ",".join(settings.FIELD_KEYS),
        "HASH_KEY": settings.HASH_KEY,
        "HTTPS": "no",
    }


class Web:
    """The web application as it is served in life, on the test's database."""

    def __init__(self, log: Path, static: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        environment = environment_of_workers() | {"STATIC_ROOT": str(static)}
        command = [sys.executable, "-m", "granian", "--interface", "asgi", "--workers", "1"]
        command += ["--host", "127.0.0.1", "--port", str(self.port), "--no-ws"]
        with self.log.open("ab") as file:
            self.process = subprocess.Popen(
                [*command, "crm.asgi:application"],
                cwd=CHECKOUT,
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            try:
                urlopen(f"{self.url}/health/live", timeout=2).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(f"The web did not start:\n{self.log.read_text()}")

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Worker:
    """One Celery worker with two children, in a process group of its own."""

    def __init__(self, log: Path) -> None:
        command = [sys.executable, "-m", "celery", "-A", "crm", "worker", "-c", "2"]
        command += ["-Q", "interactive,bulk", "-I", "tests.platform.sample_jobs"]
        command += ["--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        self.log = log
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                command,
                cwd=CHECKOUT,
                env=environment_of_workers(),
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            if " ready." in self.log.read_text():
                return
            time.sleep(0.05)
        raise AssertionError(f"The worker did not start:\n{self.log.read_text()}")

    def kill(self) -> None:
        """SIGKILL to the worker and all its children, as when the machine goes down."""
        family = [*psutil.Process(self.process.pid).children(recursive=True), self.process]
        for member in family:
            member.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.kill()
