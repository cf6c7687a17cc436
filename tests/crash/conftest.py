"""What the crash tests share: a server that may be killed, a scene for each test, and the table at the end that says what became of every call.

INTEGRATION_MONITOR_CRASH_ROUNDS    how often each disaster happens: 1 in `make test`, more in `make test-crash`
"""

import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integration_monitor.store.cluster import Cluster
from integration_monitor.store.embedded import find_binaries
from tests.conftest import WHEEL, Server, server_folder
from tests.crash.ledger import Account
from tests.crash.scene import Scene
from tests.crash.server_process import ServerProcess
from tests.crash.vendor import Vendor, running_vendor

ROOT = Path(__file__).parents[2]
ROUNDS = int(os.environ.get("INTEGRATION_MONITOR_CRASH_ROUNDS", "1"))

# A server that is killed must have kept what it said it keeps; the machine itself goes on, so nothing waits for the disk.
PARAMETERS = {"fsync": "off", "max_connections": "60", "shared_buffers": "32MB"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """A line of the table at the end."""

    title: str
    account: Account
    #: records that were lost and counted as such
    counted: int
    remark: str


Report = Callable[..., Account]
_ENTRIES = pytest.StashKey[list[Entry]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_ENTRIES] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    entries = config.stash[_ENTRIES]
    if not entries:
        return
    width = max(len(entry.title) for entry in entries)
    names = ("tried", "returned", "written", "in flight", "lost", "counted", "twice", "unexpected", "slowest ms")
    terminalreporter.section(f"every record accounted for, {ROUNDS} round(s)")
    terminalreporter.write_line(" ".join([" " * width, *(f"{name:>10}" for name in names)]))
    for entry in entries:
        account = entry.account
        counts = (
            *(len(account.tried), len(account.returned), len(account.written), len(account.in_flight), len(account.lost)),
            *(entry.counted, len(account.duplicated), len(account.unexpected), round(account.slowest_ms)),
        )
        terminalreporter.write_line(" ".join([f"{entry.title:<{width}}", *(f"{count:>10}" for count in counts), entry.remark]))


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """Puts an account into the table, and gives it back.

    counted:
        Records of it that were lost and counted as such.
    """

    def report(title: str, account: Account, *, counted: int = 0, remark: str = "") -> Account:
        request.config.stash[_ENTRIES].append(Entry(title=title, account=account, counted=counted, remark=remark))
        return account

    return report


@pytest.fixture
def rounds() -> int:
    """How often a disaster is to happen."""
    return ROUNDS


@pytest.fixture(scope="session")
def mortal_server() -> Iterator[Server]:
    """A server that the crash tests have for themselves."""
    with server_folder() as folder:
        cluster = Cluster(folder / "mortal", binaries=find_binaries(), parameters=PARAMETERS)
        cluster.start()
        yield Server(cluster, WHEEL)
        cluster.stop()


@pytest.fixture
def server_process(mortal_server: Server) -> Iterator[ServerProcess]:
    """The processes of that server; whatever a test does to it, it runs at the end."""
    process = ServerProcess(mortal_server.cluster)
    yield process
    process.ensure_running()


@pytest.fixture
def scene(
    tmp_path: Path, mortal_server: Server, server_process: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    # The programs of the tests import `tests`.
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    name = mortal_server.create_database(is_migrated=True)
    scene = Scene(tmp_path, mortal_server.url(name))
    yield scene
    scene.discard()
    server_process.ensure_running()
    mortal_server.drop_database(name)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with running_vendor() as vendor:
        yield vendor
