"""The facade: builds the pipeline from settings, and holds the one piece of module state.

captures ──► writer's queue ──► recorder, on the worker's thread ──► batches ──► sink
"""

import os
import threading
import uuid
from collections.abc import Callable
from datetime import datetime

from integration_monitor import settings as settings_table
from integration_monitor.capture.aiohttp import AiohttpPatch
from integration_monitor.capture.call import Capture
from integration_monitor.capture.context import suppressed_context
from integration_monitor.capture.http_client import HttpClientPatch
from integration_monitor.capture.httpx import HttpxPatch
from integration_monitor.capture.imports import ImportWatch
from integration_monitor.capture.log import build_record
from integration_monitor.capture.operation import Operation
from integration_monitor.capture.payload import text_of
from integration_monitor.capture.requests import RequestsPatch
from integration_monitor.capture.urllib3 import Urllib3Patch
from integration_monitor.capture.urllib_request import UrllibRequestPatch
from integration_monitor.errors import SettingsError
from integration_monitor.guard import Guard, logger
from integration_monitor.record import IntegrationLog, Json, Status
from integration_monitor.settings import Settings
from integration_monitor.writer.counts import Stats
from integration_monitor.writer.lifecycle import Writer
from integration_monitor.writer.sink import Sink

POSTGRESQL_SCHEMES = frozenset({"postgresql", "postgres"})
EMBEDDED = "embedded"

_PATCHES = (HttpxPatch, RequestsPatch, AiohttpPatch, Urllib3Patch, HttpClientPatch, UrllibRequestPatch)


class Pipeline:
    """Everything between an application's call and its record, built and running until `close`.

    record:
        Makes a record of what was captured; called on the worker's thread.
    open_sink:
        Gives the sink of this process.
    close_store:
        Ends the use of the store, once the sink is closed.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        record: Callable[[Operation | IntegrationLog], IntegrationLog | None],
        open_sink: Callable[[], Sink],
        close_store: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings
        self._close_store = close_store
        self._guard = Guard()
        self.writer: Writer[Operation | IntegrationLog] = Writer(
            record=record, open_sink=open_sink, settings=settings, guard=self._guard, context=suppressed_context()
        )
        capture = Capture(take=self.take, body_bytes_max=settings.body_bytes_max, guard=self._guard)
        self._patches = tuple(kind(capture) for kind in _PATCHES)
        self._imports = ImportWatch({patch.library: patch.patch for patch in self._patches}, self._guard)
        self._imports.install()

    def take(self, operation: Operation) -> None:
        with self._guard:
            self.writer.take(operation, operation.size_bytes())

    def close(self, timeout_s: float | None = None) -> bool:
        """Ends the capture, then the writer. False where records were lost because they could not be written in time."""
        self._imports.remove()
        for patch in self._patches:
            patch.unpatch()
        is_complete = self.writer.shutdown(timeout_s)
        self._close_store()
        return is_complete


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

    The libraries are httpx, requests, aiohttp, urllib3, urllib.request and http.client, and whatever is built on them.

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
            if pipeline.settings != loaded:
                logger.warning(
                    "integration_monitor is instrumented already: the settings of the first call stay; call uninstrument() first"
                )
            return
        if pipeline is not None:
            pipeline.close()
        _state.pipeline = _build(loaded)


def uninstrument() -> None:
    """Undoes `instrument()`: writes what waits, and leaves the HTTP libraries as they were. Harmless when there is nothing to undo."""
    with _state.lock:
        pipeline, _state.pipeline = _state.pipeline, None
    if pipeline is not None:
        pipeline.close()


def operation(service: str, action: str, entity: tuple[str, object] | None = None) -> Operation:
    """One thing wanted from a service, as a context manager: the calls made inside are its attempts, and it becomes one record.

    Outside of `instrument()` it does nothing.

    entity:
        What it is about: (type, id), such as ("lead", 123).

    Errors:
        TypeError: an argument has a wrong type.
    """
    for name, value in (("service", service), ("action", action)):
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    return Operation(_take, service_name=service, action=action, entity=_checked_entity(entity))


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
        pipeline.writer.take(record, size_bytes)
    return record.id


def flush(timeout: float | None = None) -> bool:
    """Waits until everything taken so far is written; False where that takes longer than `timeout` seconds (shutdown_timeout_s)."""
    pipeline = _state.pipeline
    return True if pipeline is None else pipeline.writer.flush(timeout)


def shutdown(timeout: float | None = None) -> bool:
    """Writes what waits and ends the writer; later calls are counted as lost. Happens by itself when the interpreter exits.

    False where not everything was written within `timeout` seconds (shutdown_timeout_s); the rest is lost, counted and logged.
    """
    pipeline = _state.pipeline
    return True if pipeline is None else pipeline.writer.shutdown(timeout)


def stats() -> Stats:
    """What became of everything taken since `instrument()`, in this process: taken = written + ignored + dropped + waiting."""
    pipeline = _state.pipeline
    return Stats() if pipeline is None else pipeline.writer.stats()


def _take(operation: Operation) -> None:
    pipeline = _state.pipeline
    if pipeline is not None:
        pipeline.take(operation)


def _checked_entity(entity: object) -> tuple[str, object] | None:
    if entity is None:
        return None
    if not isinstance(entity, tuple | list) or len(entity) != 2 or not isinstance(entity[0], str):  # noqa: PLR2004 -- type and id
        raise TypeError(f"entity must be (type, id), such as ('lead', 123), not {type(entity).__name__}")
    entity_type, entity_id = entity
    if entity_id is None:  # the application does not know it yet
        return None
    # An object of the application's, such as a row of its database, is not touched again on another thread.
    return entity_type, entity_id if isinstance(entity_id, uuid.UUID | str | int) else text_of(entity_id)


def _build(settings: Settings) -> Pipeline:
    database_url, close_store = _open_store(settings)
    # Imported here, so that a program that only imports the package does not pay for services and driver.
    from integration_monitor.recorder import Recorder  # noqa: PLC0415
    from integration_monitor.store.postgres.sink import PostgresSink  # noqa: PLC0415

    return Pipeline(settings, record=Recorder(settings), open_sink=lambda: PostgresSink(database_url), close_store=close_store)


def _open_store(settings: Settings) -> tuple[str, Callable[[], None]]:
    """Where the records go, checked without connecting, and what ends the use of it."""
    database_url = settings.database_url
    if not database_url:
        raise SettingsError(
            "there is no database URL: call instrument('postgresql://user:password@host/database'), "
            f"or set {settings_table.variable('database_url')}",
            name="database_url",
        )
    if database_url == EMBEDDED:
        return _open_embedded(settings.data_dir)
    scheme, separator, _rest = database_url.partition("://")
    if not separator or scheme.lower() not in POSTGRESQL_SCHEMES:
        # Only the scheme is repeated: the rest may hold a password.
        shown = f"{scheme}://" if separator else "something that is no URL"
        raise SettingsError(
            f"database_url: records cannot go to {shown}; give postgresql://user:password@host/database, or `embedded`",
            name="database_url",
        )
    from integration_monitor.store.postgres.connection import parameters  # noqa: PLC0415 -- as in _build

    parameters(database_url)
    return database_url, lambda: None


def _open_embedded(data_dir: str | None) -> tuple[str, Callable[[], None]]:
    """A database of our own, started and with the tables made: nobody else would make them."""
    from integration_monitor.store.embedded import default_folder, resolve  # noqa: PLC0415 -- needs the extra
    from integration_monitor.store.postgres.migrator import migrate  # noqa: PLC0415 -- as in _build

    database = resolve(EMBEDDED, default_folder(data_dir))
    try:
        migrate(database.url)
    except BaseException:
        database.close()
        raise
    return database.url, database.close
