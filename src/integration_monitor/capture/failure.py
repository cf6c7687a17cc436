"""What an exception of an HTTP library means: time-out, refused, DNS, TLS, cancelled.

The libraries are not imported: an exception is known by the names of its classes, and by those of what caused it. The names are those
of httpx 0.28, httpcore 1.0, requests 2.34, urllib3 1.26 and 2.8, httplib2 0.32, aiohttp 3.14 and the standard library.
"""

import dataclasses
from collections.abc import Iterator

from integration_monitor.record import NoAnswer, NoAnswerCode

# Exceptions seldom wrap each other more than six deep (requests, urllib3, http.client, ssl, socket).
CAUSES_MAX = 12

# urllib3 quotes whole URLs and aiohttp whole headers; a record's message needs no more than a page.
MESSAGE_CHARACTERS_MAX = 2_000


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class _Meaning:
    """What the name of an exception's class says."""

    #: None where only the cause says it
    code: NoAnswerCode | None = None
    #: whether the request had certainly not been sent; None where this name does not say it
    is_unsent: bool | None = None
    #: which wait was too long
    phase: str | None = None
    #: whether a cause may say more than this name
    is_vague: bool = False


_CONNECT_TIMEOUT = _Meaning(code="TIMEOUT", phase="connect", is_unsent=True)
_POOL_TIMEOUT = _Meaning(code="TIMEOUT", phase="pool", is_unsent=True)
_READ_TIMEOUT = _Meaning(code="TIMEOUT", phase="read", is_unsent=False)
_WRITE_TIMEOUT = _Meaning(code="TIMEOUT", phase="write", is_unsent=False)
_TIMEOUT = _Meaning(code="TIMEOUT", is_vague=True)
_DNS = _Meaning(code="DNS_FAILURE", is_unsent=True)
_TLS = _Meaning(code="TLS_ERROR", is_vague=True)
_TLS_HANDSHAKE = _Meaning(code="TLS_ERROR", is_unsent=True)
_TLS_CUT = _Meaning(code="TLS_ERROR", is_unsent=False)
_REFUSED = _Meaning(code="CONNECTION_FAILED", is_unsent=True)
_NOT_CONNECTED = _Meaning(code="CONNECTION_FAILED", is_unsent=True, is_vague=True)
_CUT = _Meaning(code="CONNECTION_FAILED", is_unsent=False)
_CUT_SOMEHOW = _Meaning(code="CONNECTION_FAILED", is_unsent=False, is_vague=True)
_CONNECTION = _Meaning(code="CONNECTION_FAILED", is_vague=True)
_CANCELLED = _Meaning(code="CANCELLED", is_unsent=False)
_INVALID = _Meaning(code="INVALID_RESPONSE", is_unsent=False)
_INVALID_OR_CUT = _Meaning(code="INVALID_RESPONSE", is_unsent=False, is_vague=True)
_NOT_DONE = _Meaning(code="NOT_DONE")
_WRAPPER = _Meaning(is_vague=True)

_MEANINGS: dict[str, _Meaning] = {
    # Waiting too long. TimeoutError is also asyncio's, the socket's and urllib3's; Timeout is requests' and gevent's.
    "ConnectTimeout": _CONNECT_TIMEOUT,
    "ConnectTimeoutError": _CONNECT_TIMEOUT,
    "ConnectionTimeoutError": _CONNECT_TIMEOUT,
    "PoolTimeout": _POOL_TIMEOUT,
    "EmptyPoolError": _POOL_TIMEOUT,
    "ReadTimeout": _READ_TIMEOUT,
    "ReadTimeoutError": _READ_TIMEOUT,
    "SocketTimeoutError": _READ_TIMEOUT,
    "WriteTimeout": _WRITE_TIMEOUT,
    "TimeoutError": _TIMEOUT,
    "Timeout": _TIMEOUT,
    "TimeoutException": _TIMEOUT,
    "ServerTimeoutError": _TIMEOUT,
    # The name was not found.
    "gaierror": _DNS,
    "herror": _DNS,
    "NameResolutionError": _DNS,
    "ClientConnectorDNSError": _DNS,
    # TLS. An SSLError without more is taken for the handshake's; a connection that ends in the middle is not.
    "SSLError": _TLS,
    "SSLEOFError": _TLS_CUT,
    "SSLZeroReturnError": _TLS_CUT,
    "SSLSyscallError": _TLS_CUT,
    "SSLCertVerificationError": _TLS_HANDSHAKE,
    "CertificateError": _TLS_HANDSHAKE,
    "ClientSSLError": _TLS_HANDSHAKE,
    "ClientConnectorSSLError": _TLS_HANDSHAKE,
    "ClientConnectorCertificateError": _TLS_HANDSHAKE,
    "ServerFingerprintMismatch": _TLS_HANDSHAKE,
    # No connection, or one that was cut. ConnectionError is requests' and the standard library's.
    "ConnectError": _NOT_CONNECTED,
    "NewConnectionError": _NOT_CONNECTED,
    "ClientConnectorError": _NOT_CONNECTED,
    "ConnectionRefusedError": _REFUSED,
    "ConnectionResetError": _CUT,
    "ConnectionAbortedError": _CUT,
    "BrokenPipeError": _CUT,
    "RemoteDisconnected": _CUT,
    "ServerDisconnectedError": _CUT,
    "ReadError": _CUT_SOMEHOW,
    "WriteError": _CUT_SOMEHOW,
    "CloseError": _CUT_SOMEHOW,
    "ConnectionError": _CONNECTION,
    "ProxyError": _CONNECTION,
    "ClientConnectionError": _CONNECTION,
    "MaxRetryError": _WRAPPER,
    # The application gave up.
    "CancelledError": _CANCELLED,
    "Cancelled": _CANCELLED,
    "KeyboardInterrupt": _CANCELLED,
    "SystemExit": _CANCELLED,
    "GeneratorExit": _CANCELLED,
    "GreenletExit": _CANCELLED,
    # An answer that cannot be read. urllib3's ProtocolError also stands for a connection that was cut before the answer.
    "ProtocolError": _INVALID_OR_CUT,
    "RemoteProtocolError": _INVALID_OR_CUT,
    "ChunkedEncodingError": _INVALID_OR_CUT,
    "DecodingError": _INVALID,
    "DecodeError": _INVALID,
    "ContentDecodingError": _INVALID,
    "FailedToDecompressContent": _INVALID,
    "IncompleteRead": _INVALID,
    "InvalidChunkLength": _INVALID,
    "BadStatusLine": _INVALID,
    "LineTooLong": _INVALID,
    "ClientPayloadError": _INVALID,
    "BadHttpMessage": _INVALID,
    "ContentTypeError": _INVALID,
    "JSONDecodeError": _INVALID,
    "UnicodeDecodeError": _INVALID,
    # Nothing was wrong with the answer; the library stopped by itself.
    "LocalProtocolError": _NOT_DONE,
}

# What OpenSSL says when a connection that stood breaks, or when TLS 1.3 refuses a client behind its request.
_TLS_CUT_WORDS = ("BAD_RECORD_MAC", "UNEXPECTED_EOF", "AFTER_CLOSE_NOTIFY", "CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE")

# httpx has no class of its own for a connection that the server closed instead of answering; requests and aiohttp have.
_CUT_WORDS = "Server disconnected"


def describe(error: BaseException, phase: str | None = None) -> NoAnswer:
    """Why no complete answer came, told from the exception that the application sees. Never raises, whatever the exception does.

    phase:
        What was being waited for, where the library knows and its exceptions do not tell: connect, write or read.
    """
    try:
        return _describe(error, phase)
    except Exception:  # noqa: BLE001 -- an exception's attributes and text are the application's code: anything may come
        return NoAnswer(code="NOT_DONE", message=type(error).__name__)


def _describe(error: BaseException, known_phase: str | None) -> NoAnswer:
    code: NoAnswerCode | None = None
    is_unsent: bool | None = None
    phase: str | None = None
    for cause in _causes(error):
        meaning = _meaning(cause)
        if meaning is None or (code is not None and not _refines(meaning, code)):
            continue
        code, phase = meaning.code or code, meaning.phase or phase
        # The outer exception knows whether a connection stood; an inner one only what broke it.
        is_unsent = meaning.is_unsent if is_unsent is None else is_unsent
        if not meaning.is_vague:
            break
    if code == "TIMEOUT" and phase is None:
        phase = known_phase
    if is_unsent is None:
        is_unsent = code == "TLS_ERROR" or phase == "connect"
    return NoAnswer(code=code or "NOT_DONE", message=_message(error, phase), is_unsent=is_unsent)


def _refines(meaning: _Meaning, code: NoAnswerCode) -> bool:
    """Whether a cause may say more than the vague exception around it; a time-out stays one, whatever it came from."""
    if meaning.code is None or meaning.code == code:
        return True
    if code == "INVALID_RESPONSE":
        return meaning is _CUT
    return code == "CONNECTION_FAILED" and (meaning is _INVALID or meaning.code in {"TIMEOUT", "DNS_FAILURE", "TLS_ERROR"})


def _meaning(error: BaseException) -> _Meaning | None:
    """What the nearest known name among an exception's classes says."""
    for kind in type(error).__mro__:
        meaning = _MEANINGS.get(kind.__name__)
        if meaning is not None:
            is_cut = kind.__name__ == "RemoteProtocolError" and _text(error).startswith(_CUT_WORDS)
            is_tls_cut = meaning is _TLS and any(words in _text(error) for words in _TLS_CUT_WORDS)
            return _CUT if is_cut else _TLS_CUT if is_tls_cut else meaning
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception, what it was raised from, and so on. Of a group, the first; urllib3 also keeps a `reason`."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(seen) < CAUSES_MAX:
        yield current
        seen.add(id(current))
        cause = current.__cause__
        if cause is None and not current.__suppress_context__:
            cause = current.__context__
        if cause is None and isinstance(current, BaseExceptionGroup):
            cause = current.exceptions[0]
        if cause is None:
            # urllib3's ProtocolError holds it beside its message.
            held = (getattr(current, "reason", None), *current.args[:2])
            cause = next((one for one in held if isinstance(one, BaseException)), None)
        current = cause


def _message(error: BaseException, phase: str | None) -> str:
    name, text = type(error).__name__, _text(error)
    told = f"{name}: {text[:MESSAGE_CHARACTERS_MAX]}" if text else name
    return f"{told} ({phase} time-out)" if phase else told


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 -- __str__ is the application's code: anything may come
        return ""
