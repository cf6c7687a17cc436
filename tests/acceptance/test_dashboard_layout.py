"""Every page and state on a telephone and on a desk: nothing is wider than the window.

With INTEGRATION_MONITOR_PHOTOGRAPHS=1 each is also photographed, light and dark, for people to look at:
test-results/screenshots/<page>-<width>-<scheme>.png
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.acceptance import invented
from tests.acceptance.conftest import OpenPage, Write
from tests.acceptance.live_server import LiveServer

FOLDER = Path(__file__).parents[2] / "test-results" / "screenshots"
ARE_PHOTOGRAPHED = os.environ.get("INTEGRATION_MONITOR_PHOTOGRAPHS") == "1"
SCHEMES = ["light", "dark"] if ARE_PHOTOGRAPHED else ["light"]
# Long enough for a chart's first movement.
SETTLE_MS = 500


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [375, 1440])
def test_pages_fit_their_window(width: int, scheme: str, server: LiveServer, open_page: OpenPage, write: Write) -> None:
    watched = open_page(viewport={"width": width, "height": 900}, color_scheme=scheme, timezone_id="Asia/Almaty")
    page = watched.page

    def look(name: str) -> None:
        if ARE_PHOTOGRAPHED:
            page.evaluate("scrollTo(0, 0)")
            page.wait_for_timeout(SETTLE_MS)
            page.screenshot(path=FOLDER / f"{name}-{width}-{scheme}.png", full_page=True)
        assert watched.overflow() == 0, name

    page.goto("/sign-in")
    look("sign-in")
    page.get_by_label("Access token").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look("sign-in-refused")
    page.goto(server.sign_in_link())
    look("dashboard-empty")
    page.goto("/nothing-here")
    look("not-found")
    write(invented.history())
    for window in ("30d", "24h"):
        page.goto(f"/?window={window}")
        expect(page.locator("#chart-durations [data-points]")).to_be_visible()
        look(f"dashboard-{window}")
    page.locator(".failure-row").first.click()
    expect(page.locator("pre")).to_have_count(2)
    page.locator(".chart-durations summary").click()
    look("dashboard-opened")
    watched.context.set_offline(True)
    page.evaluate("document.getElementById('page').dispatchEvent(new Event('refresh'))")
    expect(page.get_by_text("No connection to the monitor.")).to_be_visible()
    look("dashboard-offline")
    watched.context.set_offline(False)
    page.goto(server.sign_in_link("integration_monitor_statistics"))
    look("dashboard-statistics")
