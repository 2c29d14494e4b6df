"""The Redis that carries background work, and the signs of life its workers leave in it."""

from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

PATIENCE_SECONDS = 2.0
SIGN_OF_LIFE_SECONDS = 60


@cache
def connection() -> redis.Redis:
    """Return this process's client of the broker. It gives up after seconds, not minutes."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=PATIENCE_SECONDS,
        socket_timeout=PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )


def leave_sign_of_life(*, queue: str, busy_seconds: int = 0) -> None:
    """Say that somebody works off this queue, and for how long they may be too busy to say so."""
    connection().set(f"crm:alive:{queue}", 1, ex=SIGN_OF_LIFE_SECONDS + busy_seconds)


def silent_queues() -> list[str]:
    """Return the queues that nobody has worked off lately."""
    return [queue for queue in settings.QUEUES if not connection().exists(f"crm:alive:{queue}")]


def waiting() -> dict[str, float]:
    """Return how many messages wait in each queue."""
    return {queue: float(connection().llen(queue)) for queue in settings.QUEUES}
