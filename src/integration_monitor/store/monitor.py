"""The writing side of an application that holds no database login: batches go to another monitor's ingest over HTTP.

The URL is `https://KEY@monitor.example.com`, where KEY is an API key of scope ingest; `http://` only for loopback, where nobody listens in.
Proxies that the environment names are not used: the writer's thread knows one way, and its bounds.
"""

import http.client
import io
import ipaddress
import os
import socket
import ssl
import time
import zlib
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import msgspec

from integration_monitor.batch import Batch
from integration_monitor.errors import PermissionRefused, RecordsRefused, SettingsError, StoreError, StoreUnavailable
from integration_monitor.record import IntegrationLog
from integration_monitor.store.postgres.acceptable import acceptable
from integration_monitor.store.postgres.encoding import holds_nan

SCHEMES: Final = frozenset({"http", "https"})

# As for a database: whatever happens to server or network, the writer's thread goes on after this.
BATCH_DEADLINE_S: Final = 10.0
# A server that says "later" is believed, but not for long.
RETRY_AFTER_MAX_S: Final = 60.0
# An answer to a batch is some ten kilobytes; what is longer is none of a monitor's.
ANSWER_BYTES_MAX: Final = 1024 * 1024
# Smaller bodies are one packet, packed or not.
PACKED_BYTES_MIN: Final = 1400
# Level 1 halves the time of level 6 and packs JSON nearly as well.
_PACK_LEVEL: Final = 1
_GZIP_BITS: Final = 31
_PATH: Final = "/api/ingest"
_REFUSALS: Final = frozenset({400, 413, 422})


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where a monitor is."""

    is_tls: bool
    host: str
    port: int
    #: of its ingest
    path: str
    key: str


def read_address(url: str) -> Address:
    """The address in a URL.

    Errors:
        SettingsError: it is none, holds no key, or would send the key unencrypted over a network. It is not repeated, since it holds a key.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _wrong("cannot be read; it has the form https://KEY@monitor.example.com") from None
    key = unquote(parts.username or "")
    if not parts.hostname or parts.query or parts.fragment or parts.password is not None:
        raise _wrong("cannot be read; it has the form https://KEY@monitor.example.com")
    if not key or not key.isascii() or not key.isprintable():
        raise _wrong(
            "holds no key; make one with `integration-monitor keys create NAME --scope ingest`: https://KEY@monitor.example.com"
        )
    is_tls = parts.scheme.lower() == "https"
    if not is_tls and not _is_loopback(parts.hostname):
        raise _wrong("would send its key and all records unencrypted; use https:// (http:// is for this machine alone)")
    return Address(
        is_tls=is_tls, host=parts.hostname, port=port or (443 if is_tls else 80), path=parts.path.rstrip("/") + _PATH, key=key
    )


class MonitorSink:
    """Writes through one connection, made at the first use and made again when it is lost. For one thread, which does not record itself."""

    def __init__(self, url: str) -> None:
        self._address = read_address(url)
        self._connection: http.client.HTTPConnection | None = None
        self._not_before = 0.0
        self._process_id = os.getpid()

    def write(self, batch: Batch) -> None:
        """Has the batch stored, all or none. The same batch may come again.

        Errors:
            StoreUnavailable: the monitor cannot be reached, not within BATCH_DEADLINE_S, or said "later": nothing is known to be stored.
            RecordsRefused: it will not take one of the records, however often it is sent.
            PermissionRefused: the key is unknown, was revoked, or may not send records.
            StoreError: anything else, such as an address where no monitor is.
        """
        if not (batch.records or batch.finished or batch.report):
            return
        wait_s = self._not_before - time.monotonic()
        if wait_s > 0:
            raise StoreUnavailable(f"the monitor asked for {wait_s:.0f} s more of patience")
        body, headers = _packed(_encode(batch), self._address.key)
        status, retry_after, answer = self._send(body, headers)
        if status != http.client.OK:
            self._raise(status, retry_after, answer)

    def maintain(self) -> None:
        """Nothing: the monitor maintains its own database."""

    def close(self) -> None:
        """Ends the connection. The sink can be used again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            bounded = connection.sock
            connection.close()
            if isinstance(bounded, _BoundedSocket):
                bounded.end()

    def _send(self, body: bytes, headers: dict[str, str]) -> tuple[int, str, bytes]:
        """(status, Retry-After, body) of the answer."""
        if self._process_id != os.getpid():
            # After a fork the connection is the parent's: it is dropped here. Closing it would end TLS for both.
            self._connection, self._process_id = None, os.getpid()
        deadline_at = time.monotonic() + BATCH_DEADLINE_S
        is_kept = self._connection is not None
        while True:
            try:
                return self._ask(body, headers, deadline_at)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                # The server may have closed a connection that was kept: what it was sent comes again, and is stored once.
                is_gone = isinstance(error, http.client.RemoteDisconnected | ConnectionError)
                if not (is_kept and is_gone):
                    raise StoreUnavailable(_told(error)) from error
                is_kept = False
            except BaseException:
                # The thread is ended in the middle of an answer.
                self.close()
                raise

    def _ask(self, body: bytes, headers: dict[str, str], deadline_at: float) -> tuple[int, str, bytes]:
        connection = self._connected(deadline_at)
        bounded = connection.sock
        assert isinstance(bounded, _BoundedSocket)
        bounded.deadline_at = deadline_at
        connection.request("POST", self._address.path, body=body, headers=headers)
        response = connection.getresponse()
        answer = response.read(ANSWER_BYTES_MAX + 1)
        if len(answer) > ANSWER_BYTES_MAX:
            raise http.client.HTTPException("an answer that is none of a monitor's")
        if response.will_close:
            self.close()
        return response.status, response.headers.get("retry-after", ""), answer

    def _connected(self, deadline_at: float) -> http.client.HTTPConnection:
        if self._connection is None:
            address = self._address
            plain = socket.create_connection((address.host, address.port), timeout=_remaining(deadline_at))
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if address.is_tls:
                plain.settimeout(_remaining(deadline_at))
                try:
                    plain = ssl.create_default_context().wrap_socket(plain, server_hostname=address.host)
                except BaseException:
                    plain.close()
                    raise
            self._connection = http.client.HTTPConnection(address.host, address.port)
            # Its own connecting would have no deadline; the Host header and all else is its.
            self._connection.sock = _BoundedSocket(plain)
            # A connection that is lost is made here, and not by itself.
            self._connection.auto_open = 0
        return self._connection

    def _raise(self, status: int, retry_after: str, answer: bytes) -> None:
        told = f"the monitor answered {status}{_reason(answer)}"
        if status in _REFUSALS:
            raise RecordsRefused(told)
        if status in {401, 403}:
            raise PermissionRefused(told)
        if status == http.client.TOO_MANY_REQUESTS or status >= http.client.INTERNAL_SERVER_ERROR:
            if retry_after.isdecimal():
                self._not_before = time.monotonic() + min(float(retry_after[:6]), RETRY_AFTER_MAX_S)
            raise StoreUnavailable(told)
        # A redirect is not followed: the key is for this host alone.
        raise StoreError(f"{told}; is there a monitor at {self._address.host}, port {self._address.port}?")


class _BoundedSocket:
    """A socket as http.client uses it, on which nothing takes longer than the deadline, however slowly the other side answers."""

    def __init__(self, plain: socket.socket) -> None:
        self._plain = plain
        #: by time.monotonic()
        self.deadline_at = 0.0
        self._reader: _BoundedReader | None = None
        self._is_closing = False

    def sendall(self, data: bytes) -> None:
        # The time-out is for all of it.
        self._plain.settimeout(_remaining(self.deadline_at))
        self._plain.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        self._reader = _BoundedReader(self)
        return io.BufferedReader(self._reader)

    def read_into(self, buffer: Any) -> int:
        self._plain.settimeout(_remaining(self.deadline_at))
        return self._plain.recv_into(buffer)

    def close(self) -> None:
        """As of any socket, what was made of it may be read to its end: http.client closes first and reads then."""
        self._is_closing = True
        if self._reader is None or self._reader.closed:
            self.end()

    def note_read(self) -> None:
        """The answer was read."""
        if self._is_closing:
            self.end()

    def end(self) -> None:
        """Closes it, whoever reads."""
        self._plain.close()


class _BoundedReader(io.RawIOBase):
    """What comes from a bounded socket."""

    def __init__(self, bounded: _BoundedSocket) -> None:
        super().__init__()
        self._bounded = bounded

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._bounded.note_read()

    def readinto(self, buffer: Any) -> int:
        return self._bounded.read_into(buffer)


def _encode(batch: Batch) -> bytes:
    parts = {"records": [*map(_record, batch.records)], "finished": [*map(_record, batch.finished)], "report": batch.report}
    return msgspec.json.encode(parts)


def _record(record: IntegrationLog) -> msgspec.Raw:
    """The record as JSON; where it has no such form, made acceptable as for a database.

    Errors:
        RecordsRefused: a field is of a type that no rule knows.
    """
    try:
        encoded = msgspec.json.encode(record)
        # msgspec makes null of NaN, and nobody would be told.
        if b"null" not in encoded or not (holds_nan(record.request_payload) or holds_nan(record.response_payload)):
            return msgspec.Raw(encoded)
    except Exception:  # noqa: BLE001, S110 -- whatever it is, the slow way tells
        pass
    try:
        return msgspec.Raw(msgspec.json.encode(acceptable(record)))
    except Exception as error:
        raise RecordsRefused(f"a record cannot be encoded: {type(error).__name__}") from error


def _packed(body: bytes, key: str) -> tuple[bytes, dict[str, str]]:
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}", "user-agent": "integration-monitor"}
    if len(body) < PACKED_BYTES_MIN:
        return body, headers
    packer = zlib.compressobj(_PACK_LEVEL, wbits=_GZIP_BITS)
    return packer.compress(body) + packer.flush(), {**headers, "content-encoding": "gzip"}


def _reason(answer: bytes) -> str:
    """What a problem says, in a few words."""
    try:
        problem = msgspec.json.decode(answer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    detail = problem.get("detail") if isinstance(problem, dict) else None
    return f": {detail[:300]}" if isinstance(detail, str) else ""


def _remaining(deadline_at: float) -> float:
    """Seconds.

    Errors:
        TimeoutError: there are none left.
    """
    remaining = deadline_at - time.monotonic()
    if remaining <= 0:
        raise TimeoutError(f"the monitor did not answer within {BATCH_DEADLINE_S:.0f} s")
    return remaining


def _told(error: Exception) -> str:
    return f"the monitor cannot be reached: {type(error).__name__}: {error}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _wrong(what: str) -> SettingsError:
    return SettingsError(f"database_url {what}", name="database_url")
