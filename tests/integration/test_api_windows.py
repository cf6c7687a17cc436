"""`stats` of any window: what the sums say is what the records say, for whoever sees all of them and for whoever sees some."""

import math
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, get_args

import psycopg
import pytest

from integration_monitor.monitoring import cursor
from integration_monitor.store.answers import DailyPosition, GroupBy, Role, WindowPosition
from tests.integration.conftest import AddLog, Bearer, Client
from tests.integration.test_api_errors import assert_problem

STATS = "/api/admin/integrations/monitoring/stats"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
GROUPS: tuple[GroupBy, ...] = get_args(GroupBy)
COLUMN = {"service": "service_name"}
ROLES: tuple[Role, ...] = get_args(Role)


def fill(database_url: str) -> list[dict[str, Any]]:
    """Records of three days, by seconds and then by hours; two thirds are added up, and the rest is not."""
    now = datetime.now(UTC)
    records = [
        {
            "service_name": f"service_{number % 3}",
            "action": f"action_{number % 2}",
            "status": "failed" if number % 5 == 0 else "success",
            "error_code": f"E{number % 4}" if number % 5 == 0 else None,
            "fault": ("vendor", "ours", None)[number % 3] if number % 5 == 0 else None,
            "duration_ms": None if number % 7 == 0 else number * 3 % 1000,
            "created_at": now - number * timedelta(seconds=97) if number < 100 else now - (number - 95) * timedelta(minutes=41),
        }
        for number in range(1, 300)
    ]
    with psycopg.connect(database_url, autocommit=True) as connection, connection.cursor() as cur:
        for third in range(3):
            cur.executemany(
                "insert into public.integration_logs (service_name, action, status, error_code, response_payload, duration_ms, created_at)"
                " values (%(service_name)s, %(action)s, %(status)s, %(error_code)s, jsonb_build_object('fault', %(fault)s::text),"
                " %(duration_ms)s, %(created_at)s)",
                records[third::3],
            )
            if third < 2:
                connection.execute("select integration_monitor.compact_statistics()")
    for one in records:
        one["fault"] = "" if one["status"] == "success" else one["fault"] or "unclassified"
        one["error_code"] = one["error_code"] or ""
    return records


def expected(
    records: list[dict[str, Any]], since: datetime, until: datetime, step: timedelta | None, groups: list[str]
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The same counted in Python: key → numbers, percentiles as of the sorted durations."""
    found: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    origin = datetime(1970, 1, 5, tzinfo=UTC)
    for one in records:
        if since <= one["created_at"] < until:
            bucket = since if step is None else one["created_at"] - (one["created_at"] - origin) % step
            found[(bucket, *(one[COLUMN.get(name, name)] for name in groups))].append(one)
    numbers = {}
    for key, rows in found.items():
        durations = sorted(one["duration_ms"] for one in rows if one["duration_ms"] is not None)
        numbers[key] = {
            "count": len(rows),
            "failed_count": sum(one["status"] == "failed" for one in rows),
            "success_count": sum(one["status"] == "success" for one in rows),
            "percentiles": [
                durations[math.ceil(share * len(durations)) - 1] if durations else None for share in (0.5, 0.95, 0.99)
            ],
        }
    return numbers


def check(rows: list[dict[str, Any]], wanted: dict[tuple[Any, ...], dict[str, Any]], groups: list[str]) -> None:
    told = {(datetime.fromisoformat(row["bucket"]), *(row[COLUMN.get(name, name)] for name in groups)): row for row in rows}
    assert told.keys() == wanted.keys()
    assert list(told) == sorted(sorted(told, key=lambda key: key[1:]), key=lambda key: key[0], reverse=True)
    for key, numbers in wanted.items():
        row = told[key]
        assert {name: row[name] for name in ("count", "failed_count", "success_count")} == {
            name: value for name, value in numbers.items() if name != "percentiles"
        }
        for exact, shown in zip(numbers["percentiles"], (row["p50_ms"], row["p95_ms"], row["p99_ms"]), strict=True):
            assert (exact is None) == (shown is None)
            assert exact is None or abs(shown - exact) <= 0.05 * exact


@pytest.mark.parametrize(
    ("reach", "step", "groups"),
    [
        (HOUR, None, []),
        (90 * MINUTE, "5m", ["service"]),
        (DAY, "1h", ["service", "action", "status"]),
        (6 * DAY, "1d", ["error_code", "fault"]),
        (6 * DAY, None, [*GROUPS]),
        (6 * DAY, "6h", ["fault"]),
        (6 * DAY, "1w", []),
    ],
)
def test_windows_are_the_records(
    client: Client, bearer: Bearer, database_url: str, *, reach: timedelta, step: str | None, groups: list[str]
) -> None:
    records = fill(database_url)
    parameters = {"from": (datetime.now(UTC) - reach).isoformat(), "group_by": ",".join(groups) or None, "step": step}
    given = {name: value for name, value in parameters.items() if value is not None}

    answers = [client.get(STATS, params=given, headers=bearer(role)).json() for role in ROLES]
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "create policy narrow on public.integration_logs as restrictive for select to authenticated using (service_name <> 'x')"
        )
    answers.append(client.get(STATS, params=given, headers=bearer()).json())

    units = {"m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
    width = None if step is None else int(step[:-1]) * units[step[-1]]
    for answer in answers:
        since, until = datetime.fromisoformat(answer["from"]), datetime.fromisoformat(answer["to"])
        assert until - since >= reach
        check(answer["data"], expected(records, since, until, width, groups), groups)


def test_percentiles_can_be_left_out(client: Client, bearer: Bearer, database_url: str) -> None:
    fill(database_url)
    percentiles = {"p50_ms", "p95_ms", "p99_ms"}

    for role in ROLES:
        told, untold = (
            client.get(STATS, params={"group_by": "service", "compare": True, **asked}, headers=bearer(role)).json()["data"]
            for asked in ({}, {"percentiles": False})
        )

        assert all(row["p50_ms"] is not None for row in told)
        assert [
            {**row, "before": {**row["before"], **dict.fromkeys(percentiles)}, **dict.fromkeys(percentiles)} for row in told
        ] == untold


def test_a_window_stands_beside_the_one_before(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    for age, status in ((HOUR, "success"), (HOUR, "failed"), (25 * HOUR, "success")):
        add_log(service_name="both", status=status, age=age, duration_ms=7)
    add_log(service_name="gone", age=30 * HOUR, duration_ms=7)
    add_log(service_name="come", age=2 * HOUR, duration_ms=None)
    add_log(service_name="old", age=49 * HOUR)

    for role in ROLES:
        rows = client.get(STATS, params={"group_by": "service", "compare": "true"}, headers=bearer(role)).json()["data"]
        shown = {
            row["service_name"]: [(part["count"], part["failure_rate_percent"], part["p95_ms"]) for part in (row, row["before"])]
            for row in rows
        }
        assert shown == {
            "both": [(2, 50.0, 7), (1, 0.0, 7)],
            "come": [(1, 0.0, None), (0, 0.0, None)],
            "gone": [(0, 0.0, None), (1, 0.0, 7)],
        }


def test_pages_of_a_window_are_the_whole_of_it(client: Client, bearer: Bearer, database_url: str) -> None:
    fill(database_url)
    parameters: dict[str, Any] = {
        "from": (datetime.now(UTC) - 6 * DAY).isoformat(),
        "step": "1d",
        "group_by": "service,error_code",
    }
    whole = client.get(STATS, params=parameters, headers=bearer()).json()

    pages: list[Any] = []
    following = None
    while following is not None or not pages:
        answer = client.get(
            STATS, params={**parameters, "limit": 7} | ({"before": following} if following else {}), headers=bearer()
        ).json()
        assert (answer["from"], answer["to"]) == (whole["from"], whole["to"])
        pages.append(answer["data"])
        following = answer["next"]

    assert list(chain.from_iterable(pages)) == whole["data"]
    assert len(pages) > 2


def test_conditions_narrow_a_window(client: Client, bearer: Bearer, database_url: str) -> None:
    records = fill(database_url)
    conditions = {"service": "service_0", "action": "action_0", "status": "failed", "error_code": "E2", "fault": "vendor"}
    wanted = [one for one in records if all(one[COLUMN.get(name, name)] == value for name, value in conditions.items())]
    window = {"from": (datetime.now(UTC) - 8 * DAY).isoformat()}

    for role in ROLES:
        [row] = client.get(STATS, params={**window, **conditions}, headers=bearer(role)).json()["data"]
        assert row["count"] == len(wanted) > 0


def test_days_are_asked_for_as_before(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    add_log()

    asked: tuple[dict[str, str], ...] = ({}, {"days": "3"}, {"days": "3", "service": "amocrm", "limit": "5"})
    for parameters in asked:
        answer = client.get(STATS, params=parameters, headers=bearer()).json()
        assert answer.keys() == {"data", "next"}
        assert answer["data"][0].keys() >= {"day", "failure_rate_percent", "min_duration_ms"}


@pytest.mark.parametrize(
    ("parameters", "named", "told"),
    [
        ({"step": "5s"}, "step", "'5s'"),
        ({"step": "0m"}, "step", "5m"),
        ({"step": "1m", "from": "2026-01-01"}, "step", "begin later"),
        ({"step": "1h", "compare": "true"}, "compare", "leave out"),
        ({"group_by": "password"}, "group_by", "'password'"),
        ({"group_by": "service,service"}, "group_by", "twice"),
        ({"group_by": ""}, "group_by", "''"),
        ({"group_by": "service,"}, "group_by", "''"),
        ({"from": "x"}, "from", "'x'"),
        ({"from": "1066-10-14"}, "from", "ten years"),
        ({"to": "0001-01-01"}, "to", "later"),
        ({"from": "2026-11-22", "to": "2026-11-22"}, "to", "later"),
        ({"compare": "perhaps"}, "compare", ""),
        ({"days": "3", "step": "1h"}, "days", "from"),
        ({"fault": "x"}, "fault", ""),
        ({"group_by": "service", "before": "x"}, "before", ""),
        (
            {
                "group_by": "service",
                "before": cursor.encode(
                    DailyPosition(day=datetime(2026, 1, 1, tzinfo=UTC), service_name="", action="", status="")
                ),
            },
            "before",
            "",
        ),
        (
            {
                "group_by": "service",
                "before": cursor.encode(
                    WindowPosition(
                        since=datetime(2026, 1, 1, tzinfo=UTC),
                        until=datetime(2026, 1, 2, tzinfo=UTC),
                        bucket=datetime(2026, 1, 1, tzinfo=UTC),
                        key=("\x00", "", "", "", ""),
                    )
                ),
            },
            "before",
            "",
        ),
    ],
)
def test_an_impossible_window_is_refused(
    client_without_database: Client, bearer: Bearer, parameters: dict[str, str], named: str, told: str
) -> None:
    answer = client_without_database.get(STATS, params=parameters, headers=bearer())

    problem = assert_problem(answer, 400, "bad_parameter")
    assert problem["parameter"] == named
    assert told in problem["detail"]
