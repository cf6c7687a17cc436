"""An outage is told once when it begins and once when it ends: by the real rules, on a real database, to a real receiver."""

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from psycopg.types.json import Jsonb

from integration_monitor.probing import Probed
from tests.integration.conftest import write_log
from tests.integration.receiver import Receiver
from tests.integration.watching import Scene, scene

OPEN = "select count(*) from integration_monitor.incidents where ended_at is null"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def watched(database_url: str) -> Iterator[Scene]:
    with scene(database_url) as opened:
        yield opened


def test_an_outage_is_one_message_and_its_end_another(watched: Scene, receiver: Receiver) -> None:
    watched.add_server(alerts_urls=[receiver.url], public_url="https://monitor.test")
    watched.live(minutes=5, succeeded=4)

    watched.live(minutes=8, failed=4)
    told_meanwhile = list(receiver.titles)
    watched.live(minutes=23, succeeded=6)

    assert told_meanwhile == ["telegram is degraded"]
    assert receiver.titles == ["telegram is degraded", "telegram works again"]
    assert [message["type"] for message in receiver.messages] == ["failure", "success"]
    assert watched.fetch("select severity, ended_at is not null from integration_monitor.incidents") == [("down", True)]


def test_the_message_tells_what_since_when_whom_why_and_where(watched: Scene, receiver: Receiver) -> None:
    watched.add_server(
        alerts_urls=[receiver.url], public_url="https://monitor.test", alerts_time_zone="Asia/Almaty", alerts_after_s=30
    )
    began = watched.clock.now
    for lead in (17, 18, 17):
        write_log(
            watched.connection,
            service_name="amocrm",
            status="failed",
            fault="auth",
            error_code="401",
            error_message="Unauthorized\nLead gone",
            created_at=began,
            request_payload={"entity": {"type": "lead", "id": lead}, "body": {"name": "PLANTED payload"}},
        )
    watched.connection.execute(
        "update public.integration_logs set related_entity_type = 'lead', "
        "related_entity_id = md5(request_payload #>> '{entity,id}')::uuid"
    )

    watched.look()
    watched.look()

    [message] = receiver.messages
    [identifier] = watched.fetch("select id from integration_monitor.incidents")[0]
    assert message["title"] == "amocrm is down"
    assert message["message"].splitlines() == [
        "amocrm is down: 3 of 3 calls of the last ones failed (100 %).",
        f"Since: {began + timedelta(hours=5):%Y-%m-%d %H:%M} Asia/Almaty",
        "From then on: 3 of 3 calls failed",
        "Whom it hurts: 3 failed calls (sync_lead 3)",
        message["message"].splitlines()[4],
        "What the vendor said: 401 Unauthorized Lead gone (3 of 3)",
        "Whose fault: auth: key, token, rights or balance; for whoever holds the account",
        "Dashboard: https://monitor.test",
        f"Incident {identifier}, began",
    ]
    assert re.fullmatch(r"Entities: 2 \(lead 1[78], lead 1[78]\)", message["message"].splitlines()[4])
    assert "PLANTED" not in str(message)


def test_two_servers_tell_it_once(watched: Scene, receiver: Receiver) -> None:
    for _ in range(2):
        watched.add_server(alerts_urls=[receiver.url])

    watched.live(minutes=4, failed=3)
    watched.live(minutes=23, succeeded=5)

    assert receiver.titles == ["telegram is down", "telegram works again"]


def test_trouble_that_does_not_hold_is_not_told(watched: Scene, receiver: Receiver) -> None:
    watched.add_server(alerts_urls=[receiver.url], alerts_after_s=240)
    watched.call("telegram", succeeded=10)

    for _ in range(3):
        watched.call("telegram", failed=3)
        watched.live(minutes=2)
        watched.call("telegram", succeeded=60)
        watched.look()

    assert receiver.messages == []
    assert watched.fetch(OPEN) == [(0,)]


def test_a_service_between_good_and_bad_is_one_incident(watched: Scene, receiver: Receiver) -> None:
    watched.add_server(alerts_urls=[receiver.url])
    watched.live(minutes=4, failed=1, succeeded=10)

    # Around 5 %, up and down.
    for _ in range(7):
        watched.live(minutes=2, succeeded=15)
        watched.live(minutes=1, failed=2, succeeded=20)

    assert receiver.titles == ["telegram is degraded"]
    assert watched.fetch("select count(*) from integration_monitor.incidents") == [(1,)]


def test_one_failure_alone_is_no_incident(watched: Scene, receiver: Receiver) -> None:
    watched.add_server(alerts_urls=[receiver.url])
    watched.call("telegram", succeeded=3, failed=1)

    watched.live(minutes=4)

    assert receiver.messages == []


def test_failures_that_excuse_the_service_are_no_incident(watched: Scene, receiver: Receiver) -> None:
    watched.add_server(alerts_urls=[receiver.url])
    watched.call("telegram", failed=10, fault="recipient")

    watched.live(minutes=4)

    assert receiver.messages == []


def test_quiet_hours_hold_a_message_until_they_end(watched: Scene, receiver: Receiver) -> None:
    now = watched.clock.now
    quiet = f"{now:%H:%M}-{now + timedelta(minutes=10):%H:%M}"
    watched.add_server(alerts_urls=[receiver.url], alerts_quiet_hours=quiet)

    watched.live(minutes=9, failed=1)
    told_in_quiet = list(receiver.titles)
    watched.live(minutes=2, failed=1)

    assert told_in_quiet == []
    assert receiver.titles == ["telegram is down"]


def test_what_began_and_ended_in_quiet_hours_is_one_message_after_them(watched: Scene, receiver: Receiver) -> None:
    now = watched.clock.now
    quiet = f"{now:%H:%M}-{now + timedelta(minutes=30):%H:%M}"
    watched.add_server(alerts_urls=[receiver.url], alerts_quiet_hours=quiet)

    watched.live(minutes=4, failed=2)
    watched.live(minutes=22, succeeded=4)
    told_in_quiet = list(receiver.titles)
    watched.look(minutes=5)

    assert told_in_quiet == []
    assert receiver.titles == ["telegram works again"]
    assert "Its beginning was not told: it lay in quiet hours." in receiver.messages[0]["message"]
    assert watched.fetch("select phase, state from integration_monitor.notifications order by phase") == [
        ("began", "superseded"),
        ("ended", "sent"),
    ]


def test_urgent_services_are_told_of_in_quiet_hours(watched: Scene, receiver: Receiver) -> None:
    watched.add_server(alerts_urls=[receiver.url], alerts_quiet_hours="00:00-23:59", alerts_urgent=["telegram"])

    for service in ("telegram", "amocrm"):
        watched.call(service, failed=5)
    watched.live(minutes=5)

    assert receiver.titles == ["telegram is down"]


def test_routes_send_a_service_elsewhere(watched: Scene, receiver: Receiver) -> None:
    other = Receiver()
    try:
        watched.add_server(alerts_urls=[receiver.url], alerts_routes={"amocrm": other.url})

        for service in ("telegram", "amocrm"):
            watched.call(service, failed=5)
        watched.live(minutes=5)
    finally:
        other.stop()

    assert receiver.titles == ["telegram is down"]
    assert other.titles == ["amocrm is down"]


def test_a_silent_service_is_told_once_and_once_when_it_is_called_again(watched: Scene, receiver: Receiver) -> None:
    now = watched.clock.now
    # Four weeks of a call a minute, and today until now. Older than two days they are counted by hours.
    for week in range(1, 5):
        for hour in range(-48, 6):
            write_many(watched, now - timedelta(weeks=week) + timedelta(hours=hour), 60)
    for minute in range(120):
        write_many(watched, now - timedelta(minutes=minute), 1)
    watched.add_server(alerts_urls=[receiver.url])

    watched.look(minutes=25)
    told_soon = list(receiver.titles)
    watched.look(minutes=15)
    told = list(receiver.titles)
    watched.live(minutes=10, succeeded=1)

    assert told_soon == []
    assert told == ["telegram is silent"]
    assert "no call, where the weeks before had 3" in receiver.messages[0]["message"]
    assert receiver.titles == ["telegram is silent", "telegram is no longer silent"]


def write_many(watched: Scene, at: object, count: int) -> None:
    watched.connection.execute(
        "insert into public.integration_logs (service_name, action, status, created_at) "
        "select 'telegram', 'send_message', 'success', %s from generate_series(1, %s)",
        [at, count],
    )


def write_writer(watched: Scene, **counts: int) -> uuid.UUID:
    """A process that reported just now."""
    writer_id = uuid.uuid4()
    watched.connection.execute(
        "insert into integration_monitor.writers (writer_id, host, pid, started_at, heartbeat_at) values (%s, 'web-1', 42, %s, %s)",
        [writer_id, watched.clock.now, watched.clock.now],
    )
    report(watched, writer_id, **counts)
    return writer_id


def report(watched: Scene, writer_id: uuid.UUID, **counts: int) -> None:
    watched.connection.execute(
        "update integration_monitor.writers as writer set heartbeat_at = %(now)s, taken = counts.taken, written = counts.written, "
        "spooled = counts.spooled, dropped = counts.dropped "
        "from jsonb_to_record(%(counts)s) as counts (taken bigint, written bigint, spooled bigint, dropped bigint) "
        "where writer.writer_id = %(id)s",
        {
            "now": watched.clock.now,
            "counts": Jsonb({"taken": 0, "written": 0, "spooled": 0, "dropped": 0, **counts}),
            "id": writer_id,
        },
    )


def test_a_writer_that_drops_is_told_once_however_much_it_drops(watched: Scene, receiver: Receiver) -> None:
    watched.add_server(alerts_urls=[receiver.url])
    writer = write_writer(watched, taken=100, written=100)
    watched.look()

    for dropped in range(10, 60, 10):
        report(watched, writer, taken=100 + dropped, written=100, dropped=dropped)
        watched.look()
    told = list(receiver.titles)
    watched.look(minutes=11)
    watched.look(minutes=5)

    assert told == ["Records are being lost"]
    assert "10 calls have no record" in receiver.messages[0]["message"]
    assert "web-1 (42)" in receiver.messages[0]["message"]
    assert receiver.titles == ["Records are being lost", "No more records are lost"]
    assert "What it was: 50 calls have no record" in receiver.messages[1]["message"]


def test_a_process_that_died_with_records_is_a_loss(watched: Scene, receiver: Receiver) -> None:
    watched.add_server(alerts_urls=[receiver.url])
    write_writer(watched, taken=107, written=100)

    watched.look()
    told_of_a_living_one = list(receiver.titles)
    watched.look(minutes=11)

    assert told_of_a_living_one == []
    assert receiver.titles == ["Records are being lost"]
    assert "7 calls have no record" in receiver.messages[0]["message"]


def test_a_writer_that_lags_is_told_when_it_lasts(watched: Scene, receiver: Receiver) -> None:
    watched.add_server(alerts_urls=[receiver.url])
    writer = write_writer(watched, taken=500, written=100, spooled=400)

    watched.look()
    watched.look(minutes=4)
    told_soon = list(receiver.titles)
    watched.look()
    told = list(receiver.titles)
    report(watched, writer, taken=500, written=500)
    watched.look()
    watched.look(minutes=5)

    assert told_soon == []
    assert told == ["Records wait to be written"]
    assert "400 on disk, on web-1 (42)" in receiver.messages[0]["message"]
    assert receiver.titles == ["Records wait to be written", "No records wait any more"]


def test_a_probe_is_told_of_when_it_failed_twice(watched: Scene, receiver: Receiver) -> None:
    watch = watched.add_server(alerts_urls=[receiver.url])
    interval = timedelta(minutes=5)
    failed = Probed(
        service_name="resend", state="failed", error_code="restricted_api_key", message="This key only sends", fault="auth"
    )

    def probe(probed: Probed) -> bool:
        """Whether it was due."""
        if not watched.run(watch.claim_probe("resend", interval=interval)):
            return False
        watched.run(watch.note_probe(probed, interval=interval))
        return True

    is_first_due = probe(failed)
    watched.look(minutes=0.5)
    told_of_one = list(receiver.titles)
    is_second_due_at_once = probe(failed)
    watched.look(minutes=0.5)
    is_second_due_soon = probe(failed)
    watched.look()
    told = list(receiver.titles)
    watched.look(minutes=5)
    probe(Probed(service_name="resend", state="healthy"))
    watched.look()
    watched.look(minutes=5)

    assert (is_first_due, is_second_due_at_once, is_second_due_soon) == (True, False, True)
    assert told_of_one == []
    assert told == ["resend fails its probe"]
    assert "What the vendor said: restricted_api_key This key only sends" in receiver.messages[0]["message"]
    assert receiver.titles == ["resend fails its probe", "resend no longer fails its probe"]


def test_incidents_without_a_receiver_are_kept(watched: Scene) -> None:
    watched.add_server()

    watched.live(minutes=5, failed=3)

    assert watched.fetch(OPEN) == [(1,)]
    assert watched.fetch("select count(*) from integration_monitor.notifications") == [(0,)]
