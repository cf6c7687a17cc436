"""The writer with its thread, against sinks in memory. Threads meet by events; nothing here depends on how fast they are."""

import contextvars
import ctypes
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from integration_monitor.batch import Batch, Report
from integration_monitor.errors import PermissionRefused, RecordsRefused, SettingsError, StoreUnavailable
from integration_monitor.guard import RAISE_VARIABLE, Guard
from integration_monitor.record import IntegrationLog, new_id, now
from integration_monitor.settings import Settings
from integration_monitor.writer import worker as worker_module
from integration_monitor.writer.lifecycle import THREAD_NAME, Writer

# Long enough that a machine under any load gets there; what is waited for comes at once.
PATIENCE_S = 30


@pytest.fixture(autouse=True)
def _raise_internal_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RAISE_VARIABLE, "1")


class MemorySink:
    """A store in memory. Its way of failing can be set."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.actions: list[str] = []
        #: of batches without records
        self.reports: list[Report | None] = []
        #: raised by each write until it is None
        self.failure: Exception | None = None
        #: actions that are never taken
        self.refused: set[str] = set()
        self.refusal: Exception = RecordsRefused("poison")
        self.is_tried = threading.Event()
        self.may_write = threading.Event()
        self.may_write.set()
        self.maintained = threading.Event()
        self.maintain_failure: Exception | None = None
        self.is_closed = False

    def write(self, batch: Batch) -> None:
        if not batch.records:
            self.reports.append(batch.report)
            return
        self.is_tried.set()
        assert self.may_write.wait(PATIENCE_S)
        if self.failure is not None:
            raise self.failure
        actions = [record.action for record in batch.records]
        if self.refused.intersection(actions):
            raise self.refusal
        self.batches.append(actions)
        self.actions += actions

    def maintain(self) -> None:
        self.maintained.set()
        if self.maintain_failure is not None:
            raise self.maintain_failure

    def close(self) -> None:
        self.is_closed = True


def make_record(action: str) -> IntegrationLog | None:
    """Items of these tests are actions."""
    if action == "ignored":
        return None
    if action == "unrecordable":
        raise ValueError("broken item")
    if action == "exit":
        raise SystemExit
    at = now()
    return IntegrationLog(id=new_id(at), service_name="test", action=action, status="success", created_at=at, updated_at=at)


@pytest.fixture
def sink() -> MemorySink:
    return MemorySink()


@pytest.fixture
def make_writer(sink: MemorySink) -> Iterator[Callable[..., Writer[str]]]:
    """Makes writers to `sink`, and ends them."""
    writers = []

    def make(*, open_sink: Callable[[], Any] = lambda: sink, context: Any = None, **settings: Any) -> Writer[str]:
        writer = Writer(
            record=make_record,
            open_sink=open_sink,
            # A batch waits for a flush, unless a test says otherwise.
            settings=Settings(**{"batch_age_s": 600.0, "durability": "off", **settings}),
            guard=Guard(),
            context=context,
        )
        writers.append(writer)
        return writer

    yield make
    sink.failure = None
    sink.may_write.set()
    for writer in writers:
        writer.shutdown(PATIENCE_S)


MakeWriter = Callable[..., Writer[str]]


def take_all(writer: Writer[str], *actions: str) -> None:
    for action in actions:
        writer.take(action, 10)


def own_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == THREAD_NAME]


def test_what_was_taken_is_written_in_one_batch(make_writer: MakeWriter, sink: MemorySink) -> None:
    writer = make_writer()

    take_all(writer, "a", "b", "c")
    assert writer.flush(PATIENCE_S)

    assert sink.batches == [["a", "b", "c"]]
    stats = writer.stats()
    assert (stats.taken, stats.written, stats.queue_records, stats.queue_bytes) == (3, 3, 0, 0)


def test_a_batch_is_written_by_itself_when_it_is_old_enough(make_writer: MakeWriter, sink: MemorySink) -> None:
    make_writer(batch_age_s=0.01).take("a", 10)

    assert sink.is_tried.wait(PATIENCE_S)


def test_on_an_idle_system_a_single_record_waits_for_no_others(sink: MemorySink) -> None:
    now_s = [0.0]
    settings = Settings(batch_age_s=600.0, durability="off")
    writer = Writer(record=make_record, open_sink=lambda: sink, settings=settings, guard=Guard(), clock=lambda: now_s[0])
    writer.take("first", 10)
    now_s[0] += 600
    writer.take("second", 10)
    assert sink.is_tried.wait(PATIENCE_S)
    assert writer.flush(PATIENCE_S)
    sink.is_tried.clear()

    now_s[0] += 600
    writer.take("alone", 10)

    assert sink.is_tried.wait(PATIENCE_S)
    assert writer.shutdown(PATIENCE_S)
    assert sink.actions[-1] == "alone"


@pytest.mark.parametrize("settings", [{"batch_records_max": 2}, {"batch_bytes_max": 20}])
def test_a_full_batch_does_not_wait(make_writer: MakeWriter, sink: MemorySink, settings: dict[str, int]) -> None:
    writer = make_writer(**settings)

    take_all(writer, "a", "b", "c")
    assert writer.flush(PATIENCE_S)

    assert sink.batches == [["a", "b"], ["c"]]


def test_there_is_no_thread_before_the_first_item_and_one_after(make_writer: MakeWriter) -> None:
    writer = make_writer()
    assert own_threads() == []
    assert writer.flush(0)

    take_all(writer, "a", "b")

    (thread,) = own_threads()
    assert thread.daemon


def test_the_thread_runs_in_the_given_context(make_writer: MakeWriter, sink: MemorySink) -> None:
    variable = contextvars.ContextVar("variable", default="none")
    context = contextvars.Context()
    context.run(variable.set, "ours")
    seen = []

    def open_sink() -> MemorySink:
        seen.append(variable.get())
        return sink

    writer = make_writer(open_sink=open_sink, context=context)
    writer.take("a", 10)
    assert writer.flush(PATIENCE_S)

    assert seen == ["ours"]


def test_items_worth_no_record_are_counted_as_ignored(make_writer: MakeWriter, sink: MemorySink) -> None:
    writer = make_writer()

    take_all(writer, "ignored", "a")
    assert writer.flush(PATIENCE_S)

    assert sink.actions == ["a"]
    assert (writer.stats().taken, writer.stats().ignored, writer.stats().written) == (2, 1, 1)


def test_an_item_that_cannot_become_a_record_is_counted_and_the_others_are_written(
    make_writer: MakeWriter, sink: MemorySink
) -> None:
    writer = make_writer()

    take_all(writer, "a", "unrecordable", "b")
    assert writer.flush(PATIENCE_S)

    assert sink.actions == ["a", "b"]
    assert writer.stats().dropped == {"unrecordable": 1}
    assert writer.stats().internal_errors == 1


def test_full_queue_counts_lost_calls(make_writer: MakeWriter, sink: MemorySink, caplog: pytest.LogCaptureFixture) -> None:
    sink.may_write.clear()
    writer = make_writer(queue_records_max=3, batch_records_max=1)

    take_all(writer, "a")
    assert sink.is_tried.wait(PATIENCE_S)
    take_all(writer, "b", "c", "lost", "lost")
    assert writer.stats().dropped == {"queue_full": 2}
    sink.may_write.set()
    assert writer.flush(PATIENCE_S)
    take_all(writer, "d")
    assert writer.flush(PATIENCE_S)

    assert sink.actions == ["a", "b", "c", "d"]
    assert writer.stats().taken == 6
    assert "lost 2 records (queue_full 2)" in caplog.text


def test_when_the_store_is_away_records_wait_and_are_written_when_it_is_back(
    make_writer: MakeWriter, sink: MemorySink, caplog: pytest.LogCaptureFixture
) -> None:
    sink.failure = StoreUnavailable("connection refused")
    writer = make_writer(batch_records_max=2)

    take_all(writer, "a", "b", "c")
    assert not writer.flush(0.01)
    assert writer.stats().queue_records == 3
    assert writer.stats().last_error == "StoreUnavailable: connection refused"
    sink.failure = None
    assert writer.flush(PATIENCE_S)

    assert sink.actions == ["a", "b", "c"]
    assert writer.stats().dropped == {}
    assert "3 records wait in memory, 0 on disk: StoreUnavailable: connection refused" in caplog.text


@pytest.mark.parametrize(
    "failure", [PermissionRefused("no insert"), SettingsError("bad url", name="database_url")], ids=lambda one: type(one).__name__
)
def test_what_can_be_put_right_outside_is_waited_for_and_logged(
    make_writer: MakeWriter, sink: MemorySink, caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    sink.failure = failure
    writer = make_writer()

    writer.take("a", 10)
    assert not writer.flush(0.01)
    assert sink.is_tried.wait(PATIENCE_S)
    sink.failure = None
    assert writer.flush(PATIENCE_S)

    assert sink.actions == ["a"]
    assert str(failure) in caplog.text


def test_a_store_that_cannot_be_opened_is_away(make_writer: MakeWriter, sink: MemorySink) -> None:
    failures: list[Exception] = [RuntimeError("no driver"), StoreUnavailable("no host")]

    def open_sink() -> MemorySink:
        if failures:
            raise failures.pop()
        return sink

    writer = make_writer(open_sink=open_sink)
    writer.take("a", 10)
    while failures:
        writer.flush(0.01)
    assert writer.flush(PATIENCE_S)

    assert sink.actions == ["a"]


def test_while_the_store_is_away_the_queue_stays_within_its_bound(make_writer: MakeWriter, sink: MemorySink) -> None:
    sink.failure = StoreUnavailable("gone")
    writer = make_writer(queue_records_max=10, batch_records_max=3)

    take_all(writer, *"abcdefghijklmno")

    assert writer.stats().queue_records == 10
    assert writer.stats().dropped == {"queue_full": 5}


@pytest.mark.parametrize("refusal", [RecordsRefused("poison"), TypeError("the sink stumbles")], ids=["refused", "stumbled"])
@pytest.mark.parametrize("position", range(7))
def test_a_refused_record_is_dropped_alone_and_the_others_keep_their_order(
    make_writer: MakeWriter, sink: MemorySink, position: int, refusal: Exception
) -> None:
    actions = list("abcdefg")
    sink.refused = {actions[position]}
    sink.refusal = refusal
    writer = make_writer()

    take_all(writer, *actions)
    assert writer.flush(PATIENCE_S)

    assert sink.actions == [action for action in actions if action not in sink.refused]
    assert writer.stats().dropped == {"refused": 1}
    assert writer.stats().queue_bytes == 0


def test_a_store_that_goes_away_while_a_batch_is_split_loses_nothing(make_writer: MakeWriter, sink: MemorySink) -> None:
    sink.refused = {"b"}
    writer = make_writer()
    write, tries = sink.write, iter([None, StoreUnavailable("gone"), None, StoreUnavailable("gone")])

    def flaky(batch: Batch) -> None:
        failure = next(tries, None)
        if failure is not None:
            raise failure
        write(batch)

    sink.write = flaky  # type: ignore[method-assign]
    take_all(writer, *"abcd")
    while not writer.flush(0.05):
        pass

    assert sink.actions == ["a", "c", "d"]
    assert writer.stats().dropped == {"refused": 1}


def test_shutdown_writes_what_waits_closes_the_sink_and_ends_the_thread(make_writer: MakeWriter, sink: MemorySink) -> None:
    writer = make_writer()
    take_all(writer, "a", "b")

    assert writer.shutdown(PATIENCE_S)

    assert sink.actions == ["a", "b"]
    assert sink.is_closed
    assert own_threads() == []
    assert writer.is_closed


def test_after_shutdown_calls_are_lost_and_counted(make_writer: MakeWriter) -> None:
    writer = make_writer()
    assert writer.shutdown()

    writer.take("late", 10)

    assert writer.stats().dropped == {"shutdown": 1}
    assert writer.shutdown()


def test_shutdown_is_bounded_when_the_store_is_away_and_counts_what_is_lost(
    make_writer: MakeWriter, sink: MemorySink, caplog: pytest.LogCaptureFixture
) -> None:
    sink.failure = StoreUnavailable("gone")
    writer = make_writer()
    take_all(writer, "a", "b")

    assert not writer.shutdown(0.05)

    assert writer.stats().dropped == {"shutdown": 2}
    assert "lost 2 records (shutdown 2)" in caplog.text


def test_shutdown_is_bounded_when_the_store_hangs_and_nothing_counts_twice(make_writer: MakeWriter, sink: MemorySink) -> None:
    sink.may_write.clear()
    writer = make_writer(batch_records_max=1)
    writer.take("a", 10)
    assert sink.is_tried.wait(PATIENCE_S)
    (thread,) = own_threads()

    assert not writer.shutdown(0.05)
    sink.may_write.set()
    thread.join(PATIENCE_S)

    assert writer.stats().dropped == {"shutdown": 1}
    assert writer.stats().written == 0


def test_every_item_is_accounted_for(make_writer: MakeWriter, sink: MemorySink) -> None:
    sink.refused = {"refused"}
    writer = make_writer(queue_records_max=40)

    def take_many() -> None:
        take_all(writer, *["a", "refused", "ignored", "unrecordable"] * 50)

    threads = [threading.Thread(target=take_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert writer.flush(PATIENCE_S)

    stats = writer.stats()
    assert stats.taken == 800
    assert stats.written + stats.ignored + sum(stats.dropped.values()) + stats.queue_records == stats.taken
    assert len(sink.actions) == stats.written


def test_a_dead_thread_is_replaced(make_writer: MakeWriter, sink: MemorySink) -> None:
    writer = make_writer(batch_age_s=0.01)
    writer.take("exit", 10)
    for thread in own_threads():
        thread.join(PATIENCE_S)
    assert own_threads() == []

    writer.take("a", 10)
    assert writer.flush(PATIENCE_S)

    assert sink.actions == ["a"]
    assert writer.stats().dropped == {"crash": 1}
    assert (writer.stats().queue_records, writer.stats().queue_bytes) == (0, 0)


def test_a_thread_that_is_killed_anywhere_loses_nothing_uncounted(make_writer: MakeWriter, sink: MemorySink) -> None:
    writer = make_writer(batch_age_s=0.001, batch_records_max=5)

    for number in range(3_000):
        writer.take("a", 10)
        if number % 10 == 0:
            for thread in own_threads():
                end = ctypes.pythonapi.PyThreadState_SetAsyncExc
                end(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit))
    while not writer.flush(1):
        pass

    stats = writer.stats()
    assert stats.written + sum(stats.dropped.values()) == stats.taken == 3_000
    assert (stats.queue_records, stats.queue_bytes) == (0, 0)
    assert stats.written > 1_000


def test_the_store_is_maintained_when_that_is_due(
    make_writer: MakeWriter, sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "MAINTAIN_FIRST_S", 0)
    writer = make_writer()

    writer.take("a", 10)
    assert writer.flush(PATIENCE_S)

    assert sink.maintained.wait(PATIENCE_S)


def test_a_maintenance_that_fails_is_logged_and_nothing_else(
    make_writer: MakeWriter, sink: MemorySink, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker_module, "MAINTAIN_FIRST_S", 0)
    sink.maintain_failure = PermissionRefused("no EXECUTE")
    writer = make_writer()

    writer.take("a", 10)
    assert writer.flush(PATIENCE_S)
    assert sink.maintained.wait(PATIENCE_S)
    writer.take("b", 10)
    assert writer.flush(PATIENCE_S)

    assert sink.actions == ["a", "b"]
    assert "no EXECUTE" in caplog.text
