"""The dashboard for everybody: axe-core finds nothing, and the keyboard is enough."""

from collections.abc import Mapping
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from tests.acceptance.conftest import OpenPage

PAGES = (
    "/?by=fault",
    "/errors",
    "/logs?status=failed&service=telegram&type=user",
    "/service?service=telegram",
    "/service?service=resend",
    "/entity?type=user&id=5512",
    "/system",
    "/nothing-of-that-name",
)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]}


def violations(page: Page, options: Mapping[str, Any] = RULES) -> list[str]:
    """What axe-core finds, a line each with the element."""
    found = Axe().run(page, options=dict(options)).response["violations"]
    return [f"{each['id']}: {node['html'][:160]} {node['failureSummary'][:200]}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("width", [375, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(width: int, scheme: str, visit: OpenPage) -> None:
    watched = visit("/sign-in", viewport={"width": width, "height": 900}, color_scheme=scheme)
    found = {"/sign-in": violations(watched.page)}

    for address in PAGES:
        watched.page.goto(address)
        found[address] = violations(watched.page)

    assert {address: lines for address, lines in found.items() if lines} == {}


@pytest.mark.parametrize("width", [375, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_beside_the_list(width: int, scheme: str, visit: OpenPage) -> None:
    address = "/logs?status=failed&service=telegram&action=send_message"
    page = visit(address, viewport={"width": width, "height": 800}, color_scheme=scheme).page
    page.locator(".log .log-service").first.click()
    expect(page.locator("#panel .tree")).to_have_count(2)

    assert violations(page) == []


def test_keyboard_alone_goes_through_a_list(visit: OpenPage) -> None:
    watched = visit("/logs?status=failed&service=telegram&action=send_message")
    page = watched.page

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator(".log").first.locator(".log-link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#panel")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_placeholder("Search in the payloads")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    expect(page.locator(".log").first.locator(".log-link")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_placeholder("Text in the error or in a payload")).to_be_focused()
    page.keyboard.type("j?")
    expect(page.get_by_placeholder("Text in the error or in a payload")).to_have_value("j?")
    assert watched.troubles == []


def test_keys_are_listed_lead_to_pages_and_can_be_switched_off(visit: OpenPage) -> None:
    page = visit().page

    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page.get_by_role("heading", level=1)).to_have_text("System")
    page.get_by_role("button", name="Keyboard").click()
    page.get_by_label("Keys of one letter are on").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_first_tab_skips_to_the_content(visit: OpenPage) -> None:
    page = visit().page

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.locator("#content")).to_be_focused()
