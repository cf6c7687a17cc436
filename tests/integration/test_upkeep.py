"""The running server maintains its database by itself."""

import logging
import time
from datetime import timedelta

import psycopg
import pytest

from integration_monitor.server import upkeep
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.upkeep import add_up
from tests.integration.conftest import AddLog, Bearer, MakeClient

STATS = "/api/admin/integrations/monitoring/stats"
# Longer than any machine needs.
TIMEOUT_S = 60


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "FIRST_DELAY_MIN_S", 0)
    monkeypatch.setattr(upkeep, "FIRST_DELAY_MAX_S", 0)
    monkeypatch.setattr(upkeep, "ADD_UP_INTERVAL_S", 0)


def test_old_records_are_removed(make_client: MakeClient, add_log: AddLog, database_url: str) -> None:
    add_log(age=timedelta(days=200))
    young = add_log(age=timedelta(days=10))

    make_client()

    deadline = time.monotonic() + TIMEOUT_S
    with psycopg.connect(database_url, autocommit=True) as connection:
        while (kept := connection.execute("select id from public.integration_logs").fetchall()) != [(young,)]:
            assert time.monotonic() < deadline, kept
            time.sleep(0.05)


def test_statistics_are_added_up(make_client: MakeClient, add_log: AddLog, database_url: str) -> None:
    make_client()
    # The daily maintenance, which does it as well, is over by now or sees only the first.
    deadline = time.monotonic() + TIMEOUT_S
    with psycopg.connect(database_url, autocommit=True) as connection:
        for count in (1, 2, 3):
            add_log()
            while (
                found := connection.execute("select sum(count)::integer from integration_monitor.statistics_day").fetchone()
            ) != (count,):
                assert time.monotonic() < deadline, found
                time.sleep(0.01)


def test_a_database_without_statistics_is_told_of_once(
    make_client_of: MakeClient, empty_database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(upkeep, "ADD_UP_RETRY_S", 0)
    attempts = 0

    async def counted(connections: Connections) -> int:
        nonlocal attempts
        attempts += 1
        return await add_up(connections)

    monkeypatch.setattr(upkeep, "add_up", counted)
    with caplog.at_level(logging.WARNING, logger=upkeep.__name__):
        make_client_of(empty_database_url)
        deadline = time.monotonic() + TIMEOUT_S
        while attempts < 4:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    assert caplog.text.count("statistics of the database are not added up") == 1


def test_failure_is_logged_and_harms_nobody(
    make_client_of: MakeClient, empty_database_url: str, bearer: Bearer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger=upkeep.__name__):
        client = make_client_of(empty_database_url)
        deadline = time.monotonic() + TIMEOUT_S
        while "maintenance of the database failed" not in caplog.text:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    assert client.get(STATS, headers=bearer()).status_code == 503
