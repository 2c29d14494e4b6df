"""One supervised child: started, watched, started again when it dies, ended when we end."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from crm.embedded import processes

SHORTEST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
HEALTHY_AFTER_SECONDS = 60.0
LARGEST_LOG = 20 * 1024 * 1024
PLAIN_TROUBLE = re.compile(
    r"\b(FATAL|PANIC|CRITICAL)\b|^\[ERROR\]|\bERROR/|^Traceback |^[\w.]+(Error|Exception):"
)


def say(sentence: str) -> None:
    """Tell the person at the console."""
    print(sentence, file=sys.stderr, flush=True)


@dataclass
class Child:
    """
    A program that has to run for as long as we do.

    :param ends_on: what asks it to end in good order.
    :param hurried_on: what it gets when it has not ended some seconds later.
    :param dies_with: what the kernel sends it should we be killed.
    """

    name: str
    command: list[str]
    log: Path
    environment: dict[str, str] | None = None
    ends_on: signal.Signals = signal.SIGTERM
    hurried_on: signal.Signals = signal.SIGTERM
    dies_with: signal.Signals = signal.SIGTERM
    account: processes.Account | None = None
    before: Callable[[], None] = lambda: None

    _process: subprocess.Popen[bytes] | None = None
    _pause: float = SHORTEST_PAUSE
    _started: float = 0.0
    _again_at: float = 0.0
    _read_to: int = field(default=0)

    def start(self) -> None:
        """Start it, its words going to the end of its log."""
        self.before()
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self._read_to = log.tell() if self._process is None else min(self._read_to, log.tell())
            self._process = processes.start(
                self.command,
                log=log,
                dies_with=self.dies_with,
                account=self.account,
                environment=self.environment,
            )
        self._started = time.monotonic()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running process. Asked only after `start`."""
        assert self._process is not None
        return self._process

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def age_seconds(self) -> float:
        return time.monotonic() - self._started if self.running else 0.0

    def keep_alive(self) -> None:
        """Start it again if it has died, later each time it dies soon."""
        now = time.monotonic()
        if self.running:
            return
        if not self._again_at:
            if now - self._started > HEALTHY_AFTER_SECONDS:
                self._pause = SHORTEST_PAUSE
            self._again_at = now + self._pause
            say(f"{self.name} {self._manner()}; starting it again in {self._pause:g} s.")
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
        elif now >= self._again_at:
            self._again_at = 0.0
            processes.signal_group(self.process.pid, signal.SIGKILL)  # what it left behind
            self.start()
            say(f"{self.name} runs again.")

    def end(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs. The whole family gets it where that cannot be refused."""
        if number == signal.SIGKILL:
            if self._process is not None:
                processes.signal_group(self._process.pid, number)
        elif self.running:
            self.process.send_signal(number)

    def pass_on_trouble(self) -> None:
        """Repeat on the console what is new in the log and looks like trouble."""
        try:
            with self.log.open("rb") as log:
                if os.fstat(log.fileno()).st_size < self._read_to:
                    self._read_to = 0
                log.seek(self._read_to)
                fresh = log.read(256 * 1024)
        except FileNotFoundError:
            return
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._read_to += len(whole)
        for line in whole.decode(errors="replace").splitlines():
            if trouble := trouble_in(line):
                say(f"[{self.name}] {trouble}")

    def forget_trouble(self) -> None:
        """Take what the log holds so far as known."""
        self._read_to = self.log.stat().st_size

    def _manner(self) -> str:
        code = self.process.returncode
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with status {code} (see {self.log})"


def trouble_in(line: str) -> str | None:
    """Return what to repeat of a log line: a warning or worse; None for the ordinary."""
    if line.startswith("{"):
        try:
            said = json.loads(line)
        except ValueError:
            return None
        if said.get("level") in {"warning", "error", "critical"}:
            cause = str(said.get("exception", "")).rpartition("\n")[2]
            return f"{said['level']}: {said.get('message', '')} {cause}".strip()
        return None
    return line if PLAIN_TROUBLE.search(line) else None
