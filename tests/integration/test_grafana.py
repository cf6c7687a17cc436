"""deploy/grafana/integration-monitor.json: every query of it, as Grafana's PostgreSQL data source sends it, by a login that reads no payload.

Macros are expanded as Grafana does it (pkg/tsdb/grafana-postgresql-datasource/macros.go), variables as its `sqlstring` format does it.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tests.conftest import VARIANTS, Server, Variant
from tests.integration.conftest import write_log

FOLDER = Path(__file__).parents[2] / "deploy" / "grafana"
DASHBOARD: Final[dict[str, Any]] = json.loads((FOLDER / "integration-monitor.json").read_text("utf-8"))
PANELS: Final = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES: Final = {panel["title"]: panel["targets"][0]["rawSql"] for panel in PANELS}
VARIABLES: Final = {each["name"]: each["query"] for each in DASHBOARD["templating"]["list"] if each["type"] == "query"}

LOGIN = "grafana_of_a_test"
PLANTED = "PLANTED-FAKE-SECRET"
DAY = timedelta(days=1)
# What a chart of 24 hours and 700 pixels asks for.
INTERVAL_MS = 120_000
MACRO = re.compile(r"\$(?P<name>[_a-zA-Z0-9]+)\((?P<argument>[^)]*)\)")

SERVICES = ["amocrm", "mobizon", "resend", "telegram"]
ACTIONS = ["send_email", "send_message", "send_sms", "sync_lead"]
#: count, age, and what is said of each record, of what is added up already and of what is not yet
ADDED_UP: list[tuple[int, timedelta, dict[str, Any]]] = [
    (18, timedelta(minutes=5), {"service_name": "amocrm", "action": "sync_lead", "duration_ms": 100}),
    (10, timedelta(minutes=4), {"service_name": "telegram", "action": "send_message", "status": "failed", "error_code": "403",
                                "fault": "recipient", "duration_ms": 50}),
    (4, timedelta(days=3), {"service_name": "mobizon", "action": "send_sms", "status": "failed", "error_code": "8", "fault": "auth"}),
]  # fmt: skip
OPEN: list[tuple[int, timedelta, dict[str, Any]]] = [
    (2, timedelta(minutes=3), {"service_name": "amocrm", "action": "sync_lead", "status": "failed", "error_code": "HTTP_500",
                               "fault": "vendor", "duration_ms": 2000}),
    (6, timedelta(minutes=2), {"service_name": "resend", "action": "send_email", "status": "failed", "error_code": "TIMEOUT",
                               "fault": "network", "duration_ms": 5000}),
    (2, timedelta(minutes=2), {"service_name": "resend", "action": "send_email", "duration_ms": 300}),
]  # fmt: skip
WRITERS = """
    insert into integration_monitor.writers
        (writer_id, host, pid, started_at, heartbeat_at, ended_at, taken, written, spooled, dropped, dropped_by_reason, dead_lettered)
    values
        (gen_random_uuid(), 'alive.test', 11, now(), now() - interval '30 seconds', null, 10, 7, 1, 0, '{}', 0),
        (gen_random_uuid(), 'silent.test', 12, now(), now() - interval '20 minutes', null, 20, 10, 0, 5, '{"queue_full": 5}', 2),
        (gen_random_uuid(), 'ended.test', 13, now(), now() - interval '2 hours', now(), 5, 5, 0, 0, '{}', 0),
        (gen_random_uuid(), 'forgotten.test', 14, now(), now() - interval '9 days', null, 5, 0, 0, 5, '{"shutdown": 5}', 0)
"""
INCIDENTS = """
    insert into integration_monitor.incidents
        (kind, subject, severity, summary, facts, suspected_at, observed_at, since_at, began_at, ended_at)
    values
        ('service_state', 'resend', 'down', %(planted)s, %(facts)s, now(), now(), now() - interval '1 hour', now(), null),
        ('service_silent', 'mobizon', 'silent', %(planted)s, %(facts)s, now(), now(), now() - interval '3 hours', now() - interval '2 hours',
         now() - interval '1 hour'),
        ('probe_failed', 'amocrm', 'failed', %(planted)s, %(facts)s, now(), now(), now(), null, null)
"""

Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module", params=VARIANTS, ids=str)
def database(request: pytest.FixtureRequest, servers: Callable[[Variant], Server]) -> Iterator[str]:
    """A database with known records, half of them added up, and its URL for a login that Grafana would use."""
    server = servers(request.param)
    name = server.create_database(is_migrated=True)
    server.execute(
        f"do $$ begin create role {LOGIN} login in role integration_monitor_statistics; exception when duplicate_object then null; end $$"
    )
    with psycopg.connect(server.url(name), autocommit=True) as connection:
        for records in (ADDED_UP, OPEN):
            for count, age, fields in records:
                for _ in range(count):
                    write_log(connection, age=age, request_payload={"body": PLANTED}, error_message=PLANTED, **fields)
            if records is ADDED_UP:
                connection.execute("select integration_monitor.compact_statistics()")
        connection.execute(WRITERS)
        connection.execute(INCIDENTS, {"planted": PLANTED, "facts": Jsonb({"error_message": PLANTED})})
    yield server.url(name, user=LOGIN)
    server.drop_database(name)


@pytest.fixture
def ask(database: str) -> Iterator[Ask]:
    """Rows of a query of the dashboard, of the last day unless `ago` says how long; keyword arguments choose values of variables."""
    with psycopg.connect(database, row_factory=dict_row) as connection:

        def run(query: str, *, ago: timedelta = DAY, **chosen: list[str]) -> list[dict[str, Any]]:
            until = datetime.now(UTC) + timedelta(minutes=1)
            statement = expanded(query, until - ago, until, {"service": SERVICES, "action": ACTIONS} | chosen)
            return connection.execute(statement.encode()).fetchall()

        yield run


def expanded(query: str, since: datetime, until: datetime, chosen: dict[str, list[str]]) -> str:
    """What Grafana sends to the database."""
    for name, values in chosen.items():
        query = query.replace(
            f"${{{name}:sqlstring}}", ",".join("'" + value.replace("'", "''") + "'" for value in values) or "''"
        )
    query = query.replace("$__interval_ms", str(INTERVAL_MS))
    begin, end = (f"'{at.isoformat().replace('+00:00', 'Z')}'" for at in (since, until))

    def macro(found: re.Match[str]) -> str:
        known = {"__timeFrom": begin, "__timeTo": end, "__timeFilter": f"{found['argument']} BETWEEN {begin} AND {end}"}
        return known[found["name"]]

    statement = MACRO.sub(macro, query)
    assert "$" not in statement, f"something is not expanded: {statement}"
    return statement


def totals(rows: list[dict[str, Any]], value: str) -> dict[str, float]:
    """The sum of a chart's values by its series."""
    return {row["metric"]: sum(float(each[value]) for each in rows if each["metric"] == row["metric"]) for row in rows}


def near(milliseconds: float) -> Any:
    return pytest.approx(milliseconds, rel=0.05)


def test_dashboard_is_one_that_grafana_takes() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    titles = [panel["title"] for panel in PANELS]

    assert len(ids) == len(set(ids))
    assert len(titles) == len(set(titles))
    assert DASHBOARD["schemaVersion"] >= 39  # of Grafana 11
    for panel in PANELS:
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert [target["datasource"]["uid"] for target in panel["targets"]] == ["${datasource}"]
        assert panel["targets"][0]["rawQuery"]
        assert panel["targets"][0]["format"] == ("time_series" if panel["type"] == "timeseries" else "table")


def test_panels_do_not_lie_on_each_other() -> None:
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24  # Grafana's columns


def test_fields_that_are_dressed_are_fields_of_the_query(ask: Ask) -> None:
    for panel in PANELS:
        if panel["type"] == "table":
            dressed = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}

            assert dressed <= set(ask(panel["targets"][0]["rawSql"])[0]), panel["title"]


def test_every_query_answers_for_any_window_and_for_nothing_chosen(ask: Ask) -> None:
    for panel in PANELS:
        for ago in (timedelta(hours=1), DAY, timedelta(days=7), timedelta(days=30), timedelta(days=365)):
            query = panel["targets"][0]["rawSql"]

            # A panel may have a window of its own.
            rows = ask(query, ago=timedelta(days=int(panel.get("timeFrom", f"{ago.days}d").removesuffix("d"))) or ago)
            ask(query, ago=ago, service=[], action=[])

            assert rows, (panel["title"], ago)
            assert PLANTED not in str(rows)


def test_charts_have_times_in_order_and_numbers(ask: Ask) -> None:
    for panel in PANELS:
        if panel["type"] == "timeseries":
            rows = ask(panel["targets"][0]["rawSql"])

            times = [row["time"] for row in rows]
            assert times == sorted(times)
            assert all(isinstance(at, datetime) for at in times)
            assert all(isinstance(row.get("metric", ""), str) for row in rows)
            assert all(float(value) >= 0 for row in rows for name, value in row.items() if name not in {"time", "metric"})


def test_variables_offer_what_was_added_up(ask: Ask) -> None:
    assert [row["service_name"] for row in ask(VARIABLES["service"])] == ["amocrm", "mobizon", "telegram"]
    assert [row["action"] for row in ask(VARIABLES["action"], service=["amocrm", "telegram"])] == ["send_message", "sync_lead"]


def test_figures_at_the_top_say_what_the_records_say(ask: Ask) -> None:
    assert ask(QUERIES["Services down"]) == [{"down": 1}]
    assert ask(QUERIES["Services degraded"]) == [{"degraded": 1}]
    assert ask(QUERIES["Calls"]) == [{"calls": 38}]
    assert float(ask(QUERIES["Failure rate"])[0]["rate"]) == pytest.approx(100 * 18 / 38)
    assert ask(QUERIES["p95"]) == [{"p95": near(5000)}]
    assert ask(QUERIES["Open incidents"]) == [{"open": 1}]


def test_services_have_state_and_figures_worst_first(ask: Ask) -> None:
    rows = {row.pop("Service"): row for row in ask(QUERIES["Services"])}

    assert list(rows) == ["resend", "amocrm", "telegram", "mobizon"]
    assert [row["State"] for row in rows.values()] == ["down", "degraded", "healthy", "idle"]
    assert rows["resend"] == {
        "State": "down", "Calls": 8, "Failures": 6, "Failure rate": 75, "Mean": 3825, "p50": near(5000), "p95": near(5000), "p99": near(5000),
    }  # fmt: skip
    assert (rows["amocrm"]["Calls"], rows["amocrm"]["p50"], rows["amocrm"]["p95"]) == (20, near(100), near(2000))
    assert (rows["mobizon"]["Calls"], rows["mobizon"]["Failure rate"], rows["mobizon"]["p95"]) == (0, None, None)


def test_charts_add_up_to_the_records(ask: Ask) -> None:
    assert totals(ask(QUERIES["Calls by service"]), "calls") == {"amocrm": 20, "telegram": 10, "resend": 8}
    assert totals(ask(QUERIES["Failed calls by fault"]), "failed") == {"vendor": 2, "recipient": 10, "network": 6}
    assert totals(ask(QUERIES["Failed calls by fault"], ago=timedelta(days=7)), "failed")["auth"] == 4
    assert totals(ask(QUERIES["Calls by service"], service=["amocrm"]), "calls") == {"amocrm": 20}
    assert totals(ask(QUERIES["Calls by service"], action=["send_email"]), "calls") == {"resend": 8}


def test_shares_by_time_are_those_of_their_buckets(ask: Ask) -> None:
    shares = {row["share"] for row in ask(QUERIES["Failure rate by service"]) if row["metric"] == "resend"}
    days = [row for row in ask(QUERIES["Failure rate by day"], ago=timedelta(days=7)) if row["metric"] == "mobizon"]

    assert shares == {75}
    assert [row["share"] for row in days] == [100]


def test_error_codes_and_actions_are_told(ask: Ask) -> None:
    codes = [(row["Service"], row["Code"], row["Fault"], row["Failures"]) for row in ask(QUERIES["Error codes"])]
    actions = {row["Action"]: (row["Calls"], row["Failures"], row["p50"]) for row in ask(QUERIES["Actions"])}

    assert codes == [
        ("telegram", "403", "recipient", 10),
        ("resend", "TIMEOUT", "network", 6),
        ("amocrm", "HTTP_500", "vendor", 2),
    ]
    assert actions == {"sync_lead": (20, 2, near(100)), "send_message": (10, 10, near(50)), "send_email": (8, 6, near(5000))}


def test_percentiles_over_time_are_those_of_the_durations(ask: Ask) -> None:
    every = ask(QUERIES["Response time of all calls"], service=["telegram"])
    by_service = ask(QUERIES["p95 by service"])

    assert [(row["p50"], row["p95"], row["p99"]) for row in every] == [(near(50), near(50), near(50))]
    assert {row["metric"]: row["p95"] for row in by_service}["resend"] == near(5000)


def test_incidents_are_told_without_suspicions_and_open_ones_first(ask: Ask) -> None:
    rows = ask(QUERIES["Incidents"])

    assert [(row["Is"], row["What"], row["Worst"], row["Acknowledged"]) for row in rows] == [
        ("open", "resend", "down", False),
        ("ended", "mobizon", "silent", False),
    ]
    assert rows[1]["Lasts"] == pytest.approx(7200, abs=5)
    assert [row["Is"] for row in ask(QUERIES["Incidents"], ago=timedelta(minutes=30))] == ["open"]


def test_writers_losses_and_gaps_are_told(ask: Ask) -> None:
    rows = ask(QUERIES["Writers"])

    assert [(row["Host"], row["Is"], row["Dropped"], row["Dead-lettered"], row["Gap"]) for row in rows] == [
        ("alive.test", "alive", 0, 0, 0),
        ("silent.test", "silent", 5, 2, 3),
        ("ended.test", "ended", 0, 0, 0),
    ]
    assert [(row["Reason"], row["Records"]) for row in ask(QUERIES["Lost, by reason"])] == [
        ("queue_full", 5),
        ("dead_lettered", 2),
    ]
    assert ask(QUERIES["Records lost"]) == [{"lost": 10}]
    assert ask(QUERIES["Records in spools"]) == [{"spooled": 1}]
    assert ask(QUERIES["Longest silence of a writer"])[0]["silence"] == pytest.approx(1200, abs=60)
    assert ask(QUERIES["Changes to add up"])[0]["changes"] == 3 + 5 + 2


def test_no_query_scans_the_records(database: str, ask: Ask) -> None:
    scans = """
        select coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0)::integer from pg_stat_xact_all_tables
         where relid in (select relid from pg_partition_tree('public.integration_logs'))
    """
    for query in [*QUERIES.values(), *VARIABLES.values()]:
        ask(query, ago=timedelta(days=7))

    assert [row for row in ask(scans) if row["coalesce"]] == []
    assert not [title for title, query in QUERIES.items() if "integration_logs" in query or "payload" in query]
    ask("select created_at from public.integration_logs")
    assert ask(scans)[0]["coalesce"] > 0, "the counts of scans count nothing"


def test_login_reads_no_payload_and_no_words(database: str) -> None:
    for column, relation in (
        ("request_payload", "public.integration_logs"),
        ("response_payload", "public.integration_logs"),
        ("error_message", "public.integration_logs"),
        ("summary", "integration_monitor.incidents"),
        ("facts", "integration_monitor.incidents"),
    ):
        with psycopg.connect(database) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"select {column} from {relation}".encode())
