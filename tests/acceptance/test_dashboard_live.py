"""The live tail of the list of records in a real browser: it grows by itself, waits while somebody reads, and survives what breaks it."""

import contextlib
import socket
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from integration_monitor.record import now
from tests.acceptance import invented
from tests.acceptance.browser import WatchedPage
from tests.acceptance.conftest import OpenPage, Write
from tests.acceptance.live_server import live_server


@pytest.fixture
def tail(write: Write, signed_in: OpenPage) -> WatchedPage:
    """The list with one record, when its stream is open and nobody reads it."""
    write([invented.failure(error_message="The first")])
    watched = signed_in()
    watched.page.get_by_role("link", name="Logs").click()
    expect(watched.page.locator(".log")).to_have_count(1)
    expect_live(watched.page)
    return watched


def expect_live(page: Page) -> None:
    expect(page.locator("#live")).to_have_attribute("data-connection", "live")
    page.mouse.move(0, 0)


def test_new_record_comes_first_by_itself(tail: WatchedPage, write: Write) -> None:
    page = tail.page

    write([invented.failure(error_message="The second")])

    expect(page.locator(".log").first).to_contain_text("The second")
    expect(page.locator(".log")).to_have_count(2)
    expect(page.get_by_role("button", name="Live")).to_be_visible()
    assert tail.troubles == []


def test_record_out_of_a_spool_comes_though_it_is_old(tail: WatchedPage, write: Write) -> None:
    page = tail.page

    # By its time it is behind what one page lists.
    write([invented.record() for _ in range(60)])
    expect(page.locator(".log").first).to_contain_text("amocrm")
    write([invented.failure(error_message="Late", created_at=now() - timedelta(hours=20))])

    expect(page.locator(".log").first).to_contain_text("Late")
    with page.expect_response(lambda response: response.url.endswith("/logs")):
        page.clock.fast_forward(70_000)
    expect(page.locator(".log").first).to_contain_text("Late")


def test_paused_list_counts_what_is_new_and_takes_it_in_when_it_goes_on(tail: WatchedPage, write: Write) -> None:
    page = tail.page

    page.get_by_role("button", name="Live").click()
    page.mouse.move(0, 0)
    write([invented.failure(error_message="The second"), invented.failure(error_message="The third")])
    expect(page.get_by_role("button", name="Show new (2)")).to_be_visible()
    while_paused = page.locator(".log").count()
    page.get_by_role("button", name="Paused").click()

    expect(page.locator(".log")).to_have_count(3)
    expect(page.locator("#waiting")).to_be_hidden()
    assert while_paused == 1
    assert tail.troubles == []


def test_new_rows_move_nothing_that_the_reader_points_at(tail: WatchedPage, write: Write) -> None:
    page = tail.page
    page.locator(".log").hover()
    before = page.locator(".log").bounding_box()

    write([invented.failure(error_message="The second")])
    expect(page.get_by_role("button", name="Show new (1)")).to_be_visible()
    while_pointed_at = (page.locator(".log").count(), page.locator(".log").first.bounding_box())
    page.get_by_role("button", name="Show new (1)").click()

    expect(page.locator(".log")).to_have_count(2)
    expect(page.locator(".log").first).to_contain_text("The second")
    assert while_pointed_at == (1, before)


def test_pending_record_ends_in_its_place(tail: WatchedPage, write: Write, database_url: str) -> None:
    page = tail.page
    pending = invented.record(status="pending", duration_ms=None)

    write([pending])
    expect(page.locator(".log").first).to_contain_text("In progress")
    write([invented.failure(error_message="The second")])
    expect(page.locator(".log").first).to_contain_text("The second")
    page.locator(".log").first.hover()
    with psycopg.connect(database_url) as connection:
        connection.execute("update public.integration_logs set status = 'success', duration_ms = 900 where id = %s", [pending.id])

    expect(page.locator(".log").nth(1)).to_contain_text("Succeeded")
    expect(page.locator(".log")).to_have_count(3)


def test_only_what_fits_the_conditions_comes(tail: WatchedPage, write: Write) -> None:
    page = tail.page
    page.goto("/logs?service=telegram")
    expect_live(page)

    write([invented.record(service_name="amocrm"), invented.failure(error_message="The second")])

    expect(page.locator(".log").first).to_contain_text("The second")
    expect(page.locator(".log")).to_have_count(2)


def test_first_record_of_an_empty_list_comes_too(signed_in: OpenPage, write: Write) -> None:
    page = signed_in().page
    page.goto("/logs")
    expect_live(page)

    write([invented.failure(error_message="The first")])

    expect(page.locator(".log")).to_have_count(1)


def test_hostile_record_is_text_when_it_arrives_too(tail: WatchedPage, write: Write) -> None:
    page = tail.page

    write([invented.failure(service_name=word[:200], error_message=word) for word in invented.HOSTILE])

    expect(page.locator(".log")).to_have_count(1 + len(invented.HOSTILE))
    assert page.evaluate("window.hit") is None
    assert tail.troubles == []


def test_tail_goes_on_where_it_was_when_the_server_comes_back(chromium: Browser, database_url: str, write: Write) -> None:
    write([invented.failure(error_message="The first")])
    port = free_port()
    with contextlib.ExitStack() as stack:
        with live_server(database_url, port=port) as server:
            page = stack.enter_context(opened(chromium, server.sign_in_link(), server.url))
            page.goto("/logs")
            expect_live(page)
        # Nobody keeps the connection, and the address is nobody's.
        expect(page.get_by_role("button", name="Reconnecting")).to_be_visible()
        write([invented.failure(error_message="Meanwhile")])

        with live_server(database_url, port=port):
            expect(page.get_by_role("button", name="Live")).to_be_visible(timeout=20_000)
            expect_live(page)
            write([invented.failure(error_message="Afterwards")])

            expect(page.locator(".log .message-text")).to_have_text(["Afterwards", "Meanwhile", "The first"])
            page.goto("about:blank")


@contextlib.contextmanager
def opened(chromium: Browser, link: str, url: str) -> Iterator[Page]:
    """A page of a browser that is signed in."""
    watched = WatchedPage(chromium, url)
    watched.context.request.get(link, max_redirects=0)
    yield watched.page
    watched.context.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
