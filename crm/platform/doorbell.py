"""
Telling a worker that a row waits for it.

The row is the truth and a sweep pays what was never rung, so a bell may fail, and must fail
fast: a broker that is down may not slow down the page that has already committed.
"""

import logging
import time
from functools import partial
from typing import Any

from celery import Task
from django.db import transaction
from redis.exceptions import RedisError

SILENT_SECONDS = 5.0

logger = logging.getLogger(__name__)
_silent_until = 0.0


def ring_on_commit(task: Task, **arguments: Any) -> None:
    """Send the task its message once the transaction has committed; never fails."""
    transaction.on_commit(partial(ring, task, **arguments))


def ring(task: Task, *, queue: str | None = None, **arguments: Any) -> bool:
    """
    Send the task a message now; return whether the broker took it.

    After a failure this process leaves the broker alone for a few seconds.
    """
    global _silent_until
    if time.monotonic() < _silent_until:
        return False
    try:
        task.apply_async(kwargs=arguments, queue=queue, retry=False, ignore_result=True)
    except (task.OperationalError, RedisError, OSError):
        _silent_until = time.monotonic() + SILENT_SECONDS
        logger.warning("The broker cannot be reached; waiting rows are swept up later")
        return False
    return True
