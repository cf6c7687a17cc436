"""`integration-monitor spool` and `doctor`, with spools of processes that have ended and a real database."""

import json
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from integration_monitor.batch import Batch
from integration_monitor.cli import main
from integration_monitor.guard import Guard
from integration_monitor.store.postgres.sink import PostgresSink
from integration_monitor.writer.lifecycle import Writer
from tests.integration.batches import report
from tests.integration.spools import PATIENCE_S, TableSink, Writers, make_record, records_of, take_all

AWAY = "postgresql://nobody:FAKE@127.0.0.1:1/none"

Run = Callable[..., tuple[object, str, str]]


@pytest.fixture
def writers(tmp_path: Path) -> Writers:
    return Writers(tmp_path)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], writers: Writers) -> Run:
    """Runs the command line: (exit code, standard output, standard error)."""

    def run(*arguments: str) -> tuple[object, str, str]:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["integration-monitor", *arguments])
            patch.setenv("COLUMNS", "250")
            patch.setenv("INTEGRATION_MONITOR_SPOOL_DIR", str(writers.spool_dir))
            with pytest.raises(SystemExit) as caught:
                main()
        printed = capsys.readouterr()
        return caught.value.code or 0, printed.out, printed.err

    return run


def leave_behind(writers: Writers, database_url: str, *actions: str) -> None:
    writer = writers.make(sink=TableSink(is_away=True), database_url=database_url)
    take_all(writer, *records_of(actions))
    assert writer.shutdown(PATIENCE_S)


def spools(run: Run) -> Any:
    returncode, printed, _errors = run("spool", "status", "--json")
    assert returncode == 0
    return json.loads(printed)["spools"]


def test_without_a_spool_nothing_waits(run: Run) -> None:
    assert spools(run) == []
    assert "nothing waits on disk" in run("spool", "status")[1]


def test_status_tells_what_waits_and_whose_it_is(run: Run, writers: Writers) -> None:
    leave_behind(writers, AWAY, "a", "b")
    living = writers.make(sink=TableSink(is_away=True), database_url=AWAY)
    take_all(living, *records_of("c"))
    assert not living.flush(0.2)

    found = sorted(spools(run), key=lambda spool: spool["records"])
    _returncode, table, _errors = run("spool", "status")

    assert [(spool["records"], spool["is_owned"]) for spool in found] == [(1, True), (2, False)]
    assert {spool["destination"] for spool in found} == {"postgres://127.0.0.1:1/none"}
    assert "alive" in table
    assert "FAKE" not in table
    assert living.stats().spooled == 1
    assert living.shutdown(PATIENCE_S)


def test_drain_brings_everything_to_the_table_once(run: Run, writers: Writers, database_url: str) -> None:
    leave_behind(writers, database_url, "a", "b")
    leave_behind(writers, database_url, "c")
    leave_behind(writers, AWAY, "for another database")

    returncode, printed, _errors = run("spool", "drain", "--database-url", database_url)
    again = run("spool", "drain", "--database-url", database_url)

    assert (returncode, printed.strip()) == (0, "delivered 3 records of 2 spools")
    assert again[1].strip() == "delivered 0 records of 0 spools"
    with psycopg.connect(database_url) as connection:
        actions = connection.execute("select action from public.integration_logs order by action").fetchall()
        counts = connection.execute(
            "select taken, written, spooled, ended_at is not null from integration_monitor.writers where taken > 0 order by taken"
        ).fetchall()
    assert actions == [("a",), ("b",), ("c",)]
    assert counts == [(1, 1, 0, True), (2, 2, 0, True)]
    assert [spool["destination"] for spool in spools(run)] == ["postgres://127.0.0.1:1/none"]


def test_drain_closes_calls_in_flight_and_does_not_dawdle(
    run: Run, writers: Writers, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(
        record=lambda record: record,
        record_unfinished=lambda record: record,
        open_sink=lambda: TableSink(is_away=True),
        settings=writers.settings(database_url=database_url, durability="journal"),
        guard=Guard(),
    )
    writer.begun(make_record("in flight", status="pending"))
    assert writer.shutdown(PATIENCE_S)
    naps_s: list[float] = []
    monkeypatch.setattr(time, "sleep", naps_s.append)

    returncode, _printed, errors = run("spool", "drain", "--database-url", database_url)

    assert (returncode, errors) == (0, "")
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("select action, status, error_code from public.integration_logs").fetchall()
    assert rows == [("in flight", "failed", "ABANDONED")]
    # It rests for as long as the store took.
    assert sum(naps_s) < PATIENCE_S


def test_drain_says_why_it_cannot_and_keeps_what_waits(run: Run, writers: Writers) -> None:
    leave_behind(writers, AWAY, "a")

    returncode, printed, errors = run("spool", "drain", "--database-url", AWAY)

    assert returncode == 1
    assert "delivered 0 records" in printed
    assert "127.0.0.1" in errors
    assert [spool["records"] for spool in spools(run)] == [1]


def test_doctor_is_content_with_a_database_that_is_well(run: Run, database_url: str) -> None:
    returncode, printed, _errors = run("doctor", "--database-url", database_url)

    assert returncode == 0, printed
    assert "checks of the contract passed" in printed
    assert "nothing waits on disk" in printed
    assert "accounts for all" in printed


def test_doctor_shows_what_running_processes_say_of_themselves(run: Run, database_url: str) -> None:
    sink = PostgresSink(database_url)
    told = report(uuid.uuid4(), taken=1_234, written=1_200, ignored=4, spooled=13, dropped={"queue_full": 17})
    sink.write(Batch(records=(), report=told))
    sink.close()

    _returncode, printed, _errors = run("doctor", "--database-url", database_url)

    (line,) = [line for line in printed.splitlines() if "42 on web-1" in line]
    assert line.split()[4:] == ["1234", "1200", "4", "13", "queue_full", "17", "0"]


def test_doctor_names_what_is_wrong_and_shows_no_secret(run: Run, writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_behind(writers, AWAY, "a")
    monkeypatch.setenv("INTEGRATION_MONITOR_JWT_SECRET", "FAKE-PLANTED-SECRET-OF-THE-SERVER")

    returncode, printed, _errors = run("doctor", "--database-url", AWAY)

    assert returncode == 1
    assert "StoreUnavailable" in printed
    assert "dead" in printed
    assert "jwt_secret" in printed
    assert "FAKE" not in printed


def test_doctor_can_do_without_the_database(run: Run) -> None:
    returncode, printed, _errors = run("doctor", "--offline", "--database-url", AWAY)

    assert returncode == 0
    assert "SQLite" in printed
    assert "StoreUnavailable" not in printed
