"""Everything between an application's call and its record, put together from the settings in one place.

captures ──► writer's queue ──► recorder, on the worker's thread ──► batches ──► sink
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from integration_monitor import settings as settings_table
from integration_monitor.capture.aiohttp import AiohttpPatch
from integration_monitor.capture.call import Call, Capture, operation_of
from integration_monitor.capture.context import suppressed_context
from integration_monitor.capture.http_client import HttpClientPatch
from integration_monitor.capture.httplib2 import Httplib2Patch
from integration_monitor.capture.httpx import HttpxPatch
from integration_monitor.capture.httpx2 import Httpx2Patch
from integration_monitor.capture.imports import ImportWatch
from integration_monitor.capture.operation import Operation, current_operation
from integration_monitor.capture.requests import RequestsPatch
from integration_monitor.capture.urllib3 import Urllib3Patch
from integration_monitor.capture.urllib_request import UrllibRequestPatch
from integration_monitor.deferred import Deferred, DeferredWriter, at_fork
from integration_monitor.endings import CeleryEnding, UvicornEnding, UwsgiEnding
from integration_monitor.errors import ServiceDescriptionError, SettingsError
from integration_monitor.guard import Guard, logger
from integration_monitor.record import IntegrationLog
from integration_monitor.settings import Settings
from integration_monitor.writer.sink import Sink

if TYPE_CHECKING:
    from integration_monitor.recorder import Recorder
    from integration_monitor.writer.lifecycle import Writer

POSTGRESQL_SCHEMES = frozenset({"postgresql", "postgres"})
MONITOR_SCHEMES = frozenset({"http", "https"})
EMBEDDED = "embedded"

PATCHES = (HttpxPatch, Httpx2Patch, RequestsPatch, AiohttpPatch, Urllib3Patch, HttpClientPatch, UrllibRequestPatch, Httplib2Patch)
ENDINGS = (UvicornEnding, CeleryEnding, UwsgiEnding)


class Pipeline:
    """Everything between an application's call and its record, built and running until `close`.

    record:
        Makes a record of what was captured; called on the worker's thread.
    record_unfinished:
        As `record`, of an operation that is still running.
    open_sink:
        Gives the sink of this process.
    close_store:
        Ends the use of the store, once the sink is closed.
    guard:
        Counts the errors of our own work; one of its own by default.
    """

    def __init__(  # noqa: PLR0913 -- everything that a pipeline is put together of
        self,
        settings: Settings,
        *,
        record: Callable[[Operation | IntegrationLog], IntegrationLog | None],
        record_unfinished: Callable[[Operation], IntegrationLog | None] = lambda _operation: None,
        open_sink: Callable[[], Sink],
        close_store: Callable[[], None] = lambda: None,
        guard: Guard | None = None,
    ) -> None:
        self.settings = settings
        self._record = record
        self._record_unfinished = record_unfinished
        self._close_store = close_store
        self.guard = guard or Guard()
        #: what has begun and has not ended, in this process
        self.running: set[Operation | Call] = set()
        # Taken again where a signal handler makes a call in the middle of ours.
        self._recording = threading.RLock()
        #: receives the records in place of the writer, while `testing.capture()` is at it
        self.diverted: Callable[[IntegrationLog], None] | None = None
        self._open_sink = open_sink
        self.writer = DeferredWriter(self._make_writer, self.guard)
        at_fork(after_in_child=self._begin_in_child)
        capture = Capture(
            take=self.take,
            begun=self.begin,
            forget=self.running.discard,
            body_bytes_max=settings.body_bytes_max,
            guard=self.guard,
        )
        endings = (kind(self.writer, self.guard) for kind in ENDINGS)
        self._patches = (*(kind(capture) for kind in PATCHES), *endings)
        self._imports = ImportWatch({patch.library: patch.patch for patch in self._patches}, self.guard)
        self._imports.install()

    def begin(self, item: Operation | Call) -> None:
        """An operation, or a call that is one by itself, has begun."""
        self.running.add(item)
        self.writer.begun(item)

    def take(self, item: Operation | Call) -> None:
        """It has ended."""
        try:
            self.running.discard(item)
            if self.diverted is None:
                self.writer.take(item, item.size_bytes())
            else:
                self.keep(item, 0)
        except Exception as error:  # noqa: BLE001 -- the guard's
            self.guard.catch(error)

    def keep(self, item: Operation | Call | IntegrationLog, size_bytes: int) -> None:
        """Hands it to the writer, or to a test that wants to see it."""
        if self.diverted is None:
            self.writer.take(item, size_bytes)
            return
        # A recorder is for one thread.
        with self._recording:
            record = self.record(item)
            if record is not None:
                self.diverted(record)

    def record(self, item: Operation | Call | IntegrationLog) -> IntegrationLog | None:
        """The record of an item, cleaned; None where it is worth none."""
        return self._record(item if isinstance(item, IntegrationLog) else operation_of(item))

    def _record_running(self, item: Operation | Call | IntegrationLog) -> IntegrationLog | None:
        return None if isinstance(item, IntegrationLog) else self._record_unfinished(operation_of(item))

    def close(self, timeout_s: float | None = None) -> bool:
        """Ends the capture, then the writer. False where records were lost because they could not be written in time."""
        self._imports.remove()
        for patch in self._patches:
            patch.unpatch()
        is_complete = self.writer.shutdown(timeout_s)
        self._close_store()
        return is_complete

    def _make_writer(self) -> "Writer[Operation | Call | IntegrationLog]":
        from integration_monitor.writer.lifecycle import Writer  # noqa: PLC0415 -- as late as can be: deferred.py says why

        return Writer(
            record=self.record,
            record_unfinished=self._record_running,
            running=lambda: tuple(self.running),
            open_sink=self._open_sink,
            settings=self.settings,
            guard=self.guard,
            context=suppressed_context(),
        )

    def _begin_in_child(self) -> None:
        """After a fork: what the parent has begun is the parent's to record, and a call made here belongs to none of it."""
        for item in self.running:
            item.abandon()
        self.running.clear()
        self._recording = threading.RLock()
        current_operation.set(None)


def check(settings: Settings) -> None:
    """Raises what `instrument()` would raise, and starts nothing.

    Errors:
        SettingsError, MissingExtraError: as `instrument`.
    """
    # The program runs without a description that is wrong, and its own log says so.
    open_recorder(settings, lambda _error: None)
    if settings.database_url == EMBEDDED:
        from integration_monitor.store.embedded import find_binaries  # noqa: PLC0415 -- needs the extra

        find_binaries()
    else:
        _open_store(settings)


def build(settings: Settings, *, is_checked: bool = False) -> Pipeline:
    """A running pipeline. Where the settings are checked already, services and driver are imported on the writer's thread."""
    guard = Guard()
    recorder = Deferred(lambda: open_recorder(settings, _log_description_error if is_checked else None, on_error=guard.report))
    store = Deferred(lambda: _open_store(settings))
    sink_kind = Deferred(lambda: _sink_kind(store.get()[0]))
    if not is_checked:
        recorder.get()
        store.get()

    def record(item: Operation | IntegrationLog) -> IntegrationLog | None:
        return recorder.get()(item)

    def record_unfinished(operation: Operation) -> IntegrationLog | None:
        return recorder.get().unfinished(operation)

    def close_store() -> None:
        opened = store.part
        if opened is not None:
            _database_url, close = opened
            close()

    return Pipeline(
        settings,
        record=record,
        record_unfinished=record_unfinished,
        open_sink=lambda: sink_kind.get()(store.get()[0]),
        close_store=close_store,
        guard=guard,
    )


def _sink_kind(url: str) -> Callable[[str], Sink]:
    if _scheme(url) in MONITOR_SCHEMES:
        from integration_monitor.store.monitor import MonitorSink  # noqa: PLC0415 -- as below

        return MonitorSink
    from integration_monitor.store.postgres.sink import PostgresSink  # noqa: PLC0415 -- the driver is for the writer's thread

    return PostgresSink


def open_recorder(
    settings: Settings,
    on_description_error: Callable[[ServiceDescriptionError], None] | None = None,
    *,
    on_error: Callable[[Exception], None] = lambda _error: None,
) -> "Recorder":
    """The recorder of a process.

    on_description_error:
        Receives what is wrong with a service description, which is left out then; without it, it is raised.
    on_error:
        Receives what a description raises on a call.
    """
    from integration_monitor.recorder import Recorder  # noqa: PLC0415 -- as in _sink_kind

    return Recorder(settings, on_description_error=on_description_error, on_error=on_error)


def _log_description_error(error: ServiceDescriptionError) -> None:
    logger.warning("integration_monitor: a service description is left out: %s", error)


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
    scheme = _scheme(database_url)
    if scheme in MONITOR_SCHEMES:
        from integration_monitor.store.monitor import read_address  # noqa: PLC0415 -- as in _sink_kind

        read_address(database_url)
        return database_url, lambda: None
    if scheme not in POSTGRESQL_SCHEMES:
        # Only the scheme is repeated: the rest may hold a password.
        shown = f"{scheme}://" if scheme else "something that is no URL"
        raise SettingsError(
            f"database_url: records cannot go to {shown}; give postgresql://user:password@host/database, "
            "https://KEY@monitor.example.com, or `embedded`",
            name="database_url",
        )
    from integration_monitor.store.postgres.connection import parameters  # noqa: PLC0415 -- as in _sink_kind

    parameters(database_url)
    return database_url, lambda: None


def _scheme(url: str) -> str:
    """The scheme of a URL; empty where it is none."""
    scheme, separator, _rest = url.partition("://")
    return scheme.lower() if separator else ""


def _open_embedded(data_dir: str | None) -> tuple[str, Callable[[], None]]:
    """A database of our own, started and with the tables made: nobody else would make them."""
    from integration_monitor.store.embedded import default_folder, resolve  # noqa: PLC0415 -- needs the extra
    from integration_monitor.store.postgres.migrator import migrate  # noqa: PLC0415 -- as in _sink_kind

    database = resolve(EMBEDDED, default_folder(data_dir))
    try:
        migrate(database.url)
    except BaseException:
        database.close()
        raise
    return database.url, database.close
