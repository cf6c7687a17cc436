"""The ways into the dashboard and out of it, in a real browser."""

import os
import re
import subprocess
import sys

from playwright.sync_api import Browser, Page, expect

from tests.acceptance import invented
from tests.acceptance.browser import WatchedPage
from tests.acceptance.conftest import OpenPage, Write
from tests.acceptance.live_server import LiveServer

SIGN_IN_LINK = re.compile(r"http://\S+/sign-in/\S+")


def test_link_that_serve_prints_signs_in(database_url: str, chromium: Browser) -> None:
    program = "from integration_monitor.cli import main; main()"
    environment = {**os.environ, "INTEGRATION_MONITOR_DATABASE_URL": database_url, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", program, "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            link = next(match[0] for line in process.stdout if (match := SIGN_IN_LINK.search(line)))
            watched = WatchedPage(chromium, link.partition("/sign-in/")[0])

            watched.page.goto(link)

            expect(watched.page.get_by_role("button", name="Sign out")).to_be_visible()
            assert watched.troubles == []
        finally:
            process.terminate()


def test_link_works_once(server: LiveServer, open_page: OpenPage) -> None:
    link = server.sign_in_link()
    open_page().page.goto(link)

    page = open_page().page
    page.goto(link)

    expect(page.get_by_role("alert")).to_contain_text("link")
    expect(page.get_by_label("Access token")).to_be_focused()


def test_pasted_token_signs_in(server: LiveServer, open_page: OpenPage, write: Write) -> None:
    write([invented.failure()])
    watched = open_page()
    watched.page.goto("/")
    expect(watched.page).to_have_url(f"{server.url}/sign-in")

    paste(watched.page, server.token())

    expect(watched.page).to_have_url(f"{server.url}/")
    expect(watched.page.locator(".log")).to_have_count(1)
    assert watched.troubles == []


def test_wrong_token_is_refused_in_words(open_page: OpenPage) -> None:
    page = open_page().page
    page.goto("/sign-in")

    paste(page, "not a token")

    expect(page.get_by_role("alert")).to_contain_text("token")
    expect(page.get_by_label("Access token")).to_have_attribute("aria-invalid", "true")


def test_sign_out_ends_the_session(server: LiveServer, signed_in: OpenPage) -> None:
    page = signed_in().page

    page.get_by_role("button", name="Sign out").click()

    expect(page).to_have_url(f"{server.url}/sign-in")
    page.goto("/")
    expect(page).to_have_url(f"{server.url}/sign-in")


def test_refresh_without_a_session_leads_to_the_sign_in_page(server: LiveServer, signed_in: OpenPage) -> None:
    watched = signed_in()
    watched.context.clear_cookies()

    watched.page.clock.fast_forward(11_000)

    expect(watched.page).to_have_url(f"{server.url}/sign-in")


def paste(page: Page, token: str) -> None:
    page.get_by_label("Access token").fill(token)
    page.get_by_role("button", name="Sign in").click()
