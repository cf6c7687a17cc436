"""Applications that are killed with SIGKILL at any moment, while the database is there."""

import random
import time

from integration_monitor.store.postgres.sink import BATCH_DEADLINE_S
from tests.crash.company import Play, beside_others
from tests.crash.scene import Scene, Workload
from tests.crash.vendor import Vendor

# A kill may come at once, or after some batches.
CALLS_MAX = 300
BATCH_AGE_S = 0.25
# Each time one application of each kind is killed.
KINDS = ("log", "http")
# In `make test-crash` each mode is to be killed fifty times.
KILLS_A_ROUND = 5


def count_kills(rounds: int) -> int:
    """How often both applications are killed; in `make test` once."""
    return KILLS_A_ROUND * rounds if rounds > 1 else 1


def start_all(scene: Scene, vendor: Vendor, durability: str) -> list[Workload]:
    settings = {"durability": durability, "batch_age_s": BATCH_AGE_S, "pending_after_s": 0.2}
    return [
        scene.start(settings=settings, kind=kind, vendor=vendor.address, threads=3 if kind == "http" else 1) for kind in KINDS
    ]


@beside_others
def test_in_journal_mode_nothing_that_returned_is_lost(play: Play) -> None:
    scene, vendor, count = play.scene, play.vendor, count_kills(play.rounds)
    for number in range(count):
        workloads = start_all(scene, vendor, "journal")
        for workload in workloads:
            workload.wait_for_calls(random.randint(1, CALLS_MAX))
            time.sleep(random.uniform(0, 0.3))
            workload.kill()
        if number % 2 == 0:  # else it is the applications of the next round who find the spools
            scene.drain()

    scene.drain()

    account = play.report(f"kill -9 of {2 * count} applications, journal", scene.account(), durability="journal")
    assert account.is_exact, account
    assert account.in_flight & vendor.seen <= account.written
    assert account.abandoned <= account.in_flight
    assert scene.spools() == []


@beside_others
def test_buffered_records_that_are_lost_are_those_since_the_last_batch(play: Play) -> None:
    scene, vendor, count = play.scene, play.vendor, count_kills(play.rounds)
    windows_s = [0.0]
    ends_lost_count = 0
    for _ in range(count):
        workloads = start_all(scene, vendor, "buffered")
        for workload in workloads:
            workload.wait_for_calls(random.randint(1, CALLS_MAX))
            safe_at = scene.wait_for_rows_of(workload)
            time.sleep(random.uniform(0, 2 * BATCH_AGE_S))
            killed_at = workload.kill()
            lost_at = [note.at for note in scene.ends_lost_of(workload).values()]
            # What was taken before a record that is in the table is there as well.
            assert all(at > safe_at for at in lost_at)
            windows_s.append(killed_at - min(lost_at, default=killed_at))
            ends_lost_count += len(lost_at)
    scene.let_ten_minutes_pass()

    account = play.report(
        f"kill -9 of {2 * count} applications, buffered",
        scene.account(),
        durability="buffered",
        may_lose="what came since the last batch",
        remark=f"the ends of {ends_lost_count} calls, of the last {1000 * max(windows_s):.0f} ms at most",
    )
    assert account.is_exact_but_for_losses, account
    assert max(windows_s) < BATCH_AGE_S + BATCH_DEADLINE_S
    assert scene.spools() == []
