"""Incidents over HTTP: listed, acknowledged once, audited; and shown to nobody who may not see every record."""

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from integration_monitor.cli.application import build
from integration_monitor.settings import variable
from integration_monitor.simulators.server import SimulatedVendors
from tests.integration.batches import fetch
from tests.integration.conftest import Bearer, Client, MakeClient, MakeToken
from tests.integration.receiver import PATIENCE_S, Receiver

PATH = "/api/admin/integrations/monitoring/incidents"
NOW = datetime.now(UTC).replace(microsecond=0)


def add_incident(database_url: str, **fields: Any) -> uuid.UUID:
    """An incident of telegram that began an hour ago."""
    began = NOW - timedelta(hours=1)
    incident = {
        "kind": "service_state",
        "subject": "telegram",
        "severity": "down",
        "summary": "telegram is down: 9 of 12 calls failed",
        "suspected_at": began,
        "observed_at": began,
        "since_at": began,
        "began_at": began,
        "ended_at": None,
        **fields,
    }
    names = ", ".join(incident)
    with psycopg.connect(database_url, autocommit=True) as connection:
        row = connection.execute(
            f"insert into integration_monitor.incidents ({names}) values ({', '.join(['%s'] * len(incident))}) returning id".encode(),
            list(incident.values()),
        ).fetchone()
    assert row is not None
    return uuid.UUID(str(row[0]))


def add_ended(database_url: str, count: int) -> None:
    for number in range(count):
        at = NOW - timedelta(days=1, minutes=number)
        add_incident(database_url, began_at=at, ended_at=at, subject="amocrm")


def test_incidents_are_listed_newest_first(client: Client, bearer: Bearer, database_url: str) -> None:
    incident = add_incident(database_url)
    add_ended(database_url, 1)
    add_incident(database_url, kind="service_silent", severity="silent", began_at=None)

    listed = client.get(PATH, headers=bearer()).json()["data"]

    assert [one["service_name"] for one in listed] == ["telegram", "amocrm"]
    assert listed[0] == {
        "id": str(incident),
        "kind": "service_state",
        "service_name": "telegram",
        "severity": "down",
        "summary": "telegram is down: 9 of 12 calls failed",
        "facts": {},
        "since_at": f"{NOW - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
        "began_at": f"{NOW - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
        "ended_at": None,
        "acknowledged_at": None,
        "acknowledged_by": None,
        "notifications": [],
    }


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"state": "open"}, ["telegram"]),
        ({"state": "ended"}, ["amocrm"]),
        ({"service": "amocrm"}, ["amocrm"]),
        ({"service": "x"}, []),
    ],
)
def test_incidents_are_narrowed(
    client: Client, bearer: Bearer, database_url: str, parameters: dict[str, str], expected: list[str]
) -> None:
    add_incident(database_url)
    add_ended(database_url, 1)

    listed = client.get(PATH, headers=bearer(), params=parameters).json()["data"]

    assert [one["service_name"] for one in listed] == expected


def test_pages_follow_each_other(client: Client, bearer: Bearer, database_url: str) -> None:
    add_incident(database_url)
    add_ended(database_url, 4)

    def pages() -> Iterator[list[str]]:
        before: dict[str, str] = {}
        while True:
            page = client.get(PATH, headers=bearer(), params={"limit": 2, **before}).json()
            yield [one["id"] for one in page["data"]]
            if page["next"] is None:
                return
            before = {"before": page["next"]}

    found = list(pages())

    assert [len(page) for page in found] == [2, 2, 1]
    assert len({one for page in found for one in page}) == 5


def test_acknowledging_is_kept_once_and_audited_once(client: Client, bearer: Bearer, database_url: str) -> None:
    incident = add_incident(database_url)

    first = client.post(f"{PATH}/{incident}/acknowledge", headers=bearer(email="anna@school.test"))
    second = client.post(f"{PATH}/{incident}/acknowledge", headers=bearer(email="boris@school.test"))
    [listed] = client.get(PATH, headers=bearer()).json()["data"]

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert first.json()["acknowledged_by"] == "anna@school.test"
    assert (listed["acknowledged_by"], listed["ended_at"]) == ("anna@school.test", None)
    assert fetch(database_url, "select actor, act, subject from integration_monitor.audit") == [
        ("anna@school.test", "incident_acknowledged", str(incident))
    ]


@pytest.mark.parametrize("began_at", [None, NOW])
def test_what_is_no_incident_cannot_be_acknowledged(
    client: Client, bearer: Bearer, database_url: str, began_at: datetime | None
) -> None:
    suspicion = add_incident(database_url, began_at=began_at)
    identifier = suspicion if began_at is None else uuid.uuid4()

    answer = client.post(f"{PATH}/{identifier}/acknowledge", headers=bearer())

    assert (answer.status_code, answer.json()["code"]) == (404, "incident_missing")
    assert fetch(database_url, "select count(*) from integration_monitor.audit") == [(0,)]


def test_who_may_not_read_records_is_refused(client: Client, bearer: Bearer, database_url: str) -> None:
    incident = add_incident(database_url)
    statistics = bearer("integration_monitor_statistics")

    statuses = [
        client.get(PATH).status_code,
        client.post(f"{PATH}/{incident}/acknowledge").status_code,
        client.get(PATH, headers=statistics).status_code,
        client.post(f"{PATH}/{incident}/acknowledge", headers=statistics).status_code,
    ]

    assert statuses == [401, 401, 403, 403]


def test_a_reader_of_some_records_is_told_of_no_incident(client: Client, bearer: Bearer, database_url: str) -> None:
    incident = add_incident(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("drop policy integration_logs_read_authenticated on public.integration_logs")
        connection.execute(
            "create policy narrow on public.integration_logs for select to authenticated using (service_name = 'amocrm')"
        )

    statuses = [
        client.get(PATH, headers=bearer()).status_code,
        client.post(f"{PATH}/{incident}/acknowledge", headers=bearer()).status_code,
        client.get(PATH, headers=bearer("service_role")).status_code,
    ]

    assert statuses == [403, 403, 200]


def test_a_key_that_reads_acknowledges_nothing(client: Client, database_url: str) -> None:
    incident = add_incident(database_url)
    made = CliRunner().invoke(build(), ["keys", "create", "reader", "--scope", "read", "--database-url", database_url])
    header = {"authorization": f"Bearer {made.stdout.strip()}"}

    assert client.get(PATH, headers=header).status_code == 200
    assert client.post(f"{PATH}/{incident}/acknowledge", headers=header).status_code == 403


def test_the_page_of_another_site_acknowledges_nothing(client: Client, make_token: MakeToken, database_url: str) -> None:
    path = f"{PATH}/{add_incident(database_url)}/acknowledge"
    client.post("/sign-in", data={"token": make_token()}, headers={"accept": "text/html"}, follow_redirects=False)

    other = client.post(path, headers={"origin": "https://evil.test", "sec-fetch-site": "cross-site"})
    own = client.post(path, headers={"sec-fetch-site": "same-origin"})

    assert (other.status_code, own.status_code) == (403, 200)


def test_the_running_server_tells_by_itself(make_client: MakeClient, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real tasks of a real application, and the real clock: a loss needs no patience."""
    receiver = Receiver()
    monkeypatch.setattr("integration_monitor.server.watch.ROUND_CHECK_S", 0.05)
    monkeypatch.setattr("integration_monitor.server.watch.DELIVER_CHECK_S", 0.05)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into integration_monitor.writers (writer_id, host, pid, started_at, heartbeat_at, taken, dropped) "
            "values (gen_random_uuid(), 'web-1', 42, now(), now(), 3, 3)"
        )

    make_client(alerts_urls=[receiver.url])
    receiver.wait_for(1)
    receiver.stop()

    assert receiver.titles == ["Records are being lost"]


def test_the_running_server_probes_what_has_credentials(
    make_client: MakeClient, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integration_monitor.server.watch.PROBE_CHECK_S", 0.05)
    seen = "select subject, (seen ->> 'failures')::integer from integration_monitor.observations where kind = 'probe' and seen <> '{}'"

    with SimulatedVendors() as vendors:
        make_client(
            telegram_bot_token="123456789:AAPLANTEDtoken_f3Kq81LmZx07VwTb52Rn",
            service_hosts={host: name for host, name in vendors.service_hosts.items() if name == "telegram"},
            probe_urls={"telegram": vendors.base_urls["telegram"]},
        )
        deadline = time.monotonic() + PATIENCE_S
        while not (probed := fetch(database_url, seen)):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    assert probed == [("telegram", 0)]
    assert fetch(database_url, "select count(*) from public.integration_logs") == [(0,)]


def test_the_command_tells_what_became_of_each_message(monkeypatch: pytest.MonkeyPatch) -> None:
    receiver, refusing = Receiver(), Receiver()
    refusing.status = 500
    monkeypatch.setenv(variable("alerts_urls"), receiver.url)
    monkeypatch.setenv(variable("alerts_routes"), f"amocrm={refusing.url} {receiver.url}")

    done = CliRunner().invoke(build(), ["alerts", "test"])
    receiver.stop()
    refusing.stop()

    assert receiver.titles == ["Integration Monitor: a test"]
    assert done.exit_code == 1
    lines = [line for line in done.stdout.splitlines() if "json:" in line]
    assert ["sent" in line for line in lines] == [True, False]
    assert "refused" in done.stdout
    assert "PLANTED" not in done.output


def test_the_command_says_where_nobody_is_told() -> None:
    done = CliRunner().invoke(build(), ["alerts", "test"])

    assert done.exit_code == 1
    assert "INTEGRATION_MONITOR_ALERTS_URLS" in done.stderr
