"""PostgreSQL goes away in every way there is, while applications make calls; and comes back."""

from typing import Any

import psycopg

from tests.acceptance.programs import until
from tests.crash.company import Report
from tests.crash.scene import Scene, Workload, end_all
from tests.crash.server_process import ServerProcess
from tests.crash.vendor import Vendor
from tests.integration.proxies import Proxy, proxied

# What an application does meanwhile, each time.
CALLS_COUNT = 50
# So that a batch does not fit into what a COPY sends at once.
LARGE_BYTES = 4_000
COPIED_BYTES = 100_000


def start_both(scene: Scene, vendor: Vendor) -> list[Workload]:
    """An application that buffers and one with a journal, making calls."""
    workloads = [
        scene.start(settings={"durability": "buffered", "pending_after_s": 0.2}, threads=2),
        scene.start(settings={"durability": "journal"}, kind="http", vendor=vendor.address, threads=3),
    ]
    wait_for_rows(scene, workloads)
    return workloads


def wait_for_rows(scene: Scene, workloads: list[Workload]) -> None:
    """Until new records of each are in the table."""
    for workload in workloads:
        scene.wait_for_rows_of(workload)


def work_on(workloads: list[Workload]) -> None:
    """Until each application has made more calls."""
    for workload in workloads:
        workload.wait_for_calls(CALLS_COUNT)


def test_a_server_that_is_killed_stopped_or_stands_still_costs_nothing(
    scene: Scene, vendor: Vendor, server_process: ServerProcess, report: Report, rounds: int
) -> None:
    workloads = start_both(scene, vendor)

    for _ in range(rounds):
        for go_away in (server_process.kill, server_process.stop):
            go_away()
            work_on(workloads)
            server_process.start()
            wait_for_rows(scene, workloads)
        with server_process.stopped():
            work_on(workloads)
            if rounds > 1:  # else there is no time to wait until the deadline for a batch has passed
                workloads[0].wait_until(lambda: is_everything_spooled(scene, len(workloads)), "records on disk")
        wait_for_rows(scene, workloads)
    end_all(scene, workloads)

    account = report(f"PostgreSQL killed, stopped, SIGSTOP: {rounds} times each", scene.account(), durability="both")
    assert account.is_exact, account
    assert account.tried == account.written


def is_everything_spooled(scene: Scene, workloads_count: int) -> bool:
    """Whether records of each application wait on disk, since a server that stands still is as good as none."""
    holdings = scene.spools()
    return len(holdings) == workloads_count and all(holding.records_count for holding in holdings)


def test_a_server_that_is_killed_in_the_middle_of_a_copy_costs_nothing(
    scene: Scene, server_process: ServerProcess, report: Report, rounds: int
) -> None:
    with proxied(scene.database_url) as (proxy, url):
        workload = scene.start(url=url, payload_bytes=LARGE_BYTES, pause_s=0.02, threads=4)
        scene.wait_for_rows_of(workload)

        for _ in range(rounds):
            stop_in_the_middle_of_a_copy(proxy, server_process)
            server_process.kill()
            proxy.hear_again()
            work_on([workload])
            server_process.start()
            scene.wait_for_rows_of(workload)
        end_all(scene, [workload])

    account = report(f"PostgreSQL killed in the middle of a COPY {rounds} times", scene.account(), durability="buffered")
    assert account.is_exact, account
    assert account.tried == account.written


def stop_in_the_middle_of_a_copy(proxy: Proxy, server_process: ServerProcess) -> None:
    """The server has some of a batch, and hears no more of it."""
    with server_process.connect() as connection:

        def is_stopped() -> bool:
            if proxy.is_deaf and is_copying(connection):
                return True
            if proxy.is_deaf:  # in the middle of something else
                proxy.hear_again()
            if proxy.deaf_after_bytes is None:
                proxy.deaf_after_bytes = COPIED_BYTES
            return False

        until(is_stopped, "the middle of a COPY")


def is_copying(connection: psycopg.Connection[Any]) -> bool:
    """Whether some session is in the middle of a COPY."""
    row = connection.execute("select exists (select from pg_stat_progress_copy where command = 'COPY FROM')").fetchone()
    return row == (True,)
