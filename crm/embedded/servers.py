"""
PostgreSQL and the two Redis of a data folder, for as long as somebody uses them.

Whoever uses them holds the folder's lock together with the others. The first one in
starts what does not run; the last one out stops it. Both happen under a second lock that
one holds alone, so nobody starts what another is just stopping.
"""

import contextlib
import fcntl
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from crm.embedded import processes
from crm.embedded.folder import DataFolder
from crm.embedded.postgres import Postgres
from crm.embedded.redis import Redis


class Servers:
    """
    The servers of one data folder that this program has to provide.

    :param own_database: False where `DATABASE_URL` names another.
    :param own_redis: False where `REDIS_URL` names another.
    """

    def __init__(
        self,
        folder: DataFolder,
        *,
        own_database: bool = "DATABASE_URL" not in os.environ,
        own_redis: bool = "REDIS_URL" not in os.environ,
        throw_away: bool = False,
    ) -> None:
        self.folder = folder
        self.postgres = Postgres(folder, throw_away=throw_away) if own_database else None
        self.redis: list[Redis] = []
        if own_redis:
            kinds = ((folder.broker_socket, False), (folder.cache_socket, True))
            self.redis = [Redis(folder, at, forgets, throw_away) for at, forgets in kinds]

    def each(self) -> Iterator[tuple[str, Postgres | Redis]]:
        """Return every server with its name."""
        if self.postgres is not None:
            yield "postgres", self.postgres
        for server in self.redis:
            yield f"redis-{server.socket.stem}", server

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Have the servers running: those that run already are used, the others started."""
        self.folder.make()
        with _lock(self.folder.root / "servers.lock", fcntl.LOCK_EX) as alone:
            users = os.open(self.folder.root / "users.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
            fcntl.flock(users, fcntl.LOCK_SH)
            self._start()
            fcntl.flock(alone, fcntl.LOCK_UN)
        try:
            yield
        finally:
            with _lock(self.folder.root / "servers.lock", fcntl.LOCK_EX):
                fcntl.flock(users, fcntl.LOCK_UN)
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    self.stop()
            os.close(users)

    def stop(self) -> None:
        """End the servers, whoever started them."""
        for _, server in reversed(list(self.each())):
            server.stop()

    def _start(self) -> None:
        started: list[tuple[str, Postgres | Redis, subprocess.Popen[bytes]]] = []
        for name, server in self.each():
            if server.pid() is not None:
                continue
            server.prepare()
            account = server.account if isinstance(server, Postgres) else None
            with (self.folder.logs / f"{name}.log").open("ab") as log:
                child = processes.start(server.command(), log=log, account=account)
            started.append((name, server, child))
        for name, server, child in started:
            if not server.wait(child):
                self.stop()
                raise SystemExit(f"{name} did not start; see {self.folder.logs / name}.log")
        if self.postgres is not None:
            self.postgres.wait()
            self.postgres.make_database()


@contextlib.contextmanager
def _lock(path: Path, how: int) -> Iterator[int]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, how)
        yield handle
    finally:
        os.close(handle)
