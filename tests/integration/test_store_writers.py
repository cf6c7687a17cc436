"""Each process has its row: what it took, what became of it, and what it has under way."""

import random
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from integration_monitor.batch import Batch
from integration_monitor.errors import RecordsRefused
from integration_monitor.record import IntegrationLog
from integration_monitor.store.postgres.completeness import list_gaps
from integration_monitor.store.postgres.sink import PostgresSink
from tests.conftest import Server
from tests.integration.batches import fetch, record, report, stored

COUNTS = "select taken, written, ignored, spooled, dropped, dropped_by_reason, dead_lettered from integration_monitor.writers"
ABANDONED = ("failed", "ABANDONED", {"fault": "ours", "retry": "ambiguous"})


@pytest.fixture
def writer_url(each_server: Server, each_database_url: str) -> str:
    """A login that has the writer's role and no other, on each kind of database."""
    each_server.execute("drop role if exists application; create role application login in role integration_monitor_writer")
    name = str(psycopg.conninfo.conninfo_to_dict(each_database_url)["dbname"])
    return each_server.url(name, user="application")


@pytest.fixture
def open_sink() -> Iterator[Callable[[str], PostgresSink]]:
    sinks: list[PostgresSink] = []

    def open_sink(database_url: str) -> PostgresSink:
        sinks.append(PostgresSink(database_url))
        return sinks[-1]

    yield open_sink
    for sink in sinks:
        sink.close()


@pytest.fixture
def sink(database_url: str, open_sink: Callable[[str], PostgresSink]) -> PostgresSink:
    return open_sink(database_url)


def silence(database_url: str, minutes: int) -> None:
    """Every process was last heard of so many minutes ago."""
    fetch(
        database_url,
        "update integration_monitor.writers set heartbeat_at = now() - %(minutes)s * interval '1 minute'",
        minutes=minutes,
    )


def outcome(database_url: str, one: IntegrationLog) -> tuple[Any, ...]:
    (row,) = fetch(
        database_url, "select status, error_code, response_payload from public.integration_logs where id = %(id)s", id=one.id
    )
    return row


def ended(begun: IntegrationLog, **fields: Any) -> IntegrationLog:
    updated_at = begun.updated_at + timedelta(seconds=1)
    return msgspec.structs.replace(
        begun, **{"status": "success", "response_payload": {"ok": True}, "updated_at": updated_at, **fields}
    )


def test_a_report_is_written_with_its_batch(each_database_url: str, writer_url: str, open_sink: Any) -> None:
    writer_id = uuid.uuid4()

    open_sink(writer_url).write(
        Batch(
            records=[record()], report=report(writer_id, taken=9, written=1, dropped={"queue_full": 5, "shutdown": 1}, ignored=2)
        )
    )

    assert fetch(each_database_url, COUNTS) == [(9, 1, 2, 0, 6, {"queue_full": 5, "shutdown": 1}, 0)]
    assert fetch(each_database_url, "select writer_id, host, pid, ended_at from integration_monitor.writers") == [
        (writer_id, "web-1", 42, None)
    ]


def test_a_batch_without_records_is_a_heartbeat(sink: PostgresSink, database_url: str) -> None:
    writer_id = uuid.uuid4()
    sink.write(Batch(records=[], report=report(writer_id)))
    silence(database_url, 5)

    sink.write(Batch(records=[], report=report(writer_id)))

    assert fetch(database_url, "select heartbeat_at > now() - interval '1 minute' from integration_monitor.writers") == [(True,)]


def test_a_refused_batch_reports_nothing(sink: PostgresSink, database_url: str) -> None:
    with pytest.raises(RecordsRefused):
        sink.write(Batch(records=[record(status="unknown")], report=report(uuid.uuid4(), taken=1, written=1)))

    assert fetch(database_url, COUNTS) == []


def test_a_late_report_lowers_no_count(sink: PostgresSink, database_url: str) -> None:
    writer_id = uuid.uuid4()
    late = report(writer_id, taken=5, written=3, spooled=2, dropped={"queue_full": 1})
    sink.write(
        Batch(records=[], report=report(writer_id, taken=9, written=6, spooled=0, dropped={"queue_full": 2, "shutdown": 1}))
    )

    sink.write(Batch(records=[], report=late))

    assert fetch(database_url, COUNTS) == [(9, 6, 0, 0, 3, {"queue_full": 2, "shutdown": 1}, 0)]


def test_a_spool_that_empties_is_reported(sink: PostgresSink, database_url: str) -> None:
    writer_id = uuid.uuid4()
    sink.write(Batch(records=[], report=report(writer_id, taken=5, spooled=5)))

    sink.write(Batch(records=[], report=report(writer_id, taken=5, written=5, spooled=0)))

    assert fetch(database_url, "select written, spooled from integration_monitor.writers") == [(5, 0)]


def test_a_table_without_the_products_schema_takes_records_and_no_report(empty_database_url: str, open_sink: Any) -> None:
    fetch(
        empty_database_url,
        "create table public.integration_logs (id uuid primary key default gen_random_uuid(), service_name text not null,"
        " action text not null, status text not null, related_entity_type text, related_entity_id uuid, request_payload jsonb,"
        " response_payload jsonb, error_message text, error_code text, duration_ms integer, retry_count integer default 0,"
        " created_at timestamptz default now(), updated_at timestamptz default now())",
    )
    sink = open_sink(empty_database_url)
    begun, unheard = record(status="pending"), record()

    sink.write(Batch(records=[begun], report=report(uuid.uuid4())))
    sink.write(Batch(records=[], finished=[ended(begun), unheard], report=report(uuid.uuid4())))

    assert stored(empty_database_url) == [ended(begun), unheard]


def test_a_record_is_begun_and_finished(each_database_url: str, writer_url: str, open_sink: Any) -> None:
    writer_id, begun = uuid.uuid4(), record(status="pending")
    sink = open_sink(writer_url)

    sink.write(Batch(records=[begun], report=report(writer_id)))
    watched = fetch(each_database_url, "select log_id, writer_id from integration_monitor.pending")
    sink.write(
        Batch(
            records=[],
            finished=[ended(begun, status="retrying", updated_at=begun.updated_at + timedelta(milliseconds=1))],
            report=report(writer_id),
        )
    )
    watched_still = fetch(each_database_url, "select log_id, writer_id from integration_monitor.pending")
    sink.write(Batch(records=[], finished=[ended(begun)], report=report(writer_id)))

    assert watched == watched_still == [(begun.id, writer_id)]
    assert stored(each_database_url) == [ended(begun)]
    assert fetch(each_database_url, "select log_id from integration_monitor.pending") == []


def test_an_end_whose_beginning_was_never_written_is_inserted(each_database_url: str, writer_url: str, open_sink: Any) -> None:
    unheard = record()

    open_sink(writer_url).write(Batch(records=[record()], finished=[unheard]))

    assert unheard in stored(each_database_url)


def test_an_end_that_comes_twice_changes_nothing(sink: PostgresSink, database_url: str) -> None:
    begun = record(status="pending")
    sink.write(Batch(records=[begun], report=report(uuid.uuid4())))
    sink.write(Batch(records=[], finished=[ended(begun)]))

    sink.write(Batch(records=[], finished=[ended(begun, status="failed")]))
    sink.write(Batch(records=[begun], report=report(uuid.uuid4())))

    assert stored(database_url) == [ended(begun)]


def test_maintenance_closes_what_a_silent_process_left(each_database_url: str, writer_url: str, open_sink: Any) -> None:
    begun, retried = record(status="pending"), record(status="retrying", response_payload={"attempts": [1]})
    sink = open_sink(writer_url)
    sink.write(Batch(records=[begun, retried, record()], report=report(uuid.uuid4())))
    silence(each_database_url, 9)
    sink.maintain()
    early = outcome(each_database_url, begun)
    silence(each_database_url, 11)

    sink.maintain()

    assert early == ("pending", None, None)
    assert outcome(each_database_url, begun) == ABANDONED
    assert outcome(each_database_url, retried) == ("failed", "ABANDONED", {**ABANDONED[2], "attempts": [1]})
    assert fetch(
        each_database_url,
        "select count(*) from public.integration_logs where error_message like 'process 42 on web-1 has not been heard of since 20%%UTC'",
    ) == [(2,)]


def test_another_process_closes_it_with_its_report(sink: PostgresSink, database_url: str) -> None:
    begun = record(status="pending")
    sink.write(Batch(records=[begun], report=report(uuid.uuid4())))
    silence(database_url, 11)

    sink.write(Batch(records=[record()], report=report(uuid.uuid4())))

    assert outcome(database_url, begun) == ABANDONED


def test_a_process_looks_after_the_others_once_a_minute(sink: PostgresSink, database_url: str) -> None:
    begun, other_id = record(status="pending"), uuid.uuid4()
    sink.write(Batch(records=[begun], report=report(uuid.uuid4())))
    sink.write(Batch(records=[], report=report(other_id)))
    # In the same minute as its next report, however long that takes to come.
    fetch(
        database_url,
        "update integration_monitor.writers"
        "   set heartbeat_at = case when writer_id = %(id)s then now() + interval '1 minute' else now() - interval '11 minutes' end",
        id=other_id,
    )

    sink.write(Batch(records=[], report=report(other_id)))
    at_once = outcome(database_url, begun)
    fetch(
        database_url,
        "update integration_monitor.writers set heartbeat_at = now() - interval '1 minute' where writer_id = %(id)s",
        id=other_id,
    )
    sink.write(Batch(records=[], report=report(other_id)))

    assert at_once == ("pending", None, None)
    assert outcome(database_url, begun) == ABANDONED


def test_a_process_that_ended_in_order_leaves_nothing_open_either(sink: PostgresSink, database_url: str) -> None:
    begun = record(status="pending")
    sink.write(Batch(records=[begun], report=report(uuid.uuid4(), is_final=True)))
    silence(database_url, 11)

    sink.maintain()

    assert outcome(database_url, begun) == ABANDONED


def test_a_process_that_comes_back_has_its_records_back(each_database_url: str, writer_url: str, open_sink: Any) -> None:
    writer_id, begun, retried = uuid.uuid4(), record(status="pending"), record(status="retrying", error_code=None)
    sink = open_sink(writer_url)
    sink.write(Batch(records=[begun, retried], report=report(writer_id)))
    silence(each_database_url, 11)
    sink.maintain()

    sink.write(Batch(records=[], report=report(writer_id)))
    back = [outcome(each_database_url, one) for one in (begun, retried)]
    silence(each_database_url, 11)
    sink.maintain()
    closed_again = outcome(each_database_url, begun)
    sink.write(Batch(records=[], finished=[ended(begun)], report=report(writer_id)))

    assert back == [("pending", None, None), ("retrying", None, None)]
    assert closed_again == ABANDONED
    assert outcome(each_database_url, begun) == ("success", None, {"ok": True})
    assert outcome(each_database_url, retried)[0] == "retrying"


def test_what_was_closed_may_be_finished_by_whoever_knows_its_end(
    each_database_url: str, writer_url: str, open_sink: Any
) -> None:
    # Such as the next process, which finds the end in the spool of the one that died.
    begun = record(status="pending")
    sink = open_sink(writer_url)
    sink.write(Batch(records=[begun], report=report(uuid.uuid4())))
    silence(each_database_url, 11)
    sink.maintain()

    sink.write(Batch(records=[], finished=[ended(begun)]))

    assert outcome(each_database_url, begun) == ("success", None, {"ok": True})


def test_a_person_who_finishes_a_record_is_not_overruled(sink: PostgresSink, database_url: str) -> None:
    begun = record(status="pending")
    sink.write(Batch(records=[begun], report=report(uuid.uuid4())))
    fetch(database_url, "update public.integration_logs set status = 'success'")
    silence(database_url, 11)

    sink.maintain()

    assert outcome(database_url, begun) == ("success", None, None)
    assert fetch(database_url, "select log_id from integration_monitor.pending") == []


def test_what_is_being_finished_at_this_moment_is_left_alone(sink: PostgresSink, database_url: str) -> None:
    begun = record(status="pending")
    sink.write(Batch(records=[begun], report=report(uuid.uuid4())))
    silence(database_url, 11)
    with psycopg.connect(database_url) as other:
        other.execute("select from public.integration_logs for update")
        sink.maintain()
        meanwhile = outcome(database_url, begun)

    sink.maintain()

    assert meanwhile == ("pending", None, None)
    assert outcome(database_url, begun) == ABANDONED


def test_closing_never_waits_for_whoever_is_about_to_finish(sink: PostgresSink, database_url: str) -> None:
    begun = record(status="pending")
    sink.write(Batch(records=[begun], report=report(uuid.uuid4())))
    silence(database_url, 11)
    with psycopg.connect(database_url) as other:
        other.execute("select integration_monitor.reopen_logs(array[%s])", (begun.id,))
        sink.maintain()
        other.execute("update public.integration_logs set status = 'success' where id = %s", (begun.id,))

    assert outcome(database_url, begun) == ("success", None, None)


def test_an_end_counts_though_its_beginning_is_committed_meanwhile(sink: PostgresSink, database_url: str) -> None:
    begun = record(status="pending")
    finished = threading.Thread(target=lambda: sink.write(Batch(records=[], finished=[ended(begun)])))
    with psycopg.connect(database_url) as given_up:
        given_up.execute(
            "insert into public.integration_logs (id, service_name, action, status, created_at, updated_at)"
            " values (%s, 'test', 'test', 'pending', %s, %s)",
            (begun.id, begun.created_at, begun.updated_at),
        )
        finished.start()
        while not fetch(database_url, "select pid from pg_locks where not granted"):
            assert finished.is_alive()
    finished.join()

    assert outcome(database_url, begun)[0] == "success"


def test_a_batch_is_written_though_closing_fails(sink: PostgresSink, database_url: str) -> None:
    sink.write(Batch(records=[record(status="pending")], report=report(uuid.uuid4())))
    silence(database_url, 11)
    fetch(
        database_url,
        "alter table public.integration_logs add constraint no_abandoned check (error_code <> 'ABANDONED') not valid",
    )

    sink.write(Batch(records=[record()], report=report(uuid.uuid4(), written=1)))

    assert len(stored(database_url)) == 2
    assert fetch(database_url, "select sum(written) from integration_monitor.writers") == [(1,)]


def test_processes_of_long_ago_are_forgotten(sink: PostgresSink, database_url: str) -> None:
    sink.write(Batch(records=[record(status="pending")], report=report(uuid.uuid4())))
    silence(database_url, 91 * 24 * 60)

    sink.maintain()

    assert fetch(database_url, "select from integration_monitor.writers") == []
    assert fetch(database_url, "select from integration_monitor.pending") == []


def test_a_gap_is_what_was_taken_and_is_nowhere(sink: PostgresSink, database_url: str) -> None:
    complete = {"taken": 10, "written": 5, "ignored": 1, "spooled": 1, "dropped": {"queue_full": 2}, "dead_lettered": 1}
    died, at_work = uuid.uuid4(), uuid.uuid4()
    sink.write(Batch(records=[], report=report(uuid.uuid4(), **complete, is_final=True)))
    sink.write(Batch(records=[], report=report(died, **{**complete, "taken": 17})))
    silence(database_url, 11)
    sink.write(Batch(records=[], report=report(at_work, taken=3)))

    gaps = list_gaps(database_url)
    sink.write(Batch(records=[], report=report(at_work, taken=3, is_final=True)))

    assert [(gap.writer_id, gap.missing, gap.is_ended, gap.host, gap.pid) for gap in gaps] == [(died, 7, False, "web-1", 42)]
    assert [(gap.writer_id, gap.missing, gap.is_ended) for gap in list_gaps(database_url)] == [
        (at_work, 3, True),
        (died, 7, False),
    ]


def test_statistics_may_read_who_writes(postgres_server: Server, sink: PostgresSink, database_url: str) -> None:
    sink.write(Batch(records=[], report=report(uuid.uuid4(), taken=1, is_final=True)))
    postgres_server.execute("drop role if exists analyst; create role analyst login in role integration_monitor_statistics")
    name = str(psycopg.conninfo.conninfo_to_dict(database_url)["dbname"])

    gaps = list_gaps(postgres_server.url(name, user="analyst"))

    assert [gap.missing for gap in gaps] == [1]


def test_many_writers_of_the_same_records_never_wait_in_a_circle(each_database_url: str, writer_url: str, open_sink: Any) -> None:
    # As when a session that was given up is still at work, and the same batch comes again, cut otherwise.
    records = [record(status="pending") for _ in range(200)] + [record(id=uuid.uuid4()) for _ in range(50)]
    failures: list[BaseException] = []

    def work(sink: PostgresSink, order: random.Random) -> None:
        try:
            for _ in range(15):
                chosen = order.sample(records, 150)
                finished = [ended(one) for one in order.sample(chosen, 50)]
                sink.write(Batch(records=chosen, finished=finished, report=report(uuid.uuid4())))
        except BaseException as error:  # noqa: BLE001 -- told below, on the main thread
            failures.append(error)

    urls = [each_database_url, writer_url] * 2
    threads = [threading.Thread(target=work, args=(open_sink(url), random.Random(number))) for number, url in enumerate(urls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(stored(each_database_url)) == len({one.id for one in stored(each_database_url)})
