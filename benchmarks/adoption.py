"""What it costs to take over an old, unpartitioned table: how long it takes, and how long a writer waits meanwhile.

    python -m benchmarks.adoption                     # a million records: a few minutes, 3 GB of disk
    python -m benchmarks.adoption --records 100000    # for a first look

The old table is as people made it by hand: 0.6 KB a record over 180 days, a hundredth of them without created_at. Two processes' worth of writers
insert and finish records all the while, as programs that know nothing of partitions; each of their statements is timed. Afterwards
every record is accounted for by its id, and each sum of the statistics is compared with a count of the records.
"""

import argparse
import tempfile
import time
from pathlib import Path

import psycopg
from rich.console import Console

from benchmarks.machine import describe_machine
from integration_monitor.store.cluster import Cluster
from integration_monitor.store.embedded import find_binaries
from integration_monitor.store.postgres.contract import verify
from integration_monitor.store.postgres.migrator import migrate
from tests.integration.old_table import TABLE, writing
from tests.integration.recount import assert_exact

PARAMETERS = {"shared_buffers": "512MB", "max_wal_size": "4GB"}
WRITERS = 4
_FILL = """
    insert into public.integration_logs (service_name, action, status, error_code, request_payload, response_payload, duration_ms, created_at)
    select (array['amocrm', 'telegram', 'resend', 'mobizon', 'whapi'])[1 + n % 5], 'action_' || n / 5 % 6,
           case when n % 10 = 0 then 'failed' else 'success' end, case when n % 10 = 0 then 'HTTP_500' end,
           jsonb_build_object('method', 'POST', 'body', repeat('x', 300)), jsonb_build_object('status_code', 200, 'body', repeat('y', 200)),
           n % 3000, case when n % 100 > 0 then now() - random() * interval '180 days' end
      from generate_series(1, {records}) as n
"""


class Stages:
    """Notes how long each stage took."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._what, self._since = "", time.monotonic()
        #: (name, since, until) by time.monotonic()
        self.stages: list[tuple[str, float, float]] = []

    def note(self, text: str) -> None:
        self._console.print(f"  note: {text}")

    def progress(self, what: str, done: int, total: int | None) -> None:
        del done, total
        if what != self._what:
            now = time.monotonic()
            if self._what:
                self.stages.append((self._what, self._since, now))
                self._console.print(f"  {self._what}: {now - self._since:.1f} s")
            self._what, self._since = what, now


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    records: int = parser.parse_args().records
    console = Console()
    for what, which in describe_machine():
        console.print(f"{what}: {which}")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        cluster = Cluster(Path(folder) / "data", binaries=find_binaries(), parameters=PARAMETERS)
        cluster.start()
        try:
            _measure(cluster.url("postgres"), records, console)
        finally:
            cluster.stop()


def _measure(database_url: str, records: int, console: Console) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create role service_role nologin; create role authenticated nologin; create role anon nologin")
        connection.execute(TABLE.encode())
        with console.status(f"making {records:,} records"):
            connection.execute(_FILL.format(records=records).encode())
            connection.execute("vacuum analyze public.integration_logs")
        before = _ids(connection)
        with writing(database_url, count=WRITERS) as writers:
            time.sleep(2)
            usual_s = max(writer.longest_s for writer in writers)
            began_at = time.monotonic()
            stages = Stages(console)
            migrate(database_url, stages)
            stages.progress("the rest", 0, None)
            took_s = time.monotonic() - began_at
            time.sleep(2)
        after = _ids(connection)
        written = {identifier for writer in writers for identifier in writer.acknowledged}
        errors = [error for writer in writers for error in writer.errors]
        assert_exact(connection)
    for name, since, until in stages.stages:
        waits = [took_s for writer in writers for ended_at, took_s in writer.waits if since <= ended_at - took_s / 2 <= until]
        if waits:
            console.print(f"  waits of more than 0.2 s during {name}: {len(waits)}, the longest {max(waits):.2f} s")
    broken = [check.name for check in verify(database_url, required_claims={}) if not check.is_ok]
    console.print(f"records: {len(before):,} old, {len(written):,} written meanwhile, {len(after):,} there now")
    console.print(
        f"every record accounted for: {'yes' if after == before | written else 'NO'}; errors of writers: {len(errors)}; "
        f"statistics as counted: yes; broken promises: {broken or 'none'}"
    )
    console.print(
        f"taken over in {took_s:.1f} s; longest wait of a writer: {max(writer.longest_s for writer in writers):.2f} s "
        f"({usual_s:.2f} s in two seconds before)"
    )


def _ids(connection: psycopg.Connection[tuple[object, ...]]) -> set[object]:
    return {identifier for (identifier,) in connection.execute("select id from public.integration_logs").fetchall()}


if __name__ == "__main__":
    main()
