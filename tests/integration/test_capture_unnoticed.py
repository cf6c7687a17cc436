"""The application never notices: a thousand calls give what they give without us, whatever is broken on our side."""

import asyncio
import ctypes
import functools
import http.client
import http.server
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import psycopg
import pytest
import requests
import urllib3

import integration_monitor as im
from integration_monitor.writer.lifecycle import THREAD_NAME

# Nothing listens there.
AWAY = "postgresql://nobody@127.0.0.1:1/none"
REFUSED = "http://127.0.0.1:1"
CALLS = 1_000

# What is asked of the vendor, in turns.
PATHS = ("/ok", "/missing", "/broken", "/redirect", "/cut", "/streamed", "/refused", "/raising")


class Vendor(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave together: apart, each answer waits for the client's acknowledgement.
    wbufsize = -1

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        pass

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        status = {"/missing": 404, "/broken": 500, "/redirect": 302}.get(self.path, 200)
        body = b'{"path": "%s"}' % self.path.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status == 302:
            self.send_header("Location", "/ok")
        self.send_header("Content-Length", str(len(body) + (100 if self.path == "/cut" else 0)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = self.path == "/cut"


@pytest.fixture(scope="module")
def vendor() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Vendor)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)


#: What the application saw of a call: classes, status, bytes.
Seen = tuple[Any, ...]


class Planted(Exception):
    """Raised by the application's own transport: it must come out as the same object."""


def shown(error: BaseException) -> Seen:
    # Texts of errors hold addresses of objects.
    return type(error), type(error.__cause__), type(error.__context__)


def by_httpx(client: httpx.Client, url: str, path: str) -> Seen:
    if path == "/raising":
        planted = Planted()

        def plant(_request: httpx.Request) -> httpx.Response:
            raise planted

        with httpx.Client(transport=httpx.MockTransport(plant)) as planting, pytest.raises(Planted) as raised:
            planting.get(url)
        return (raised.value is planted,)
    if path == "/streamed":
        with client.stream("POST", url + path, json={"a": 1}) as response:
            pieces = list(response.iter_bytes())
        return type(response), type(response.stream).__mro__[-2:], isinstance(response.stream, httpx.SyncByteStream), pieces
    response = client.post((REFUSED if path == "/refused" else url) + path, json={"a": 1}, follow_redirects=True)
    return type(response), response.status_code, response.content, len(response.history), response.is_closed


async def by_httpx_async(client: httpx.AsyncClient, url: str, path: str) -> Seen:
    if path == "/raising":
        planted = Planted()

        def plant(_request: httpx.Request) -> httpx.Response:
            raise planted

        async with httpx.AsyncClient(transport=httpx.MockTransport(plant)) as planting:
            try:
                await planting.get(url)
            except Planted as raised:
                return (raised is planted,)
    if path == "/streamed":
        async with client.stream("POST", url + path, json={"a": 1}) as response:
            pieces = [piece async for piece in response.aiter_bytes()]
        return type(response), isinstance(response.stream, httpx.AsyncByteStream), pieces
    response = await client.post((REFUSED if path == "/refused" else url) + path, json={"a": 1}, follow_redirects=True)
    return type(response), response.status_code, response.content, len(response.history), response.is_closed


class PlantingAdapter(requests.adapters.HTTPAdapter):
    def __init__(self, planted: Exception) -> None:
        super().__init__()
        self._planted = planted

    def send(self, *_arguments: Any, **_options: Any) -> requests.Response:
        raise self._planted


def by_requests(session: requests.Session, url: str, path: str) -> Seen:
    if path == "/raising":
        planted = Planted()
        with requests.Session() as planting:
            planting.mount("http://", PlantingAdapter(planted))
            with pytest.raises(Planted) as raised:
                planting.get(url)
        return (raised.value is planted,)
    is_stream = path == "/streamed"
    response = session.post((REFUSED if path == "/refused" else url) + path, json={"a": 1}, stream=is_stream)
    pieces = list(response.iter_content(7)) if is_stream else []
    return (
        *(type(response), response.status_code, response.content, len(response.history), pieces),
        isinstance(response.raw, urllib3.HTTPResponse),
    )


def by_urllib3(pool: urllib3.PoolManager, url: str, path: str) -> Seen:
    is_stream = path == "/streamed"
    base = REFUSED if path in ("/refused", "/raising") else url
    response = pool.request("POST", base + path, json={"a": 1}, preload_content=not is_stream, retries=urllib3.Retry(2))
    pieces = list(response.stream(7)) if is_stream else []
    return isinstance(response, urllib3.HTTPResponse), response.status, response.data, pieces


def by_http_client(url: str, path: str) -> Seen:
    host = (REFUSED if path in ("/refused", "/raising") else url).removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request("POST", path, body=b"{}")
        response = connection.getresponse()
        pieces = [response.read(5), response.read()]
        return isinstance(response, http.client.HTTPResponse), response.status, pieces, response.isclosed()
    finally:
        connection.close()


async def by_aiohttp(session: aiohttp.ClientSession, url: str, path: str) -> Seen:
    base = REFUSED if path in ("/refused", "/raising") else url
    async with session.post(base + path, json={"a": 1}) as response:
        body = await response.read()
        return type(response), response.status, body, len(response.history), isinstance(response.content, aiohttp.StreamReader)


def call_all(url: str, between: Callable[[], None]) -> list[Seen]:
    """What the application sees of a thousand calls, by all libraries in turns."""
    seen: list[Seen] = []

    def note(number: int, call: Callable[[], Seen]) -> None:
        if number % 50 == 0:
            between()
        try:
            seen.append((number, *call()))
        except Exception as error:  # noqa: BLE001 -- compared
            seen.append((number, *shown(error)))

    async def call_async(count: int) -> None:
        async with httpx.AsyncClient() as client, aiohttp.ClientSession() as session:
            for number in range(count):
                path = PATHS[number % len(PATHS)]
                if number % 50 == 0:
                    between()
                try:
                    one = by_httpx_async(client, url, path) if number % 2 else by_aiohttp(session, url, path)
                    seen.append((number, *await one))
                except Exception as error:  # noqa: BLE001 -- compared
                    seen.append((number, *shown(error)))

    with httpx.Client() as client, requests.Session() as session, urllib3.PoolManager() as pool:
        libraries: list[Callable[[str], Seen]] = [
            lambda path: by_httpx(client, url, path),
            lambda path: by_requests(session, url, path),
            lambda path: by_urllib3(pool, url, path),
            lambda path: by_http_client(url, path),
        ]
        for number in range(CALLS * 2 // 3):
            library, path = libraries[number // len(PATHS) % len(libraries)], PATHS[number % len(PATHS)]
            note(number, functools.partial(library, path))
    asyncio.run(call_async(CALLS - CALLS * 2 // 3))
    return seen


@pytest.fixture(scope="module")
def expected(vendor: str) -> list[Seen]:
    seen = call_all(vendor, lambda: None)
    assert len(seen) == CALLS
    return seen


@pytest.fixture(autouse=True)
def _uninstrument() -> Iterator[None]:
    yield
    im.uninstrument()


def test_with_the_queue_full(vendor: str, expected: list[Seen]) -> None:
    im.instrument(AWAY, queue_records_max=1, durability="off", shutdown_timeout_s=0.05)

    assert call_all(vendor, lambda: None) == expected
    stats = im.stats()
    assert stats.taken >= CALLS
    assert stats.dropped["queue_full"] > 0
    assert stats.internal_errors == 0


def test_with_the_database_gone(vendor: str, expected: list[Seen], tmp_path: Path) -> None:
    im.instrument(AWAY, spool_dir=str(tmp_path / "spool"), shutdown_timeout_s=5)

    assert call_all(vendor, lambda: None) == expected
    im.shutdown()
    stats = im.stats()
    assert stats.spooled == stats.taken >= CALLS
    assert stats.internal_errors == 0


def test_with_the_database_never_there_and_nowhere_to_spool(vendor: str, expected: list[Seen]) -> None:
    im.instrument(AWAY, spool_dir="/proc/no/such/folder", shutdown_timeout_s=0.05)

    assert call_all(vendor, lambda: None) == expected


def kill_worker() -> None:
    """Ends the worker's thread from within, as a defect would; another one has to take over."""
    for thread in threading.enumerate():
        if thread.name == THREAD_NAME and thread.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))


def test_with_the_worker_killed_again_and_again(vendor: str, expected: list[Seen], database_url: str) -> None:
    im.instrument(database_url, shutdown_timeout_s=60)

    assert call_all(vendor, kill_worker) == expected
    assert im.flush(60)
    stats = im.stats()
    # What a killed worker had in its hands may be lost, and is counted.
    assert stats.written + sum(stats.dropped.values()) == stats.taken >= CALLS
    assert stats.written > CALLS // 2


RAISING_SERVICE = """
from integration_monitor.services.description import Service

def read(exchange, action):
    raise ZeroDivisionError("a description with a defect")

SERVICE = Service(name="raising", hosts=("127.0.0.1",), read=read)
"""


def test_with_a_service_description_that_raises(
    vendor: str, expected: list[Seen], database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "raising_service.py").write_text(RAISING_SERVICE)
    metadata = tmp_path / "raising_service-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: raising-service\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[integration_monitor.services]\nraising = raising_service:SERVICE\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    im.instrument(database_url, shutdown_timeout_s=60)

    assert call_all(vendor, lambda: None) == expected
    assert im.flush(60)
    stats = im.stats()
    assert not any(stats.dropped.values())
    assert stats.written == stats.taken >= CALLS
    # What has no answer needs no reading.
    assert stats.taken > stats.internal_errors > CALLS // 2
    with psycopg.connect(database_url) as connection:
        query = "select distinct error_code, response_payload ->> 'note' from public.integration_logs"
        told = set(connection.execute(query + " where response_payload ->> 'status_code' = '500'").fetchall())
    assert told == {("HTTP_500", "the description of raising raised ZeroDivisionError: understood by HTTP alone")}
    sys.modules.pop("raising_service", None)
