"""Files of a spool that were damaged: at most what lies in them is lost, and it is counted."""

import os
import shutil
import sqlite3
import uuid
from pathlib import Path

import psycopg

from integration_monitor.writer.folder import segments_in
from tests.crash.company import Play, beside_others
from tests.crash.scene import Scene
from tests.integration.proxies import proxied

# An eighth of it is a segment, so that there are some; and there is room, so that none is dropped for want of it.
SETTINGS = {"durability": "journal", "spool_bytes_max": 32 * 1024 * 1024}
# The last one is being written to.
SEGMENTS_COUNT = 4
GARBAGE = b"\xa5" * 8192


def damage_middle(path: Path) -> None:
    _overwrite(path, path.stat().st_size // 2)


def damage_first_page(path: Path) -> None:
    _overwrite(path, 0)


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _overwrite(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(GARBAGE)


def keys_in(path: Path, folder: Path) -> set[str]:
    """The records in a segment, read in a copy so that nothing of it is changed."""
    folder.mkdir()
    for part in path.parent.glob(f"{path.name}*"):
        shutil.copy(part, folder)
    connection = sqlite3.connect(folder / path.name)
    rows = connection.execute("select record_id from entry where seq > (select delivered_seq from state)").fetchall()
    connection.close()
    return {str(uuid.UUID(bytes=record_id)) for (record_id,) in rows}


DAMAGES = (damage_middle, damage_first_page, cut_short)


@beside_others
def test_a_damaged_segment_costs_at_most_what_is_in_it_and_that_is_counted(play: Play) -> None:
    scene = play.scene
    with proxied(scene.database_url) as (proxy, url):
        proxy.is_refusing = True
        workload = scene.start(url=url, settings=SETTINGS, payload_bytes=20_000, pause_s=0.01, threads=2)
        workload.wait_until(lambda: len(segments_of(scene)) >= SEGMENTS_COUNT, "some segments")
        victims = segments_of(scene)[: len(DAMAGES)]
        # What is in the log as well is not damaged.
        workload.wait_until(lambda: not any(map(has_log, victims)), "segments without a log")
        workload.kill()
        in_segments = [keys_in(victim, scene.folder / f"copy-{victim.name}") for victim in victims]
        for damage, victim in zip(DAMAGES, victims, strict=True):
            damage(victim)
        proxy.is_refusing = False

        scene.drain(url=url)

    account = play.report(
        "segments of a spool damaged: in the middle, on the first page, cut",
        scene.account(),
        durability="journal",
        may_lose="what lies in 3 damaged segments of 4",
        counted=scene.damaged_count,
    )
    assert account.is_exact_but_for_losses, account
    assert all(account.lost & in_segment for in_segment in in_segments)
    assert account.lost <= set().union(*in_segments)
    assert len(account.lost) == scene.damaged_count == counted_in(scene)
    assert scene.spools() == []


@beside_others
def test_a_damaged_log_costs_at_most_what_is_in_it(play: Play) -> None:
    scene = play.scene
    with proxied(scene.database_url) as (proxy, url):
        proxy.is_refusing = True
        workload = scene.start(url=url, settings=SETTINGS, payload_bytes=2_000, threads=2)
        workload.wait_for_calls(300)
        workload.kill()
        (segment,) = segments_of(scene)
        in_segment = keys_in(segment, scene.folder / "copy")
        log = log_of(segment)
        assert log.stat().st_size > len(GARBAGE)
        damage_middle(log)
        # Or it would tell where the log ends.
        segment.with_name(f"{segment.name}-shm").unlink()
        proxy.is_refusing = False

        scene.drain(url=url)

    account = play.report(
        "a segment's log damaged in its middle",
        scene.account(),
        durability="journal",
        may_lose="what lies in the damaged log; SQLite does not tell how much that is",
        counted=scene.damaged_count,
    )
    assert account.is_exact_but_for_losses, account
    assert account.lost
    assert account.lost <= in_segment


def segments_of(scene: Scene) -> list[Path]:
    return [path for home in scene.spool_dir.glob("*/*/") for path in segments_in(home)]


def log_of(segment: Path) -> Path:
    return segment.with_name(f"{segment.name}-wal")


def has_log(segment: Path) -> bool:
    log = log_of(segment)
    return log.exists() and log.stat().st_size > 0


def counted_in(scene: Scene) -> int:
    """What the rows of the writers say was found damaged."""
    with psycopg.connect(scene.database_url) as connection:
        row = connection.execute(
            "select coalesce(sum((dropped_by_reason ->> 'spool_damaged')::integer), 0) from integration_monitor.writers"
        ).fetchone()
    assert row is not None
    return int(row[0])
