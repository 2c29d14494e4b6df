"""An analyst takes a file in: looks, tries, imports, and does it again, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.embedded.stack import Stack
from tests.feeds.files import IBM_SAMPLE

pytestmark = [pytest.mark.browser, pytest.mark.stack]
A_RUN = 60_000


def log_in(page: Page, stack: Stack, role: str) -> None:
    page.goto(f"{stack.url}/login/")
    page.fill("input[name=username]", role)
    page.fill("input[name=password]", "demo")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "login" not in url)


def choose(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/feeds/new/")
    page.select_option("[name=feed]", "customers")
    page.set_input_files("[name=file]", IBM_SAMPLE)
    page.select_option("[name=mapping]", "ibm_telco")
    page.click("form.feed-form button")
    expect(page.locator(".feed-sample tbody tr")).to_have_count(20)


def figures(page: Page) -> list[str]:
    """Rows, created, updated, unchanged, rejected, when the run has ended."""
    expect(page.locator(".feed-parts")).to_be_visible(timeout=A_RUN)
    found = page.locator(".feed-parts dd").all_inner_texts()
    return [re.split(r"\s", figure.strip())[0] for figure in found]


def test_dry_run_import_and_the_same_again(stack: Stack, page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    rows = str(len(IBM_SAMPLE.read_text().splitlines()) - 1)
    log_in(page, stack, "analyst")
    choose(page, stack)
    page.click("button[name=dry_run][value=yes]")
    assert figures(page) == [rows, rows, "0", "0", "0"]
    with stack.connect() as database, database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM customers_customer WHERE source = 'ibm_telco'")
        assert cursor.fetchone() == (0,)

    page.click("button[name=run][value=import]")
    assert figures(page) == [rows, rows, "0", "0", "0"]

    choose(page, stack)
    expect(page.locator(".alert-warning")).to_be_visible()  # the same file was applied
    page.click("button[name=dry_run][value=no]")
    assert figures(page) == [rows, "0", "0", rows, "0"]
    assert complaints == []
