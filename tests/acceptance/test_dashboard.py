"""The dashboard in a real browser: charts, payloads, and how it refreshes itself."""

import gzip
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Page, expect

import integration_monitor.server
from integration_monitor.record import now
from tests.acceptance import invented
from tests.acceptance.conftest import OpenPage, Write

# Longer than the page waits before it asks again.
REFRESH_MS = 11_000


def test_three_charts_are_drawn_from_the_records(write: Write, signed_in: OpenPage) -> None:
    write(invented.history())

    watched = signed_in()

    for name in ("errors", "calls", "durations"):
        canvas = watched.page.locator(f"#chart-{name} .drawing-canvas[data-points]")
        expect(canvas).to_be_visible()
        assert int(canvas.get_attribute("data-points") or 0) > 0
        assert canvas.locator("svg path").count() > 10
    assert watched.troubles == []


def test_cards_tell_state_and_figures_of_each_service(write: Write, signed_in: OpenPage) -> None:
    write(invented.history())

    page = signed_in().page

    expect(page.locator(".service")).to_have_count(5)
    expect(page.locator("[data-service=mobizon]")).to_contain_text("Down")
    expect(page.locator("[data-service=mobizon] .figures")).to_contain_text("%")
    expect(page.locator("[data-service=whapi]")).to_contain_text("Idle")
    expect(page.get_by_role("heading", level=1)).to_contain_text("mobizon is down")
    expect(page).to_have_title("mobizon is down · Integration Monitor")


def test_window_of_thirty_days_is_in_the_address(write: Write, signed_in: OpenPage) -> None:
    write([*invented.history(), invented.failure(created_at=now() - timedelta(days=12))])
    watched = signed_in()

    watched.page.get_by_role("link", name="Last 30 days").click()

    expect(watched.page).to_have_url(f"{watched.page.url.split('?')[0]}?window=30d")
    expect(watched.page.locator(".summary")).to_contain_text("in the last 30 days")
    expect(watched.page.locator("#chart-errors [data-points]")).to_be_visible()
    assert watched.troubles == []


def test_failure_opens_its_payloads_on_demand(write: Write, signed_in: OpenPage) -> None:
    write([invented.failure()])
    watched = signed_in()
    expect(watched.page.locator(".failure-detail")).to_be_hidden()

    watched.page.locator(".failure-row").click()

    expect(watched.page.locator("pre").first).to_contain_text('"text": "Your lesson begins at 18:00"')
    expect(watched.page.locator("pre").last).to_contain_text('"error_code": 403')
    expect(watched.page.locator(".open")).to_have_attribute("aria-expanded", "true")
    assert watched.troubles == []


def test_failure_opens_by_keyboard(write: Write, signed_in: OpenPage) -> None:
    write([invented.failure()])
    page = signed_in().page
    page.get_by_role("button", name="Payloads of telegram").focus()

    page.keyboard.press("Enter")

    expect(page.locator("pre")).to_have_count(2)
    page.keyboard.press("Enter")
    expect(page.locator(".failure-detail")).to_be_hidden()


def test_new_failure_appears_by_itself(write: Write, signed_in: OpenPage) -> None:
    write(invented.history(3))
    watched = signed_in()
    mark(watched.page)
    rows = watched.page.locator(".failure").count()

    write([invented.failure(error_message="This one is new")])
    watched.page.clock.fast_forward(REFRESH_MS)

    expect(watched.page.locator(".failure").first).to_contain_text("This one is new")
    assert watched.page.locator(".failure").count() == rows + 1
    assert is_marked(watched.page)
    assert watched.troubles == []


def test_refresh_moves_nothing_that_is_being_read(write: Write, signed_in: OpenPage) -> None:
    write([invented.failure(error_message="The first")])
    watched = signed_in()
    page = watched.page
    page.locator(".failure-row").click()
    expect(page.locator("pre")).to_have_count(2)

    write([invented.failure(error_message="The second")])
    page.clock.fast_forward(REFRESH_MS)

    expect(page.get_by_role("button", name="Show new failures (1)")).to_be_visible()
    expect(page.locator(".failure")).to_have_count(1)
    expect(page.locator("pre").first).to_be_visible()
    page.get_by_role("button", name="Show new failures (1)").click()
    expect(page.locator(".failure").first).to_contain_text("The second")
    expect(page.locator(".failure").last.locator("pre").first).to_be_visible()
    expect(page.locator("#waiting")).to_be_hidden()
    assert watched.troubles == []


def test_refresh_brings_figures_and_charts_up_to_date(write: Write, signed_in: OpenPage) -> None:
    write([invented.failure()])
    watched = signed_in()
    page = watched.page
    expect(page.locator("#chart-errors [data-points='1']")).to_be_visible()

    write([invented.failure(service_name="amocrm"), invented.record()])
    page.clock.fast_forward(REFRESH_MS)

    expect(page.locator("[data-service=amocrm] .figures")).to_contain_text("50%")
    page.clock.run_for(1_000)
    expect(page.locator("#chart-errors [data-points='2']")).to_be_visible()
    assert watched.troubles == []


def test_hidden_tab_asks_nothing_until_it_is_seen_again(write: Write, signed_in: OpenPage) -> None:
    write([invented.failure()])
    page = signed_in().page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "window=" in request.url else None)
    show(page, "hidden")

    page.clock.fast_forward(6 * REFRESH_MS)
    while_hidden = len(asked)
    with page.expect_response(lambda response: "window=24h" in response.url):
        show(page, "visible")

    assert while_hidden == 0


def test_chart_has_its_figures_as_a_table(write: Write, signed_in: OpenPage) -> None:
    write([invented.failure(), invented.record()])
    page = signed_in().page

    page.locator(".chart-calls summary").click()

    expect(page.locator(".chart-calls tbody tr")).to_have_text(["amocrm 1 0", "telegram 0 1"], use_inner_text=True)
    page.clock.fast_forward(REFRESH_MS)
    expect(page.locator(".chart-calls tbody")).to_be_visible()


def test_first_page_is_light(write: Write, signed_in: OpenPage) -> None:
    write(invented.history())
    page = signed_in().page

    folder = Path(integration_monitor.server.__file__).parent / "static"
    files = [(folder / name).read_bytes() for name in ("app.js", "app.css", "icon.svg")]

    assert sum(len(gzip.compress(content)) for content in [*files, page.content().encode()]) < 350 * 1024


def test_dark_and_light_can_change_while_it_is_open(write: Write, signed_in: OpenPage) -> None:
    write([invented.failure()])
    watched = signed_in(color_scheme="light")
    expect(watched.page.locator("#chart-errors [data-points]")).to_be_visible()

    watched.page.emulate_media(color_scheme="dark")

    expect(watched.page.locator("#chart-errors svg")).to_have_count(1)
    assert watched.troubles == []


def mark(page: Page) -> None:
    """A variable that a reload would lose."""
    page.evaluate("window.isMarked = true")


def is_marked(page: Page) -> bool:
    return bool(page.evaluate("window.isMarked === true"))


def show(page: Page, state: str) -> None:
    """What the browser tells a page whose tab is hidden or seen."""
    page.evaluate(
        """(state) => {
          Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        state,
    )
