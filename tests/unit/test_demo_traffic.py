"""The stand-in company: the same past for the same seed, all of it past, every service in it."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import get_args

import pytest

from integration_monitor.demo import calls
from integration_monitor.demo.history import records
from integration_monitor.demo.traffic import ALMATY, HABITS, HISTORY, INCIDENTS, Incident, Moment, Service, business, live, past
from integration_monitor.record import IntegrationLog

# A Tuesday, in the middle of a school day in Almaty.
NOW = datetime(2026, 3, 24, 9, 17, 42, tzinfo=UTC)
SERVICES = set(get_args(Service))


def moments(now: datetime = NOW, seed: int = 20) -> list[Moment]:
    return list(past(now, random.Random(seed)))


def recorded(*, since: datetime, seed: int = 20) -> list[IntegrationLog]:
    return list(records(NOW, random.Random(seed), since=since))


@pytest.fixture(scope="module")
def month() -> list[Moment]:
    """The whole past, drawn once."""
    return moments()


def test_past_is_the_same_for_the_same_seed(month: list[Moment]) -> None:
    assert moments() == month
    assert moments(seed=21) != month


@pytest.mark.parametrize("now", [NOW, NOW.replace(minute=0, second=0), NOW.astimezone(ALMATY), NOW.replace(minute=59, second=59)])
def test_past_is_past_and_no_older_than_thirty_days(now: datetime) -> None:
    times = [moment.at for moment in moments(now)]

    assert max(times) <= now
    assert min(times) >= now - HISTORY
    assert all(earlier <= later for earlier, later in pairwise(times))


def test_every_service_is_called_on_every_day(month: list[Moment]) -> None:
    days = Counter((moment.service, (NOW - moment.at).days) for moment in month)

    assert set(days) == {(service, day) for service in SERVICES for day in range(HISTORY.days)}


def test_every_call_and_every_trouble_happens(month: list[Moment]) -> None:
    happened = {(moment.service, moment.call) for moment in month}
    endings = {(moment.service, moment.ending) for moment in month}

    assert happened == {(service, call) for service, habit in HABITS.items() for call in habit.calls}
    assert endings >= {(service, ending) for service, habit in HABITS.items() for ending in habit.troubles}
    assert endings >= {(incident.service, incident.ending) for incident in INCIDENTS}


def test_most_calls_succeed(month: list[Moment]) -> None:
    failed = sum(moment.ending != "ok" for moment in month)

    assert 0.01 < failed / len(month) < 0.2


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: f"{incident.service} {incident.ending}")
def test_incident_makes_its_service_fail(incident: Incident, month: list[Moment]) -> None:
    began = NOW - incident.began_ago

    endings = [one.ending for one in month if one.service == incident.service and began <= one.at < began + incident.lasted]

    assert endings.count(incident.ending) >= incident.share / 2 * len(endings) > 0


def test_school_is_busier_by_day_than_by_night_and_on_working_days() -> None:
    tuesday, sunday = (datetime(2026, 3, day, 14, tzinfo=ALMATY) for day in (24, 29))

    assert business(tuesday) > business(tuesday - timedelta(hours=4)) > business(tuesday - timedelta(hours=11))
    assert business(tuesday) > business(sunday) > 0


def test_live_calls_are_of_now_and_of_all_services() -> None:
    generator = random.Random(20)

    drawn = [live(NOW, NOW - timedelta(minutes=5), generator) for _ in range(500)]

    assert {moment.at for moment in drawn} == {NOW}
    assert {moment.service for moment in drawn} == SERVICES


def test_records_are_the_same_for_the_same_seed() -> None:
    since = NOW - timedelta(days=1)

    first, second = ([told(record) for record in recorded(since=since)] for _ in range(2))

    assert first == second


def told(record: IntegrationLog) -> tuple[object, ...]:
    """All but what must differ: the id, and what the clock says meanwhile (updated_at, the end of a budget in the answer)."""
    return (
        *(record.created_at, record.service_name, record.action, record.status, record.error_code, record.error_message),
        *(record.related_entity_id, record.request_payload, record.duration_ms, record.retry_count),
    )


def test_records_are_of_all_services_and_never_of_the_future() -> None:
    since = NOW - timedelta(days=1)

    found = recorded(since=since)

    assert {record.service_name for record in found} == SERVICES
    assert {record.status for record in found} == {"success", "failed"}
    # A record's time is cut to whole milliseconds.
    assert all(since - timedelta(milliseconds=1) <= record.created_at <= NOW for record in found)


def test_no_secret_of_the_company_is_in_its_records() -> None:
    secrets = {value for name, value in vars(calls).items() if name.isupper() and ("TOKEN" in name or "KEY" in name)}
    whole = "\n".join(str(record) for record in recorded(since=NOW - timedelta(days=1)))

    assert len(secrets) >= len(SERVICES)
    assert [secret for secret in secrets if secret in whole] == []
