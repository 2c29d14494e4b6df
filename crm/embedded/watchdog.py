"""
Restarts a worker that lives but no longer takes work.

A worker whose connection to Redis was reset sometimes stays up and consumes nothing
(celery issues 8091, 9054, 10205, 10302). Each worker's tasks leave a sign of life; one
whose queue is not empty and that has left none for a while is killed, and so restarted.
"""

import signal
import time

from crm.celery import QUEUES
from crm.embedded.children import Child, say
from crm.embedded.folder import DataFolder
from crm.embedded.redis import Redis

LOOK_EVERY_SECONDS = 15.0
SILENT_AFTER_SECONDS = 120.0
SIGN_OF_LIFE = "crm:alive:{queue}"


class Watchdog:
    """Looks at the workers' signs of life in the broker."""

    def __init__(self, folder: DataFolder) -> None:
        self._broker = Redis(folder, folder.broker_socket, forgets=False)
        self._next = 0.0

    def forget_former_run(self) -> None:
        """Remove the signs of life that the broker kept from workers that are gone."""
        for queue in QUEUES:
            self._broker.ask(f"DEL {SIGN_OF_LIFE.format(queue=queue)}")

    def silent_queues(self) -> list[str]:
        """Return the queues whose worker has left no sign of life."""
        return [queue for queue in QUEUES if self._is_silent(queue)]

    def look(self, children: list[Child]) -> None:
        """Kill the workers that have been silent too long while work waits for them."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + LOOK_EVERY_SECONDS
        for child in children:
            kind, _, queue = child.name.partition("-")
            if kind == "worker" and child.age_seconds > SILENT_AFTER_SECONDS:
                waiting = self._broker.ask(f"LLEN {queue}")
                if self._is_silent(queue) and waiting.startswith(":") and waiting != ":0":
                    say(f"{child.name} takes no work although some waits; killing it.")
                    child.end(signal.SIGKILL)

    def _is_silent(self, queue: str) -> bool:
        return self._broker.ask(f"EXISTS {SIGN_OF_LIFE.format(queue=queue)}") == ":0"
