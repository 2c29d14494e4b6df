"""What every test may lean on. Things of one room stay in that room."""

import os
import shutil
from collections.abc import Iterator

import hypothesis
import pytest
from celery import current_app
from django.conf import settings
from django.core.cache import caches
from django.db import connections
from django.test import override_settings
from django.utils import translation
from playwright.sync_api import Browser, Page, sync_playwright

from crm.platform.health import broker
from tests.embedded.stack import Stack

UNHASHED = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
DEMO_CUSTOMERS = 200
hypothesis.settings.register_profile("crm", deadline=None)  # no test asserts a time
hypothesis.settings.load_profile("crm")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Tests read the words of the source; those of a catalogue are free to become better."""
    with override_settings(LANGUAGE_CODE="en"), translation.override("en"):
        yield


@pytest.fixture(autouse=True, scope="session")
def files_without_a_deployment() -> Iterator[None]:
    """Pages name static files as they lie in the source: nobody ran collectstatic."""
    with override_settings(STORAGES=UNHASHED):
        yield


@pytest.fixture(autouse=True, scope="session")
def redis_of_this_process(worker_id: str) -> Iterator[None]:
    """Each process of a parallel run has a database of its own in each Redis."""
    number = 0 if worker_id == "master" else 1 + int(worker_id.removeprefix("gw"))
    before = current_app.conf.broker_url

    def ours(url: str) -> str:
        if "?db=" in url or "?virtual_host=" in url:
            return f"{url.rpartition('=')[0]}={number}"
        return f"{url.rstrip('0123456789').rstrip('/')}/{number}"

    cache = settings.CACHES["default"] | {"LOCATION": ours(settings.CACHE_URL)}
    with override_settings(REDIS_URL=ours(settings.REDIS_URL), CACHES={"default": cache}):
        current_app.conf.broker_url = ours(before)
        broker.connection.cache_clear()
        broker.connection().flushdb()
        caches["default"].clear()
        yield
    current_app.conf.broker_url = before


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """
    The whole product as `script/server` starts it, with a small demo operator: web, workers,
    beat, PostgreSQL and Redis of its own. For tests from outside that no transaction rolls back.
    """
    running = Stack(tmp_path_factory.mktemp("stack") / "var", demo_customers=DEMO_CUSTOMERS)
    running.start()
    try:
        yield running.wait_until_ready(within=300)
    finally:
        running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """
    The machine's Chromium. Without one, tests that need it are skipped, in CI they fail.

    Its driver runs an event loop in this thread, which Django would take for async code, and
    beside which no test can run another; so it ends with the file that wanted it.
    """
    names = (os.environ.get("CHROMIUM", ""), *CHROMIUM_NAMES)
    program = next(filter(None, map(shutil.which, filter(None, names))), None)
    if program is None:
        missing = "No Chromium on this machine; install one or name it with CHROMIUM."
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        yield running
        running.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a fresh browser session, in Chinese, at the size of a clerk's screen."""
    session = browser.new_context(
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        viewport={"width": 1366, "height": 768},
        reduced_motion="reduce",
    )
    yield session.new_page()
    session.close()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Our sessions may empty append-only tables, as is done between tests; others may not."""
    for alias in connections:
        options = connections[alias].settings_dict["OPTIONS"]
        options["options"] = f"{options.get('options', '')} -c crm.may_truncate=on"
