"""A whole stack of its own, started as a person would start it, for tests from outside."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psycopg2

from crm.embedded.configuration import CHECKOUT
from crm.embedded.folder import DataFolder

ELSEWHERE = ("DATABASE_URL", "DATABASE_REPLICA_URL", "REDIS_URL", "CACHE_URL", "CRM_STACK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stack:
    """One `script/server` without its setup, which the tests' own start has done."""

    def __init__(self, folder: Path, *, demo_customers: int = 0, **environment: str) -> None:
        self.folder = DataFolder(folder)
        self.port = free_port()
        inherited = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
        self.environment = inherited | {
            "CRM_VAR": str(folder),
            "PORT": str(self.port),
            "CRM_DEMO_CUSTOMERS": str(demo_customers),
            "CRM_WEB_WORKERS": "1",
            "CRM_WORKERS": "1",
            **environment,
        }
        self.said: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "Stack":
        """Start it without waiting."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "crm.embedded.supervisor"],
            cwd=CHECKOUT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        return self

    def wait_until_ready(self, *, within: float = 180.0) -> "Stack":
        self.wait_to_hear(r"^ready: ", within=within)
        return self

    def wait_to_hear(self, pattern: str, *, within: float = 30.0) -> str:
        """Return the first line said that matches; fail if none does in time."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            for line in list(self.said):
                if re.search(pattern, line):
                    return line
            if self.process.poll() is not None and not self._listener.is_alive():
                break
            time.sleep(0.02)
        raise AssertionError(f"never heard {pattern!r} in:\n" + "".join(self.said))

    def wait_for_end(self, *, within: float = 20.0) -> int:
        """Return the exit status, all it said being in `said`."""
        status = self.process.wait(within)
        self._listener.join(5)
        return status

    def stop(self) -> float:
        """Ask it to end; return the seconds it took."""
        begun = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.wait_for_end()
        return time.monotonic() - begun

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body, 0 where nobody answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as exc:
            return exc.code, exc.read().decode()
        except OSError:
            return 0, ""

    def connect(self) -> Any:
        """Return a connection to its database, for looking at the outcome."""
        return psycopg2.connect(host=str(self.folder.sockets), user="crm", dbname="crm")

    def children(self) -> dict[str, int]:
        """Return the process of each child by a word of its command line."""
        words = {
            "postgres": "bin/postgres",
            "redis-broker": "broker.sock",
            "redis-cache": "cache.sock",
            "web": "granian",
            "worker-interactive": "-Q interactive",
            "worker-bulk": "-Q bulk",
            "beat": "beat",
        }
        found = {}
        for pid in self.family():
            for name, word in words.items():
                if word in _command(pid) and _parent(pid) == self.process.pid:
                    found[name] = pid
        return found

    def processor_seconds(self) -> float:
        """
        Return what it and all below it have used so far. A clock would measure how busy the
        machine is with other things.
        """
        ticks = 0
        for pid in [self.process.pid, *self.family()]:
            figures = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, figures[11:15]))  # its own and its ended children's
        return ticks / os.sysconf("SC_CLK_TCK")

    def family(self) -> list[int]:
        """Return every process below the supervisor."""
        parents = {
            int(entry.name): _parent(int(entry.name)) for entry in Path("/proc").glob("[0-9]*")
        }
        family: list[int] = []
        grown = [self.process.pid]
        while grown:
            grown = [pid for pid, parent in parents.items() if parent in grown]
            family += grown
        return family

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
