"""Files of a spool that were damaged: at most what lies in them is lost, and it is counted."""

import os
import shutil
import sqlite3
import uuid
from pathlib import Path

import psycopg

from integration_monitor.writer.folder import segments_in
from tests.crash.conftest import Report
from tests.crash.scene import Scene
from tests.crash.server_process import ServerProcess

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


def test_a_damaged_segment_costs_at_most_what_is_in_it_and_that_is_counted(
    scene: Scene, server_process: ServerProcess, report: Report, tmp_path: Path
) -> None:
    server_process.stop()
    workload = scene.start(settings=SETTINGS, payload_bytes=20_000, pause_s=0.01, threads=2)
    workload.wait_until(lambda: len(segments_of(scene)) >= SEGMENTS_COUNT, "some segments")
    victims = segments_of(scene)[: len(DAMAGES)]
    # What is in the log as well is not damaged.
    workload.wait_until(lambda: not any(log_of(victim).stat().st_size for victim in victims), "segments without a log")
    workload.kill()
    in_segments = [keys_in(victim, tmp_path / f"copy-{victim.name}") for victim in victims]
    for damage, victim in zip(DAMAGES, victims, strict=True):
        damage(victim)
    server_process.start()

    scene.drain()

    account = report("segments of a spool damaged", scene.account(), counted=scene.damaged_count, remark="3 of 4 segments")
    assert account.is_exact_but_for_losses, account
    assert all(account.lost & in_segment for in_segment in in_segments)
    assert account.lost <= set().union(*in_segments)
    assert len(account.lost) == scene.damaged_count == counted_in(scene)
    assert scene.spools() == []


def test_a_damaged_log_costs_at_most_what_is_in_it(
    scene: Scene, server_process: ServerProcess, report: Report, tmp_path: Path
) -> None:
    server_process.stop()
    workload = scene.start(settings=SETTINGS, payload_bytes=2_000, threads=2)
    workload.wait_for_calls(300)
    workload.kill()
    (segment,) = segments_of(scene)
    in_segment = keys_in(segment, tmp_path / "copy")
    log = log_of(segment)
    assert log.stat().st_size > len(GARBAGE)
    damage_middle(log)
    # Or it would tell where the log ends.
    segment.with_name(f"{segment.name}-shm").unlink()
    server_process.start()

    scene.drain()

    account = report(
        "a segment's log damaged",
        scene.account(),
        counted=scene.damaged_count,
        remark="what the log had not moved is not counted",
    )
    assert account.is_exact_but_for_losses, account
    assert account.lost
    assert account.lost <= in_segment


def segments_of(scene: Scene) -> list[Path]:
    return [path for home in scene.spool_dir.glob("*/*/") for path in segments_in(home)]


def log_of(segment: Path) -> Path:
    return segment.with_name(f"{segment.name}-wal")


def counted_in(scene: Scene) -> int:
    """What the rows of the writers say was found damaged."""
    with psycopg.connect(scene.database_url) as connection:
        row = connection.execute(
            "select coalesce(sum((dropped_by_reason ->> 'spool_damaged')::integer), 0) from integration_monitor.writers"
        ).fetchone()
    assert row is not None
    return int(row[0])
