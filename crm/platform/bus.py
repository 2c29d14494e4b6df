"""
Telling whoever watches that something changed: Redis publish and subscribe.

What is said is only "look again"; the database holds what there is to see. So a word that is
lost costs a moment's delay, and a Redis that is down costs nothing but that.
"""

import logging
import time
from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

SILENT_SECONDS = 5.0
TIMEOUT_SECONDS = 0.5

logger = logging.getLogger(__name__)
_silent_until = 0.0


def announce(channel: str) -> None:
    """Tell the channel's listeners to look again. Never fails and never takes long."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        _redis().publish(channel, "")
    except redis.RedisError:
        _silent_until = time.monotonic() + SILENT_SECONDS
        logger.warning("Nobody could be told that %s changed: Redis cannot be reached", channel)


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(
        settings.CACHE_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
