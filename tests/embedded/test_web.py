"""The web application as the server calls it: futures in, half an upload out."""

import asyncio
from typing import Any

import pytest

from crm import asgi
from crm.asgi import application, whole


def post(*events: dict[str, Any], length: int, silent: bool = False) -> list[dict[str, Any]]:
    """Send a log-in body of `length` announced bytes as these events; return the answer's."""

    async def talk() -> list[dict[str, Any]]:
        loop, left, answer = asyncio.get_running_loop(), list(events), []

        def receive() -> asyncio.Future[dict[str, Any]]:
            future = loop.create_future()
            if silent:
                return future
            future.set_result(left.pop(0) if left else {"type": "http.disconnect"})
            return future

        async def send(event: dict[str, Any]) -> None:
            answer.append(event)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/login/",
            "root_path": "",
            "query_string": b"",
            "headers": [
                (b"host", b"localhost"),
                (b"content-type", b"application/x-www-form-urlencoded"),
                (b"content-length", str(length).encode()),
            ],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        await application(scope, receive, send)
        return answer

    return asyncio.run(talk())


@pytest.mark.django_db
def test_a_body_is_read_from_a_server_that_answers_with_futures():
    body = b"username=nobody&password=nothing"

    answer = post({"type": "http.request", "body": body, "more_body": False}, length=len(body))

    assert answer[0]["status"] == 403  # read whole, and refused for want of a CSRF token


@pytest.mark.parametrize("length", [5000, 5_000_000])
def test_who_sends_nothing_keeps_no_thread(monkeypatch, length):
    monkeypatch.setattr(asgi, "PATIENCE_SECONDS", 0.1)
    taken = []

    async def pages(_scope, receive, _send):
        taken.append("a thread")
        with pytest.raises(ConnectionAbortedError):
            await receive()

    monkeypatch.setattr(asgi, "_pages", pages)

    answer = post(silent=True, length=length)

    small = length <= asgi.SMALL_BODY
    assert [event.get("status") for event in answer] == ([408, None] if small else [])
    assert taken == ([] if small else ["a thread"])


def test_a_slow_sender_is_waited_for_as_long_as_something_comes(monkeypatch):
    monkeypatch.setattr(asgi, "PATIENCE_SECONDS", 0.3)
    blocks = [b"x" * asgi.SLOWEST_BYTES_A_SECOND] * 2 + [b"y"] * 100

    async def talk() -> int:
        left = list(blocks)

        async def receive():
            await asyncio.sleep(0.2)
            return {"type": "http.request", "body": left.pop(0), "more_body": True}

        patient = whole(receive)
        with pytest.raises(ConnectionAbortedError, match="too slowly"):
            while True:
                await patient()
        return len(blocks) - len(left)

    received = asyncio.run(talk())
    assert 2 + 7 <= received <= 2 + 11  # 0.3 s + 2 s earned - 0.2 s a block


def test_half_an_upload_is_never_taken_for_a_whole_one():
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(OSError, match="went away"):
        asyncio.run(whole(gone)())
