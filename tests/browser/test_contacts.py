"""A contact led by keys alone, and seen by a colleague at once, in a real browser."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_a_clerk_at_work import log_in, open_somebody
from tests.embedded.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack]


def test_a_contact_is_opened_identified_and_finished_by_keys(stack: Stack, page: Page) -> None:
    log_in(page, stack, "clerk")
    open_somebody(page)
    bar = page.locator("#contact-bar")
    expect(page.locator("#timeline-panel")).to_be_visible()
    expect(bar).to_be_hidden()

    page.keyboard.press("o")
    expect(bar.locator(".contact-bar-who")).to_contain_text("Counter")
    expect(page.locator("#timeline-rows li").first).to_contain_text("in hand now")

    page.keyboard.press("i")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(bar.locator(".contact-bar-identity .state-good")).to_be_visible()

    page.locator("h1").click()
    page.keyboard.press("w")
    expect(bar).to_be_hidden()
    expect(page.locator("#timeline-rows li").first).to_contain_text("Handled")


def test_what_one_desk_writes_another_sees_within_seconds(
    stack: Stack, page: Page, browser: Browser
) -> None:
    log_in(page, stack, "clerk")
    open_somebody(page)
    expect(page.locator("#timeline-panel")).to_be_visible()
    session = browser.new_context()
    agent = session.new_page()
    log_in(agent, stack, "agent")
    agent.goto(page.url)
    expect(agent.locator("#timeline-panel")).to_be_visible()

    page.keyboard.press("n")
    page.keyboard.type("Wants fibre")
    page.keyboard.press("Control+Enter")

    expect(agent.locator("#timeline-rows li").first).to_contain_text("Wants fibre", timeout=5000)
    session.close()
