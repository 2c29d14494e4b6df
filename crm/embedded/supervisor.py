"""
`script/server`: everything on one machine, started, watched and ended by one process.

No thread and no event loop: ten times a second it looks whether a child has died, whether
a log has grown, and whether it was told to stop.
"""

import errno
import fcntl
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from types import FrameType
from typing import NoReturn

from crm.embedded import logins, programs
from crm.embedded.children import Child, say
from crm.embedded.configuration import Configuration
from crm.embedded.leftovers import end_leftovers
from crm.embedded.servers import Servers
from crm.embedded.watchdog import Watchdog

LOOK_EVERY_SECONDS = 0.1
ANSWERS_WITHIN_SECONDS = 60.0
WORKERS_MOMENT_SECONDS = 5.0
POLITE_SECONDS = 5.0
HURRIED_SECONDS = 7.0
SERVERS_SECONDS = 5.0


class Told(Exception):
    """The person or the machine told us to stop."""


class Supervisor:
    """One run of the stack, from the first look at the folder to the last child's end."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.folder = configuration.folder
        self.servers = Servers(configuration.folder)
        self.below: list[Child] = []  # PostgreSQL and Redis
        self.above: list[Child] = []  # what needs them
        self.watchdog = Watchdog(self.folder) if self.servers.redis else None

    def run(self) -> None:
        """Run until told to stop; end all children whatever happens."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _told)
        try:
            self._clear_the_way()
            self._start_servers()
            demo = self._prepare()
            self._start_programs()
            self._wait_for_answer()
            logins.tell(port=self.configuration.port, demo=demo)
            self._watch()
        except Told as told:
            say(f"Stopping ({told}) ...")
        finally:
            self._end()

    def _clear_the_way(self) -> None:
        leftovers = end_leftovers(self.folder)
        running = [name for name, server in self.servers.each() if server.pid() is not None]
        if leftovers or running:
            say("A former run was killed; ending what it left running.")
            self.servers.stop()

    def _start_servers(self) -> None:
        self.below = programs.servers(self.servers)
        for child in self.below:
            child.start()
        for child, (_, server) in zip(self.below, self.servers.each(), strict=True):
            for pause in (2.0, 5.0, None):
                if server.wait(child.process):
                    break
                if pause is None:
                    child.pass_on_trouble()
                    raise SystemExit(f"{child.name} did not start; {child.log} says why.")
                time.sleep(pause)  # a former run's server may still be on its way out
                child.start()
            child.forget_trouble()  # such as our own knocking before it was up
        if self.servers.postgres is not None:
            self.servers.postgres.make_database()
        if self.watchdog is not None:
            self.watchdog.forget_former_run()

    def _prepare(self) -> bool:
        """Bring database and files up to date; return whether the demo operator is there."""
        with subprocess.Popen(
            programs.prepare(self.configuration),
            env=programs.environment(self.configuration),
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        ) as preparing:
            try:
                said, _ = preparing.communicate()
            except Told:
                preparing.terminate()
                raise
        if preparing.returncode:
            raise SystemExit("The stack could not be prepared; the reason is above.")
        return said.split()[-1:] == ["demo"]

    def _start_programs(self) -> None:
        self.above = programs.programs(self.configuration)
        for child in self.above:
            child.start()

    def _wait_for_answer(self) -> None:
        """
        Wait until pages are answered, then a moment for the workers, who start beside the web.

        :raises SystemExit: if the web takes too long.
        """
        until = time.monotonic() + ANSWERS_WITHIN_SECONDS
        while not self._answers():
            if time.monotonic() > until:
                raise SystemExit(f"The web did not answer; {self.folder.logs}/web.log says why.")
            self._look()
        until = time.monotonic() + WORKERS_MOMENT_SECONDS
        while self.watchdog and self.watchdog.silent_queues() and time.monotonic() < until:
            self._look()

    def _answers(self) -> bool:
        link = http.client.HTTPConnection("127.0.0.1", self.configuration.port, timeout=5)
        try:
            link.request("GET", "/health/live", headers={"Host": "127.0.0.1"})
            return link.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            link.close()

    def _watch(self) -> NoReturn:
        while True:
            self._look()

    def _look(self) -> None:
        time.sleep(LOOK_EVERY_SECONDS)
        for child in self.below + self.above:
            child.pass_on_trouble()
            child.keep_alive()
        if self.watchdog is not None:
            self.watchdog.look(self.above)

    def _end(self) -> None:
        """End all within 20 s: politely, then hurriedly, then by force; the servers last."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for child in self.above:
            child.end(child.ends_on)
        if not _all_gone(self.above, POLITE_SECONDS):
            for child in self.above:
                child.end(child.hurried_on)
            _all_gone(self.above, HURRIED_SECONDS)
        for child in self.above:
            child.end(signal.SIGKILL)
        for child in self.below:
            child.end(child.ends_on)
        _all_gone(self.below, SERVERS_SECONDS)
        for child in self.below:
            child.end(signal.SIGKILL)


def _all_gone(children: list[Child], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not any(child.running for child in children):
            return True
        time.sleep(0.02)
    return False


def _told(number: int, _frame: FrameType | None) -> NoReturn:
    raise Told(signal.Signals(number).name)


def claim(configuration: Configuration) -> int:
    """
    Take the data folder for ourselves; return the descriptor that holds it.

    :raises SystemExit: if another server has it.
    """
    configuration.folder.make()
    if not configuration.folder.sockets.is_relative_to(configuration.folder.root):
        say(f"CRM_VAR is too long for sockets; they are in {configuration.folder.sockets}.")
    path = configuration.folder.root / "server.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(handle, 100, 0).decode().strip()
        raise SystemExit(
            f"{configuration.folder.root} is in use by another server ({holder}). "
            "Stop it, or name another folder with CRM_VAR."
        ) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"process {os.getpid()}, port {configuration.port}\n".encode(), 0)
    return handle


def claim_servers(configuration: Configuration) -> int:
    """Wait until no script/manage uses the servers, then keep others from stopping them."""
    path = configuration.folder.root / "users.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("Waiting for a script/manage on this data folder to end ...")
        fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def refuse_taken_port(host: str, port: int) -> None:
    """
    Find out now, with a sentence, what the web server would find out later.

    :raises SystemExit: if somebody listens there already.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            why = "in use" if exc.errno == errno.EADDRINUSE else f"not to be had ({exc.strerror})"
            raise SystemExit(f"Port {port} is {why}. Name another with PORT.") from None


def main() -> None:
    configuration = Configuration.from_environment()
    folder = claim(configuration)
    refuse_taken_port(configuration.host, configuration.port)
    users = claim_servers(configuration)
    try:
        supervisor = Supervisor(configuration)
        fcntl.flock(users, fcntl.LOCK_SH)  # script/manage may come in beside us now
        supervisor.run()
    finally:
        os.close(users)
        os.close(folder)
    sys.exit(0)


if __name__ == "__main__":
    main()
