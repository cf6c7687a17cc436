"""The writing side: all or nothing, once each, and errors that say whether to try again."""

import dataclasses
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
import pytest

from integration_monitor.batch import Batch
from integration_monitor.errors import PermissionRefused, RecordsRefused, SettingsError, StoreError, StoreUnavailable
from integration_monitor.record import new_id
from integration_monitor.store.postgres.sink import PostgresSink
from tests.conftest import Server
from tests.integration.batches import record, stored


@pytest.fixture
def sink(database_url: str) -> Iterator[PostgresSink]:
    sink = PostgresSink(database_url)
    yield sink
    sink.close()


def end_sessions(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )


def test_a_batch_is_stored_as_it_is(each_database_url: str) -> None:
    moment = datetime.now(UTC)
    records = [
        record(
            status="failed",
            related_entity_type="lead",
            related_entity_id=uuid.uuid4(),
            request_payload={"method": "POST", "body": {"имя": "Анна", "n": [1, 2.5, None, True]}},
            response_payload={"fault": "vendor"},
            error_message="нет «связи»; 100 % — {не} шаблон %s",
            error_code="HTTP_502",
            duration_ms=1234,
            retry_count=2,
            created_at=moment - timedelta(seconds=5),
            updated_at=moment,
        ),
        record(),
    ]
    sink = PostgresSink(each_database_url)

    sink.write(Batch(records=records))
    sink.close()

    assert stored(each_database_url) == records


def test_a_large_batch_is_stored_whole(sink: PostgresSink, database_url: str) -> None:
    records = [record(request_payload={"number": number}) for number in range(1000)]

    sink.write(Batch(records=records))

    assert len(stored(database_url)) == 1000


def test_an_empty_batch_needs_no_database() -> None:
    sink = PostgresSink("postgresql://nobody@127.0.0.1:1/none")

    sink.write(Batch(records=[]))

    with pytest.raises(StoreUnavailable):
        sink.write(Batch(records=[record()]))


def test_a_batch_sent_again_changes_nothing(sink: PostgresSink, database_url: str) -> None:
    records = [record(), record()]

    sink.write(Batch(records=records))
    sink.write(Batch(records=[*records, record()]))
    sink.write(Batch(records=[records[0], records[0]]))

    assert len(stored(database_url)) == 3


def test_one_refused_record_keeps_the_whole_batch_out(sink: PostgresSink, database_url: str) -> None:
    with pytest.raises(RecordsRefused):
        sink.write(Batch(records=[record(), record(status="unknown")]))

    assert stored(database_url) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "unknown"},
        {"service_name": None},
        {"service_name": 5},
    ],
    ids=["no such status", "missing", "no text"],
)
def test_data_that_cannot_be_stored_is_refused_for_good(sink: PostgresSink, fields: dict[str, Any]) -> None:
    with pytest.raises(RecordsRefused):
        sink.write(Batch(records=[record(**fields)]))


def test_after_a_refusal_the_sink_goes_on(sink: PostgresSink, database_url: str) -> None:
    with pytest.raises(RecordsRefused):
        sink.write(Batch(records=[record(status="unknown")]))

    sink.write(Batch(records=[record()]))

    assert len(stored(database_url)) == 1


def test_no_payload_is_null_and_json_null_is_json(sink: PostgresSink, database_url: str) -> None:
    sink.write(Batch(records=[record(request_payload=None, response_payload=msgspec.Raw(b"null"))]))

    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "select request_payload is null, response_payload is null, jsonb_typeof(response_payload) from public.integration_logs"
        ).fetchone()
    assert row == (True, False, "null")


@pytest.mark.parametrize("payload", [0, False, "", [], {}, "text", 1.5], ids=repr)
def test_a_payload_may_be_any_json(sink: PostgresSink, database_url: str, payload: Any) -> None:
    sink.write(Batch(records=[record(request_payload=payload, response_payload=[payload])]))

    assert [(one.request_payload, one.response_payload) for one in stored(database_url)] == [(payload, [payload])]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"a": "x\x00y", "\x00": 1}, {"a": "x\ufffdy", "\ufffd": 1}),
        ({"a": "\x00\x00"}, {"a": "\ufffd\ufffd"}),
        ({"a": "\\u0000"}, {"a": "\\u0000"}),
        ({"a": "\\\x00"}, {"a": "\\\ufffd"}),
        ({"a": "\\\\u0000"}, {"a": "\\\\u0000"}),
        ({"a": "x\ud800y"}, {"a": "x?y"}),
        ({"a": 2**70}, {"a": 2**70}),
        ({"a": float("nan")}, {"a": None}),
        ({"a": "\ud800", "b": float("nan"), "c": float("-inf")}, {"a": "?", "b": None, "c": None}),
        ({"a": 2**70, "b": datetime(2026, 1, 2, tzinfo=UTC)}, {"a": 2**70, "b": "2026-01-02T00:00:00Z"}),
    ],
    ids=ascii,
)
def test_what_postgresql_cannot_hold_is_replaced(sink: PostgresSink, database_url: str, given: Any, kept: Any) -> None:
    sink.write(Batch(records=[record(request_payload=given)]))

    assert [one.request_payload for one in stored(database_url)] == [kept]


def test_texts_that_postgresql_cannot_hold_are_replaced(sink: PostgresSink, database_url: str) -> None:
    sink.write(Batch(records=[record(error_message="a\x00b\ud800c", error_code="\x00", action="\udfff")]))

    (one,) = stored(database_url)
    assert (one.error_message, one.error_code, one.action) == ("a\ufffdb?c", "\ufffd", "?")


def test_a_decimal_is_stored_as_msgspec_writes_it(sink: PostgresSink, database_url: str) -> None:
    sink.write(Batch(records=[record(request_payload={"a": Decimal("1.10")})]))

    assert [one.request_payload for one in stored(database_url)] == [{"a": "1.10"}]


def test_a_lost_connection_is_unavailable_and_made_again(sink: PostgresSink, database_url: str) -> None:
    sink.write(Batch(records=[record()]))
    end_sessions(database_url)

    with pytest.raises(StoreUnavailable):
        sink.write(Batch(records=[record()]))
    sink.write(Batch(records=[record()]))

    assert len(stored(database_url)) == 2


def test_a_database_that_is_away_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable):
        PostgresSink("postgresql://nobody@127.0.0.1:1/none").write(Batch(records=[record()]))


def test_a_table_that_somebody_holds_is_unavailable(
    sink: PostgresSink, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integration_monitor.store.postgres.sink.WRITE_LOCK_TIMEOUT_MS", 50)
    with psycopg.connect(database_url) as holder:
        holder.execute("lock table public.integration_logs in access exclusive mode")

        with pytest.raises(StoreUnavailable):
            sink.write(Batch(records=[record()]))
    sink.write(Batch(records=[record()]))

    assert len(stored(database_url)) == 1


def test_a_read_only_database_is_unavailable(database_url: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"alter database {name} set default_transaction_read_only to on".encode())
    sink = PostgresSink(database_url)

    with pytest.raises(StoreUnavailable):
        sink.write(Batch(records=[record()]))
    sink.close()


def test_a_login_that_may_not_write_is_refused(postgres_server: Server, database_url: str) -> None:
    postgres_server.execute("drop role if exists nobody_special; create role nobody_special login")
    name = str(psycopg.conninfo.conninfo_to_dict(database_url)["dbname"])
    sink = PostgresSink(postgres_server.url(name, user="nobody_special"))

    with pytest.raises(PermissionRefused):
        sink.write(Batch(records=[record()]))
    sink.close()


def test_the_writer_role_is_enough(postgres_server: Server, database_url: str) -> None:
    postgres_server.execute("drop role if exists application; create role application login in role integration_monitor_writer")
    name = str(psycopg.conninfo.conninfo_to_dict(database_url)["dbname"])
    sink = PostgresSink(postgres_server.url(name, user="application"))
    records = [record(request_payload={"a": 1}), record()]

    sink.write(Batch(records=records))
    sink.write(Batch(records=records))
    sink.maintain()
    sink.close()

    assert stored(database_url) == records


def test_a_database_that_was_never_migrated_says_what_to_run(empty_database_url: str) -> None:
    sink = PostgresSink(empty_database_url)

    with pytest.raises(StoreError, match="integration-monitor migrate") as caught:
        sink.write(Batch(records=[record()]))
    sink.close()

    assert type(caught.value) is StoreError


def test_the_older_unpartitioned_table_is_written_to_all_the_same(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(
            "create table public.integration_logs (id uuid primary key default gen_random_uuid(), service_name text not null,"
            " action text not null, status text not null, related_entity_type text, related_entity_id uuid, request_payload jsonb,"
            " response_payload jsonb, error_message text, error_code text, duration_ms integer, retry_count integer default 0,"
            " created_at timestamptz default now(), updated_at timestamptz default now())"
        )
    sink = PostgresSink(empty_database_url)
    records = [record(), record()]

    sink.write(Batch(records=records))
    sink.write(Batch(records=records))
    sink.close()

    assert stored(empty_database_url) == records


def test_an_id_that_tells_no_time_is_one_record_whatever_its_time(each_database_url: str) -> None:
    identifier, moment = uuid.uuid4(), datetime.now(UTC)
    sink = PostgresSink(each_database_url)

    sink.write(Batch(records=[record(id=identifier, created_at=moment - timedelta(days=9), action="first")]))
    sink.write(Batch(records=[record(id=identifier, created_at=moment), record(id=identifier), record()]))
    sink.close()

    assert [one.action for one in stored(each_database_url) if one.id == identifier] == ["first"]
    assert len(stored(each_database_url)) == 2


def test_an_id_of_another_time_is_one_record_too(sink: PostgresSink, database_url: str) -> None:
    moment = datetime.now(UTC)
    identifier = new_id(moment)

    sink.write(Batch(records=[record(id=identifier, created_at=moment)]))
    sink.write(Batch(records=[record(id=identifier, created_at=moment - timedelta(seconds=1))]))

    assert len(stored(database_url)) == 1


def test_rights_that_change_under_a_connection_are_noticed(postgres_server: Server, database_url: str) -> None:
    postgres_server.execute("drop role if exists turncoat; create role turncoat login superuser")
    name = str(psycopg.conninfo.conninfo_to_dict(database_url)["dbname"])
    sink = PostgresSink(postgres_server.url(name, user="turncoat"))
    sink.write(Batch(records=[record()]))
    # From now on row level security applies to it, and COPY is refused.
    postgres_server.execute("alter role turncoat nosuperuser; grant integration_monitor_writer to turncoat")

    sink.write(Batch(records=[record()]))
    sink.close()

    assert len(stored(database_url)) == 2


def test_a_session_is_left_as_it_was(sink: PostgresSink, database_url: str) -> None:
    # A transaction pooler hands the session to somebody else.
    sink.write(Batch(records=[record()]))
    sink.maintain()

    assert sink._connection is not None
    row = sink._connection.execute(
        "select (select count(*) from pg_prepared_statements), current_setting('statement_timeout'), current_setting('lock_timeout'),"
        " (select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'advisory')"
    ).fetchone()
    assert row == (0, "0", "0", 0)


def test_the_urls_own_parameters_count(database_url: str) -> None:
    sink = PostgresSink(f"{database_url}&application_name=mine&connect_timeout=2")
    sink.write(Batch(records=[record()]))

    assert sink._connection is not None
    assert sink._connection.execute("select current_setting('application_name')").fetchone() == ("mine",)
    sink.close()


@pytest.mark.parametrize("url", ["not a url", "postgresql://u:hunter2@h/d?nonsense=1", "mysql://u:hunter2@h/d"])
def test_a_url_that_cannot_be_read_is_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        PostgresSink(url).write(Batch(records=[record()]))

    assert caught.value.name == "database_url"
    assert "hunter2" not in str(caught.value)


def test_an_error_quotes_no_row(sink: PostgresSink) -> None:
    with pytest.raises(RecordsRefused) as caught:
        sink.write(Batch(records=[record(status="unknown", error_message="private words")]))

    assert "private words" not in str(caught.value)


def test_dataclasses_are_written_as_objects(sink: PostgresSink, database_url: str) -> None:
    @dataclasses.dataclass
    class Lead:
        name: str

    sink.write(Batch(records=[record(request_payload=Lead(name="Анна"))]))

    assert [one.request_payload for one in stored(database_url)] == [{"name": "Анна"}]
