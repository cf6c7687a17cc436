"""The commands of the database: what they print, and their exit codes."""

import dataclasses
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from integration_monitor.cli import main
from integration_monitor.store.postgres.migrator import list_migrations
from integration_monitor.store.postgres.script import script


@dataclasses.dataclass(frozen=True, kw_only=True)
class Done:
    """What a command printed, and its exit code."""

    returncode: object
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line; keyword arguments are environment variables."""

    def run(*arguments: str, **environment: str) -> Done:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["integration-monitor", *arguments])
            for name, value in {"COLUMNS": "200", **environment}.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as caught:
                main()
        printed = capsys.readouterr()
        return Done(returncode=caught.value.code or 0, stdout=printed.out, stderr=printed.err)

    return run


def test_migrate_applies_and_says_what(run: Run, empty_database_url: str) -> None:
    first = run("migrate", "--database-url", empty_database_url)
    second = run("migrate", INTEGRATION_MONITOR_DATABASE_URL=empty_database_url)

    assert first.returncode == second.returncode == 0
    assert first.stdout.splitlines() == [f"applied {migration.name}" for migration in list_migrations()]
    assert "up to date" in second.stdout


def test_the_option_counts_before_the_environment(run: Run, database_url: str) -> None:
    done = run("migrate", "--database-url", database_url, INTEGRATION_MONITOR_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")

    assert done.returncode == 0


def test_without_a_url_the_embedded_database_is_used(run: Run) -> None:
    with tempfile.TemporaryDirectory(prefix="integration-monitor-test-") as folder:
        Path(folder).chmod(0o755)
        setting = {"INTEGRATION_MONITOR_DATABASE_URL": "", "INTEGRATION_MONITOR_DATA_DIR": folder}

        migrated = run("migrate", **setting)
        kept = run("migrate", "--database-url", "embedded", **setting)

    assert migrated.stdout.count("applied") == len(list_migrations())
    assert "up to date" in kept.stdout


def test_a_dry_run_and_the_status_change_nothing(run: Run, empty_database_url: str) -> None:
    dry = run("migrate", "--dry-run", "--database-url", empty_database_url)
    status = run("migrate", "--status", "--database-url", empty_database_url)

    assert dry.stdout.splitlines() == [f"would apply {migration.name}" for migration in list_migrations()]
    assert status.stdout.count("missing") == len(list_migrations())
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("select to_regnamespace('integration_monitor')").fetchone() == (None,)


def test_the_status_tells_when_each_was_applied(run: Run, database_url: str) -> None:
    done = run("migrate", "--status", "--database-url", database_url)

    assert done.stdout.count(" UTC") == len(list_migrations())


def test_verify_passes_with_a_table(run: Run, database_url: str) -> None:
    done = run("verify", "--database-url", database_url)

    assert done.returncode == 0
    assert "column integration_logs.id" in done.stdout
    assert "checks passed" in done.stdout
    assert "INTEGRATION_MONITOR_REQUIRED_CLAIMS" in done.stdout


def test_verify_fails_with_1_and_tells_programs_why(run: Run, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("drop index public.idx_integration_logs_failed")

    done = run("verify", "--json", "--database-url", database_url, INTEGRATION_MONITOR_REQUIRED_CLAIMS="a=b")

    answer: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 1
    assert answer["is_ok"] is False
    assert [check["name"] for check in answer["checks"] if not check["is_ok"]] == ["index idx_integration_logs_failed"]
    assert not any(check["is_warning"] for check in answer["checks"])


def test_verify_of_completeness_passes_where_nothing_is_missing(run: Run, database_url: str) -> None:
    done = run("verify", "--completeness", "--database-url", database_url)

    assert done.returncode == 0
    assert "no gap" in done.stdout


def test_verify_of_completeness_names_the_processes_with_gaps(run: Run, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into integration_monitor.writers (writer_id, host, pid, started_at, heartbeat_at, taken, written)"
            " values (gen_random_uuid(), 'web-[1]', 42, now(), now() - interval '1 hour', 17, 14)"
        )

    told = run("verify", "--completeness", "--database-url", database_url)
    for_programs = run("verify", "--completeness", "--json", "--database-url", database_url)

    assert told.returncode == for_programs.returncode == 1
    assert "42 on web-[1]" in told.stdout
    assert "3 calls were taken and are nowhere" in told.stdout
    answer = json.loads(for_programs.stdout)
    assert (answer["is_ok"], answer["missing"], [gap["pid"] for gap in answer["gaps"]]) == (False, 3, [42])


def test_sql_prints_the_script(run: Run) -> None:
    done = run("sql")

    assert done.returncode == 0
    assert done.stdout.rstrip("\n") == script().rstrip("\n")


def test_cleanup_says_what_it_did(run: Run, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into public.integration_logs (service_name, action, status, created_at)"
            " values ('amocrm', 'sync_lead', 'success', now() - interval '100 days')"
        )

    done = run("cleanup", "--database-url", database_url)

    assert done.returncode == 0
    assert any(line.split() == ["records", "deleted", "1"] for line in done.stdout.splitlines())


@pytest.mark.parametrize("command", ["migrate", "verify", "cleanup"])
def test_a_database_that_is_away_is_one_line_and_1(run: Run, command: str) -> None:
    done = run(command, "--database-url", "postgresql://nobody:hunter2@127.0.0.1:1/none")

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("integration-monitor: ")
    assert "hunter2" not in done.stderr


def test_an_unpartitioned_table_is_one_line_and_1(run: Run, empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("create table public.integration_logs (id uuid)")

    done = run("migrate", "--database-url", empty_database_url)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Nothing was changed" in done.stderr


@pytest.mark.parametrize("arguments", [("migrate", "--nonsense"), ("nonsense",), ("verify", "--json", "surplus")], ids=str)
def test_wrong_usage_is_2(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).returncode == 2


def test_a_wrong_setting_is_one_line_and_1(run: Run) -> None:
    done = run("cleanup", INTEGRATION_MONITOR_SERVER_PORT="http")

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "server_port" in done.stderr


def test_without_the_extra_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['typer'] = None; from integration_monitor.cli import main; main()"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert 'pip install "integration-monitor[server]"' in done.stderr


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    code = "from integration_monitor.cli import main; main()"

    done = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -c "{code}" sql | head -n 1'], capture_output=True, check=False, text=True
    )

    assert done.stdout.startswith("-- Integration Monitor")
    assert done.stderr == ""


@pytest.mark.parametrize("is_compacted", [False, True], ids=["open", "added up"])
def test_verify_counts_a_day_again(run: Run, database_url: str, is_compacted: bool) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into public.integration_logs (service_name, action, status, error_code, response_payload, duration_ms, created_at)"
            " select 'amocrm', 'sync_lead', case when n % 5 = 0 then 'failed' else 'success' end, null, null, nullif(n, 7),"
            " date_bin('1 day', now(), timestamptz '1970-01-01 00:00:00+00') - age + n * interval '10 minutes'"
            " from generate_series(0, 143) as n cross join unnest(array[interval '1 day', interval '60 days']) as age"
        )
        connection.execute("delete from public.integration_logs where duration_ms = 0")
        if is_compacted:
            connection.execute("select integration_monitor.compact_statistics()")
        (days,) = connection.execute(
            "select array_agg(distinct (created_at at time zone 'UTC')::date::text) from public.integration_logs"
        ).fetchone() or ((),)
        right = [run("verify", "--database-url", database_url, "--statistics", "--day", day) for day in days]
        yesterday = run("verify", "--database-url", database_url, "--statistics")

        # Written past the triggers, as by somebody who names a partition.
        (partition,) = connection.execute(
            "select tableoid::regclass::text from public.integration_logs where duration_ms = 143 order by created_at desc limit 1"
        ).fetchone() or ("",)
        connection.execute(f"delete from only {partition} where duration_ms = 143".encode())
        wrong = run("verify", "--database-url", database_url, "--statistics")
        wrong_json = run("verify", "--database-url", database_url, "--statistics", "--json")
        connection.execute("select integration_monitor.rebuild_statistics(now() - interval '3 days', now())")
        rebuilt = run("verify", "--database-url", database_url, "--statistics")

    assert [(done.returncode, "no difference" in done.stdout) for done in (*right, yesterday, rebuilt)] == [(0, True)] * (
        len(days) + 2
    )
    assert wrong.returncode == wrong_json.returncode == 1
    assert "amocrm sync_lead success" in wrong.stdout
    answer = json.loads(wrong_json.stdout)
    assert not answer["is_ok"]
    assert {one["tier"] for one in answer["differences"]} >= {"hour", "day"}
    [day] = [one for one in answer["differences"] if one["tier"] == "day"]
    assert [shown - counted for counted, shown in zip(day["counted"], day["shown"], strict=True)] == [1, 1, 143, 0, 1]
    assert day["is_histogram_other"]


# As pg_cron 1.4 and later have it, and what it keeps of a job.
STUB_OF_PG_CRON = """
    create schema cron;
    create table cron.job (jobname text primary key, schedule text not null, command text not null);
    create function cron.schedule(job_name text, schedule text, command text) returns bigint language sql as
        'insert into cron.job values ($1, $2, $3) on conflict (jobname) do update set schedule = $2, command = $3 returning 1::bigint';
"""


def test_the_script_for_pg_cron_schedules_what_the_server_does(run: Run, each_database_url: str) -> None:
    printed = run("sql", "--pg-cron").stdout
    with psycopg.connect(each_database_url, autocommit=True) as connection:
        connection.execute(STUB_OF_PG_CRON.encode())

        connection.execute(printed.encode())
        connection.execute(printed.encode())

        jobs = connection.execute("select jobname, command from cron.job order by 1").fetchall()
        assert [name for name, _ in jobs] == ["integration_monitor_add_up", "integration_monitor_maintain"]
        connection.execute("insert into public.integration_logs (service_name, action, status) values ('a', 'b', 'success')")
        for _, command in jobs:
            connection.execute(command.encode())
        assert connection.execute("select sum(count)::integer from integration_monitor.statistics_day").fetchone() == (1,)


def test_the_script_for_pg_cron_says_what_is_missing(run: Run, empty_database_url: str, database_url: str) -> None:
    printed = run("sql", "--pg-cron").stdout.encode()

    with (
        psycopg.connect(empty_database_url) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="is not in this database"),
    ):
        connection.execute(printed)
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.RaiseException) as caught:
        connection.execute(printed)

    assert "pg_cron is not installed" in str(caught.value)
    assert "create extension pg_cron" in (caught.value.diag.message_hint or "")
