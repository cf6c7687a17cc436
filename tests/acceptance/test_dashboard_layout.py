"""Every page and state on a telephone, on a desk and on a wall: nothing is wider than the window.

With INTEGRATION_MONITOR_PHOTOGRAPHS=1 each is also photographed, light and dark, for people to look at:
test-results/screenshots/<page>-<width>-<scheme>.png
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.acceptance.conftest import OpenPage
from tests.acceptance.live_server import LiveServer

FOLDER = Path(__file__).parents[2] / "test-results" / "screenshots"
ARE_PHOTOGRAPHED = os.environ.get("INTEGRATION_MONITOR_PHOTOGRAPHS") == "1"
SCHEMES = ["light", "dark"] if ARE_PHOTOGRAPHED else ["light"]
# Long enough for a chart's first movement.
SETTLE_MS = 500


PAGES = {
    "overview": "/",
    "overview-1h": "/?window=1h&by=fault",
    "errors": "/errors",
    "logs": "/logs?status=failed&service=telegram",
    "service": "/service?service=telegram",
    "entity": "/entity?type=user&id=5512",
    "system": "/system",
}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [375, 1440, 2560])
def test_pages_fit_their_window(width: int, scheme: str, stage: LiveServer, visit: OpenPage) -> None:
    watched = visit("/sign-in", viewport={"width": width, "height": 900}, color_scheme=scheme, timezone_id="Asia/Almaty")
    page = watched.page

    def look(name: str, *, is_full: bool = True) -> None:
        if ARE_PHOTOGRAPHED:
            page.evaluate("scrollTo(0, 0)")
            page.clock.run_for(SETTLE_MS)
            page.screenshot(path=FOLDER / f"{name}-{width}-{scheme}.png", full_page=is_full)
        assert watched.overflow() == 0, name

    look("sign-in")
    page.goto("/nothing-here")
    look("not-found")
    for name, address in PAGES.items():
        page.goto(address)
        for chart in page.locator(".drawing").all():
            expect(chart.locator("[data-points]")).to_be_visible()
        look(name)
    page.goto("/logs?status=failed&action=send_message")
    page.locator(".log .log-service").first.click()
    expect(page.locator("#panel .tree")).to_have_count(2)
    look("record", is_full=False)
    page.goto("/?window=7d")
    page.locator(".chart-errors summary").click()
    page.get_by_text("Any time").click()
    look("overview-opened")
    watched.context.set_offline(True)
    page.evaluate("document.getElementById('page').dispatchEvent(new Event('refresh'))")
    expect(page.get_by_text("No connection to the monitor.")).to_be_visible()
    look("overview-offline")
    watched.context.set_offline(False)
    watched.context.request.get(stage.sign_in_link("integration_monitor_statistics"), max_redirects=0)
    page.goto("/")
    look("overview-statistics")
    watched.context.request.get(stage.sign_in_link("authenticated"), max_redirects=0)
    page.goto("/system")
    look("system-refused")
