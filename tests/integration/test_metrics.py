"""/metrics: what Prometheus reads is what `stats` says, only ever rises, and is told to nobody who may not know."""

import random
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import psycopg
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from integration_monitor.batch import Batch
from integration_monitor.server.metrics import totals
from integration_monitor.server.metrics.totals import BOUNDS_S
from integration_monitor.store.postgres.sink import PostgresSink
from tests.integration.batches import report
from tests.integration.conftest import NOWHERE, AddLog, Bearer, Client, MakeClient, write_log

METRICS = "/metrics"
STATS = "/api/admin/integrations/monitoring/stats"
CALLS = "integration_monitor_calls_total"
FAILURES = "integration_monitor_failures_total"
DURATION = "integration_monitor_call_duration_seconds"

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
Scrape = Callable[[], Samples]


@pytest.fixture
def scrape(client: Client, bearer: Bearer, monkeypatch: pytest.MonkeyPatch) -> Scrape:
    """All samples of now, by name and labels."""
    monkeypatch.setattr(totals, "ANSWER_KEPT_S", -1)

    def scrape() -> Samples:
        answer = client.get(METRICS, headers=bearer("integration_monitor_statistics"))
        assert answer.status_code == 200, answer.text
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in read_text(answer.text)
            for sample in family.samples
        }

    return scrape


def sample(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def test_totals_are_those_of_stats(client: Client, bearer: Bearer, add_log: AddLog, scrape: Scrape) -> None:
    for number in range(40):
        is_failed = number % 4 == 0
        add_log(
            service_name="amocrm" if number % 2 else "resend",
            action=f"action_{number % 3}",
            status="failed" if is_failed else "success",
            duration_ms=37 * number,
            age=timedelta(minutes=7 * number),
            **({"fault": "vendor"} if is_failed else {}),
        )

    samples = scrape()

    rows = client.get(STATS, params={"group_by": "service,action", "from": "2020-01-01"}, headers=bearer()).json()["data"]
    assert len(rows) == 6
    for row in rows:
        labels = {"service": row["service_name"], "action": row["action"]}
        assert sample(samples, CALLS, **labels) == row["count"] == sample(samples, f"{DURATION}_count", **labels)
        assert samples.get((FAILURES, frozenset({**labels, "fault": "vendor"}.items())), 0) == row["failed_count"]
        assert round(sample(samples, f"{DURATION}_sum", **labels) / row["count"] * 1000) == pytest.approx(
            row["avg_duration_ms"], abs=1
        )


def test_durations_fall_into_the_buckets_that_they_do_not_exceed(add_log: AddLog, scrape: Scrape) -> None:
    durations_ms = [0, 40, 90, 700, 4_000, 9_000, 20_000, 100_000]
    for duration_ms in durations_ms:
        add_log(duration_ms=duration_ms)
    add_log(duration_ms=None, status="pending")

    samples = scrape()

    labels = {"service": "amocrm", "action": "sync_lead"}
    for bound in BOUNDS_S:
        expected = sum(duration <= bound * 1000 for duration in durations_ms)
        assert sample(samples, f"{DURATION}_bucket", **labels, le=str(bound)) == expected
    assert sample(samples, f"{DURATION}_bucket", **labels, le="+Inf") == len(durations_ms)
    assert sample(samples, CALLS, **labels) == len(durations_ms) + 1


def test_counters_never_fall_while_sums_are_added_up_and_records_go(add_log: AddLog, scrape: Scrape, database_url: str) -> None:
    for day in (0, 1, 40, 100, 120):
        add_log(age=timedelta(days=day), status="failed", fault="network")
    before = scrape()

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("select integration_monitor.compact_statistics()")
        added_up = scrape()
        connection.execute("select integration_monitor.maintain()")
        left = connection.execute("select count(*) from public.integration_logs").fetchone()
        maintained = scrape()
        add_log(age=timedelta(days=2))
        later = scrape()

    assert left == (3,)
    assert sample(before, CALLS, service="amocrm", action="sync_lead") == 5
    for earlier, after in ((before, added_up), (added_up, maintained), (maintained, later)):
        counters = [key for key in earlier if key[0].startswith((CALLS, FAILURES, DURATION))]
        assert [key for key in counters if after[key] < earlier[key]] == []
    assert sample(later, CALLS, service="amocrm", action="sync_lead") == 6


def test_totals_are_the_sums_of_all_days_whatever_changes_them(database_url: str) -> None:
    chance = random.Random(7)
    with psycopg.connect(database_url, autocommit=True) as connection:
        for _ in range(12):
            for _ in range(20):
                write_log(
                    connection,
                    service_name=chance.choice(["amocrm", "resend"]),
                    status=chance.choice(["pending", "success", "failed"]),
                    duration_ms=chance.choice([None, 0, 40, 700, 60_000]),
                    age=timedelta(days=chance.randint(0, 200), minutes=chance.randint(0, 1_000)),
                )
            ids = [each for (each,) in connection.execute("select id from public.integration_logs order by random() limit 15")]
            connection.execute(
                "update public.integration_logs set status = 'success', duration_ms = 90 where id = any (%s)", [ids[:10]]
            )
            connection.execute("delete from public.integration_logs where id = any (%s)", [ids[10:]])
            act = chance.choice(["compact_statistics()", "compact_statistics(7)", "maintain()"])
            connection.execute(f"select integration_monitor.{act}".encode())

            assert connection.execute(TOTALS_OF_DAYS).fetchall() == connection.execute(TOTALS_KEPT).fetchall() != []


# A total of nought may stay, and a bin of nought does not.
TOTALS_OF_DAYS: Final = """
select tier.series_id, sum(tier.count), sum(tier.sum_ms), coalesce((
           select array_agg((binned.bin, binned.count)::text order by binned.bin)
             from (
                      select bin.bin, sum(bin.count) as count
                        from integration_monitor.statistics_day as day
                       cross join lateral unnest(day.bins, day.counts) as bin (bin, count)
                       where day.series_id = tier.series_id
                       group by bin.bin
                      having sum(bin.count) <> 0
                  ) as binned
       ), '{}')
  from integration_monitor.statistics_day as tier group by tier.series_id having sum(tier.count) <> 0 order by tier.series_id
"""
TOTALS_KEPT: Final = """
select total.series_id, total.count, total.sum_ms, coalesce((
           select array_agg((bin.bin, bin.count)::text order by bin.bin) from unnest(total.bins, total.counts) as bin (bin, count)
       ), '{}')
  from integration_monitor.statistics_total as total where total.count <> 0 order by total.series_id
"""


def test_actions_that_hold_numbers_are_a_bounded_number_of_series_from_the_first_moment(
    scrape: Scrape, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into public.integration_logs (service_name, action, status, duration_ms)"
            " select 'amocrm', 'get_lead_' || number, 'success', 40 from generate_series(1, 2000) as number"
        )
        before = scrape()
        connection.execute("select integration_monitor.compact_statistics()")
        after = scrape()

    calls = [{key: value for key, value in samples.items() if key[0] == CALLS} for samples in (before, after)]
    assert [len(each) for each in calls] == [300, 301]
    assert all(calls[1][key] >= value for key, value in calls[0].items())
    assert sum(calls[1].values()) == 2000
    assert len([key for key in before if key[0] == f"{DURATION}_count"]) == 300


def test_finished_call_is_counted_once(add_log: AddLog, scrape: Scrape, database_url: str) -> None:
    record_id = add_log(status="pending", duration_ms=None)
    before = scrape()

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "update public.integration_logs set status = 'failed', duration_ms = 90, response_payload = '{\"fault\": \"limit\"}' where id = %s",
            [record_id],
        )
    after = scrape()

    labels = {"service": "amocrm", "action": "sync_lead"}
    assert sample(before, CALLS, **labels) == sample(after, CALLS, **labels) == 1
    assert sample(after, FAILURES, **labels, fault="limit") == sample(after, f"{DURATION}_count", **labels) == 1


def test_writers_tell_what_became_of_what_they_took(scrape: Scrape, database_url: str) -> None:
    told = report(uuid.uuid4(), taken=10, written=6, ignored=0, spooled=1, dropped={"queue_full": 2}, dead_lettered=1)
    sink = PostgresSink(database_url)
    sink.write(Batch(records=[], report=told))
    sink.close()

    samples = scrape()

    labels = {"writer": str(told.writer_id), "host": told.host, "pid": str(told.pid)}
    assert sample(samples, "integration_monitor_writer_taken_total", **labels) == 10
    assert sample(samples, "integration_monitor_writer_written_total", **labels) == 6
    assert sample(samples, "integration_monitor_writer_spooled", **labels) == 1
    assert sample(samples, "integration_monitor_writer_dropped_total", **labels, reason="queue_full") == 2
    assert sample(samples, "integration_monitor_writer_dead_lettered_total", **labels) == 1
    assert sample(samples, "integration_monitor_writer_unsettled", **labels) == 0
    assert sample(samples, "integration_monitor_writers") == 1


def test_server_counts_its_own_requests_by_route_and_status(client: Client, bearer: Bearer, scrape: Scrape) -> None:
    client.get(STATS, headers=bearer())
    client.get(STATS)
    client.get(f"{STATS.rpartition('/')[0]}/logs/0193c2f0-7a10-7000-8000-000000000001", headers=bearer())

    samples = scrape()

    def requests(route: str, status: str) -> float:
        return sample(samples, "integration_monitor_server_requests_total", method="GET", route=route, status=status)

    assert requests(STATS, "200") == requests(STATS, "401") == 1
    assert [key for key in samples if "0193c2f0" in str(key)] == []
    assert sample(samples, "integration_monitor_server_request_duration_seconds_count", method="GET", route=STATS) == 2
    assert sample(samples, "process_resident_memory_bytes") > 0
    assert sample(samples, "integration_monitor_server_ingest_records") == 0


def test_openmetrics_is_told_to_who_asks_for_it(client: Client, bearer: Bearer, add_log: AddLog) -> None:
    add_log()

    answer = client.get(METRICS, headers={**bearer(), "accept": "application/openmetrics-text; version=1.0.0"})

    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    families = {family.name: family.type for family in read_openmetrics(answer.text)}  # type: ignore[no-untyped-call]
    assert families["integration_monitor_calls"] == "counter"
    assert families[DURATION] == "histogram"


def test_hostile_names_stay_labels(add_log: AddLog, scrape: Scrape) -> None:
    hostile = 'a"} 1\nintegration_monitor_calls_total{service="b'
    add_log(service_name=hostile, action="back\\slash")

    samples = scrape()

    assert sample(samples, CALLS, service=hostile, action="back\\slash") == 1
    assert {labels for name, labels in samples if name == CALLS} == {frozenset({("service", hostile), ("action", "back\\slash")})}


def test_only_who_may_see_every_sum_is_told(client: Client, bearer: Bearer, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("drop policy integration_logs_read_authenticated on public.integration_logs")
        connection.execute(
            "create policy integration_logs_read_authenticated on public.integration_logs for select to authenticated using (service_name = 'a')"
        )

    assert client.get(METRICS).status_code == 401
    assert client.get(METRICS, headers=bearer("authenticated")).status_code == 403
    assert client.get(METRICS, headers=bearer("integration_monitor_statistics")).status_code == 200


def test_several_scrapers_cost_one_question(
    client: Client, bearer: Bearer, add_log: AddLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So long that no machine is slower.
    monkeypatch.setattr(totals, "ANSWER_KEPT_S", 3_600)
    add_log()
    first = client.get(METRICS, headers=bearer()).text
    add_log()

    second = client.get(METRICS, headers=bearer()).text

    assert [line for line in first.splitlines() if CALLS in line] == [line for line in second.splitlines() if CALLS in line] != []


def test_database_that_is_away_leaves_the_server_s_own_figures(make_client_of: MakeClient, bearer: Bearer) -> None:
    answer: Any = make_client_of(NOWHERE).get(METRICS, headers=bearer())

    told = {one.name: one.value for family in read_text(answer.text) for one in family.samples if not one.labels}
    assert told["integration_monitor_database_up"] == 0
    assert CALLS not in answer.text
