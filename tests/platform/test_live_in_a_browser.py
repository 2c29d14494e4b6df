"""A job watched by a real browser, served as in life and done by a real worker."""

import re

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from crm.platform.jobs.models import Job
from crm.platform.jobs.services import start_job
from tests.factories import make_staff
from tests.platform import sample_jobs  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)


def start(staff, **params) -> Job:
    with transaction.atomic():
        return start_job(kind="tests.count", params=params, actor=staff, at=timezone.now())


def log_in(page: Page, staff, url: str) -> None:
    client = Client()
    client.force_login(staff)
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": url}])


@pytest.fixture
def clerk():
    return make_staff("clerk", language="en")


@pytest.fixture
def faults(page: Page) -> list[str]:
    """What the browser complains of: refused by the content policy, or broken scripts."""
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def test_progress_moves_and_ends_without_a_reload(web, start_worker, page, clerk, faults):
    start_worker()
    log_in(page, clerk, web.url)
    job = start(clerk, to=60, pause=0.1)

    page.goto(f"{web.url}/jobs/{job.pk}/")
    page.evaluate("window.here = true")
    expect(page.locator("progress")).to_be_visible(timeout=10_000)
    first = int(page.locator("progress").get_attribute("value") or 0)
    page.wait_for_function(
        "first => Number(document.querySelector('progress')?.value) > first", arg=first
    )
    expect(page.locator(".job")).to_contain_text("Counted", timeout=20_000)

    assert page.evaluate("window.here") is True
    assert page.locator("progress").count() == 0
    assert not faults


def test_where_streams_do_not_come_through_the_page_asks(web, start_worker, page, clerk):
    start_worker()
    log_in(page, clerk, web.url)
    page.route("**/live/**", lambda route: route.abort())
    job = start(clerk, to=40, pause=0.1)

    page.goto(f"{web.url}/jobs/{job.pk}/")
    page.evaluate("window.here = true")

    expect(page.locator(".job")).to_contain_text("Counted", timeout=20_000)
    assert page.evaluate("window.here") is True


def test_without_javascript_the_page_comes_anew(web, start_worker, browser, clerk):
    start_worker()
    plain = browser.new_context(java_script_enabled=False)
    page = plain.new_page()
    log_in(page, clerk, web.url)
    job = start(clerk, to=30, pause=0.1)

    page.goto(f"{web.url}/jobs/{job.pk}/")

    expect(page.locator(".job")).to_contain_text("Counted", timeout=20_000)
    plain.close()


def test_cancel_is_one_click(web, start_worker, page, clerk, faults):
    start_worker()
    log_in(page, clerk, web.url)
    job = start(clerk, to=1000, pause=0.1)
    page.goto(f"{web.url}/jobs/{job.pk}/")
    expect(page.locator("progress")).to_be_visible(timeout=10_000)

    page.get_by_role("button", name="Cancel").click()

    expect(page.locator(".job .badge")).to_contain_text("Cancelled", timeout=10_000)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    assert not faults


def test_a_closed_page_frees_its_stream(web, start_worker, page, clerk):
    """Six streams are one account's share: with leaks the seventh page would stand still."""
    start_worker()
    log_in(page, clerk, web.url)
    job = start(clerk, to=1000, pause=0.1)
    for _ in range(8):
        with page.expect_response(re.compile("/live/")) as answered:
            page.goto(f"{web.url}/jobs/{job.pk}/")
        assert answered.value.status == 200
        page.goto("about:blank")
        page.wait_for_timeout(400)


def test_the_description_of_rest_obeys_the_content_policy(web, page, clerk, faults):
    log_in(page, clerk, web.url)
    beyond: list[str] = []
    page.on("request", lambda r: beyond.append(r.url) if not r.url.startswith(web.url) else None)

    page.goto(f"{web.url}/api/docs/")

    expect(page.locator("#swagger-ui .information-container")).to_contain_text("Telecom CRM")
    assert not faults
    assert not [url for url in beyond if not url.startswith(("data:", "blob:"))]
