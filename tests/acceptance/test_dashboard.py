"""The overview in a real browser: what is wrong comes first, charts lead on, and the page refreshes itself."""

import gzip
import re
from datetime import timedelta
from pathlib import Path

import psycopg
from playwright.sync_api import Page, expect

import integration_monitor.server
from integration_monitor.record import now
from tests.acceptance import invented
from tests.acceptance.conftest import OpenPage, Write

# Longer than the page waits before it asks again.
REFRESH_MS = 11_000


def test_charts_are_drawn_from_the_records(visit: OpenPage) -> None:
    watched = visit()

    for name in ("errors", "durations"):
        canvas = watched.page.locator(f"#chart-{name} .drawing-canvas[data-points]")
        expect(canvas).to_be_visible()
        assert int(canvas.get_attribute("data-points") or 0) > 0
        assert canvas.locator("svg path").count() > 5
    assert watched.troubles == []


def test_cards_tell_state_and_figures_of_each_service(visit: OpenPage) -> None:
    page = visit().page

    expect(page.locator(".service")).to_have_count(5)
    expect(page.locator("[data-service=mobizon]")).to_contain_text("Down")
    expect(page.locator("[data-service=mobizon] .figures")).to_contain_text("%")
    expect(page.locator("[data-service=mobizon] .change-worse")).to_contain_text("points against the window before")
    expect(page.locator("[data-service=mobizon] .service-words")).not_to_be_empty()
    expect(page.locator("[data-service=telegram] .probe")).to_contain_text("failed")
    expect(page.locator("[data-service=whapi]")).to_contain_text("Idle")
    expect(page.get_by_role("heading", level=1)).to_contain_text("mobizon is down")
    expect(page).to_have_title("mobizon is down · Integration Monitor")


def test_what_writers_lost_is_said_above_all_figures(visit: OpenPage) -> None:
    page = visit().page

    page.get_by_role("link", name="See which and why").click()

    expect(page.get_by_role("heading", name="Lost, by reason")).to_be_visible()


def test_open_incident_comes_first_and_is_taken_on(database_url: str, write: Write, signed_in: OpenPage) -> None:
    write([invented.failure(response_payload={"fault": "vendor"})])
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into integration_monitor.incidents"
            " (kind, subject, severity, summary, suspected_at, observed_at, since_at, began_at)"
            " values ('service_state', 'telegram', 'down', '9 of 10 calls fail <b>now</b>', now(), now(), now() - interval '1 hour', now())"
        )
    watched = signed_in()
    page = watched.page
    incident = page.locator(".incident")
    expect(incident).to_contain_text("telegram is down")
    expect(incident).to_contain_text("9 of 10 calls fail <b>now</b>")

    incident.get_by_role("button", name="Take it on").click()

    expect(incident).to_contain_text("taken on by")
    expect(incident.get_by_role("button")).to_have_count(0)
    assert watched.troubles == []

    # It goes on until its service has been well for a while; the page says how it is by now.
    write([invented.record(service_name="telegram") for _ in range(30)])
    page.reload()

    expect(incident).to_contain_text("telegram was down")
    expect(incident).to_contain_text("Healthy")


def test_every_window_is_in_the_address(visit: OpenPage) -> None:
    watched = visit()
    page = watched.page

    for name, key in (("Last hour", "1h"), ("Last 7 days", "7d"), ("Last 30 days", "30d")):
        page.get_by_role("link", name=name).click()
        expect(page).to_have_url(f"{page.url.split('?')[0]}?window={key}")
        expect(page.locator(".summary")).to_contain_text(f"{name}: ")
    page.get_by_role("link", name="Errors", exact=True).click()
    expect(page).to_have_url(f"{page.url.split('?')[0]}?window=30d")
    assert watched.troubles == []


def test_any_other_span_is_chosen_in_the_reader_s_own_time(visit: OpenPage) -> None:
    watched = visit(timezone_id="Asia/Almaty")
    page = watched.page
    since = (now() - timedelta(hours=3)).replace(second=0, microsecond=0)
    shown = (since + timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M")

    page.get_by_text("Any time").click()
    page.get_by_label("From").fill(shown)
    page.get_by_role("button", name="Show", exact=True).click()

    expect(page.locator(".summary")).to_contain_text("In this time: ")
    expect(page.locator(".any summary time").first).to_have_attribute("datetime", f"{since:%Y-%m-%dT%H:%M}:00+00:00")


def test_errors_are_stacked_by_service_or_by_fault(visit: OpenPage) -> None:
    page = visit().page

    page.get_by_role("link", name="By fault").click()

    expect(page).to_have_url(f"{page.url.split('?')[0]}?by=fault")
    expect(page.locator(".chart-errors .legend")).to_contain_text("Vendor")
    expect(page.locator("#chart-errors [data-points]")).to_be_visible()


def test_bar_leads_to_the_records_behind_it_and_they_to_their_payloads(visit: OpenPage) -> None:
    watched = visit()
    page = watched.page
    expect(page.locator("#chart-errors [data-points]")).to_be_visible()

    with page.expect_navigation():
        page.locator("#chart-errors svg path[fill='#e8803a']").last.click()

    expect(page.locator(".chips")).to_contain_text("mobizon")
    expect(page.locator(".log").first).to_be_visible()
    page.locator(".log").first.click()
    expect(page.locator("#panel .tree").first).to_contain_text("method")
    assert watched.troubles == []


def test_stretch_drawn_over_a_chart_zooms_the_page(visit: OpenPage) -> None:
    watched = visit()
    page = watched.page
    canvas = page.locator("#chart-durations [data-points]")
    expect(canvas).to_be_visible()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None

    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 2, steps=4)
    with page.expect_navigation():
        page.mouse.up()

    assert "from=" in page.url
    assert "to=" in page.url
    expect(page.locator(".summary")).to_contain_text("In this time: ")
    assert watched.troubles == []


def test_chart_has_its_figures_as_a_table_that_leads_on_too(visit: OpenPage) -> None:
    page = visit().page

    page.locator(".chart-errors summary").click()
    row = page.locator(".chart-errors tbody tr").first

    expect(row.locator("th a")).to_have_attribute("href", re.compile("from=.*to="))
    expect(page.locator(".chart-errors tbody td a").first).to_have_attribute("href", re.compile(r"/logs\?status=failed&service="))
    page.clock.fast_forward(REFRESH_MS)
    expect(page.locator(".chart-errors tbody")).to_be_visible()


def test_new_failure_appears_by_itself(write: Write, signed_in: OpenPage) -> None:
    write([invented.failure()])
    watched = signed_in()
    page = watched.page
    mark(page)
    expect(page.locator(".log")).to_have_count(1)

    write([invented.failure(service_name="amocrm", error_message="This one is new"), invented.record()])
    page.clock.fast_forward(REFRESH_MS)

    expect(page.locator(".log").first).to_contain_text("This one is new")
    expect(page.locator(".log")).to_have_count(2)
    expect(page.locator("[data-service=amocrm] .figures")).to_contain_text("50%")
    page.clock.run_for(1_000)
    expect(page.locator("#chart-errors [data-points='2']")).to_be_visible()
    assert is_marked(page)
    assert watched.troubles == []


def test_refresh_moves_nothing_that_is_being_read(write: Write, signed_in: OpenPage) -> None:
    write([invented.failure(error_message="The first")])
    watched = signed_in()
    page = watched.page
    page.locator(".log").click()
    expect(page.locator("#panel .tree")).to_have_count(2)

    write([invented.failure(error_message="The second")])
    page.clock.fast_forward(REFRESH_MS)

    expect(page.get_by_role("button", name="Show new (1)")).to_be_visible()
    expect(page.locator(".log")).to_have_count(1)
    expect(page.locator("#panel .tree").first).to_be_visible()
    page.get_by_role("button", name="Show new (1)").click()
    expect(page.locator(".log").first).to_contain_text("The second")
    expect(page.locator("#panel .tree").first).to_be_visible()
    expect(page.locator("#waiting")).to_be_hidden()
    assert watched.troubles == []


def test_hidden_tab_asks_nothing_until_it_is_seen_again(visit: OpenPage) -> None:
    page = visit("/?window=1h").page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "window=" in request.url else None)
    show(page, "hidden")

    page.clock.fast_forward(6 * REFRESH_MS)
    while_hidden = len(asked)
    with page.expect_response(lambda response: "window=1h" in response.url):
        show(page, "visible")

    assert while_hidden == 0


def test_first_page_is_light(visit: OpenPage) -> None:
    page = visit().page

    folder = Path(integration_monitor.server.__file__).parent / "static"
    files = [(folder / name).read_bytes() for name in ("app.js", "app.css", "icon.svg")]

    assert sum(len(gzip.compress(content)) for content in [*files, page.content().encode()]) < 350 * 1024


def test_dark_and_light_can_change_while_it_is_open(visit: OpenPage) -> None:
    watched = visit(color_scheme="light")
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
