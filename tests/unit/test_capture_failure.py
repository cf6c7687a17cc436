import asyncio
import http.client
import itertools
import json
import socket
import ssl
from typing import Any

import aiohttp
import httpcore
import httpx
import pytest
import requests
import urllib3.exceptions
from aiohttp.client_reqrep import ConnectionKey

from integration_monitor.capture.failure import MESSAGE_CHARACTERS_MAX, describe
from integration_monitor.record import NoAnswer

POOL: Any = None  # urllib3's exceptions want one and only show it
KEY = ConnectionKey(host="api.example.com", port=443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None)


def chain(*errors: BaseException) -> BaseException:
    """The first exception, raised from the second, and so on."""
    for outer, inner in itertools.pairwise(errors):
        outer.__cause__ = inner
    return errors[0]


def retried(reason: Exception) -> urllib3.exceptions.MaxRetryError:
    error = urllib3.exceptions.MaxRetryError(POOL, "/path", reason)
    error.__cause__ = reason
    return error


def refused() -> OSError:
    return ConnectionRefusedError(111, "Connection refused")


def unknown_name() -> OSError:
    return socket.gaierror(-2, "Name or service not known")


def bad_certificate() -> OSError:
    return ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate")


TIMEOUTS = {
    "httpx connect": (chain(httpx.ConnectTimeout(""), httpcore.ConnectTimeout(), TimeoutError()), "connect", True),
    "httpx read": (chain(httpx.ReadTimeout("slow"), httpcore.ReadTimeout(), TimeoutError()), "read", False),
    "httpx write": (chain(httpx.WriteTimeout("slow"), httpcore.WriteTimeout()), "write", False),
    "httpx pool": (chain(httpx.PoolTimeout(""), httpcore.PoolTimeout()), "pool", True),
    "requests connect": (
        chain(
            requests.ConnectTimeout("slow"),
            retried(urllib3.exceptions.ConnectTimeoutError(POOL, "timed out")),
        ),
        "connect",
        True,
    ),
    "requests read": (
        chain(requests.ReadTimeout("slow"), urllib3.exceptions.ReadTimeoutError(POOL, "/", "Read timed out.")),
        "read",
        False,
    ),
    "requests read of the body": (
        chain(requests.ConnectionError("slow"), urllib3.exceptions.ReadTimeoutError(POOL, "/", "Read timed out.")),
        "read",
        False,
    ),
    "urllib3 pool": (urllib3.exceptions.EmptyPoolError(POOL, "Pool is empty."), "pool", True),
    "aiohttp connect": (aiohttp.ConnectionTimeoutError("slow"), "connect", True),
    "aiohttp read": (aiohttp.SocketTimeoutError("slow"), "read", False),
}


@pytest.mark.parametrize(("error", "phase", "is_unsent"), TIMEOUTS.values(), ids=TIMEOUTS)
def test_a_time_out_tells_what_it_waited_for(error: BaseException, phase: str, is_unsent: bool) -> None:
    told = describe(error)

    assert told.code == "TIMEOUT"
    assert told.is_unsent is is_unsent
    assert f"{phase} time-out" in told.message


FAILURES = {
    "asyncio time-out": (TimeoutError(), "TIMEOUT", False),
    "asyncio.timeout, from a cancelled await": (chain(TimeoutError(), asyncio.CancelledError()), "TIMEOUT", False),
    "socket time-out": (TimeoutError("timed out"), "TIMEOUT", False),
    "aiohttp total": (aiohttp.ServerTimeoutError(), "TIMEOUT", False),
    "httpx refused": (chain(httpx.ConnectError("no"), httpcore.ConnectError(), refused()), "CONNECTION_FAILED", True),
    "httpx refused on every address": (
        chain(httpx.ConnectError("no"), httpcore.ConnectError(), OSError("all"), ExceptionGroup("", [refused()])),
        "CONNECTION_FAILED",
        True,
    ),
    "httpx no route": (chain(httpx.ConnectError("no"), OSError(113, "No route to host")), "CONNECTION_FAILED", True),
    "httpx cut": (chain(httpx.ReadError("cut"), ConnectionResetError(104, "reset")), "CONNECTION_FAILED", False),
    "httpx cut before the answer": (
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
        "CONNECTION_FAILED",
        False,
    ),
    "httpx proxy": (httpx.ProxyError("407"), "CONNECTION_FAILED", False),
    "requests refused": (
        chain(requests.ConnectionError("no"), retried(urllib3.exceptions.NewConnectionError(POOL, "no")), refused()),
        "CONNECTION_FAILED",
        True,
    ),
    "requests refused, told by what it holds": (
        requests.ConnectionError(urllib3.exceptions.MaxRetryError(POOL, "/", refused())),
        "CONNECTION_FAILED",
        True,
    ),
    "requests cut": (
        chain(
            requests.ConnectionError("cut"),
            urllib3.exceptions.ProtocolError("Connection aborted."),
            http.client.RemoteDisconnected("Remote end closed connection without response"),
        ),
        "CONNECTION_FAILED",
        False,
    ),
    "requests cut within the body": (
        chain(
            requests.exceptions.ChunkedEncodingError("cut"),
            urllib3.exceptions.ProtocolError("Connection broken"),
            ConnectionResetError(104, "reset"),
        ),
        "CONNECTION_FAILED",
        False,
    ),
    "aiohttp refused": (
        chain(aiohttp.ClientConnectorError(KEY, refused()), refused()),
        "CONNECTION_FAILED",
        True,
    ),
    "aiohttp cut": (aiohttp.ServerDisconnectedError(), "CONNECTION_FAILED", False),
    "a refusal while an older time-out was handled": (
        chain(httpx.ConnectError("no"), refused(), httpx.ReadTimeout("older")),
        "CONNECTION_FAILED",
        True,
    ),
    "httpx DNS": (chain(httpx.ConnectError("?"), httpcore.ConnectError(), unknown_name()), "DNS_FAILURE", True),
    "requests DNS": (
        chain(
            requests.ConnectionError("?"),
            retried(urllib3.exceptions.NewConnectionError(POOL, "?")),
            unknown_name(),
        ),
        "DNS_FAILURE",
        True,
    ),
    "urllib3 DNS": (
        urllib3.exceptions.NameResolutionError("api.invalid", POOL, socket.gaierror(-2, "?")),
        "DNS_FAILURE",
        True,
    ),
    "aiohttp DNS": (aiohttp.ClientConnectorDNSError(KEY, unknown_name()), "DNS_FAILURE", True),
    "socket DNS": (unknown_name(), "DNS_FAILURE", True),
    "httpx TLS": (chain(httpx.ConnectError("?"), httpcore.ConnectError(), bad_certificate()), "TLS_ERROR", True),
    "requests TLS": (
        chain(requests.exceptions.SSLError("?"), retried(urllib3.exceptions.SSLError("?")), bad_certificate()),
        "TLS_ERROR",
        True,
    ),
    "TLS to a port that does not speak it": (ssl.SSLError(1, "wrong version number"), "TLS_ERROR", True),
    "TLS cut in the middle": (
        chain(requests.exceptions.SSLError("?"), ssl.SSLEOFError(8, "EOF occurred in violation of protocol")),
        "TLS_ERROR",
        False,
    ),
    "httpx TLS cut in the middle": (chain(httpx.ReadError("?"), ssl.SSLError(1, "bad record mac")), "TLS_ERROR", False),
    "aiohttp TLS": (
        chain(aiohttp.ClientConnectorCertificateError(KEY, bad_certificate())),
        "TLS_ERROR",
        True,
    ),
    "asyncio cancelled": (asyncio.CancelledError(), "CANCELLED", False),
    "Ctrl-C": (KeyboardInterrupt(), "CANCELLED", False),
    "httpx decoding": (httpx.DecodingError("incorrect header check"), "INVALID_RESPONSE", False),
    "httpx protocol": (httpx.RemoteProtocolError("illegal status line"), "INVALID_RESPONSE", False),
    "httpx half a body": (
        httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
        "INVALID_RESPONSE",
        False,
    ),
    "requests decoding": (
        chain(requests.exceptions.ContentDecodingError("?"), urllib3.exceptions.DecodeError("?")),
        "INVALID_RESPONSE",
        False,
    ),
    "requests half a body": (
        chain(
            requests.exceptions.ChunkedEncodingError("?"),
            urllib3.exceptions.ProtocolError("Connection broken"),
            http.client.IncompleteRead(b"", 10),
        ),
        "INVALID_RESPONSE",
        False,
    ),
    "aiohttp half a body": (aiohttp.ClientPayloadError("?"), "INVALID_RESPONSE", False),
    "requests no HTTP": (
        chain(
            requests.ConnectionError("?"),
            urllib3.exceptions.ProtocolError("Connection aborted."),
            http.client.BadStatusLine("?"),
        ),
        "INVALID_RESPONSE",
        False,
    ),
    "no status line": (http.client.BadStatusLine("?"), "INVALID_RESPONSE", False),
    "not JSON": (json.JSONDecodeError("?", "<html>", 0), "INVALID_RESPONSE", False),
    "requests not JSON": (requests.exceptions.JSONDecodeError("?", "<html>", 0), "INVALID_RESPONSE", False),
    "httpx bad request of ours": (httpx.LocalProtocolError("Illegal header value"), "NOT_DONE", False),
    "httpx redirects": (httpx.TooManyRedirects("?"), "NOT_DONE", False),
    "requests retries used up": (
        chain(requests.exceptions.RetryError("?"), retried(urllib3.exceptions.ResponseError("too many 503"))),
        "NOT_DONE",
        False,
    ),
    "requests redirects": (requests.TooManyRedirects("?"), "NOT_DONE", False),
    "the application's own": (ValueError("?"), "NOT_DONE", False),
    "an SDK's own, from a time-out": (chain(ValueError("?"), httpx.ReadTimeout("slow")), "TIMEOUT", False),
}


@pytest.mark.parametrize(("error", "code", "is_unsent"), FAILURES.values(), ids=FAILURES)
def test_an_exception_is_known_by_its_classes_and_causes(error: BaseException, code: str, is_unsent: bool) -> None:
    told = describe(error)

    assert told.code == code
    assert told.is_unsent is is_unsent


def test_the_message_is_the_class_and_the_text() -> None:
    assert describe(ValueError("no lead")) == NoAnswer(code="NOT_DONE", message="ValueError: no lead")
    assert describe(httpx.ReadTimeout("")).message == "ReadTimeout (read time-out)"


def test_a_long_text_is_cut() -> None:
    assert len(describe(ValueError("x" * 100_000)).message) == MESSAGE_CHARACTERS_MAX + len("ValueError: ")


def test_an_exception_that_cannot_be_shown_is_told_by_its_class() -> None:
    class Broken(httpx.ReadTimeout):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    assert describe(Broken("")) == NoAnswer(code="TIMEOUT", message="Broken (read time-out)")


def test_an_exception_whose_attributes_raise_is_told_by_its_class() -> None:
    class HostileError(Exception):
        @property
        def reason(self) -> str:
            raise RuntimeError("no reason")

    assert describe(HostileError()) == NoAnswer(code="NOT_DONE", message="HostileError")


def test_causes_in_a_circle_end() -> None:
    first, second = ValueError("1"), ValueError("2")
    first.__cause__, second.__cause__ = second, first

    assert describe(first).code == "NOT_DONE"


@pytest.mark.parametrize(
    ("reason", "is_unsent"),
    [
        ("WRONG_VERSION_NUMBER", True),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", True),
        # The request may have arrived: a repetition is not safe.
        ("DECRYPTION_FAILED_OR_BAD_RECORD_MAC", False),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", False),
    ],
)
def test_tls_that_breaks_behind_the_handshake_may_have_sent_the_request(reason: str, is_unsent: bool) -> None:
    broken = ssl.SSLError(1, f"[SSL: {reason}] (_ssl.c:2580)")
    wrapped = requests.exceptions.SSLError(urllib3.exceptions.SSLError(broken))

    assert [describe(error).is_unsent for error in (broken, wrapped)] == [is_unsent] * 2
    assert describe(wrapped).code == "TLS_ERROR"
