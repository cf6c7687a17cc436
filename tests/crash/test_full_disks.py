"""Disks that are full: the database's, and that of the spool."""

import os
import pwd
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.acceptance.programs import until
from tests.conftest import Server, server_folder
from tests.crash.company import Play, beside_others
from tests.crash.small_disk import SmallDisk, can_mount, small_disk
from tests.integration.proxies import proxied

MIB = 1024 * 1024
# More than any test fills.
ROOMY_BYTES = 4096 * MIB
# What a database may grow until its disk is full.
GROWTH_BYTES = 4 * MIB
SPOOL_BYTES = 1 * MIB
# What may be left where a table needs another piece.
FULL_BYTES = MIB


@contextmanager
def database_on_small_disk(server: Server, database_url: str) -> Iterator[SmallDisk]:
    """The database lies on a disk of its own until the block ends; what the server keeps for all databases does not."""
    name = conninfo_to_dict(database_url)["dbname"]
    user = server.cluster.system_user
    owner_id = pwd.getpwnam(user).pw_uid if user is not None else os.geteuid()
    with server_folder() as folder:
        place = folder / "small"
        place.mkdir()
        if not can_mount(place):
            pytest.skip("a full disk needs a file system of its own, which only root may mount")
        with small_disk(place, ROOMY_BYTES, owner_id=owner_id) as disk:
            server.execute(f"create tablespace small location '{place}'")
            server.execute(f"alter database {name} set tablespace small")
            yield disk
            server.drop_database(str(name))
            server.execute("drop tablespace small")


@beside_others
def test_a_database_whose_disk_is_full_costs_nothing(play: Play) -> None:
    scene, rounds = play.scene, play.rounds
    with database_on_small_disk(play.server, scene.database_url) as disk:
        workloads = [scene.start(settings={"durability": kind}, payload_bytes=16_000) for kind in ("buffered", "journal")]

        for _ in range(rounds):
            disk.resize(disk.used_bytes + GROWTH_BYTES)
            for workload in workloads:
                workload.wait_for_words("No space left")
            until(lambda: disk.free_bytes < FULL_BYTES, "a disk that is full")
            for workload in workloads:
                workload.wait_for_calls(50)
            disk.resize(ROOMY_BYTES)
            for workload in workloads:
                scene.wait_for_rows_of(workload)
        words = [workload.end() for workload in workloads]
        scene.drain()

        counted = sum(sum(word["dropped"].values()) for word in words)
        title = f"the database's disk full {rounds} times"
        account = play.report(title, scene.account(), durability="both", counted=counted)
    assert account.is_exact, account
    assert [word["dropped"] for word in words] == [{}, {}]
    assert scene.spools() == []


@beside_others
def test_a_spool_whose_disk_is_full_leaves_records_in_memory_and_counts_what_has_no_room_there(play: Play) -> None:
    scene = play.scene
    with ExitStack() as stack:
        plan: dict[str, Any] = {"payload_bytes": 4_000}
        place = scene.folder / "small"
        place.mkdir()
        if can_mount(place):
            limit = "a full disk"
            stack.enter_context(small_disk(place, SPOOL_BYTES, owner_id=os.geteuid()))
            scene.spool_dir = place / "spool"
        else:  # for everybody: to the application it is as if the disk were full
            limit = "RLIMIT_FSIZE"
            plan["file_bytes_max"] = SPOOL_BYTES
        proxy, url = stack.enter_context(proxied(scene.database_url))
        proxy.is_refusing = True
        roomy = [scene.start(url=url, settings={"durability": kind}, pause_s=0.01, **plan) for kind in ("buffered", "journal")]
        cramped = scene.start(url=url, settings={"queue_records_max": 100}, pause_s=0.002, **plan)

        for workload in (*roomy, cramped):
            workload.wait_for_words("cannot use its spool")
            workload.wait_for_calls(150)
        proxy.is_refusing = False
        for workload in roomy:
            scene.wait_for_rows_of(workload)
        words = [workload.end() for workload in roomy]
        word_of_cramped = cramped.end()
        scene.drain(url=url)

        account = scene.account()
        counted = word_of_cramped["dropped"]["queue_full"]
        play.report(
            f"the database away, the spool's disk full (by {limit})",
            account,
            durability="both",
            may_lose="what has no room in memory, in one application whose queue is small",
            counted=counted,
        )
        assert account.is_exact_but_for_losses, account
        assert account.missing_count == 0
        assert [word["dropped"] for word in words] == [{}, {}]
        assert account.lost <= set(cramped.returned)
        assert len(account.lost) == counted > 0
        assert scene.spools() == []
