"""One subscription to Redis for all the live pages of a process."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from weakref import WeakKeyDictionary

import redis.asyncio
from django.conf import settings
from redis.exceptions import RedisError

PATTERN = "live:*"
TIMEOUT_SECONDS = 2.0
TRY_AGAIN_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Changes:
    """Wakes who listens to a channel. Reads only as long as somebody listens."""

    def __init__(self) -> None:
        self.connected = False
        self._listeners: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._reader: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def listen(self, channel: str) -> AsyncIterator[asyncio.Event]:
        """Return an event that is set after each change of the channel."""
        changed = asyncio.Event()
        self._listeners[channel].add(changed)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read_for_ever())
        try:
            yield changed
        finally:
            self._listeners[channel].discard(changed)
            if not self._listeners[channel]:
                del self._listeners[channel]
            if not self._listeners and self._reader is not None:
                self._reader.cancel()
                self._reader = None

    async def _read_for_ever(self) -> None:
        while True:
            try:
                await self._read()
            except (RedisError, OSError):
                logger.warning("Live pages look every few seconds: Redis cannot be reached")
            finally:
                self.connected = False
            await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def _read(self) -> None:
        client = redis.asyncio.Redis.from_url(
            settings.CACHE_URL, socket_connect_timeout=TIMEOUT_SECONDS, health_check_interval=10
        )
        try:
            pubsub = client.pubsub(ignore_subscribe_messages=True)
            await pubsub.psubscribe(PATTERN)
            self.connected = True
            self._wake_all()  # whatever was said before, look again
            while True:
                message = await pubsub.get_message(timeout=5.0)
                if message is not None:
                    for changed in self._listeners.get(message["channel"].decode(), ()):
                        changed.set()
        finally:
            with suppress(RedisError, OSError):
                await client.aclose()

    def _wake_all(self) -> None:
        for listeners in self._listeners.values():
            for changed in listeners:
                changed.set()


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Changes] = WeakKeyDictionary()


def changes() -> Changes:
    """Return the changes of this process's event loop."""
    return _of_loop.setdefault(asyncio.get_running_loop(), Changes())
