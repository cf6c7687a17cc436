"""Where a crash happens: applications that are started and killed, what they leave behind, and its way into the table."""

import json
import re
import shlex
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from integration_monitor.settings import Settings
from integration_monitor.store.postgres.sink import PostgresSink
from integration_monitor.writer.estate import Holding, list_holdings
from tests.acceptance.programs import Shell, until
from tests.crash.ledger import UNFINISHED, Account, Note, account_for, count_notes, read_notes, rows_of
from tests.crash.workload import Plan

DRAINED = re.compile(r"delivered (\d+) records of (\d+) spools\n(?:lost (\d+) records)?")


class Workload:
    """A running application of `workload.py`. What it made is in its notes."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        #: its way to the database
        self.url: str = plan.settings["database_url"]
        self._program = Shell(folder).start(f"python -m tests.crash.workload {shlex.quote(msgspec.json.encode(plan).decode())}")

    @property
    def returned_count(self) -> int:
        return count_notes(self.folder, "returned")

    @property
    def returned(self) -> dict[str, Note]:
        return read_notes(self.folder, "returned")

    @property
    def tried(self) -> dict[str, Note]:
        return read_notes(self.folder, "tried")

    @property
    def output(self) -> str:
        return self._program.output

    def wait_for_calls(self, count: int) -> None:
        """Until so many calls more have returned: the application works on, whatever happens around it."""
        wanted_count = self.returned_count + count
        self.wait_until(lambda: self.returned_count >= wanted_count, f"{count} more calls")

    def wait_until(self, is_true: Callable[[], bool], what: str) -> None:
        """Until something is true while it runs."""
        until(lambda: self._program.is_over or is_true(), f"{what} of {self.folder.name}")
        assert is_true(), self._program.output

    def wait_for_words(self, words: str) -> None:
        """Until it has printed this."""
        self.wait_until(lambda: words in self._program.output, words)

    def kill(self) -> float:
        """Ends it so that it notices nothing. When that was, in seconds since the epoch."""
        killed_at = time.time()
        self._program.kill()
        return killed_at

    def end(self) -> dict[str, Any]:
        """SIGTERM; its last word about what became of everything it took."""
        self._program.terminate()
        path = self.folder / "stats.json"
        assert path.exists(), self._program.output
        word: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return word

    def discard(self) -> None:
        """Whatever it is doing."""
        self._program.kill()


class Scene:
    """One database, and the applications whose records go there."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.database_url = database_url
        #: may be set before the first application is started
        self.spool_dir = folder / "spool"
        self.workloads: list[Workload] = []
        #: records that `spool drain` found damaged
        self.damaged_count = 0
        # Other programs than workloads, that have notes, too.
        self._folders: list[Path] = []

    def start(self, *, url: str | None = None, settings: dict[str, Any] | None = None, **plan: Any) -> Workload:
        """Starts an application; `plan` as in `workload.Plan`.

        url:
            Its way to the database, if that is not the straight one.
        """
        folder = self.folder / f"application-{len(self.workloads)}"
        folder.mkdir()
        given = {"database_url": url or self.database_url, "spool_dir": str(self.spool_dir), **(settings or {})}
        workload = Workload(folder, Plan(folder=str(folder), settings=given, **plan))
        self.workloads.append(workload)
        return workload

    def discard(self) -> None:
        for workload in self.workloads:
            workload.discard()

    def note_folder(self, name: str) -> Path:
        """The folder for the notes of a program of another kind."""
        self._folders.append(self.folder / name)
        return self._folders[-1]

    def shell(self, name: str = "shell", **settings: str) -> Shell:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return Shell(folder, **{"database_url": self.database_url, "spool_dir": str(self.spool_dir), **settings})

    def drain(self, *, url: str | None = None) -> int:
        """Delivers what the dead have left, as an operator does, if there is something. How many records that were.

        url:
            The way that they had to the database: it names the spools. The straight one if it is not given.
        """
        if not self.spools():
            return 0
        done = self.shell(database_url=url or self.database_url).run("exec integration-monitor spool drain")
        told = DRAINED.search(done.stdout)
        assert done.returncode == 0, done.stdout + done.stderr
        assert told is not None, done.stdout
        self.damaged_count += int(told[3] or 0)
        return int(told[1])

    def spools(self) -> list[Holding]:
        """What lies on the disk."""
        return list_holdings(Settings(spool_dir=str(self.spool_dir)))

    def let_ten_minutes_pass(self) -> None:
        """So that the store notices who has died."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute("update integration_monitor.writers set heartbeat_at = now() - interval '11 minutes'")
        sink = PostgresSink(self.database_url)
        sink.maintain()
        sink.close()

    def account(self) -> Account:
        """Of all the applications there were."""
        return account_for(self.database_url, [*(workload.folder for workload in self.workloads), *self._folders])

    def ends_lost_of(self, workload: Workload) -> dict[str, Note]:
        """The calls that returned and of which the table does not tell the end."""
        ended = {key for key, status, code in rows_of(self.database_url) if status not in UNFINISHED and code != "ABANDONED"}
        return {key: note for key, note in workload.returned.items() if key not in ended}

    def wait_for_rows_of(self, workload: Workload) -> float:
        """Until a record is in the table that this application has begun after now. When that was.

        Records come to the table in their order: whatever the application took before is in the table then, too.
        """
        began_at = time.time()
        # Some notes and rows, and not all of them each time: there are a hundred thousand after a while.
        earlier_count = count_notes(workload.folder, "tried")

        def has_come() -> bool:
            # An id holds whole milliseconds.
            keys = {key for key, _status, _code in rows_of(self.database_url, since=began_at - 1)}
            return not keys.isdisjoint(read_notes(workload.folder, "tried", after_count=earlier_count))

        workload.wait_until(has_come, "a new record")
        return began_at


def end_all(scene: Scene, workloads: Sequence[Workload]) -> None:
    """Ends them in order: they have lost nothing, and nothing waits anywhere."""
    for workload in workloads:
        word = workload.end()
        assert word["dropped"] == {}, workload.output
        assert (word["taken"], word["dead_lettered"]) == (word["written"] + word["spooled"], 0)
    # An end waits for the store for a few seconds only.
    for url in {workload.url for workload in workloads}:
        scene.drain(url=url)
    assert scene.spools() == []
