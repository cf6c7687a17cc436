"""What an error means, one kind of failures whole, and the trace of a record, in a real browser."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from integration_monitor.batch import Batch
from integration_monitor.record import IntegrationLog, entity_uuid, now
from integration_monitor.store.postgres.sink import PostgresSink
from tests.acceptance import invented
from tests.acceptance.browser import WatchedPage
from tests.acceptance.conftest import OpenPage
from tests.acceptance.live_server import LiveServer, live_server
from tests.acceptance.test_dashboard_access import violations
from tests.conftest import WHEEL, Server, Variant

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACE_URL = "https://traces.example.com/trace/{trace_id}"
NOBODY = "0123456789abcdef01234567"


def revoked(number: int) -> IntegrationLog:
    """A failure about one of four leads; a quarter of an hour lies between two."""
    lead = 30_001 + number % 4
    return invented.failure(
        service_name="amocrm",
        action="sync_lead",
        created_at=now() - timedelta(minutes=1 + 15 * number),
        error_code="HTTP_401",
        error_message="Token has been revoked",
        related_entity_type="lead",
        related_entity_id=entity_uuid("lead", lead),
        request_payload={
            "method": "PATCH",
            "url": f"https://example.amocrm.ru/api/v4/leads/{lead}",
            "entity": {"type": "lead", "id": lead},
            "trace_id": TRACE_ID,
        },
        response_payload={"status_code": 401, "fault": "auth", "retry": "no"},
    )


@pytest.fixture(scope="module")
def troubled(servers: Callable[[Variant], Server]) -> Iterator[LiveServer]:
    """A server that knows where traces are shown, with ten failures of one kind, a blocked bot, and hostile words."""
    postgres = servers(WHEEL)
    name = postgres.create_database(is_migrated=True)
    url = postgres.url(name)
    sink = PostgresSink(url)
    sink.write(Batch(records=[*map(revoked, range(10)), invented.failure(), *invented.hostile()]))
    sink.close()
    with live_server(url, trace_url=TRACE_URL) as running:
        yield running
    postgres.drop_database(name)


@pytest.fixture
def look(chromium: Browser, troubled: LiveServer) -> Iterator[OpenPage]:
    """A browser at an address of it, signed in; keyword arguments are Playwright's options of a context."""
    with ExitStack() as stack:

        def look(address: str, *, role: Any = "authenticated", **options: Any) -> WatchedPage:
            watched = WatchedPage(chromium, troubled.url, **options)
            stack.callback(watched.context.close)
            watched.page.clock.install()
            watched.context.request.get(troubled.sign_in_link(role), max_redirects=0)
            watched.page.goto(address)
            return watched

        yield look


def group(page: Page, words: str) -> Any:
    return page.locator(".group").filter(has_text=words)


def test_a_group_tells_what_it_means_and_what_to_do_in_the_readers_language(look: OpenPage) -> None:
    english = look("/errors?service=amocrm&error_code=HTTP_401").page
    russian = look("/errors?service=amocrm&error_code=HTTP_401", locale="ru").page

    expect(english.locator(".group .meaning")).to_contain_text("The access token has expired, was revoked")
    expect(english.locator(".group .remedy")).to_contain_text("authorise the integration anew")
    expect(russian.locator(".group .meaning")).to_contain_text("Токен доступа истёк, отозван")


def test_the_chart_is_there_while_the_groups_are_still_asked_for(look: OpenPage) -> None:
    page = look("/sign-in").page
    asked: list[Route] = []
    page.route("**/errors", lambda route: asked.append(route) if "hx-request" in route.request.headers else route.continue_())

    page.goto("/errors")

    expect(page.locator("#chart-errors [data-points]")).to_be_visible()
    expect(page.get_by_text("Reading what failed…")).to_be_visible()
    assert page.locator(".group").count() == 0
    asked[0].continue_()
    expect(group(page, "Token has been revoked")).to_be_visible()
    expect(page.locator(".ghost")).to_have_count(0)


def test_one_kind_is_followed_from_the_list_to_its_timeline_its_entities_and_three_examples(look: OpenPage) -> None:
    watched = look("/errors")
    page = watched.page

    group(page, "Token has been revoked").get_by_role("link", name="Timeline, entities").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("HTTP_401")
    expect(page.locator(".story-facts")).to_contain_text("4 entities")
    expect(page.locator("#chart-timeline [data-points]")).to_be_visible()
    page.get_by_text("Figures as a table").click()
    figures = page.locator("#chart-timeline-table tbody td").all_inner_texts()
    assert sum(map(int, figures)) == 10
    expect(page.locator(".examples .log-link")).to_have_count(3)
    page.locator(".examples .log-link").last.click()
    expect(page.locator("#panel .tree").first).to_contain_text("leads/30002")
    page.reload()
    expect(page.locator("#panel .tree").first).to_contain_text("leads/30002")
    page.get_by_role("button", name="Close").first.click()
    page.get_by_role("link", name="lead 30001").click()
    expect(page.locator(".log")).to_have_count(3)
    assert watched.troubles == []


def test_the_link_to_a_kind_shows_the_same_time_to_somebody_else(look: OpenPage) -> None:
    watched = look("/errors?service=amocrm&window=7d", permissions=["clipboard-read", "clipboard-write"])
    page = watched.page
    page.locator(".group-shape a").first.click()

    button = page.get_by_role("button", name="Copy the link")
    button.click()

    expect(page.locator("[data-copy-link]")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(page.url.partition("/errors")[0])
    assert "from=" in copied
    other = look("/sign-in").page
    other.goto(copied)
    expect(other.locator(".story-facts")).to_contain_text("10")
    assert watched.troubles == []


def test_a_bar_of_the_timeline_leads_to_its_records(look: OpenPage) -> None:
    page = look("/errors?service=amocrm").page
    page.locator(".group-shape a").first.click()
    page.get_by_text("Figures as a table").click()
    cell = page.locator("#chart-timeline-table td a").first
    count = int(cell.inner_text())

    cell.click()

    expect(page.locator(".log")).to_have_count(count)


def test_a_kind_that_did_not_happen_is_said_in_words_and_a_wrong_one_refused(look: OpenPage) -> None:
    page = look(f"/errors/{NOBODY}").page

    expect(page.locator("main")).to_contain_text("No failures of this kind in this time.")
    page.get_by_role("link", name="All kinds of failures").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Errors")
    page.goto("/errors/%3Cscript%3E")
    expect(page.get_by_text("404")).to_be_visible()


def test_who_may_see_no_record_is_told_so(look: OpenPage) -> None:
    page = look(f"/errors/{NOBODY}", role="integration_monitor_statistics").page

    expect(page.locator("main section.panel")).to_contain_text("role")
    assert page.locator(".story").count() == 0


def test_a_record_tells_what_its_code_means_and_leads_to_its_trace(look: OpenPage) -> None:
    watched = look("/logs?service=amocrm&error_code=HTTP_401", permissions=["clipboard-read", "clipboard-write"])
    page = watched.page

    page.locator(".log").first.click()

    panel = page.locator("#panel")
    expect(panel.locator(".meaning")).to_contain_text("The access token has expired")
    expect(panel.get_by_role("link", name=TRACE_ID)).to_have_attribute("href", TRACE_URL.replace("{trace_id}", TRACE_ID))
    panel.get_by_role("button", name="Copy the id of the trace").click()
    assert page.evaluate("navigator.clipboard.readText()") == TRACE_ID
    assert violations(page) == []
    assert watched.troubles == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1440])
def test_the_page_of_a_kind_fits_and_axe_finds_nothing(look: OpenPage, width: int, scheme: str) -> None:
    watched = look("/errors?service=amocrm", viewport={"width": width, "height": 900}, color_scheme=scheme, locale="ru")
    page = watched.page
    assert violations(page) == []

    page.locator(".group-shape a").first.click()

    expect(page.locator("#chart-timeline [data-points]")).to_be_visible()
    assert watched.overflow() == 0
    assert violations(page) == []


def test_keyboard_alone_opens_a_kind_and_an_example_of_it(look: OpenPage) -> None:
    page = look("/errors?service=amocrm").page

    page.locator(".group-shape a").first.focus()
    page.keyboard.press("Enter")
    # Drawn by the script that listens to the keys.
    expect(page.locator("#chart-timeline [data-points]")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")

    expect(page.locator("#panel .tree").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()


def test_hostile_words_neither_run_nor_break_the_page_of_their_kind(look: OpenPage) -> None:
    watched = look("/errors", viewport={"width": 375, "height": 900})
    page = watched.page
    expect(page.locator(".group").first).to_be_visible()
    hrefs = page.locator(".group-shape a").evaluate_all("links => links.map((link) => link.href)")
    assert len(hrefs) > 8

    for href in hrefs:
        page.goto(href)
        expect(page.locator(".story")).to_be_visible()
        assert watched.overflow() == 0, href
        assert page.locator("main :is(script, img, iframe, b), main [onerror]").count() == 0
        assert "\u202e" not in page.locator("body").inner_text()

    assert page.evaluate("window.hit") is None
    assert watched.troubles == []
