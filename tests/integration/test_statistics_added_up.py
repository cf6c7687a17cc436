"""How statistics are added up: bounded names, histograms, retention, recounts, and who may see them."""

import concurrent.futures
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from integration_monitor.batch import Batch
from integration_monitor.store.postgres.maintenance import maintain
from integration_monitor.store.postgres.migrator import list_migrations, migrate
from integration_monitor.store.postgres.sink import PostgresSink
from integration_monitor.store.postgres.sql import query
from tests.integration.batches import record
from tests.integration.recount import Connection, assert_exact, read, recount

DAY = timedelta(days=1)
TIERS = ("minute", "hour", "day")
# As integration_monitor.name_series() has it.
NAMES_MAX = 300


@pytest.fixture
def connection(each_database_url: str) -> Iterator[Connection]:
    with psycopg.connect(each_database_url, autocommit=True) as connection:
        yield connection


def add(
    connection: Connection, *ages: timedelta, service: str = "amocrm", action: str = "sync_lead", duration_ms: int | None = 100
) -> None:
    """A record for each age, in one statement."""
    connection.execute(
        "insert into public.integration_logs (service_name, action, status, duration_ms, created_at)"
        " select %s, %s, 'success', %s, now() - age from unnest(%s::interval[]) as age",
        [service, action, duration_ms, list(ages)],
    )


def number(connection: Connection, statement: str) -> int | None:
    row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    value: int | None = row[0]
    return value


def compact(connection: Connection) -> int | None:
    return number(connection, "select integration_monitor.compact_statistics()")


def counts(connection: Connection) -> dict[str, int | None]:
    """Records by tier."""
    return {tier: number(connection, f"select sum(count)::integer from integration_monitor.statistics_{tier}") for tier in TIERS}


def test_copied_records_are_counted(connection: Connection) -> None:
    with connection.cursor().copy(
        "copy public.integration_logs (service_name, action, status, duration_ms, created_at) from stdin"
    ) as copy:
        for age in range(3_000):
            copy.write_row(["resend", f"send_{age % 7}", "success", age, datetime.now(UTC) - timedelta(minutes=age)])

    assert_exact(connection)
    assert compact(connection)
    assert_exact(connection)
    assert counts(connection)["day"] == 3_000


def test_what_was_rolled_back_is_not_counted(connection: Connection) -> None:
    with connection.transaction(force_rollback=True):
        add(connection, DAY, DAY)
        assert sum(row[4] for row in read(connection)["daily"]) == 2

    assert compact(connection) == 0
    assert read(connection)["daily"] == []


def test_each_tier_holds_what_is_young_enough_for_it(connection: Connection) -> None:
    add(connection, *(days * DAY for days in (0, 1, 3, 80, 92, 4_000)))

    compact(connection)

    assert counts(connection) == {"minute": 2, "hour": 4, "day": 6}


def test_minutes_and_hours_go_when_they_are_old(connection: Connection) -> None:
    add(connection, 0 * DAY)
    compact(connection)
    for tier in TIERS:
        connection.execute(f"update integration_monitor.statistics_{tier} set bucket = bucket - interval '3 days'".encode())
    assert counts(connection) == {"minute": 1, "hour": 1, "day": 1}

    compact(connection)
    assert counts(connection) == {"minute": None, "hour": 1, "day": 1}
    for tier in TIERS:
        connection.execute(f"update integration_monitor.statistics_{tier} set bucket = bucket - interval '90 days'".encode())
    compact(connection)

    assert counts(connection) == {"minute": None, "hour": None, "day": 1}


def test_times_to_come_wait_until_they_come(connection: Connection) -> None:
    add(connection, -2 * DAY)
    connection.execute(
        "insert into public.integration_logs (service_name, action, status, created_at) values ('a', 'b', 'failed', 'infinity')"
    )

    assert compact(connection) == 0

    # Two days pass.
    connection.execute(
        "update integration_monitor.statistics_changes set bucket = bucket - interval '2 days' where service_name = 'amocrm'"
    )
    assert [row[4] for row in read(connection)["hourly"]] == [1]
    assert compact(connection) == 1
    assert [row[4] for row in read(connection)["hourly"]] == [1]


def test_statistics_outlive_the_records(connection: Connection, each_database_url: str) -> None:
    ages = [days * DAY for days in (1, 8, 12, 17, 22, 23, 29)]
    connection.execute(
        "select integration_monitor.create_partitions(array(select now() - age from unnest(%s::interval[]) as age))", [ages]
    )
    add(connection, *ages)
    before = read(connection)
    # Ten days: some partitions are too old as a whole, of another a part is.
    connection.execute("update integration_monitor.settings set retention = '10 days'")

    done = maintain(each_database_url)

    assert done.partitions_emptied
    assert number(connection, "select count(*) from public.integration_logs") == 2
    assert read(connection) == before
    assert sum(row[4] for row in before["daily"]) == len(ages)


def test_the_promised_clean_up_takes_nothing_from_statistics(connection: Connection) -> None:
    # In the default partition, from which rows are deleted one by one.
    add(connection, 3 * DAY, 120 * DAY)
    compact(connection)

    connection.execute("select public.cleanup_old_integration_logs()")

    assert number(connection, "select count(*) from public.integration_logs") == 1
    compact(connection)
    assert counts(connection)["day"] == 2


def test_a_removed_extreme_of_what_is_no_longer_whole_stays_as_it_is_known(
    connection: Connection, each_database_url: str
) -> None:
    at = datetime.now(UTC).replace(hour=12) - 20 * DAY
    for duration_ms, minute in ((5, 0), (10, 1), (20, 2), (30, 3)):
        connection.execute(
            "insert into public.integration_logs (service_name, action, status, duration_ms, created_at) values ('a', 'b', 'success', %s, %s)",
            [duration_ms, at.replace(minute=minute)],
        )
    compact(connection)
    connection.execute("delete from public.integration_logs where duration_ms = 5")
    assert [row[6:] for row in read(connection)["daily"]] == [(10, 30)]
    # The retention takes the record with 10; nobody can tell then which is the shortest but one.
    part = number(connection, f"select integration_monitor.find_partition('{at.isoformat()}')::text")
    connection.execute(f"delete from only {part} where duration_ms = 10".encode())

    compact(connection)

    assert [row[4:] for row in read(connection)["daily"]] == [(3, 20, 5, 30)]


def test_extremes_are_settled_with_the_sums(connection: Connection) -> None:
    for duration_ms in (5, 10, 20, 30):
        add(connection, DAY, 20 * DAY, duration_ms=duration_ms)
    compact(connection)
    connection.execute("delete from public.integration_logs where duration_ms in (5, 30)")

    compact(connection)

    for tier in ("hour", "day"):
        found = connection.execute(
            f"select distinct min_ms, max_ms, removed_min_ms, removed_max_ms from integration_monitor.statistics_{tier}".encode()
        ).fetchall()
        assert found == [(10, 20, None, None)]


def test_beyond_so_many_names_the_rest_is_other(connection: Connection) -> None:
    names = [f"action_{n:04}" for n in range(NAMES_MAX + 50)]
    for action in names[: NAMES_MAX - 10]:
        add(connection, 0 * DAY, action=action)
    compact(connection)
    for action in names[NAMES_MAX - 10 :]:
        add(connection, 0 * DAY, 0 * DAY, action=action)
    shown = {row[1]: row[4] for row in read(connection)["daily"]}
    assert len(shown) == len(names), "what is not yet added up has its own name"

    compact(connection)

    shown = {row[1]: row[4] for row in read(connection)["daily"]}
    assert (len(shown), shown["other"]) == (NAMES_MAX + 1, 100)
    assert sum(shown.values()) == NAMES_MAX - 10 + 2 * 60
    # What was counted as other is taken from there, before it is added up and after.
    connection.execute("delete from public.integration_logs where action = %s", [names[-1]])
    for _ in range(2):
        shown = {row[1]: row[4] for row in read(connection)["daily"]}
        assert (shown["other"], names[-1] in shown) == (98, False)
        compact(connection)
    assert number(connection, "select count(distinct action) from integration_monitor.statistics_series") == NAMES_MAX + 1


def test_error_codes_are_bounded_too(connection: Connection) -> None:
    connection.execute(
        "insert into public.integration_logs (service_name, action, status, error_code)"
        " select 'amocrm', 'sync_lead', 'failed', 'code ' || n from generate_series(1, 1000) as n"
    )

    compact(connection)

    assert number(connection, "select count(*) from integration_monitor.statistics_series") == NAMES_MAX + 1
    assert_exact(connection)


def test_one_adds_up_at_a_time_and_nobody_waits(connection: Connection, each_database_url: str) -> None:
    add(connection, DAY)
    with psycopg.connect(each_database_url) as other:
        assert compact(other) == 1
        connection.execute("set lock_timeout to '1s'")

        assert compact(connection) is None
        assert maintain(each_database_url).statistics_added_up == 0
        # Not added up yet for anybody else, and counted once.
        assert_exact(connection)
        add(connection, DAY)
        assert_exact(connection)
    assert_exact(connection)
    assert compact(connection) == 1
    assert_exact(connection)


def test_a_part_at_a_time_is_exact_as_well(connection: Connection) -> None:
    for age in range(20):
        add(connection, age * DAY, duration_ms=age)
        connection.execute("update public.integration_logs set duration_ms = duration_ms + 7 where duration_ms % 3 = 0")

    rounds = 0
    while number(connection, "select integration_monitor.compact_statistics(3)"):
        assert_exact(connection)
        rounds += 1

    assert rounds > 10


def test_every_duration_is_within_five_percent_of_what_is_shown_for_it(connection: Connection) -> None:
    bins = connection.execute("select bin, least_ms, shown_ms from integration_monitor.statistics_bins order by bin").fetchall()

    assert [row[0] for row in bins] == list(range(len(bins)))
    assert (bins[0][1], bins[1][1:], len(bins)) == (-(2**31), (0, 0), 206)
    uppers = [least - 1 for _, least, _ in bins[2:]] + [2**31 - 1]
    for (_, least, shown), upper in zip(bins[1:], uppers, strict=True):
        assert abs(shown - least) <= 0.05 * least
        assert abs(shown - upper) <= 0.05 * upper


def test_histograms_hold_every_duration(connection: Connection) -> None:
    durations = [round(1.3**n) for n in range(80)] + [-5, 0, 2**31 - 1]
    for age, duration_ms in enumerate(durations):
        add(connection, age * timedelta(hours=1), duration_ms=duration_ms)
    compact(connection)
    add(connection, DAY, DAY, duration_ms=77)
    connection.execute("delete from public.integration_logs where duration_ms = 0")
    compact(connection)

    for tier in ("hour", "day"):
        found = connection.execute(
            f"select bin.least_ms, sum(one.count)::integer"
            f"  from integration_monitor.statistics_{tier} as tier cross join unnest(tier.bins, tier.counts) as one (bin, count)"
            f"  join integration_monitor.statistics_bins as bin using (bin) group by 1 order by 1".encode()
        ).fetchall()
        bounds = [row[0] for row in connection.execute("select least_ms from integration_monitor.statistics_bins order by 1")]
        expected: dict[int, int] = {}
        for duration_ms in [one for one in [*durations, 77, 77] if one != 0]:
            least = max(bound for bound in bounds if bound <= duration_ms)
            expected[least] = expected.get(least, 0) + 1
        assert dict(found) == expected


def test_records_from_before_anything_counted_are_counted_anew(connection: Connection) -> None:
    connection.execute("alter table public.integration_logs disable trigger user")
    add(connection, *(days * DAY for days in (0, 1, 10, 29, 100, 4_000)))
    connection.execute(
        "insert into public.integration_logs (service_name, action, status, created_at)"
        " values ('a', 'b', 'failed', '-infinity'), ('a', 'b', 'failed', 'infinity'), ('a', 'b', 'failed', '4713-01-01 BC')"
    )
    connection.execute("alter table public.integration_logs enable trigger user")
    add(connection, 10 * DAY, duration_ms=5)
    compact(connection)
    add(connection, 10 * DAY, duration_ms=7)

    for _ in range(2):
        assert number(connection, "select integration_monitor.rebuild_statistics('-infinity', 'infinity')") == 11

        assert_exact(connection)
        # Infinity is yet to come.
        assert counts(connection)["day"] == 10
        assert number(connection, "select count(*) from integration_monitor.statistics_changes") == 1


def test_migration_counts_the_records_that_are_there(each_empty_database_url: str) -> None:
    with psycopg.connect(each_empty_database_url, autocommit=True) as connection:
        for migration in list_migrations():
            if migration.name < "0020":
                connection.execute(migration.text)
                connection.execute(query("migration_record"), {"name": migration.name, "checksum": migration.checksum})
        add(connection, *(days * DAY for days in (0, 1, 10, 29, 100)))

        assert migrate(each_empty_database_url)[0] == "0020_create_statistics"

        assert_exact(connection)
        assert counts(connection)["day"] == 5


def test_a_process_that_writes_adds_up_now_and_then(each_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integration_monitor.store.postgres.sink.ADD_UP_INTERVAL_S", 0.0)
    with psycopg.connect(each_database_url, autocommit=True) as connection:
        sink = PostgresSink(each_database_url)
        sink.write(Batch(records=[record()]))

        assert counts(connection)["day"] == 1

        # Somebody else is at it: nobody waits, and the next time does it.
        with connection.transaction():
            add(connection, 0 * DAY)
            compact(connection)
            sink.write(Batch(records=[record()]))
        assert counts(connection)["day"] == 2
        sink.write(Batch(records=[record()]))
        sink.close()
        assert counts(connection)["day"] == 4


def test_a_recount_and_writers_do_not_count_twice(connection: Connection, each_database_url: str) -> None:
    add(connection, DAY, DAY)
    with psycopg.connect(each_database_url) as writer, concurrent.futures.ThreadPoolExecutor(1) as thread:
        writer.execute("delete from public.integration_logs where ctid in (select ctid from public.integration_logs limit 1)")
        add(writer, DAY, duration_ms=7)

        assert number(connection, "select integration_monitor.rebuild_statistics('-infinity', 'infinity')") == 2
        assert_exact(connection)
        writer.commit()
        assert_exact(connection)
        thread.submit(compact, connection).result()
    assert_exact(connection)


@pytest.mark.parametrize(
    ("narrowing", "seen"),
    [
        ("drop policy integration_logs_read_authenticated on public.integration_logs", 0),
        ("alter policy integration_logs_read_authenticated on public.integration_logs using (service_name = 'whapi')", 1),
        (
            "create policy narrow on public.integration_logs as restrictive for select to authenticated using (service_name = 'whapi')",
            1,
        ),
        ("create policy narrow on public.integration_logs as restrictive to public using (service_name <> 'resend')", 1),
    ],
)
@pytest.mark.parametrize("is_compacted", [False, True], ids=["open", "added up"])
def test_who_sees_some_records_sees_what_they_add_up_to(
    connection: Connection, narrowing: str, seen: int, is_compacted: bool
) -> None:
    add(connection, 0 * DAY, service="resend")
    add(connection, 0 * DAY, service="whapi", duration_ms=7)
    if is_compacted:
        compact(connection)
    with connection.transaction(force_rollback=True):
        connection.execute("set local role authenticated")
        assert [len(rows) for rows in read(connection).values()] == [2, 2]

    with connection.transaction(force_rollback=True):
        connection.execute(narrowing.encode())
        connection.execute("set local role authenticated")
        assert read(connection) == recount(connection)
        assert [[row[0] for row in rows] for rows in read(connection).values()] == [["whapi"] * seen] * 2
        connection.execute("reset role")
        # Whom the narrowing may concern too, where it is not beyond policies.
        connection.execute("set local role service_role")
        assert read(connection) == recount(connection)


def test_who_may_not_read_the_table_is_refused_its_sums(connection: Connection) -> None:
    add(connection, 0 * DAY)
    for view in ("hourly", "daily"):
        with connection.transaction(force_rollback=True):
            connection.execute("revoke select on public.integration_logs from authenticated")
            connection.execute("set local role authenticated")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select from public.integration_stats_{view}".encode())


def test_extremes_are_read_again_for_those_who_may_read_no_record(connection: Connection) -> None:
    add(connection, 0 * DAY, duration_ms=5)
    add(connection, 0 * DAY, duration_ms=50)
    compact(connection)
    connection.execute("delete from public.integration_logs where duration_ms = 5")

    for role in ("authenticated", "service_role", "integration_monitor_statistics"):
        with connection.transaction(force_rollback=True):
            connection.execute(f"set local role {role}".encode())
            for rows in read(connection).values():
                assert [row[6:] for row in rows] == [(50, 50)]


def test_the_writers_login_adds_up_and_reads_nothing(connection: Connection) -> None:
    add(connection, DAY)
    with connection.transaction():
        connection.execute("set local role integration_monitor_writer")
        add(connection, DAY)

        assert compact(connection) == 2

    assert_exact(connection)
    assert counts(connection)["day"] == 2


def test_only_what_is_added_up_is_looked_at(connection: Connection) -> None:
    """Else each step would take the longer the more changes wait."""
    for action in ("first", "second", "third"):
        add(connection, 0 * DAY, action=action)
    connection.execute(
        "insert into public.integration_logs (service_name, action, status, created_at) values ('a', 'never', 'failed', 'infinity')"
    )

    assert number(connection, "select integration_monitor.compact_statistics(1)") == 1

    assert connection.execute("select name from integration_monitor.statistics_names").fetchall() == [("first",)]
    assert compact(connection) == 2
    assert connection.execute("select name from integration_monitor.statistics_names order by 1").fetchall() == [
        ("first",),
        ("second",),
        ("third",),
    ]
    assert_exact(connection)


def test_adding_up_is_never_compiled(connection: Connection) -> None:
    """On PostgreSQL 15 to 18 with LLVM, compiling took half a second where one change was added up in three milliseconds."""
    settings = connection.execute(
        "select proname, proconfig from pg_proc where oid in ('integration_monitor.compact_statistics(integer)'::regprocedure,"
        " 'integration_monitor.rebuild_statistics(timestamptz, timestamptz)'::regprocedure)"
    ).fetchall()

    assert all("jit=off" in config for _, config in settings), settings
    assert len(settings) == 2
