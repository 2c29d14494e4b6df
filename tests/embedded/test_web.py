"""The web application as the server calls it: futures in, half an upload out."""

import asyncio
from typing import Any

import pytest

from crm.asgi import application, whole


def post(*events: dict[str, Any], length: int) -> list[dict[str, Any]]:
    """Send a log-in body of `length` announced bytes as these events; return the answer's."""

    async def talk() -> list[dict[str, Any]]:
        loop, left, answer = asyncio.get_running_loop(), list(events), []

        def receive() -> asyncio.Future[dict[str, Any]]:
            future = loop.create_future()
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


def test_half_an_upload_is_never_taken_for_a_whole_one():
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(OSError, match="went away"):
        asyncio.run(whole(gone)())
