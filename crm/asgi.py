"""
The one web application. Pages and REST run as WSGI in a fixed pool of threads, so that
each thread keeps its database connection; live events, which hold a connection for as long
as a page is open, run on the event loop and hold no thread.
"""

from a2wsgi import WSGIMiddleware
from a2wsgi.asgi_typing import Receive, ReceiveEvent, Scope, Send

from crm import environment
from crm.platform.ui.live import application as live
from crm.wsgi import application as pages

LIVE = "/live/"

_threads = environment.whole_number("WEB_THREADS", 8, least=1, most=256)
_pages = WSGIMiddleware(pages, workers=_threads)  # type: ignore[arg-type]  # the stubs differ


def whole(receive: Receive) -> Receive:
    """
    Return `receive` as a2wsgi needs it: a coroutine (granian answers with a future), and one
    that fails when the client goes away, since half an upload must not pass for a whole one.
    """

    async def receive_or_fail() -> ReceiveEvent:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ConnectionResetError("The client went away before it had sent everything.")
        return event

    return receive_or_fail


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http" and scope["path"].startswith(LIVE):
        await live(scope, receive, send)
    else:
        await _pages(scope, whole(receive), send)
