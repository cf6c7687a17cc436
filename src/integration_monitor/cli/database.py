"""Commands that make, prove and keep the database."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from integration_monitor.cli.audit import note_act
from integration_monitor.cli.options import DatabaseUrl, load_settings, open_database
from integration_monitor.store.postgres import maintenance, migrator
from integration_monitor.store.postgres.adoption.findings import Findings
from integration_monitor.store.postgres.completeness import Gap, list_gaps
from integration_monitor.store.postgres.contract import Check
from integration_monitor.store.postgres.contract import verify as verify_contract
from integration_monitor.store.postgres.recount import Difference, list_differences
from integration_monitor.store.postgres.script import schedule_script, script

# A run that deleted fewer records had no more to delete: see migrations/0025_remove_in_steps.sql.
ROWS_OF_A_STEP = 5_000


def register(app: typer.Typer) -> None:
    """Adds the commands to the command line."""
    for command in (migrate, verify, sql, cleanup):
        app.command()(command)


def migrate(
    database_url: DatabaseUrl = None,
    *,
    status: Annotated[bool, typer.Option("--status", help="Only tell what is applied.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be applied.")] = False,
) -> None:
    """Bring the database up to date. Safe to repeat, and from several machines at once.

    An older, unpartitioned table is taken over in place, while applications go on writing: --dry-run tells first what stands in the way.
    """
    with open_database(load_settings(database_url)) as database:
        if status:
            _print_states(migrator.status(database.url))
            return
        if dry_run:
            names = [state.name for state in migrator.status(database.url) if state.applied_at is None]
            _tell_findings(migrator.foresee(database.url))
        else:
            with _progress_shown() as progress:
                names = migrator.migrate(database.url, progress)
            if names:
                note_act(database.url, act="migrated", subject=names[-1], details={"migrations": names})
    for name in names:
        typer.echo(f"would apply {name}" if dry_run else f"applied {name}")
    if not names:
        typer.echo("nothing to apply: the database is up to date")


class _ProgressShown:
    """Shows how far an upgrade is: a bar where somebody looks, and notes as lines."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def note(self, text: str) -> None:
        self._progress.console.print(Text(f"note: {text}"), soft_wrap=True)

    def progress(self, what: str, done: int, total: int | None) -> None:
        """As of `Watcher`. Each thing that is done has a line of its own."""
        for other, task in self._tasks.items():
            if other != what and not self._progress.tasks[task].finished:
                self._progress.update(task, total=1, completed=1)
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=None)
        # A bar without an end moves to and fro.
        self._progress.update(self._tasks[what], total=total or None, completed=done)


@contextmanager
def _progress_shown() -> Iterator[_ProgressShown]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    # Into a file it would write an empty line, and nothing else.
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield _ProgressShown(progress)


def _tell_findings(findings: Findings | None) -> None:
    """What taking over an old table would meet with. Exit code 1 where something stands in the way."""
    if findings is None:
        return
    typer.echo(f"would take over public.integration_logs as it is, with some {findings.rows} records")
    for note in findings.notes:
        typer.echo(f"note: {note}")
    if findings.obstacles:
        table = Table("in the way", "remedy", box=None)
        for obstacle in findings.obstacles:
            table.add_row(Text(obstacle.name), Text(obstacle.remedy))
        Console().print(table)
        typer.echo("nothing can be applied before that is mended")
        raise typer.Exit(1)


def verify(
    database_url: DatabaseUrl = None,
    *,
    is_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")] = False,
    completeness: Annotated[
        bool, typer.Option("--completeness", help="Instead, name the processes that took calls which are nowhere.")
    ] = False,
    statistics: Annotated[
        bool, typer.Option("--statistics", help="Instead, count the records of a day again and compare the statistics.")
    ] = False,
    day: Annotated[
        datetime | None, typer.Option("--day", formats=["%Y-%m-%d"], help="The day for --statistics, UTC; by default yesterday.")
    ] = None,
) -> None:
    """Prove that the database keeps its contract: objects, rights, a record. Exit code 1 if it does not."""
    settings = load_settings(database_url)
    with open_database(settings) as database:
        if completeness:
            is_ok = _tell_completeness(list_gaps(database.url), is_json=is_json)
        elif statistics:
            counted_day = (day or datetime.now(UTC) - timedelta(days=1)).date()
            is_ok = _tell_statistics(counted_day, list_differences(database.url, counted_day), is_json=is_json)
        else:
            is_ok = _tell_contract(verify_contract(database.url, required_claims=settings.required_claims), is_json=is_json)
    if not is_ok:
        raise typer.Exit(1)


def _tell_contract(checks: list[Check], *, is_json: bool) -> bool:
    is_ok = all(check.is_ok for check in checks)
    if is_json:
        typer.echo(json.dumps({"is_ok": is_ok, "checks": msgspec.to_builtins(checks)}, ensure_ascii=False, indent=2))
    else:
        _print_checks(checks)
    return is_ok


def _tell_completeness(gaps: list[Gap], *, is_json: bool) -> bool:
    missing = sum(gap.missing for gap in gaps)
    if is_json:
        answer = {"is_ok": not gaps, "missing": missing, "gaps": msgspec.to_builtins(gaps)}
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    elif gaps:
        _print_gaps(gaps)
        typer.echo(f"{missing} calls were taken and are nowhere; processes with a gap: {len(gaps)}")
    else:
        typer.echo("no gap: of every process that has ended or died, each call is written or accounted for")
    return not gaps


def _tell_statistics(day: date, differences: list[Difference], *, is_json: bool) -> bool:
    if is_json:
        answer = {"is_ok": not differences, "day": day.isoformat(), "differences": msgspec.to_builtins(differences)}
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    elif differences:
        _print_differences(differences)
        typer.echo(f"{len(differences)} sums of {day} are not what the records say")
    else:
        typer.echo(f"no difference: the statistics of {day} are what the records say")
    return not differences


def sql(
    *,
    pg_cron: Annotated[
        bool, typer.Option("--pg-cron", help="Instead, the script that has pg_cron maintain the database.")
    ] = False,
) -> None:
    """Print one script for a SQL editor that does what `migrate` does."""
    typer.echo(schedule_script() if pg_cron else script())


def cleanup(database_url: DatabaseUrl = None) -> None:
    """Make partitions ahead and remove what is too old: once a day, from cron or by the running server."""
    with open_database(load_settings(database_url)) as database:
        done = maintenance.maintain(database.url)
        rows_deleted = done.rows_deleted
        # One run deletes for twenty seconds at most.
        while done.rows_deleted >= ROWS_OF_A_STEP:
            done = maintenance.maintain(database.url)
            rows_deleted += done.rows_deleted
    if done.is_skipped and not rows_deleted:
        typer.echo("nothing done: another session is at it")
        return
    table = Table("done", "what", box=None)
    table.add_row("records deleted", str(rows_deleted))
    table.add_row("partitions made", _list(done.partitions_created))
    table.add_row("partitions emptied", _list(done.partitions_emptied))
    table.add_row("partitions dropped", _list(done.partitions_dropped))
    table.add_row("left for the next time", _list(done.postponed))
    table.add_row("records closed as ABANDONED", str(done.records_abandoned))
    table.add_row("processes forgotten", str(done.writers_removed))
    table.add_row("changes of statistics added up", str(done.statistics_added_up))
    Console().print(table)


def _list(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _print_states(states: list[migrator.MigrationState]) -> None:
    table = Table("migration", "applied", box=None)
    for state in states:
        applied = Text(f"{state.applied_at:%Y-%m-%d %H:%M:%S} UTC") if state.applied_at else Text("missing", "yellow")
        table.add_row(state.name, applied)
    Console().print(table)


def _print_gaps(gaps: list[Gap]) -> None:
    table = Table("process", "last heard of", "end", "taken", "written", "spooled", "dropped", "refused", "missing", box=None)
    for gap in gaps:
        table.add_row(
            Text(f"{gap.pid} on {gap.host}"),
            f"{gap.heartbeat_at:%Y-%m-%d %H:%M:%S} UTC",
            "in order" if gap.is_ended else "silent",
            *map(str, (gap.taken, gap.written, gap.spooled, gap.dropped, gap.dead_lettered)),
            Text(str(gap.missing), "bold red"),
        )
    Console().print(table)


def _print_differences(differences: list[Difference]) -> None:
    table = Table("of", "from", "what", "by the records", "by the statistics", box=None)
    for one in differences:
        key = (one.service_name, one.action, one.status, one.error_code, one.fault)
        table.add_row(
            one.tier, f"{one.bucket:%Y-%m-%d %H:%M} UTC", Text(" ".join(filter(None, key))), _sums(one.counted), _sums(one.shown)
        )
    console = Console()
    console.print("records, those with a duration, sum, shortest and longest in ms:")
    console.print(table)


def _sums(sums: list[int | None] | None) -> str:
    return "nothing" if sums is None else " ".join("-" if one is None else str(one) for one in sums)


def _print_checks(checks: list[Check]) -> None:
    table = Table("", "check", "found", box=None)
    for check in checks:
        mark = (
            Text("warning", "yellow") if check.is_warning else Text("ok", "green") if check.is_ok else Text("FAILED", "bold red")
        )
        table.add_row(mark, Text(check.name), Text(check.detail))
    console = Console()
    console.print(table)
    failed = sum(not check.is_ok for check in checks)
    console.print(f"{len(checks) - failed} of {len(checks)} checks passed")
