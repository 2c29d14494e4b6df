"""Live streams, spoken to as a server speaks to an application; Redis and database are real."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from django.utils import timezone

from crm.platform.jobs.models import Job, JobStatus
from crm.platform.jobs.running import tell_watchers
from crm.platform.ui import changes as changes_module
from crm.platform.ui import live
from tests.factories import make_staff

pytestmark = pytest.mark.django_db(transaction=True)
SOON = 10.0
NO_JOB = "01a20054-295e-7e46-a973-c9e8ed9622db"


@pytest.fixture(autouse=True)
def one_looker(monkeypatch):
    """A thread whose database connection the test can close."""
    with ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(live, "_threads", pool)
        yield pool
        pool.submit(connections.close_all).result()


@pytest.fixture
def clerk():
    return make_staff("clerk", language="en")


def make_job(staff, **given) -> Job:
    now = timezone.now()
    fields = {"status": JobStatus.RUNNING, "started_at": now, "heartbeat_at": now, "total": 100}
    return Job.objects.create(
        kind="tests.count",
        queue="interactive",
        created_by=staff,
        created_at=now,
        queued_at=now,
        ring_at=now,
        **fields | given,
    )


def cookie_of(staff) -> str:
    client = Client()
    client.force_login(staff)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


class Browser:
    """What a server would hand on from one client."""

    def __init__(self, path: str, cookie: str = "", method: str = "GET") -> None:
        headers = [(b"cookie", cookie.encode())] if cookie else []
        self.scope = {"type": "http", "method": method, "path": path, "headers": headers}
        self.said: asyncio.Queue[dict] = asyncio.Queue()
        self.left = asyncio.Event()
        self._asked = False

    async def receive(self) -> dict:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def start(self) -> dict:
        return await asyncio.wait_for(self.said.get(), SOON)

    async def event(self) -> str:
        """Return the next event as it stands in the stream; "" at its end."""
        message = await asyncio.wait_for(self.said.get(), SOON)
        return message["body"].decode()

    @asynccontextmanager
    async def looking(self) -> AsyncIterator["Browser"]:
        task = asyncio.create_task(live.application(self.scope, self.receive, self.said.put))
        try:
            yield self
        finally:
            self.left.set()
            await asyncio.wait_for(task, SOON)


def status_of(path: str, cookie: str = "", method: str = "GET") -> int:
    async def ask() -> int:
        async with Browser(path, cookie, method).looking() as browser:
            return (await browser.start())["status"]

    return asyncio.run(ask())


async def in_thread(function, *args, **kwargs):
    def run():
        try:
            return function(*args, **kwargs)
        finally:
            connections.close_all()

    return await asyncio.to_thread(run)


def change(job: Job, **fields) -> None:
    Job.objects.filter(pk=job.pk).update(**fields)
    tell_watchers(job.pk)


def test_the_first_look_comes_at_once_and_each_change_after_it(clerk):
    job, cookie = make_job(clerk, done=10, message="Reading"), cookie_of(clerk)

    async def watch() -> list[str]:
        async with Browser(f"/live/jobs/{job.pk}", cookie).looking() as browser:
            start = await browser.start()
            assert start["status"] == 200
            assert (b"content-type", b"text/event-stream; charset=utf-8") in start["headers"]
            said = [await browser.event()]
            await asyncio.sleep(0.3)  # the subscription stands
            await in_thread(change, job, done=50, message="Applying")
            said.append(await browser.event())
            ended = {"status": JobStatus.SUCCEEDED, "finished_at": timezone.now()}
            await in_thread(change, job, done=100, result={"rows": 1234}, **ended)
            said.append(await browser.event())
            said.append(await browser.event())
            return said

    first, second, third, last = asyncio.run(watch())

    assert first.startswith("event: progress\ndata: ")
    assert "10 %" in first and "Reading" in first
    assert "50 %" in second and "Applying" in second
    assert "1,234" in third
    assert last == "event: done\ndata: \n\n"
    assert not live._open


def test_what_has_ended_is_shown_once(clerk):
    now = timezone.now()
    job = make_job(clerk, status=JobStatus.FAILED, error="The file is empty.", finished_at=now)

    async def watch() -> list[str]:
        async with Browser(f"/live/jobs/{job.pk}", cookie_of_now).looking() as browser:
            await browser.start()
            return [await browser.event(), await browser.event()]

    cookie_of_now = cookie_of(clerk)
    shown, last = asyncio.run(watch())

    assert "The file is empty." in shown
    assert last.startswith("event: done")


def test_only_those_who_may_see_it_may_watch_it(clerk):
    job = make_job(clerk)
    path = f"/live/jobs/{job.pk}"

    assert status_of(path) == 401
    assert status_of(path, "crm-session=nonsense") == 401
    assert status_of(path, cookie_of(make_staff("clerk"))) == 404
    assert status_of(path, cookie_of(make_staff("admin"))) == 200
    assert status_of(path, cookie_of(clerk)) == 200


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/live/", "GET", 404),
        ("/live/nothing/1", "GET", 404),
        (f"/live/jobs/{NO_JOB}", "GET", 404),
        ("/live/jobs/no-uuid", "GET", 404),
        ("/live/jobs/" + "a" * 65, "GET", 404),
        (f"/live/jobs/{NO_JOB}", "POST", 405),
    ],
)
def test_other_addresses_are_refused(clerk, path, method, status):
    assert status_of(path, cookie_of(clerk), method) == status


def test_a_closed_account_is_nobody(clerk):
    job, cookie = make_job(clerk), cookie_of(clerk)
    type(clerk).objects.update(is_active=False)

    assert status_of(f"/live/jobs/{job.pk}", cookie) == 401


def test_a_stream_ends_with_the_session(clerk):
    job, client = make_job(clerk), Client()
    client.force_login(clerk)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.session.session_key}"

    async def watch() -> str:
        async with Browser(f"/live/jobs/{job.pk}", cookie).looking() as browser:
            await browser.start()
            await browser.event()
            await asyncio.sleep(0.3)
            await in_thread(client.post, "/logout/")
            await in_thread(change, job, done=70, message="not for you")
            return await browser.event()

    assert asyncio.run(watch()).startswith("event: done")
    assert not live._open


def test_one_account_has_a_few_streams_and_gets_them_back(clerk):
    job, cookie = make_job(clerk), cookie_of(clerk)
    path = f"/live/jobs/{job.pk}"

    async def watch() -> tuple[int, int]:
        browsers = [Browser(path, cookie) for _ in range(live.STREAMS_PER_ACCOUNT)]
        tasks = []
        for browser in browsers:
            tasks.append(
                asyncio.create_task(
                    live.application(browser.scope, browser.receive, browser.said.put)
                )
            )
            assert (await browser.start())["status"] == 200
        async with Browser(path, cookie).looking() as one_too_many:
            refused = (await one_too_many.start())["status"]
        browsers[0].left.set()
        await asyncio.wait_for(tasks[0], SOON)
        async with Browser(path, cookie).looking() as again:
            accepted = (await again.start())["status"]
        for browser in browsers:
            browser.left.set()
        await asyncio.wait_for(asyncio.gather(*tasks), SOON)
        return refused, accepted

    assert asyncio.run(watch()) == (429, 200)
    assert not live._open


def test_a_sign_of_life_comes_when_nothing_changes(clerk, monkeypatch):
    monkeypatch.setattr(live, "KEEP_ALIVE_SECONDS", 0.3)
    monkeypatch.setattr(live, "POLL_SECONDS", 0.3)
    job, cookie = make_job(clerk), cookie_of(clerk)

    async def watch() -> str:
        async with Browser(f"/live/jobs/{job.pk}", cookie).looking() as browser:
            await browser.start()
            await browser.event()
            return await browser.event()

    assert asyncio.run(watch()).startswith(":")


def test_without_redis_it_looks_every_moment(clerk, monkeypatch, settings):
    monkeypatch.setattr(live, "POLL_SECONDS", 0.2)
    settings.CACHE_URL = "unix:///nowhere/cache.sock?db=0"
    job, cookie = make_job(clerk), cookie_of(clerk)

    async def watch() -> str:
        async with Browser(f"/live/jobs/{job.pk}", cookie).looking() as browser:
            await browser.start()
            await browser.event()
            Row = Job.objects.filter(pk=job.pk)
            await in_thread(Row.update, done=33)
            while True:
                said = await browser.event()
                if not said.startswith(":"):
                    return said

    assert "33 %" in asyncio.run(watch())


def test_the_subscription_ends_with_the_last_listener(clerk):
    job, cookie = make_job(clerk), cookie_of(clerk)

    async def watch() -> tuple[bool, bool]:
        async with Browser(f"/live/jobs/{job.pk}", cookie).looking() as browser:
            await browser.start()
            await browser.event()
            reading = changes_module.changes()._reader is not None
        return reading, changes_module.changes()._reader is None

    assert asyncio.run(watch()) == (True, True)


def test_a_lost_heartbeat_shows(clerk):
    """A job put back in its queue says so instead of standing still at 40 %."""
    job = make_job(clerk, done=40, attempt=1)
    Job.objects.update(status=JobStatus.QUEUED, heartbeat_at=timezone.now() - timedelta(minutes=1))
    client = Client(headers={"accept-language": "en"})
    client.force_login(clerk)

    page = client.get(f"/jobs/{job.pk}/").content.decode()

    assert "goes on with another one" in page
