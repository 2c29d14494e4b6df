"""
Pages that change while one looks at them: `GET /live/<topic>/<key>`, server-sent events.

An app registers a topic; the address then answers with the topic's fragment at once and again
after each change that `crm.platform.bus.announce` tells of. Event `progress` carries HTML for
htmx; event `done` ends the stream. Every fragment is made for the account anew, so a right or
a session that ends in the meantime ends the stream, too.
"""

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from django.conf import settings
from django.contrib.auth import get_user
from django.db import close_old_connections
from django.http import HttpRequest
from django.utils import translation

from crm.platform.ui.changes import changes

if TYPE_CHECKING:
    from crm.platform.access.models import Staff

STREAMS_PER_ACCOUNT = 6
STREAMS_PER_PROCESS = 500
KEEP_ALIVE_SECONDS = 15.0
POLL_SECONDS = 2.0
LEAST_PAUSE_SECONDS = 0.2
LOOKERS = 4

logger = logging.getLogger(__name__)
Scope = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


@dataclass(frozen=True)
class Look:
    """What there is to see now; `finished` if it will not change any more."""

    html: str
    finished: bool


class Topic(Protocol):
    """Something that can be watched. Both methods run in a thread and may use the database."""

    def channel(self, key: str) -> str:
        """Return the channel that changes are announced on ("live:job:…")."""

    def look(self, staff: "Staff", key: str) -> Look | None:
        """Return what the account may see of it now; None if that is nothing."""


_topics: dict[str, Topic] = {}
_open: Counter[int] = Counter()
_threads = ThreadPoolExecutor(LOOKERS, thread_name_prefix="live")
_PATH = re.compile(r"/live/([a-z-]{1,30})/([A-Za-z0-9_-]{1,64})/?")


def register_topic(name: str, topic: Topic) -> None:
    """Let `/live/<name>/<key>` show a topic. Called from AppConfig.ready()."""
    _topics[name] = topic


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application behind `/live/`."""
    found = _PATH.fullmatch(scope["path"])
    topic = _topics.get(found[1]) if found else None
    if found is None or topic is None:
        return await _refuse(send, 404)
    if scope["method"] != "GET":
        return await _refuse(send, 405)
    viewer = Viewer(_session_key(scope["headers"]), topic, found[2])
    async with changes().listen(topic.channel(found[2])) as changed:
        first, account = await viewer.look(), viewer.account
        if first is None:
            return await _refuse(send, 404 if account else 401)
        if _open[account] >= STREAMS_PER_ACCOUNT or _open.total() >= STREAMS_PER_PROCESS:
            return await _refuse(send, 429)
        _open[account] += 1
        try:
            await _stream(viewer, first, changed, receive, send)
        finally:
            _open[account] -= 1
            if not _open[account]:
                del _open[account]


async def _stream(
    viewer: "Viewer", look: Look | None, changed: asyncio.Event, receive: Receive, send: Send
) -> None:
    gone = asyncio.create_task(_until_gone(receive))
    try:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        shown = ""
        while look is not None and not gone.done():
            if look.html != shown:
                await _say(send, _event("progress", look.html))
                shown = look.html
            if look.finished:
                break
            if not await _wait(changed, gone):
                await _say(send, ": still here\n\n")
            look = await viewer.look()
        if not gone.done():
            await send({"type": "http.response.body", "body": _event("done", "").encode()})
    except (OSError, RuntimeError):  # the client left while we spoke
        logger.debug("A live stream ended early", exc_info=True)
    finally:
        gone.cancel()


async def _wait(changed: asyncio.Event, gone: "asyncio.Task[None]") -> bool:
    """
    Wait for a change; False when it is time to show a sign of life instead.

    While Redis cannot be reached nobody tells us of changes, so we look every two seconds.
    """
    seconds = KEEP_ALIVE_SECONDS if changes().connected else POLL_SECONDS
    word = asyncio.create_task(changed.wait())
    done, _pending = await asyncio.wait(
        {word, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
    )
    word.cancel()
    if word in done:
        await asyncio.sleep(LEAST_PAUSE_SECONDS)
        changed.clear()
    return bool(done)


class Viewer:
    """One session's view of one thing."""

    def __init__(self, session_key: str, topic: Topic, key: str) -> None:
        self.account = 0
        self._session_key, self._topic, self._key = session_key, topic, key

    async def look(self) -> Look | None:
        return await asyncio.get_running_loop().run_in_executor(_threads, self._look)

    def _look(self) -> Look | None:
        close_old_connections()
        try:
            staff = self._staff()
            self.account = staff.pk if staff else 0
            if staff is None:
                return None
            with translation.override(staff.language):
                return self._topic.look(staff, self._key)
        finally:
            close_old_connections()

    def _staff(self) -> "Staff | None":
        if not self._session_key:
            return None
        request = HttpRequest()
        request.session = import_module(settings.SESSION_ENGINE).SessionStore(self._session_key)
        staff: Any = get_user(request)
        return staff if staff.is_authenticated else None


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _say(send: Send, words: str) -> None:
    await send({"type": "http.response.body", "body": words.encode(), "more_body": True})


async def _refuse(send: Send, status: int) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    if status == 429:
        headers.append((b"retry-after", b"15"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _event(name: str, html: str) -> str:
    lines = "".join(f"data: {line}\n" for line in html.splitlines() or [""])
    return f"event: {name}\n{lines}\n"


def _session_key(headers: Iterable[tuple[bytes, bytes]]) -> str:
    cookies: SimpleCookie = SimpleCookie()
    for name, value in headers:
        if name == b"cookie":
            try:
                cookies.load(value.decode("latin-1"))
            except CookieError:
                return ""
    session = cookies.get(settings.SESSION_COOKIE_NAME)
    return session.value if session else ""


_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]
