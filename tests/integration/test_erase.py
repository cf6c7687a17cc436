"""Erasure: the payloads of one person are emptied, everything else stays as it is and counts as it did."""

import json
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from integration_monitor.cli import main
from integration_monitor.errors import PermissionRefused, SettingsError
from integration_monitor.record import entity_uuid
from integration_monitor.store.postgres import erasure
from integration_monitor.store.postgres.erasure import Subject, entity_subject, erase, value_subject
from tests.conftest import Server
from tests.integration.recount import Connection, assert_exact, read

PHONE = "+7 (701) 555-01-23"
EMAIL = "Planted.Person@example.com"


@pytest.fixture
def connection(each_database_url: str) -> Iterator[Connection]:
    with psycopg.connect(each_database_url, autocommit=True) as connection:
        yield connection


def add(connection: Connection, **fields: Any) -> uuid.UUID:
    """A failed record; keyword arguments are columns, and payloads are written as JSON."""
    log = {"service_name": "whapi", "action": "send_text", "status": "failed", "duration_ms": 70, **fields}
    log["id"] = uuid.uuid4()
    values = [json.dumps(value) if name.endswith("_payload") and value is not None else value for name, value in log.items()]
    places = ", ".join(["%s"] * len(log))
    connection.execute(f"insert into public.integration_logs ({', '.join(log)}) values ({places})".encode(), values)
    return uuid.UUID(str(log["id"]))


def payloads(connection: Connection, record_id: uuid.UUID) -> tuple[Any, ...]:
    row = connection.execute(
        "select request_payload, response_payload, error_message from public.integration_logs where id = %s", [record_id]
    ).fetchone()
    assert row is not None
    return row


def run_to_the_end(database_url: str, subject: Subject, *, is_dry: bool = False) -> erasure.Erasure:
    *_, done = erase(database_url, subject, actor="somebody@here", is_dry=is_dry)
    return done


def audit(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute("select actor, act, subject, details from integration_monitor.audit order by id").fetchall()


def test_an_entity_is_emptied_and_no_other(connection: Connection, each_database_url: str) -> None:
    person = {"related_entity_type": "lead", "related_entity_id": entity_uuid("lead", 123)}
    request = {"body": {"name": "Planted"}, "entity": {"type": "lead", "id": "123"}}
    mine = add(
        connection,
        **person,
        request_payload=request,
        response_payload={"status_code": 400, "fault": "recipient", "body": {"name": "Planted"}},
        error_message="Planted is unknown",
    )
    bare = add(connection, **person)
    other = add(connection, request_payload=request, related_entity_type="contact", related_entity_id=entity_uuid("lead", 123))

    done = run_to_the_end(each_database_url, entity_subject("lead:123"))

    assert (done.found_count, done.erased_count) == (2, 2)
    assert payloads(connection, mine) == (
        {"erased": True},
        {"erased": True, "fault": "recipient", "status_code": 400},
        "erased",
    )
    assert payloads(connection, bare) == (None, None, None)
    assert payloads(connection, other) == (request, None, None)


def test_statistics_do_not_change(connection: Connection, each_database_url: str) -> None:
    for number, fault in enumerate(["vendor", "recipient", "unclassified", None, "made up", 7]):
        add(
            connection,
            duration_ms=number,
            error_code="E",
            request_payload={"to": EMAIL},
            response_payload={"fault": fault},
            created_at=datetime.now(UTC) - timedelta(days=number),
        )
    add(connection, request_payload={"to": EMAIL}, response_payload=[EMAIL])
    for number in range(3):
        add(connection, status="success", duration_ms=number, request_payload={"to": EMAIL}, response_payload={"body": EMAIL})
    before = read(connection)

    done = run_to_the_end(each_database_url, value_subject(EMAIL))

    assert done.erased_count == 10
    # Not even a change that comes to nothing.
    assert connection.execute("select count(*) from integration_monitor.statistics_changes where sign < 0").fetchone() == (0,)
    assert read(connection) == before
    assert_exact(connection)
    connection.execute("select integration_monitor.compact_statistics()")
    assert read(connection) == before
    found = connection.execute("select count(*) from public.integration_logs as log where log::text ~* 'planted'").fetchone()
    assert found == (0,)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (PHONE, "77015550123"),
        (PHONE, "+7 701 555 01 23"),
        (PHONE, "tel:+7-701-555-01-23."),
        ("77015550123", "https://api.example.com/?to=%2B7701%205550123&x=1"),
        ("77015550123", "phone=77015550123@c.us"),
        ("77015550123", "line\n77015550123\nline"),
        (EMAIL, "planted.person@EXAMPLE.com"),
        (EMAIL, "write to\tplanted.person@example.com."),
        (EMAIL, "to=%22planted.person%40example.com%22"),
        (EMAIL, "<planted.person@example.com>, \nplanted.person@example.com"),
        (EMAIL, "to=planted%2Eperson%40example%2Ecom"),
        ("planted+tag_1%x@example.com", "mailto:planted%2Btag_1%25x%40example.com"),
        ("planted+tag_1%x@example.com", "planted+tag_1%x@example.com"),
        ("имя@пример.рф", "to=%D0%B8%D0%BC%D1%8F@%D0%BF%D1%80%D0%B8%D0%BC%D0%B5%D1%80.%D1%80%D1%84"),
    ],
)
def test_a_value_is_found_however_it_is_written(database_url: str, value: str, text: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        records = [
            add(connection, request_payload={"body": {"deep": [text]}}),
            add(connection, response_payload={"body": text}),
            add(connection, response_payload={"body": "kept"}, error_message=f"refused: {text}"),
        ]

        done = run_to_the_end(database_url, value_subject(value))

        assert done.erased_count == 3
        assert [payloads(connection, record) for record in records] == [
            ({"erased": True}, None, None),
            (None, {"erased": True}, None),
            (None, {"erased": True}, "erased"),
        ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (PHONE, "177015550123"),
        (PHONE, "770155501234"),
        (PHONE, "7701555012"),
        (EMAIL, "un.planted.person@example.com"),
        (EMAIL, "planted.person@example.com.kz"),
        (EMAIL, "planted.person@example.community"),
        (EMAIL, "plantedxperson@example.com"),
        ("7701555", "77015550123"),
        ("planted_person@example.com", "plantedxperson@example.com"),
        ("planted%@example.com", "planted.person@example.com"),
        ("planted*@example.com", "planteddd@example.com"),
    ],
)
def test_others_are_left_alone(database_url: str, value: str, text: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        add(connection, request_payload={"body": text}, error_message=text)

        assert run_to_the_end(database_url, value_subject(value)).found_count == 0


def test_a_number_that_json_holds_as_a_number_is_found(connection: Connection, each_database_url: str) -> None:
    record = add(connection, request_payload={"to": 77015550123}, error_message="other words")

    run_to_the_end(each_database_url, value_subject(PHONE))

    assert payloads(connection, record) == ({"erased": True}, None, "other words")


def test_the_audit_tells_that_it_was_done_and_not_whose_value_it_was(connection: Connection, each_database_url: str) -> None:
    add(connection, request_payload={"to": EMAIL})

    run_to_the_end(each_database_url, value_subject(EMAIL))
    run_to_the_end(each_database_url, entity_subject("lead:123"))

    rows = audit(connection)
    assert [(actor, act, details) for actor, act, _, details in rows] == [
        ("somebody@here", "erasure_begun", {}),
        ("somebody@here", "erasure_done", {"records": 1, "incidents": 0}),
        ("somebody@here", "erasure_begun", {}),
        ("somebody@here", "erasure_done", {"records": 0, "incidents": 0}),
    ]
    assert rows[0][2] == rows[1][2] == value_subject(EMAIL.lower()).told
    assert "planted" not in str(rows).lower()
    assert rows[2][2] == f"entity lead {entity_uuid('lead', 123)}"


@pytest.mark.parametrize("subject", [value_subject(EMAIL), entity_subject("lead:123")], ids=["value", "entity"])
def test_incidents_and_their_messages_forget_the_person_too(database_url: str, subject: Subject) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        told = {
            "mine": (
                {"failed_count": 2, "entities": ["lead 123"], "error_message": f"no mailbox:\n{EMAIL}"},
                f"Entities: 1 (lead 123)\n{EMAIL}",
            ),
            "other": ({"failed_count": 2, "entities": ["lead 1234"], "error_message": "none"}, "Entities: 1 (lead 1234)"),
        }
        for name, (facts, body) in told.items():
            connection.execute(
                "with incident as (insert into integration_monitor.incidents"
                "     (kind, subject, severity, summary, facts, suspected_at, observed_at, since_at, began_at)"
                "     values ('service_state', %s, 'down', 'resend is down', %s, now(), now(), now(), now()) returning id)"
                " insert into integration_monitor.notifications (incident_id, phase, target, title, body, created_at, due_at)"
                " select id, 'began', 'tgram', 'resend is down', %s, now(), now() from incident",
                [name, json.dumps(facts), body],
            )
        kept = (
            "select incident.subject, incident.facts, incident.summary, message.title, message.body"
            "  from integration_monitor.incidents as incident"
            "  join integration_monitor.notifications as message on message.incident_id = incident.id order by 1"
        )

        dry = run_to_the_end(database_url, subject, is_dry=True)
        before = connection.execute(kept).fetchall()
        wet = run_to_the_end(database_url, subject)

        assert (dry.incident_count, wet.incident_count) == (1, 1)
        assert [(name, facts, body) for name, facts, _, _, body in before] == [(name, *told[name]) for name in ("mine", "other")]
        assert connection.execute(kept).fetchall() == [
            ("mine", {"failed_count": 2}, "resend is down", "resend is down", "erased"),
            ("other", told["other"][0], "resend is down", "resend is down", told["other"][1]),
        ]
        assert audit(connection)[-1][3] == {"records": 0, "incidents": 1}


def test_a_dry_run_counts_and_writes_nothing(connection: Connection, each_database_url: str) -> None:
    record = add(connection, request_payload={"to": EMAIL})

    done = run_to_the_end(each_database_url, value_subject(EMAIL), is_dry=True)

    assert (done.found_count, done.erased_count) == (1, 0)
    assert payloads(connection, record)[0] == {"to": EMAIL}
    assert audit(connection) == []


def test_it_goes_step_by_step_over_all_records(
    connection: Connection, each_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of one time, some of no calendar's time: none is passed over, none is counted twice."""
    monkeypatch.setattr(erasure, "RECORDS_MAX", 3)
    for number in range(10):
        add(connection, request_payload={"to": EMAIL if number % 2 else "nobody"}, created_at="2026-01-01T00:00:00Z")
    for created_at in ("-infinity", "infinity", "2020-02-29T12:00:00Z"):
        add(connection, request_payload={"to": EMAIL}, created_at=created_at)

    steps = list(erase(each_database_url, value_subject(EMAIL), actor="a", is_dry=False))

    assert [step.read_count for step in steps] == [3, 6, 9, 12, 13]
    assert steps[-1].erased_count == 8


def test_a_writer_that_holds_a_record_is_waited_for(
    connection: Connection, each_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "LOCK_TIMEOUT_MS", 50)
    monkeypatch.setattr(erasure, "ATTEMPT_PAUSE_S", 0.01)
    record = add(connection, status="pending", request_payload={"to": EMAIL})
    writer = psycopg.connect(each_database_url)
    writer.execute("update public.integration_logs set status = 'success' where id = %s", [record])
    pauses: list[float] = []

    def finish(seconds: float) -> None:
        pauses.append(seconds)
        writer.commit()

    monkeypatch.setattr("integration_monitor.store.postgres.erasure.time.sleep", finish)

    done = run_to_the_end(each_database_url, value_subject(EMAIL))
    writer.close()

    assert (done.found_count, done.erased_count, len(pauses)) == (1, 1, 1)
    assert connection.execute("select status, request_payload from public.integration_logs").fetchall() == [
        ("success", {"erased": True})
    ]


def test_who_may_not_read_payloads_may_not_erase(postgres_server: Server, database_url: str) -> None:
    postgres_server.execute("drop role if exists erasing; create role erasing login in role integration_monitor_writer")
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]

    with pytest.raises(PermissionRefused):
        run_to_the_end(postgres_server.url(str(name), user="erasing"), value_subject(EMAIL))


def test_who_sees_some_of_the_records_may_not_erase(postgres_server: Server, database_url: str) -> None:
    """It would find nothing, and say that there is nothing."""
    name = str(psycopg.conninfo.conninfo_to_dict(database_url)["dbname"])
    with psycopg.connect(database_url, autocommit=True) as connection:
        record = add(connection, request_payload={"to": EMAIL})
        connection.execute("drop role if exists narrowed; create role narrowed login")
        try:
            connection.execute("grant select, update on public.integration_logs to narrowed")
            connection.execute("grant usage on schema integration_monitor to narrowed")
            connection.execute("grant insert on integration_monitor.audit to narrowed")

            with pytest.raises(PermissionRefused, match="service_role"):
                run_to_the_end(postgres_server.url(name, user="narrowed"), value_subject(EMAIL))
        finally:
            connection.execute("drop owned by narrowed; drop role narrowed")

        assert payloads(connection, record)[0] == {"to": EMAIL}
        assert audit(connection) == []


def test_a_member_of_service_role_may_erase(postgres_server: Server, database_url: str) -> None:
    name = str(psycopg.conninfo.conninfo_to_dict(database_url)["dbname"])
    with psycopg.connect(database_url, autocommit=True) as connection:
        record = add(connection, request_payload={"to": EMAIL})
        connection.execute("drop role if exists keeper; create role keeper login in role service_role")
        try:
            done = run_to_the_end(postgres_server.url(name, user="keeper"), value_subject(EMAIL))
        finally:
            connection.execute("drop role keeper")

        assert done.erased_count == 1
        assert payloads(connection, record)[0] == {"erased": True}


@pytest.mark.parametrize("text", ["", "Planted Person", "12345", "a@b", "+7 701 x"])
def test_a_value_that_is_neither_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="neither"):
        value_subject(text)


@pytest.mark.parametrize("text", ["lead", "lead:", ":123"])
def test_an_entity_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="type:id"):
        entity_subject(text)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[object, str]]:
    """Runs the command line, and gives its exit code and what it printed."""

    def run(*arguments: str) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["integration-monitor", *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        printed = capsys.readouterr()
        return caught.value.code or 0, printed.out + printed.err

    return run


def test_the_command_counts_first_and_then_erases(run: Callable[..., tuple[object, str]], database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        add(connection, request_payload={"to": EMAIL})

    dry = run("erase", "--value", EMAIL, "--dry-run", "--database-url", database_url)
    wet = run("erase", "--value", EMAIL, "--database-url", database_url)
    again = run("erase", "--value", EMAIL, "--dry-run", "--database-url", database_url)

    assert (dry[0], wet[0], again[0]) == (0, 0, 0)
    assert "1 records would be emptied" in dry[1]
    assert "1 records emptied" in wet[1]
    assert "0 records would be emptied" in again[1]
    with psycopg.connect(database_url) as connection:
        assert "command line" in audit(connection)[0][0]


@pytest.mark.parametrize("arguments", [[], ["--value", EMAIL, "--entity", "lead:1"]])
def test_the_command_wants_one_of_both(run: Callable[..., tuple[object, str]], arguments: list[str]) -> None:
    code, printed = run("erase", *arguments)

    assert code == 2
    assert "give either" in printed
