"""
How often one caller may call: counted per minute in Redis, all processes together.

A limit against runaway programs, not a lock: while Redis cannot be reached, it lets pass.
"""

import logging
import time
from typing import TYPE_CHECKING

from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from crm.platform.access.models import Staff
from crm.platform.api.models import RATE_PER_MINUTE
from crm.platform.audit.origin import client_address

if TYPE_CHECKING:
    from rest_framework.views import APIView


WINDOW_SECONDS = 60
ANONYMOUS_PER_MINUTE = 60

logger = logging.getLogger(__name__)


def seconds_to_wait(who: str, *, per_minute: int) -> int | None:
    """Count one call; return how long to wait if it is one too many, else None."""
    now = time.time()
    window = int(now // WINDOW_SECONDS)
    key = f"rate:{who}:{window}"
    try:
        cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
        calls = cache.incr(key)
    except (RedisError, OSError, ValueError):
        logger.warning("Calls are not counted: the cache cannot be reached")
        return None
    if calls <= per_minute:
        return None
    return max(1, round((window + 1) * WINDOW_SECONDS - now))


class CallerThrottle(BaseThrottle):
    """So many calls a minute for an account; fewer for those who did not say who they are."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        user = request.user
        if not isinstance(user, Staff):
            who, rate = f"ip:{client_address(request)}", ANONYMOUS_PER_MINUTE
        else:
            client = getattr(user, "system_client", None) if user.is_system else None
            who = f"staff:{user.pk}"
            rate = client.rate_per_minute if client else RATE_PER_MINUTE
        self._wait = seconds_to_wait(who, per_minute=rate)
        return self._wait is None

    def wait(self) -> float | None:
        return self._wait
