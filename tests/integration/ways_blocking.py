"""The libraries whose calls block: httpx and httpx2 as clients, requests, urllib3, http.client, urllib.request and httplib2."""

import contextlib
import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httplib2  # type: ignore[import-untyped]
import requests
import urllib3
from requests.adapters import HTTPAdapter

from tests.integration.vendor import PATIENCE_S
from tests.integration.ways import NO_TASK, NOT_OVER_HTTP2, TIMEOUT_S, Answer, Way


class Httpx(Way):
    cannot: ClassVar = {"cancelled": NO_TASK}

    def __init__(self, module: ModuleType, **options: Any) -> None:
        self.module = module
        self.library = module.__name__
        self.options = options

    def client(self, timeout_s: float = PATIENCE_S, **options: Any) -> Any:
        given = {"follow_redirects": True, "timeout": timeout_s, "trust_env": False, **self.options, **options}
        return self.module.Client(**given)

    def call(self, url: str, *, body: bytes | None = None, timeout_s: float = TIMEOUT_S, trusted: str | None = None) -> Answer:
        verify = ssl.create_default_context(cafile=trusted)
        with self.client(timeout_s, verify=verify) as client:
            response = client.request("GET" if body is None else "POST", url, content=body)
            return response.status_code, response.content

    @contextlib.contextmanager
    def stream(self, url: str) -> Iterator[Iterator[bytes]]:
        with self.client() as client, client.stream("GET", url) as response:
            yield response.iter_bytes()

    @contextlib.contextmanager
    def lines(self, url: str) -> Iterator[Iterator[bytes]]:
        with self.client() as client, client.stream("GET", url) as response:
            yield (line.encode() for line in response.iter_lines())

    def drop(self, url: str) -> None:
        client = self.client()
        client.send(client.build_request("GET", url), stream=True)
        client.close()

    def upload(self, url: str, pieces: list[bytes]) -> Answer:
        with self.client() as client:
            response = client.post(url, content=iter(pieces))
            return response.status_code, response.content

    def twice(self, url: str, between: Callable[[], object]) -> Answer:
        with self.client() as client:
            client.get(url)
            between()
            response = client.get(url)
            return response.status_code, response.content

    def wait_for_pool(self, held_url: str, url: str) -> None:
        limits = self.module.Limits(max_connections=1)
        timeout = self.module.Timeout(PATIENCE_S, pool=TIMEOUT_S)
        with self.client(limits=limits) as client, client.stream("GET", held_url):
            client.get(url, timeout=timeout)


class HttpxHttp2(Httpx):
    """Over HTTP/2, without asking the server first."""

    cannot: ClassVar = {**Httpx.cannot, **NOT_OVER_HTTP2}
    is_http2 = True
    after_a_cut: ClassVar = [(None, "CONNECTION_FAILED")]
    is_helpless_against_cuts = True
    code_of_a_cut = "CONNECTION_FAILED"

    def __init__(self, module: ModuleType) -> None:
        super().__init__(module, http1=False, http2=True)


class Requests(Way):
    library = "requests"
    cannot: ClassVar = {
        "cancelled": NO_TASK,
        "pool time-out": "its pool has no time-out: a call waits, or opens another connection",
    }

    @contextlib.contextmanager
    def session(self) -> Iterator[requests.Session]:
        with requests.Session() as session:
            session.trust_env = False
            yield session

    def call(self, url: str, *, body: bytes | None = None, timeout_s: float = TIMEOUT_S, trusted: str | None = None) -> Answer:
        with self.session() as session:
            method = "GET" if body is None else "POST"
            response = session.request(method, url, data=body, timeout=timeout_s, verify=trusted or True)
            return response.status_code, response.content

    @contextlib.contextmanager
    def stream(self, url: str) -> Iterator[Iterator[bytes]]:
        with self.session() as session, session.get(url, stream=True, timeout=PATIENCE_S) as response:
            yield response.iter_content(chunk_size=None)

    @contextlib.contextmanager
    def lines(self, url: str) -> Iterator[Iterator[bytes]]:
        with self.session() as session, session.get(url, stream=True, timeout=PATIENCE_S) as response:
            yield response.iter_lines(chunk_size=1)

    def drop(self, url: str) -> None:
        with self.session() as session:
            session.get(url, stream=True, timeout=PATIENCE_S)

    def upload(self, url: str, pieces: list[bytes]) -> Answer:
        with self.session() as session:
            response = session.post(url, data=iter(pieces), timeout=PATIENCE_S)
            return response.status_code, response.content

    def twice(self, url: str, between: Callable[[], object]) -> Answer:
        with self.session() as session:
            session.mount("http://", HTTPAdapter(pool_maxsize=1))
            session.get(url, timeout=PATIENCE_S)
            between()
            response = session.get(url, timeout=PATIENCE_S)
            return response.status_code, response.content


ONE_ATTEMPT = urllib3.Retry(3, connect=0, read=0, other=0)


class Urllib3(Way):
    library = "urllib3"
    cannot: ClassVar = {"cancelled": NO_TASK}

    @contextlib.contextmanager
    def manager(self, timeout_s: float = PATIENCE_S, **options: Any) -> Iterator[urllib3.PoolManager]:
        with urllib3.PoolManager(timeout=timeout_s, retries=ONE_ATTEMPT, **options) as manager:
            yield manager

    def call(self, url: str, *, body: bytes | None = None, timeout_s: float = TIMEOUT_S, trusted: str | None = None) -> Answer:
        with self.manager(timeout_s, ca_certs=trusted) as manager:
            response = manager.request("GET" if body is None else "POST", url, body=body)
            return response.status, response.data

    @contextlib.contextmanager
    def stream(self, url: str) -> Iterator[Iterator[bytes]]:
        with self.manager() as manager, contextlib.closing(manager.request("GET", url, preload_content=False)) as response:
            yield response.stream()

    @contextlib.contextmanager
    def lines(self, url: str) -> Iterator[Iterator[bytes]]:
        with self.manager() as manager, contextlib.closing(manager.request("GET", url, preload_content=False)) as response:
            yield (line.rstrip(b"\n") for line in response)

    def drop(self, url: str) -> None:
        with self.manager() as manager:
            manager.request("GET", url, preload_content=False)

    def upload(self, url: str, pieces: list[bytes]) -> Answer:
        with self.manager() as manager:
            response = manager.request("POST", url, body=iter(pieces))
            return response.status, response.data

    def twice(self, url: str, between: Callable[[], object]) -> Answer:
        with self.manager(maxsize=1) as manager:
            manager.request("GET", url)
            between()
            response = manager.request("GET", url)
            return response.status, response.data

    def wait_for_pool(self, held_url: str, url: str) -> None:
        with self.manager(maxsize=1, block=True) as manager:
            held = manager.request("GET", held_url, preload_content=False)
            with contextlib.closing(held):
                manager.request("GET", url, pool_timeout=TIMEOUT_S)


class Urllib3Streamed(Urllib3):
    """Every answer is read from a stream."""

    cannot: ClassVar = {**Urllib3.cannot, "pool time-out": "as urllib3", "dropped": "as urllib3", "event stream": "as urllib3"}

    def call(self, url: str, *, body: bytes | None = None, timeout_s: float = TIMEOUT_S, trusted: str | None = None) -> Answer:
        with self.manager(timeout_s, ca_certs=trusted) as manager:
            response = manager.request("GET" if body is None else "POST", url, body=body, preload_content=False)
            with contextlib.closing(response):
                return response.status, b"".join(response.stream())


class HttpClient(Way):
    library = "http.client"
    cannot: ClassVar = {
        "cancelled": NO_TASK,
        "pool time-out": "it has no pool",
        "redirect": "it follows none: the application gets the answer that redirects",
        "body that cannot be unpacked": "it unpacks nothing",
    }
    is_unpacking = False
    # It sends on the connection that it has, and the application has to make another.
    after_a_cut: ClassVar = [(None, "CONNECTION_FAILED")]
    is_helpless_against_cuts = True

    @contextlib.contextmanager
    def connection(self, url: str, timeout_s: float = PATIENCE_S, trusted: str | None = None) -> Iterator[Any]:
        parts = urlsplit(url)
        assert parts.hostname is not None
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=trusted)
            connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout_s, context=context)
        with contextlib.closing(connection):
            yield connection

    def call(self, url: str, *, body: bytes | None = None, timeout_s: float = TIMEOUT_S, trusted: str | None = None) -> Answer:
        with self.connection(url, timeout_s, trusted) as connection:
            connection.request("GET" if body is None else "POST", urlsplit(url).path, body)
            with connection.getresponse() as response:
                return response.status, response.read()

    @contextlib.contextmanager
    def stream(self, url: str) -> Iterator[Iterator[bytes]]:
        with self.connection(url) as connection:
            connection.request("GET", urlsplit(url).path)
            with connection.getresponse() as response:
                yield iter(lambda: response.read1(100), b"")

    @contextlib.contextmanager
    def lines(self, url: str) -> Iterator[Iterator[bytes]]:
        with self.connection(url) as connection:
            connection.request("GET", urlsplit(url).path)
            with connection.getresponse() as response:
                yield (line.rstrip(b"\n") for line in response)

    def drop(self, url: str) -> None:
        with self.connection(url) as connection:
            connection.request("GET", urlsplit(url).path)
            connection.getresponse()

    def upload(self, url: str, pieces: list[bytes]) -> Answer:
        with self.connection(url) as connection:
            connection.request("POST", urlsplit(url).path, iter(pieces))
            with connection.getresponse() as response:
                return response.status, response.read()

    def twice(self, url: str, between: Callable[[], object]) -> Answer:
        with self.connection(url) as connection:
            connection.request("GET", urlsplit(url).path)
            connection.getresponse().read()
            between()
            connection.request("GET", urlsplit(url).path)
            with connection.getresponse() as response:
                return response.status, response.read()


class UrllibRequest(Way):
    library = "urllib.request"
    cannot: ClassVar = {
        "cancelled": NO_TASK,
        "pool time-out": "it has no pool",
        "connection cut between two calls": "it keeps no connection",
        "body that cannot be unpacked": "it unpacks nothing",
    }
    is_unpacking = False

    def call(self, url: str, *, body: bytes | None = None, timeout_s: float = TIMEOUT_S, trusted: str | None = None) -> Answer:
        context = ssl.create_default_context(cafile=trusted) if url.startswith("https") else None
        try:
            with urllib.request.urlopen(url, body, timeout=timeout_s, context=context) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    @contextlib.contextmanager
    def stream(self, url: str) -> Iterator[Iterator[bytes]]:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as response:
            yield iter(lambda: response.read1(100), b"")

    @contextlib.contextmanager
    def lines(self, url: str) -> Iterator[Iterator[bytes]]:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as response:
            yield (line.rstrip(b"\n") for line in response)

    def drop(self, url: str) -> None:
        urllib.request.urlopen(url, timeout=PATIENCE_S)

    def upload(self, url: str, pieces: list[bytes]) -> Answer:
        with urllib.request.urlopen(url, iter(pieces), timeout=PATIENCE_S) as response:
            return response.status, response.read()


class Httplib2(Way):
    library = "httplib2"
    cannot: ClassVar = {
        "cancelled": NO_TASK,
        "pool time-out": "it has no pool",
        "event stream": "it reads each answer as a whole",
        "streamed answer": "it reads each answer as a whole",
        "closed early": "it reads each answer as a whole",
        "dropped": "it reads each answer as a whole",
    }

    def call(self, url: str, *, body: bytes | None = None, timeout_s: float = TIMEOUT_S, trusted: str | None = None) -> Answer:
        client = httplib2.Http(timeout=timeout_s, ca_certs=trusted, proxy_info=None)
        with contextlib.closing(client):
            response, content = client.request(url, "GET" if body is None else "POST", body)
            return response.status, content

    def upload(self, url: str, pieces: list[bytes]) -> Answer:
        with contextlib.closing(httplib2.Http(timeout=PATIENCE_S, proxy_info=None)) as client:
            response, content = client.request(url, "POST", iter(pieces))
            return response.status, content

    def twice(self, url: str, between: Callable[[], object]) -> Answer:
        with contextlib.closing(httplib2.Http(timeout=PATIENCE_S, proxy_info=None)) as client:
            client.request(url)
            between()
            response, content = client.request(url)
            return response.status, content
