"""Locks that the database keeps for a session: whoever dies lets go of them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from django.db import InterfaceError, OperationalError, connection

LOOK_EVERY_SECONDS = 0.1


@contextmanager
def alone(space: int, number: int, *, while_waiting: Callable[[], None]) -> Iterator[None]:
    """
    Hold a number of a lock space (both 32 bits) against every other process and thread.

    While somebody else holds it, `while_waiting` is called ten times a second; what it raises
    ends the waiting.
    """
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [space, number])
            if cursor.fetchone()[0]:
                break
            while_waiting()
            time.sleep(LOOK_EVERY_SECONDS)
    try:
        yield
    finally:
        with suppress(OperationalError, InterfaceError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [space, number])
