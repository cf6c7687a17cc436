"""`integration-monitor demo`: everything at once, on this machine, with nothing set up before."""

import contextlib
import importlib.util
import itertools
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from integration_monitor.batch import Batch
from integration_monitor.cli import serve
from integration_monitor.cli.options import end_in_order, load_settings
from integration_monitor.demo.calls import ADDRESSES_VARIABLE
from integration_monitor.demo.history import records
from integration_monitor.demo.traffic import HISTORY
from integration_monitor.errors import MigrationError, MissingExtraError
from integration_monitor.settings import load, variable
from integration_monitor.simulators.server import SimulatedVendors
from integration_monitor.store.embedded import EMBEDDED, default_folder, resolve
from integration_monitor.store.postgres.connection import connect
from integration_monitor.store.postgres.migrator import migrate
from integration_monitor.store.postgres.sink import PostgresSink
from integration_monitor.store.postgres.sql import query

# The same past in every demo.
_SEED = 20
# Records a transaction while the past is written.
_BATCH = 1000
# What the application needs to write its last batch.
_END_TIMEOUT_S = 8


def register(app: typer.Typer) -> None:
    """Adds the command to the command line."""
    app.command()(demo)


def demo(
    port: Annotated[int | None, typer.Option(help="Port of the dashboard, by default 8321; 0 picks a free one.")] = None,
) -> None:
    """Shows the product on this machine: a database of its own, five simulated vendors, an application that calls them, the dashboard.

    Fills the last 30 days first, then goes on live. Ctrl-C ends everything and leaves nothing running.
    """
    for package in ("httpx", "requests", "resend", "telegram"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError("The demo", extra="demo")
    end_in_order()
    folder = default_folder(load_settings(None).data_dir) / "demo"
    with contextlib.suppress(KeyboardInterrupt), resolve(EMBEDDED, folder) as database:
        prepare(database.url, folder)
        fill(database.url)
        with SimulatedVendors(is_lifelike=True) as vendors, application(database.url, vendors):
            serve.run(load({"database_url": database.url, "server_port": port}))


def prepare(database_url: str, folder: Path) -> None:
    """Migrates the demo's database.

    Errors:
        MigrationError: another version of the product made it; the message names the folder to remove.
    """
    try:
        migrate(database_url)
    except MigrationError as error:
        raise MigrationError(
            f"the demo's database was made by another version of the product ({error}). What is in it is invented: "
            f"remove {folder} and start the demo again"
        ) from error


def fill(database_url: str) -> None:
    """Writes the past: all of it into an empty database, else what came since the last demo.

    Errors:
        StoreError: the database refused.
    """
    now = datetime.now(UTC)
    since = newest(database_url) or now - HISTORY
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeRemainingColumn())
    sink = PostgresSink(database_url)
    with contextlib.closing(sink), Progress(*columns) as progress:
        task = progress.add_task(f"Inventing {HISTORY.days} days of history", total=(now - since).total_seconds())
        make_partitions(database_url, since, now)
        past = records(now, random.Random(_SEED), since=since)  # noqa: S311 - an invented past is no secret
        while batch := list(itertools.islice(past, _BATCH)):
            sink.write(Batch(records=batch))
            progress.update(task, completed=(batch[-1].created_at - since).total_seconds())
        progress.update(task, completed=(now - since).total_seconds())
        # Makes partitions ahead of what is live, and forgets what is too old.
        sink.maintain()


def make_partitions(database_url: str, since: datetime, until: datetime) -> None:
    """Gives the past its partitions before it is written: in the one for strays it would wait for a turn of the maintenance each."""
    with connect(database_url) as connection:
        connection.execute(query("partitions_create"), {"since": since, "until": until})


def newest(database_url: str) -> datetime | None:
    """When the newest record was made; None where there is none."""
    with connect(database_url) as connection:
        row = connection.execute(query("logs_newest")).fetchone()
    return row[0] if row else None


@contextlib.contextmanager
def application(database_url: str, vendors: SimulatedVendors) -> Iterator[None]:
    """The stand-in company's program, running until the block ends.

    It is a process of its own, as a user's would be, and ends when its input closes: also when we are killed.
    """
    hosts = ",".join(f"{host}={service}" for host, service in vendors.service_hosts.items())
    environment = {
        **os.environ,
        variable("database_url"): database_url,
        variable("service_hosts"): hosts,
        ADDRESSES_VARIABLE: json.dumps(vendors.base_urls),
    }
    # A session of its own: Ctrl-C is for us, and we end it in order.
    process = subprocess.Popen(
        [sys.executable, "-m", "integration_monitor.demo.application"],
        env=environment,
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
