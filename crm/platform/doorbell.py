"""
Telling a worker that a row waits for it.

The row is the truth and a sweep pays what was never rung, so a bell may fail, and nobody waits
for it: one thread per process speaks to the broker, while the page that has already committed
goes on. A broker that hangs or is gone costs a delay of the work, never of a page.
"""

import logging
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from celery import Task
from django.db import transaction
from redis.exceptions import RedisError

SILENT_SECONDS = 5.0
WAITING_AT_MOST = 1000
TIMEOUTS = {"socket_connect_timeout": 2.0, "socket_timeout": 5.0}

logger = logging.getLogger(__name__)


class Bell:
    """The thread that rings, its connection, and the room before it."""

    def __init__(self) -> None:
        self.silent_until = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="doorbell")
        self._room = threading.Semaphore(WAITING_AT_MOST)
        self._link: Any = None
        self._url = ""

    def ring(self, task: Task, queue: str | None, arguments: dict[str, Any]) -> bool:
        """Hand a message to the thread; False while the broker is left alone, or out of room."""
        if time.monotonic() < self.silent_until or not self._room.acquire(blocking=False):
            return False
        self._thread.submit(self._send, task, queue, arguments)
        return True

    def wait(self) -> None:
        """Return when everything handed in so far was sent or dropped."""
        self._thread.submit(int).result()

    def _send(self, task: Task, queue: str | None, arguments: dict[str, Any]) -> None:
        try:
            if time.monotonic() >= self.silent_until:
                task.apply_async(
                    kwargs=arguments, queue=queue, retry=False, connection=self._connection(task)
                )
        except (task.OperationalError, RedisError, OSError):
            self.silent_until = time.monotonic() + SILENT_SECONDS
            self._link = None
            logger.warning("The broker cannot be reached; waiting rows are swept up later")
        except Exception:
            self._link = None
            logger.exception("A worker could not be told of its work; a sweep will do so")
        finally:
            self._room.release()

    def _connection(self, task: Task) -> Any:
        if self._link is None or self._url != task.app.conf.broker_url:
            self._url = task.app.conf.broker_url
            self._link = task.app.connection_for_write(transport_options=TIMEOUTS)
        return self._link


_bell = Bell()


def _new_bell() -> None:
    """A fork takes no threads along."""
    global _bell
    _bell = Bell()


os.register_at_fork(after_in_child=_new_bell)


def ring_on_commit(task: Task, **arguments: Any) -> None:
    """Send the task its message once the transaction has committed; never fails."""
    transaction.on_commit(partial(ring, task, **arguments))


def ring(task: Task, *, queue: str | None = None, **arguments: Any) -> bool:
    """
    Send the task a message, soon; never fails and never waits.

    Returns False if it is not even tried: after a failure this process leaves the broker alone
    for a few seconds.
    """
    if task.app.conf.task_always_eager:
        task.apply_async(kwargs=arguments)
        return True
    return _bell.ring(task, queue, arguments)
