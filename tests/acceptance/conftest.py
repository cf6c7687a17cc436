"""A live server with a browser in front of it: `server` on a database of the test's own, `stage` one for all tests of a module."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser

from integration_monitor.batch import Batch
from integration_monitor.record import IntegrationLog
from integration_monitor.store.postgres.sink import PostgresSink
from tests.acceptance import invented
from tests.acceptance.browser import WatchedPage, started_chromium
from tests.acceptance.live_server import LiveServer, live_server
from tests.conftest import WHEEL, Server, Variant

Write = Callable[[Sequence[IntegrationLog]], None]
OpenPage = Callable[..., WatchedPage]


# Of the module and not of the session: Playwright's event loop runs as long as it is there, and other tests need their own.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with started_chromium() as browser:
        yield browser


@pytest.fixture
def server(database_url: str) -> Iterator[LiveServer]:
    """The server on the test's database."""
    with live_server(database_url) as running:
        yield running


@pytest.fixture
def write(database_url: str) -> Iterator[Write]:
    """Stores records, as an application's worker does."""
    sink = PostgresSink(database_url)
    yield lambda records: sink.write(Batch(records=records))
    sink.close()


@pytest.fixture
def open_page(chromium: Browser, server: LiveServer) -> Iterator[OpenPage]:
    """A new browser that is not signed in; keyword arguments are Playwright's options of a context."""
    with ExitStack() as stack:

        def open_page(**options: Any) -> WatchedPage:
            watched = WatchedPage(chromium, server.url, **options)
            stack.callback(watched.context.close)
            return watched

        yield open_page


@pytest.fixture
def signed_in(open_page: OpenPage, server: LiveServer) -> OpenPage:
    """The same, signed in by a one-time link and on the dashboard; `role` is the link's."""

    def sign_in(*, role: Any = "authenticated", **options: Any) -> WatchedPage:
        watched = open_page(**options)
        watched.page.clock.install()
        watched.page.goto(server.sign_in_link(role))
        return watched

    return sign_in


@pytest.fixture(scope="module")
def stage(servers: Callable[[Variant], Server]) -> Iterator[LiveServer]:
    """A server with a day of invented traffic, for tests that change nothing."""
    postgres = servers(WHEEL)
    name = postgres.create_database(is_migrated=True)
    url = postgres.url(name)
    sink = PostgresSink(url)
    sink.write(Batch(records=[*invented.history(), *invented.probes(), *invented.budgets()]))
    sink.close()
    postgres.execute(invented.WRITERS, name)
    with live_server(url) as running:
        yield running
    postgres.drop_database(name)


@pytest.fixture
def visit(chromium: Browser, stage: LiveServer) -> Iterator[OpenPage]:
    """A browser at an address of the stage, signed in; `role` is the session's, other arguments are Playwright's options."""
    with ExitStack() as stack:

        def visit(address: str = "/", *, role: Any = "service_role", **options: Any) -> WatchedPage:
            watched = WatchedPage(chromium, stage.url, **options)
            stack.callback(watched.context.close)
            watched.page.clock.install()
            # The link's own answer keeps the session's cookie; the page that it leads to need not be drawn.
            watched.context.request.get(stage.sign_in_link(role), max_redirects=0)
            watched.page.goto(address)
            return watched

        yield visit
