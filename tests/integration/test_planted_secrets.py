"""No secret survives in what the writer leaves behind: spool, dead letters, logs and its own figures, wherever in a call it was planted.

By default a few hundred calls are made. `INTEGRATION_MONITOR_TEST_EXAMPLES=10000` makes so many.
"""

import itertools
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, unquote_plus

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from integration_monitor.batch import Batch
from integration_monitor.capture.operation import Operation
from integration_monitor.errors import RecordsRefused
from integration_monitor.guard import RAISE_VARIABLE, Guard
from integration_monitor.record import IntegrationLog
from integration_monitor.recorder import Recorder
from integration_monitor.settings import Settings
from integration_monitor.writer.lifecycle import Writer
from tests.integration.spools import TableSink
from tests.unit.exchanges import REGISTRY
from tests.unit.generated_calls import planted_calls

EXAMPLES = int(os.environ.get("INTEGRATION_MONITOR_TEST_EXAMPLES", "300"))
#: calls that one writer takes, and whose traces are looked through together
CALLS_OF_A_WRITER = 100

Planted = tuple[str, Operation, dict[str, Any]]


class QuotingSink(TableSink):
    """A store that takes no record, and says which one, as a database driver does."""

    def write(self, batch: Batch) -> None:
        if batch.records or batch.finished:
            raise RecordsRefused(f"invalid input: {msgspec.json.encode(batch.records).decode()}")


@pytest.fixture
def errors_stay_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(RAISE_VARIABLE, raising=False)


@pytest.mark.usefixtures("errors_stay_inside")
@pytest.mark.parametrize("durability", ["journal", "buffered"])
@pytest.mark.parametrize("sink", [TableSink(is_away=True), QuotingSink()], ids=["spooled", "refused"])
def test_no_file_and_no_log_holds_a_planted_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, sink: TableSink, durability: Literal["journal", "buffered"]
) -> None:
    caplog.set_level(logging.DEBUG)
    numbers = itertools.count()
    waiting: list[Planted] = []
    found: list[str] = []
    kept_bytes = 0

    def look_through() -> None:
        nonlocal kept_bytes
        folder = tmp_path / str(next(numbers))
        traces = "\n".join([*written_by(waiting, folder, sink, durability), caplog.text])
        kept_bytes += sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        texts = {traces, unquote(traces), unquote_plus(traces), traces.replace("\\", "")}
        found.extend(secret for secret, _, _ in waiting if any(secret in text for text in texts))
        caplog.clear()
        waiting.clear()

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(planted_calls())
    def plant(planted: Planted) -> None:
        waiting.append(planted)
        if len(waiting) == CALLS_OF_A_WRITER:
            look_through()

    plant()
    look_through()

    assert kept_bytes > EXAMPLES * 300, "the records are not where they are looked for"
    assert found == []


def written_by(
    planted: list[Planted], folder: Path, sink: TableSink, durability: Literal["journal", "buffered"]
) -> Iterator[str]:
    """What a writer leaves of these calls on its disk, and what it says of itself. Every tenth call meets an error of ours that quotes it."""
    recorder = Recorder(Settings(), registry=REGISTRY)
    writer: Writer[Operation] = Writer(
        record=quoting_every_tenth(recorder),
        record_unfinished=recorder.unfinished,
        open_sink=lambda: sink,
        settings=Settings(durability=durability, spool_dir=str(folder), batch_age_s=0.01),
        # Each of its errors is logged.
        guard=Guard(clock=itertools.count(0, 3600).__next__),
    )
    for _, operation, _ in planted:
        writer.begun(operation)
        writer.take(operation, operation.size_bytes())
    writer.shutdown()
    yield repr(writer.stats())
    for file in folder.rglob("*"):
        if file.is_file():
            yield file.read_bytes().decode("utf-8", "replace")


def quoting_every_tenth(recorder: Recorder) -> Callable[[Operation], IntegrationLog | None]:
    numbers = itertools.count()

    def record(operation: Operation) -> IntegrationLog | None:
        if next(numbers) % 10 == 9:
            attempt = operation.attempts[0]
            raise ValueError(f"{attempt.url} {attempt.request_headers} {attempt.request_body!r} {attempt.response_body!r}")
        return recorder(operation)

    return record
