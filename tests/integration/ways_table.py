"""The table of what ends a call: which library can come to which ending, and what is captured of it."""

import http.client
import sys
from collections.abc import Iterator

import aiohttp
import httplib2  # type: ignore[import-untyped]
import httpx
import httpx2
import pytest
import requests
import urllib3

from integration_monitor.capture.aiohttp import AiohttpPatch
from integration_monitor.capture.call import Capture, operation_of
from integration_monitor.capture.http_client import HttpClientPatch
from integration_monitor.capture.httplib2 import Httplib2Patch
from integration_monitor.capture.httpx import HttpxPatch
from integration_monitor.capture.httpx2 import Httpx2Patch
from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.capture.requests import RequestsPatch
from integration_monitor.capture.urllib3 import Urllib3Patch
from integration_monitor.capture.urllib_request import UrllibRequestPatch
from integration_monitor.guard import Guard
from tests.integration.ways import ENDINGS, Way
from tests.integration.ways_async import Aiohttp, HttpxAsync, HttpxHttp2Async
from tests.integration.ways_blocking import (
    HttpClient,
    Httplib2,
    Httpx,
    HttpxHttp2,
    Requests,
    Urllib3,
    Urllib3Streamed,
    UrllibRequest,
)

KEPT_BYTES = 1_000

WAYS: dict[str, Way] = {
    "httpx": Httpx(httpx),
    "httpx async": HttpxAsync(httpx),
    "httpx2": Httpx(httpx2),
    "httpx2 async": HttpxAsync(httpx2),
    "httpx HTTP/2": HttpxHttp2(httpx),
    "httpx HTTP/2 async": HttpxHttp2Async(httpx),
    "requests": Requests(),
    "urllib3": Urllib3(),
    "urllib3 streamed": Urllib3Streamed(),
    "http.client": HttpClient(),
    "urllib.request": UrllibRequest(),
    "httplib2": Httplib2(),
    "aiohttp": Aiohttp(),
}

#: what a library raises where no complete answer comes
ERRORS = (
    httpx.HTTPError,
    httpx2.HTTPError,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    httplib2.error.HttpLib2Error,
    aiohttp.ClientError,
    OSError,
)


def rows(ending: str) -> pytest.MarkDecorator:
    """A test for each library that can come to this ending."""
    assert ending in ENDINGS
    able = {name: way for name, way in WAYS.items() if ending not in way.cannot}
    return pytest.mark.parametrize("way", able.values(), ids=list(able))


def captured() -> Iterator[list[Operation]]:
    """What is captured by all client modules together, as `instrument()` has them."""
    operations: list[Operation] = []
    capture = Capture(take=lambda taken: operations.append(operation_of(taken)), body_bytes_max=KEPT_BYTES, guard=Guard())
    kinds = (
        HttpxPatch,
        Httpx2Patch,
        RequestsPatch,
        AiohttpPatch,
        Urllib3Patch,
        HttpClientPatch,
        UrllibRequestPatch,
        Httplib2Patch,
    )
    patches = [kind(capture) for kind in kinds]
    for patch in patches:
        patch.patch(sys.modules[patch.library])
    yield operations
    for patch in patches:
        patch.unpatch()


def only_attempt(operations: list[Operation]) -> Attempt:
    (operation,) = operations
    (attempt,) = operation.attempts
    return attempt
