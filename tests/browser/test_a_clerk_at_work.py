"""A clerk's first minutes, in a real browser, on the real stack with its demo operator."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.embedded.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack]
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
SURNAME = "王"


@pytest.fixture
def clerk(stack: Stack, page: Page) -> Iterator[Page]:
    """A clerk's page, logged in, in English. Fails on any complaint of the browser."""
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    log_in(page, stack, "clerk")
    yield page
    assert complaints == []


def log_in(page: Page, stack: Stack, code: str) -> None:
    page.goto(f"{stack.url}/login/")
    page.locator("#id_username").fill(code)
    page.locator("#id_password").fill("demo")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{stack.url}/")
    if page.locator("html").get_attribute("lang") != "en":
        page.locator(".topbar").get_by_role("button", name="English").click()
        expect(page.locator("html")).to_have_attribute("lang", "en")


def open_somebody(page: Page) -> None:
    """Search by a surname and open the first hit, by keys alone."""
    page.keyboard.press("/")
    page.keyboard.insert_text(SURNAME)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/search/\?s="))
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/customers/"))


def test_from_log_in_to_a_customer_by_keys_alone(clerk: Page) -> None:
    open_somebody(clerk)

    expect(clerk.locator("h1")).to_contain_text("王*")
    assert clerk.locator(".strip-fact").count() >= 6


def test_what_was_typed_is_in_no_address(clerk: Page, stack: Stack) -> None:
    seen: list[str] = []
    clerk.on("request", lambda request: seen.append(request.url))

    open_somebody(clerk)

    assert not [url for url in seen if SURNAME in url or "%E7%8E%8B" in url]


def test_a_number_is_shown_for_a_reason_and_hides_itself(clerk: Page) -> None:
    open_somebody(clerk)
    line = clerk.locator("#lines .field").first
    masked = line.inner_text().split()[0]
    clerk.clock.install()

    line.get_by_role("link", name="show").click()
    reason = clerk.get_by_label("Why do you need")
    expect(reason).to_be_focused()
    clerk.keyboard.type("Customer is present")
    clerk.keyboard.press("Enter")
    shown = clerk.locator("#lines .field-shown")
    expect(shown).to_be_visible()
    assert "*" not in shown.inner_text().split()[0]

    clerk.clock.run_for(31_000)
    expect(shown).to_have_count(0)
    expect(clerk.locator("#lines .field").first).to_contain_text(masked)


def test_esc_takes_the_question_back(clerk: Page) -> None:
    open_somebody(clerk)
    clerk.locator("#lines").get_by_role("link", name="show").first.click()
    expect(clerk.get_by_label("Why do you need")).to_be_focused()

    clerk.keyboard.press("Escape")

    expect(clerk.locator(".field-reason")).to_have_count(0)


def test_the_keys_and_the_palette_open_and_close(clerk: Page) -> None:
    clerk.locator("h1").click()
    clerk.keyboard.press("?")
    expect(clerk.locator("#keys")).to_be_visible()
    clerk.keyboard.press("Escape")
    expect(clerk.locator("#keys")).to_be_hidden()

    clerk.keyboard.press("Control+k")
    expect(clerk.locator("[data-palette-input]")).to_be_focused()
    clerk.keyboard.type("desk")
    clerk.keyboard.press("Enter")
    clerk.wait_for_url(re.compile(r"/$"))


def test_a_lost_connection_is_shown_and_heals(clerk: Page) -> None:
    bar = clerk.locator("#connection")
    expect(bar).to_be_hidden()

    clerk.context.set_offline(True)
    expect(bar).to_be_visible()
    clerk.context.set_offline(False)

    expect(bar).to_be_hidden(timeout=8000)


def test_charts_are_drawn_without_breaking_the_policy(clerk: Page) -> None:
    open_somebody(clerk)

    expect(clerk.locator(".chart canvas").first).to_be_visible()


def test_the_language_changes_and_stays(clerk: Page) -> None:
    clerk.locator(".topbar").get_by_role("button", name="中文").click()
    expect(clerk.locator("html")).to_have_attribute("lang", "zh-hans")

    clerk.reload()
    expect(clerk.locator("html")).to_have_attribute("lang", "zh-hans")


@pytest.mark.parametrize("width", [360, 768, 1093, 1366, 1920])  # 1093: 1366 at 125 %
def test_no_page_scrolls_sideways(stack: Stack, clerk: Page, width: int) -> None:
    open_somebody(clerk)
    customer = clerk.url
    clerk.set_viewport_size({"width": width, "height": 740})

    for url in (f"{stack.url}/", customer, f"{stack.url}/search/?q={SURNAME}"):
        clerk.goto(url)
        assert clerk.evaluate("document.documentElement.scrollWidth") <= width, url


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("role", ["clerk", "accountmanager", "auditor", "analyst", "admin"])
def test_axe_finds_nothing_serious(stack: Stack, browser: Browser, theme: str, role: str) -> None:
    session = browser.new_context(color_scheme=theme, reduced_motion="reduce")
    page = session.new_page()
    page.goto(f"{stack.url}/login/")
    assert serious(page) == []
    log_in(page, stack, role)
    assert serious(page) == []

    if role == "clerk":
        open_somebody(page)
        assert serious(page) == []
        page.go_back()
        assert serious(page) == []
        page.goto(f"{stack.url}/nowhere/")
        assert serious(page) == []
    session.close()


def serious(page: Page) -> list[str]:
    page.wait_for_load_state("networkidle")
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")["violations"]
    return [
        f"{page.url} {v['id']}: {v['nodes'][0]['html'][:200]}"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]


def test_an_analyst_meets_no_person(stack: Stack, page: Page) -> None:
    log_in(page, stack, "analyst")
    assert page.locator("input[name=q][type=search]").count() == 0

    answer = page.goto(f"{stack.url}/search/?q={SURNAME}")

    assert answer is not None
    assert answer.status == 403
    expect(page.locator("main")).to_contain_text("Your role does not include")


def test_without_javascript_the_way_is_the_same(stack: Stack, browser: Browser) -> None:
    session = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = session.new_page()
    log_in(page, stack, "clerk")
    page.locator("#global-search").fill(SURNAME)
    page.keyboard.press("Enter")
    page.locator("tbody th a").first.click()
    page.locator("#lines").get_by_role("link", name="show").first.click()
    page.get_by_label("Why do you need").fill("Customer is present")
    page.get_by_role("button", name="Show for 30 s").click()

    assert "*" not in page.locator(".field-shown").inner_text().split()[0]
    session.close()
