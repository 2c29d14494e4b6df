"""The embedded PostgreSQL and Redis: shared by all who use them, gone with the last."""

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from crm.embedded import watchdog
from crm.embedded.children import Child
from crm.embedded.folder import DataFolder
from crm.embedded.redis import Redis
from crm.embedded.servers import Servers

MakeServers = Callable[[], Servers]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    return DataFolder(tmp_path_factory.mktemp("servers"))


@pytest.fixture
def new_servers(folder: DataFolder) -> Iterator[MakeServers]:
    yield lambda: Servers(folder, own_database=True, own_redis=True)
    Servers(folder, own_database=True, own_redis=True).stop()


def running(servers: Servers) -> set[str]:
    return {name for name, server in servers.each() if server.pid() is not None}


def ask(folder: DataFolder, question: str) -> str:
    link = psycopg2.connect(host=str(folder.sockets), user="crm", dbname="crm")
    try:
        with link.cursor() as cursor:
            cursor.execute(question)
            return str(cursor.fetchone()[0])
    finally:
        link.close()


def test_the_last_one_out_stops_what_the_first_one_in_started(new_servers: MakeServers) -> None:
    everything = {"postgres", "redis-broker", "redis-cache"}
    first, second = new_servers(), new_servers()

    with second.in_use():
        with first.in_use():
            assert running(first) == everything
        assert running(second) == everything
    assert running(second) == set()


def test_a_server_left_running_is_used_and_then_stopped(new_servers: MakeServers) -> None:
    left = new_servers()
    left.folder.make()
    left._start()
    pid = left.postgres.pid()

    with new_servers().in_use():
        assert left.postgres.pid() == pid

    assert running(left) == set()


def test_what_is_committed_survives_a_killed_server(
    folder: DataFolder, new_servers: MakeServers
) -> None:
    servers = new_servers()
    with servers.in_use():
        link = psycopg2.connect(host=str(folder.sockets), user="crm", dbname="crm")
        link.cursor().execute("CREATE TABLE kept AS SELECT 7 AS n")
        link.commit()
        assert servers.redis[0].ask("SET kept 7") == "+OK"
        servers.postgres.stop(within_seconds=0)  # straight to an immediate end
        link.close()

    with servers.in_use():
        assert ask(folder, "SELECT n FROM kept") == "7"
        assert servers.redis[0].ask("GET kept") == "$1\r\n7"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("jit", "off"),
        ("server_encoding", "UTF8"),
    ],
)
def test_the_database_is_durable_and_reachable_by_its_socket_alone(
    folder: DataFolder, new_servers: MakeServers, setting: str, value: str
) -> None:
    with new_servers().in_use():
        assert ask(folder, f"SHOW {setting}") == value


def test_the_broker_never_evicts_a_task_and_the_cache_may(new_servers: MakeServers) -> None:
    servers = new_servers()
    with servers.in_use():
        broker, cache = servers.redis

        assert broker.ask("CONFIG GET maxmemory-policy").endswith("noeviction")
        assert broker.ask("CONFIG GET appendonly").endswith("yes")
        assert cache.ask("CONFIG GET maxmemory-policy").endswith("allkeys-lru")


def test_others_on_the_machine_cannot_reach_the_sockets(folder: DataFolder) -> None:
    folder.make()

    assert folder.sockets.stat().st_mode & 0o077 == 0
    assert folder.root.stat().st_mode & 0o077 == 0


def test_a_secret_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    first = DataFolder(tmp_path).secret("field-key")

    assert DataFolder(tmp_path).secret("field-key") == first
    assert (tmp_path / "field-key.secret").stat().st_mode & 0o777 == 0o600
    assert DataFolder(tmp_path / "other").secret("field-key") != first


@pytest.fixture
def silent_worker(tmp_path: Path) -> Iterator[Child]:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    child = Child(name="worker-bulk", command=command, log=tmp_path / "log")
    child.start()
    yield child
    child.end(signal.SIGKILL)


@pytest.mark.parametrize(
    ("alive", "waiting", "killed"),
    [(False, True, True), (True, True, False), (False, False, False)],
)
def test_a_worker_is_killed_only_if_it_is_silent_while_work_waits(
    new_servers: MakeServers,
    silent_worker: Child,
    monkeypatch: pytest.MonkeyPatch,
    alive: bool,
    waiting: bool,
    killed: bool,
) -> None:
    monkeypatch.setattr(watchdog, "SILENT_AFTER_SECONDS", 0.0)
    servers = new_servers()
    with servers.in_use():
        broker: Redis = servers.redis[0]
        broker.ask("FLUSHALL")
        if alive:
            broker.ask("SET crm:alive:bulk 1")
        if waiting:
            broker.ask("LPUSH bulk message")

        watchdog.Watchdog(servers.folder).look([silent_worker])

        if killed:
            assert silent_worker.process.wait(5) == -signal.SIGKILL
        assert silent_worker.running is not killed
