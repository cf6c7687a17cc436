"""The writing side: batches of records into `public.integration_logs`."""

import json
import os
import re
from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg

from integration_monitor.errors import RecordsRefused, StoreUnavailable
from integration_monitor.record import IntegrationLog, Json
from integration_monitor.store.postgres import sql
from integration_monitor.store.postgres.connection import connect
from integration_monitor.store.postgres.errors import translate
from integration_monitor.store.postgres.maintenance import MAINTAIN_TIMEOUT_MS

# A batch of a thousand records takes some 50 ms: half a minute means that the database is not well.
WRITE_TIMEOUT_MS = 30_000
# Somebody holds the table; the records wait better in our queue than in the server's.
WRITE_LOCK_TIMEOUT_MS = 10_000

_COLUMNS = IntegrationLog.__struct_fields__
_PAYLOADS = frozenset({"request_payload", "response_payload"})
# An escaped NUL, and not the text of one: an even number of backslashes stands before it.
_NUL_IN_JSON = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
# U+FFFD, replacement character: PostgreSQL stores no NUL, neither in text nor in jsonb.
_REPLACEMENT = "\ufffd"


class PostgresSink:
    """Writes through one connection, made at the first use and made again when it is lost. For one thread."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._process_id = os.getpid()

    def write(self, records: Sequence[IntegrationLog]) -> None:
        """Stores the records, all or none. One that is there already, by id and created_at, is skipped.

        Errors:
            StoreUnavailable: the database cannot be reached, or not in time: nothing is known to be stored; send them again.
            RecordsRefused: it will not take one of them, however often they are sent.
            PermissionRefused: the login may not write.
            StoreError: anything else, such as a database that was never migrated.
        """
        if records:
            columns = {name: [_value(name, getattr(record, name)) for record in records] for name in _COLUMNS}
            self._run(sql.query("logs_insert"), columns, statement_timeout_ms=WRITE_TIMEOUT_MS)

    def maintain(self) -> None:
        """Makes partitions ahead and applies the retention. Errors as for `write`."""
        self._run(sql.query("logs_maintain"), {}, statement_timeout_ms=MAINTAIN_TIMEOUT_MS)

    def close(self) -> None:
        """Gives the connection back. The sink can be used again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _run(self, statement: Any, values: dict[str, list[Any]], *, statement_timeout_ms: int) -> None:
        """Runs one statement in a transaction of its own."""
        if self._process_id != os.getpid():
            # After a fork the connection is the parent's: it is dropped here, and not closed.
            self._connection, self._process_id = None, os.getpid()
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._database_url)
        try:
            with self._connection.transaction():
                self._connection.execute(
                    sql.query("transaction_bound"),
                    {"statement_timeout": str(statement_timeout_ms), "lock_timeout": str(WRITE_LOCK_TIMEOUT_MS)},
                )
                self._connection.execute(statement, values)
        except psycopg.Error as error:
            translated = translate(error)
            if isinstance(translated, StoreUnavailable):
                # Whatever it was, the next attempt starts afresh.
                self.close()
            raise translated from error


def _value(column: str, value: Any) -> Any:
    """A field of a record as its column takes it."""
    if value is None:
        return None
    if column in _PAYLOADS:
        return _json(value)
    if isinstance(value, str):
        return _text(value)
    return value


def _text(value: str) -> str:
    """Text that UTF-8 and PostgreSQL can hold: NUL and lone surrogates are replaced."""
    return value.replace("\x00", _REPLACEMENT).encode("utf-8", "replace").decode("utf-8")


def _slow_json(payload: Json) -> str:
    """JSON by the standard library: what it does not know is made plain as msgspec does it, and NaN and infinities become null."""
    plain = json.dumps(msgspec.to_builtins(payload, str_keys=True))
    return json.dumps(json.loads(plain, parse_constant=lambda _: None), ensure_ascii=False)


def _json(payload: Json) -> str:
    """A payload as JSON that PostgreSQL can hold.

    Errors:
        RecordsRefused: it is not JSON at all, or nested too deeply.
    """
    try:
        try:
            encoded = msgspec.json.encode(payload)
        except (UnicodeEncodeError, OverflowError):
            # Lone surrogates and integers beyond 64 bits: slower, and as exact as can be.
            encoded = _slow_json(payload).encode("utf-8", "replace")
    except (TypeError, ValueError, RecursionError) as error:
        raise RecordsRefused(f"a payload cannot be written as JSON: {error}") from error
    if b"\\u0000" in encoded:
        encoded = _NUL_IN_JSON.sub(rb"\1\\ufffd", encoded)
    return encoded.decode("utf-8")
