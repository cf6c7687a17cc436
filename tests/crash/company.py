"""Scenarios that need nothing but a server that lives are played side by side: each waits for its own processes most of the time.

A scenario is a function that gets a `Play` and is decorated with `beside_others`, which makes a test of it. The first such test starts all
that were collected, and each test waits for its own. Whoever takes the server away waits for all of them first.
"""

import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.conftest import Server
from tests.crash.ledger import Account
from tests.crash.scene import Scene
from tests.crash.vendor import Vendor, running_vendor

# More of them only make each other wait for a processor.
AT_ONCE_MAX = 4


class Report(Protocol):
    """Puts an account into the table at the end, and gives it back.

    durability:
        The mode of the applications: journal, buffered, or both side by side.
    may_lose:
        Why records may be lost here; where nothing may, it is not given.
    counted:
        Records of it that the product counted as lost.
    """

    def __call__(
        self, title: str, account: Account, *, durability: str, may_lose: str = "", counted: int = 0, remark: str = ""
    ) -> Account: ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Play:
    """What a scenario has for itself."""

    scene: Scene
    server: Server
    vendor: Vendor
    report: Report
    #: how often a disaster is to happen
    rounds: int


Scenario = Callable[[Play], None]


class Company:
    """Plays scenarios on one server."""

    def __init__(self, server: Server, folder: Path, *, scenarios: Sequence[Scenario], report: Report, rounds: int) -> None:
        self._server = server
        self._folder = folder
        self._scenarios = scenarios
        self._report = report
        self._rounds = rounds
        self._pool = ThreadPoolExecutor(AT_ONCE_MAX)
        self._playing: dict[Scenario, Future[None]] = {}
        # Databases are copied from one template, which is made with the first.
        self._copying = threading.Lock()

    def play(self, scenario: Scenario) -> None:
        """Returns when it has been played to its end; what it raised is raised here."""
        if not self._playing:
            self._playing = {each: self._pool.submit(self._play, each) for each in self._scenarios}
        self._playing[scenario].result()

    def wait(self) -> None:
        """Until nothing is being played."""
        wait(self._playing.values())

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    @contextmanager
    def scene(self, name: str) -> Iterator[Scene]:
        """A scene with a database and a folder of its own."""
        folder = self._folder / name
        folder.mkdir()
        with self._copying:
            database = self._server.create_database(is_migrated=True)
        scene = Scene(folder, self._server.url(database))
        try:
            yield scene
        finally:
            scene.discard()
        self._server.drop_database(database)

    def _play(self, scenario: Scenario) -> None:
        with self.scene(scenario.__name__) as scene, running_vendor() as vendor:
            scenario(Play(scene=scene, server=self._server, vendor=vendor, report=self._report, rounds=self._rounds))


def beside_others(scenario: Scenario) -> Callable[[Company], None]:
    """A test that plays the scenario, at the same time as the other tests of this kind."""

    def test(company: Company) -> None:
        company.play(scenario)

    test.__doc__ = scenario.__doc__
    test.scenario = scenario  # type: ignore[attr-defined]  # read by the fixture `company`
    return test
