"""The dashboard when something is missing, refused, away or hostile, in a real browser."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.acceptance import invented
from tests.acceptance.browser import WatchedPage
from tests.acceptance.conftest import OpenPage, Write
from tests.acceptance.live_server import LiveServer, live_server
from tests.conftest import Server

REFRESH_MS = 11_000
SOCKET = ".s.PGSQL.5432"


class Line:
    """The way to the database, which can be cut: a symbolic link to its socket."""

    def __init__(self, database_url: str, postgres: Server) -> None:
        address = urlsplit(database_url)
        self._socket = Path(parse_qs(address.query)["host"][0]) / SOCKET
        self._folder = Path(tempfile.mkdtemp(prefix="im-line-"))
        self._database = address.path.removeprefix("/")
        self._postgres = postgres
        self.url = f"postgresql://{postgres.user}@/{self._database}?host={self._folder}"
        self.mend()

    def cut(self) -> None:
        (self._folder / SOCKET).unlink()
        self._postgres.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{self._database}'")

    def mend(self) -> None:
        (self._folder / SOCKET).symlink_to(self._socket)

    def remove(self) -> None:
        shutil.rmtree(self._folder)


@pytest.fixture
def line(database_url: str, postgres_server: Server) -> Iterator[Line]:
    line = Line(database_url, postgres_server)
    yield line
    line.remove()


@pytest.fixture
def cut_off_server(line: Line) -> Iterator[LiveServer]:
    """A server whose way to the database can be cut."""
    with live_server(line.url) as server:
        yield server


def test_empty_database_tells_how_to_begin_and_comes_alive(write: Write, signed_in: OpenPage) -> None:
    watched = signed_in()
    expect(watched.page.get_by_role("heading", name="Waiting for the first call")).to_be_visible()
    expect(watched.page.locator("pre")).to_contain_text("im.instrument(")

    write([invented.failure()])
    watched.page.clock.fast_forward(REFRESH_MS)

    expect(watched.page.locator(".log")).to_have_count(1)
    expect(watched.page.locator("#chart-errors [data-points='1']")).to_be_visible()
    assert watched.troubles == []


def test_no_failures_are_said_in_words(write: Write, signed_in: OpenPage) -> None:
    write([invented.record()])

    page = signed_in().page

    expect(page.get_by_role("heading", level=1)).to_have_text("All services are healthy")
    expect(page.locator(".chart-errors")).to_contain_text("No failed calls in this time.")
    expect(page.locator("#list")).to_contain_text("No failures in this time.")


def test_reader_of_statistics_sees_charts_and_no_records(write: Write, signed_in: OpenPage) -> None:
    write([invented.failure()])

    watched = signed_in(role="integration_monitor_statistics")

    expect(watched.page.locator("#chart-errors [data-points='1']")).to_be_visible()
    expect(watched.page.locator("#list")).to_contain_text("Your token reads statistics only.")
    assert "blocked by the user" not in watched.page.content()
    assert watched.troubles == []


def test_database_away_keeps_the_figures_and_comes_back(
    write: Write, line: Line, cut_off_server: LiveServer, chromium: Browser
) -> None:
    write([invented.failure()])
    watched = WatchedPage(chromium, cut_off_server.url)
    page = watched.page
    page.clock.install()
    page.goto(cut_off_server.sign_in_link())
    expect(page.locator(".log")).to_have_count(1)

    line.cut()
    page.clock.fast_forward(REFRESH_MS)

    expect(page.get_by_text("The database cannot be reached.")).to_be_visible()
    expect(page.locator(".log")).to_have_count(1)
    page.locator(".log").click()
    expect(page.locator("#panel").get_by_role("alert")).to_contain_text("database")
    page.keyboard.press("Escape")
    line.mend()
    page.clock.fast_forward(REFRESH_MS)
    expect(page.get_by_text("The database cannot be reached.")).to_be_hidden()
    page.locator(".log").click()
    expect(page.locator("#panel .tree")).to_have_count(2)
    watched.context.close()


def test_page_for_a_database_away_reloads_when_it_is_back(
    write: Write, line: Line, cut_off_server: LiveServer, chromium: Browser
) -> None:
    write([invented.failure()])
    watched = WatchedPage(chromium, cut_off_server.url)
    page = watched.page
    page.clock.install()
    page.goto(cut_off_server.sign_in_link())
    line.cut()

    page.reload()

    expect(page.get_by_text("503")).to_be_visible()
    line.mend()
    page.clock.fast_forward(REFRESH_MS)
    expect(page.locator(".log")).to_have_count(1)
    watched.context.close()


def test_link_opened_while_the_database_is_away_signs_in_when_it_is_back(
    line: Line, cut_off_server: LiveServer, chromium: Browser
) -> None:
    link = cut_off_server.sign_in_link()
    watched = WatchedPage(chromium, cut_off_server.url)
    page = watched.page
    page.clock.install()
    line.cut()

    page.goto(link)

    expect(page.get_by_text("503")).to_be_visible()
    line.mend()
    page.clock.fast_forward(REFRESH_MS)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    watched.context.close()


def test_server_away_is_told_from_database_away(write: Write, signed_in: OpenPage) -> None:
    write([invented.failure()])
    watched = signed_in()
    watched.context.set_offline(True)

    watched.page.clock.fast_forward(REFRESH_MS)

    expect(watched.page.get_by_text("No connection to the monitor.")).to_be_visible()
    watched.context.set_offline(False)
    watched.page.clock.fast_forward(REFRESH_MS)
    expect(watched.page.get_by_text("No connection to the monitor.")).to_be_hidden()


def test_wrong_address_has_a_page_with_a_way_back(signed_in: OpenPage) -> None:
    page = signed_in().page

    page.goto("/nothing-here")

    expect(page.get_by_text("404")).to_be_visible()
    page.get_by_role("link", name="Go to the dashboard").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


@pytest.mark.parametrize("width", [375, 1440])
def test_hostile_words_neither_run_nor_break_any_page(width: int, write: Write, signed_in: OpenPage) -> None:
    records = invented.hostile()
    write(records)
    watched = signed_in(role="service_role", viewport={"width": width, "height": 900})
    page = watched.page
    service, entity = quote(records[0].service_name), quote((records[3].related_entity_type or "")[:200])
    addresses = ["/", "/?by=fault", "/errors", "/logs", f"/service?service={service}", f"/entity?type={entity}&id=1", "/system"]

    for address in addresses:
        page.goto(address)
        for chart in page.locator(".drawing").all():
            expect(chart.locator("[data-points]")).to_be_visible()
        # What is read after the page has come.
        expect(page.locator(".ghost")).to_have_count(0)
        assert watched.overflow() == 0, address
        assert page.evaluate("window.hit") is None
        assert page.locator("main :is(script, img, iframe, b), main [onerror], main pre *").count() == 0
        assert page.locator("main h1").count() == 1
        parts = page.evaluate("[...document.body.children].map((each) => each.tagName)")
        assert parts == ["svg", "A", "DIV", "ASIDE", "DIALOG"]
        assert "\u202e" not in page.locator("body").inner_text()

    assert watched.troubles == []


def test_hostile_payloads_neither_run_nor_break_the_record(write: Write, signed_in: OpenPage) -> None:
    write(invented.hostile())
    watched = signed_in(viewport={"width": 375, "height": 900})
    page = watched.page
    page.goto("/logs")

    for link in page.locator(".log-link").all():
        with page.expect_response(lambda response: "/logs/" in response.url):
            link.evaluate("link => link.click()")
        expect(page.locator("#panel h2")).to_be_visible()
        page.locator("#panel details:not([open]) > summary").evaluate_all("all => all.forEach((each) => each.click())")
        assert page.locator("#panel :is(script, img, iframe, b), #panel [onerror], #panel pre *").count() == 0
        assert "\u202e" not in page.locator("body").inner_text()
        assert watched.overflow() == 0

    assert page.evaluate("window.hit") is None
    assert watched.troubles == []
