"""The first page in a real browser, from the real server: nothing is blocked, nothing missing."""

import pytest
from playwright.sync_api import Page

from tests.embedded.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack]


def test_the_login_page_loads_all_it_names_and_breaks_no_policy(stack: Stack, page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("response", lambda r: complaints.append(f"{r.status} {r.url}") if not r.ok else None)

    page.goto(f"{stack.url}/login/")
    page.wait_for_load_state("networkidle")

    assert page.locator("input[type=password]").is_visible()
    assert complaints == []


def test_a_script_in_the_page_itself_is_blocked(stack: Stack, page: Page) -> None:
    """The control: were the policy away, the test above would prove nothing."""
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.goto(f"{stack.url}/login/")

    page.evaluate(
        "() => { const s = document.createElement('script');"
        " s.textContent = 'window.ran = true'; document.head.append(s) }"
    )

    assert page.evaluate("() => window.ran") is None
    assert any("Content Security Policy" in line for line in complaints)
