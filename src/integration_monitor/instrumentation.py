"""The facade: what an application calls, and the one piece of module state, which holds the running pipeline."""

import contextlib
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime

from integration_monitor import settings as settings_table
from integration_monitor.capture.context import about, suppressed
from integration_monitor.capture.log import build_record
from integration_monitor.capture.operation import Operation
from integration_monitor.capture.payload import text_of
from integration_monitor.errors import SettingsError
from integration_monitor.guard import Guard, logger
from integration_monitor.pipeline import Pipeline, build, open_recorder
from integration_monitor.record import IntegrationLog, Json, Status
from integration_monitor.settings import Settings
from integration_monitor.writer.counts import Stats
from integration_monitor.writer.sink import Sink

# Ids of databases have 64 bits and UUIDs 128.
_ENTITY_BITS_MAX = 128


class _State:
    """What `instrument()` holds."""

    def __init__(self) -> None:
        self.pipeline: Pipeline | None = None
        self.lock = threading.RLock()

    def renew_lock(self) -> None:
        # In the child of a fork: the thread that held the lock may not be here.
        self.lock = threading.RLock()


_state = _State()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_state.renew_lock)


def instrument(database_url: str | None = None, **settings: object) -> None:
    """Records every call made through an HTTP library from now on, in batches, from a thread of its own.

    The libraries are httpx, requests, aiohttp, urllib3, urllib.request, httplib2 and http.client, and whatever is built on them.

    A second time it changes nothing; where the settings are others, a warning says so. Nothing is written and no connection is made
    before the first call.

    database_url:
        Where records go, `postgresql://user:password@host/database`; else INTEGRATION_MONITOR_DATABASE_URL.
    settings:
        Any setting by name, as in the settings table.

    Errors:
        SettingsError: there is no URL, or a setting is unknown or wrong; the message says what to set.
        MissingExtraError: the URL is `embedded`, and the extra of that name is not installed.
    """
    loaded = settings_table.load({"database_url": database_url, **settings})
    with _state.lock:
        pipeline = _state.pipeline
        if pipeline is not None and not pipeline.writer.is_closed:
            if pipeline.settings != loaded and pipeline.diverted is None:
                logger.warning(
                    "integration_monitor is instrumented already: the settings of the first call stay; call uninstrument() first"
                )
            return
        if pipeline is not None:
            pipeline.close()
        _state.pipeline = build(loaded)


def instrument_as_checked() -> None:
    """As `instrument()` with the settings of the environment, which `check` has accepted before; nothing where it was called already.

    Quicker: neither services nor driver are imported before something is recorded. For `integration-monitor run`, in each process.

    Errors:
        SettingsError: a setting is unknown or wrong after all; some wrong ones show only in the log.
    """
    with _state.lock:
        if _state.pipeline is None:
            _state.pipeline = build(settings_table.load(), is_checked=True)


def uninstrument() -> None:
    """Undoes `instrument()`: writes what waits, and leaves the HTTP libraries as they were. Harmless when there is nothing to undo."""
    with _state.lock:
        pipeline, _state.pipeline = _state.pipeline, None
    if pipeline is not None:
        pipeline.close()


def operation(service: str, action: str, entity: tuple[str, object] | None = None) -> Operation:
    """One thing wanted from a service: the calls made inside are its attempts, and it becomes one record.

    For `with` and `async with`, and a decorator of functions and coroutine functions. Outside of `instrument()` it does nothing.

    entity:
        What it is about: (type, id), such as ("lead", 123).

    Errors:
        TypeError: an argument has a wrong type.
    """
    for name, value in (("service", service), ("action", action)):
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    return Operation(_take, begun=_begin, service_name=service, action=action, entity=_checked_entity(entity))


def entity(entity_type: str, entity_id: object) -> contextlib.AbstractContextManager[None]:
    """Calls made inside are about this: `with im.entity("lead", 123):`. An operation that names its own entity keeps it.

    It holds in coroutines and tasks started inside, and in threads that run in a copy of the context.

    entity_id:
        A UUID, or the vendor's own id; None changes nothing.

    Errors:
        TypeError: the type is not text.
    """
    return about(_checked_entity((entity_type, entity_id)))


def suppress() -> contextlib.AbstractContextManager[None]:
    """Calls made inside are not recorded."""
    return suppressed()


def log(  # noqa: PLR0913 -- the 14 columns
    *,
    service_name: str,
    action: str,
    status: Status,
    related_entity_type: str | None = None,
    related_entity_id: uuid.UUID | str | int | None = None,
    request_payload: Json = None,
    response_payload: Json = None,
    error_message: str | None = None,
    error_code: str | None = None,
    duration_ms: int | None = None,
    retry_count: int = 0,
    created_at: datetime | None = None,
    updated_at: datetime | None = None,
    id: uuid.UUID | str | None = None,  # noqa: A002 -- the column's name
) -> uuid.UUID:
    """Writes one record, and gives its id at once. The fields are the table's columns; payloads are copied.

    Outside of `instrument()` the fields are checked and nothing is written.

    related_entity_id:
        A UUID, or the vendor's own id, which is mapped to one and kept as it is in `request_payload.entity`.
    created_at, updated_at:
        Aware; now where they are not given.

    Errors:
        TypeError: a field is unknown or has a wrong type; it is named.
        ValueError: a field has a value that the table cannot hold; it is named.
    """
    # The arguments by name, before anything else is named here.
    record, size_bytes = build_record(dict(locals()))
    pipeline = _state.pipeline
    if pipeline is not None:
        pipeline.keep(record, size_bytes)
    return record.id


def flush(timeout: float | None = None) -> bool:
    """Waits until everything taken so far is in the database, or dropped for good.

    False where that takes longer than `timeout` seconds (shutdown_timeout_s).
    """
    pipeline = _state.pipeline
    return True if pipeline is None else pipeline.writer.flush(timeout)


def shutdown(timeout: float | None = None) -> bool:
    """Writes what waits and ends the writer; later calls are counted as lost. Happens by itself when the interpreter exits.

    What is not written within `timeout` seconds (shutdown_timeout_s) goes to the spool on disk. False where some of it was lost, which is
    counted and logged.
    """
    pipeline = _state.pipeline
    return True if pipeline is None else pipeline.writer.shutdown(timeout)


def stats() -> Stats:
    """What became of everything taken since `instrument()`, in this process.

    taken = written + ignored + dropped + dead_lettered + spooled + waiting
    """
    pipeline = _state.pipeline
    return Stats() if pipeline is None else pipeline.writer.stats()


@contextlib.contextmanager
def divert(receive: Callable[[IntegrationLog], None], settings: Settings) -> Iterator[None]:
    """Records go to `receive`, as soon as they are made and on the thread that made them; nothing is written.

    settings:
        Where `instrument()` has not been called.
    """
    with _state.lock:
        pipeline = _state.pipeline
        is_ours = pipeline is None or pipeline.writer.is_closed
        if pipeline is None or is_ours:
            guard = Guard()
            recorder = open_recorder(settings, on_error=guard.report)
            pipeline = _state.pipeline = Pipeline(settings, record=recorder, open_sink=_no_sink, guard=guard)
        before, pipeline.diverted = pipeline.diverted, receive
    try:
        yield
    finally:
        pipeline.diverted = before
        if is_ours:
            with _state.lock:
                _state.pipeline = None if _state.pipeline is pipeline else _state.pipeline
            pipeline.close()


def _take(operation: Operation) -> None:
    pipeline = _state.pipeline
    if pipeline is not None:
        pipeline.take(operation)


def _begin(operation: Operation) -> None:
    pipeline = _state.pipeline
    if pipeline is not None:
        with pipeline.guard:
            pipeline.begin(operation)


def _no_sink() -> Sink:
    raise SettingsError("nothing is written while testing.capture() is at it", name="database_url")


def _checked_entity(entity: object) -> tuple[str, object] | None:
    if entity is None:
        return None
    if not isinstance(entity, tuple | list) or len(entity) != 2 or not isinstance(entity[0], str):  # noqa: PLR2004 -- type and id
        raise TypeError(f"entity must be (type, id), such as ('lead', 123), not {type(entity).__name__}")
    entity_type, entity_id = entity
    if entity_id is None:  # the application does not know it yet
        return None
    # An object of the application's, such as a row of its database, is not touched again on another thread; nor is a number that is too
    # long for Python to write.
    is_plain = type(entity_id) in {uuid.UUID, str} or (type(entity_id) is int and entity_id.bit_length() <= _ENTITY_BITS_MAX)
    return entity_type, entity_id if is_plain else text_of(entity_id)
