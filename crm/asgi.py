"""
The one web application. Pages and REST run as WSGI in a fixed pool of threads, so that
each thread keeps its database connection; live events, which hold a connection for as long
as a page is open, run on the event loop and hold no thread.

No client can keep a thread waiting: a small body is read on the event loop before it gets
one, and a large one has to arrive at a pace.
"""

import asyncio
import time

from a2wsgi import WSGIMiddleware
from a2wsgi.asgi_typing import HTTPScope, Receive, ReceiveEvent, Scope, Send

from crm import environment
from crm.platform.ui.live import application as live
from crm.wsgi import application as pages

LIVE = "/live/"
SMALL_BODY = 64 << 10
PATIENCE_SECONDS = 30.0
SLOWEST_BYTES_A_SECOND = 16 << 10

_threads = environment.whole_number("WEB_THREADS", 8, least=1, most=256)
_pages = WSGIMiddleware(pages, workers=_threads)  # type: ignore[arg-type]  # the stubs differ


def whole(receive: Receive) -> Receive:
    """
    Return `receive` as a2wsgi needs it: a coroutine (granian answers with a future), and one
    that fails when the client goes away, since half an upload must not pass for a whole one,
    or when it has sent too little for the time it was waited for.
    """
    patience = PATIENCE_SECONDS

    async def receive_or_fail() -> ReceiveEvent:
        nonlocal patience
        begun = time.monotonic()
        try:
            event = await asyncio.wait_for(receive(), max(patience, 0))
        except TimeoutError:
            raise ConnectionAbortedError("The client sent too slowly.") from None
        if event["type"] != "http.request":
            raise ConnectionResetError("The client went away before it had sent everything.")
        waited = time.monotonic() - begun
        patience += len(event["body"]) / SLOWEST_BYTES_A_SECOND - waited
        return event

    return receive_or_fail


async def read_ahead(scope: HTTPScope, receive: Receive) -> Receive:
    """Return `receive` with a small body behind it already, whoever's turn it is to wait."""
    length = next((v for n, v in scope["headers"] if n == b"content-length"), b"0")
    if not 0 < int(length) <= SMALL_BODY:
        return receive
    events = [await receive()]
    while events[-1].get("more_body"):
        events.append(await receive())
    replayed = iter(events)

    async def replay() -> ReceiveEvent:
        return next(replayed)

    return replay


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        await _pages(scope, receive, send)
    elif scope["path"].startswith(LIVE):
        await live(scope, receive, send)
    else:
        try:
            body = await read_ahead(scope, whole(receive))
        except ConnectionAbortedError:
            await send({"type": "http.response.start", "status": 408, "headers": []})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except ConnectionResetError:
            return  # nobody is there to be answered
        else:
            await _pages(scope, body, send)
