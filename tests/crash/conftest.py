"""What the crash tests share: a server that may be killed, a scene for each test, and the table at the end that says what became of every call.

INTEGRATION_MONITOR_CRASH_ROUNDS    how often each disaster happens: 1 in `make test`, more in `make test-crash`
"""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.workermanage import WorkerController

from integration_monitor.store.cluster import Cluster
from integration_monitor.store.embedded import find_binaries
from tests.conftest import WHEEL, Server, server_folder
from tests.crash.company import Company, Report
from tests.crash.ledger import Account
from tests.crash.scene import Scene
from tests.crash.server_process import ServerProcess
from tests.crash.vendor import Vendor, running_vendor

ROOT = Path(__file__).parents[2]
WORKER_OUTPUT = "crash_entries"
ROUNDS = int(os.environ.get("INTEGRATION_MONITOR_CRASH_ROUNDS", "1"))

# A server that is killed must have kept what it said it keeps; the machine itself goes on, so nothing waits for the disk.
PARAMETERS = {"fsync": "off", "max_connections": "100", "shared_buffers": "32MB"}

LEGEND = """\
tried      calls that were begun, each with an id of its own
returned   of these, calls that came back to the program: from then on a record may not be lost
cut off    of these, calls that the death of the process cut off: they never returned, so they cannot be lost
in table   calls of which there is a record
abandoned  of these, calls that were cut off and whose record says so (ABANDONED)
lost       calls that returned and of which there is no record, whether anybody counted them or not
counted    lost calls that the product itself counted as lost
twice      calls of which there is more than one record
invented   records of calls that nobody made"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """A line of the table at the end."""

    title: str
    #: journal, buffered, both
    durability: str
    #: why records may be lost here; empty where nothing may
    may_lose: str
    remark: str
    #: column → number
    counts: dict[str, int]


def counts_of(account: Account, counted: int) -> dict[str, int]:
    """The columns of a line."""
    return {
        "tried": len(account.tried),
        "returned": len(account.returned),
        "cut off": len(account.in_flight),
        "in table": len(account.written),
        "abandoned": len(account.abandoned),
        "lost": len(account.lost),
        "counted": counted,
        "twice": len(account.duplicated),
        "invented": len(account.unexpected),
        "slowest ms": round(account.slowest_ms),
    }


_ENTRIES = pytest.StashKey[list[Entry]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_ENTRIES] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    # Where the suite runs in several processes, the one that prints the table is none of those that play.
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[WORKER_OUTPUT] = [dataclasses.asdict(entry) for entry in session.config.stash[_ENTRIES]]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController) -> None:
    told: list[dict[str, Any]] = node.workeroutput.get(WORKER_OUTPUT, []) if hasattr(node, "workeroutput") else []
    node.config.stash[_ENTRIES] += [Entry(**entry) for entry in told]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    found = config.stash[_ENTRIES]
    if not found:
        return
    entries = sorted(found, key=lambda entry: (bool(entry.may_lose), entry.title))
    terminalreporter.section(f"crash suite: every call accounted for by its id, {ROUNDS} round(s)")
    for line in (*LEGEND.splitlines(), "", *table(entries), "", *totals(entries)):
        terminalreporter.write_line(line)


def table(entries: list[Entry]) -> list[str]:
    """A head, and a line an entry."""
    width = max(len(entry.title) for entry in entries)
    names = [f"{name:>10}" for name in entries[0].counts]
    lines = [" ".join([f"{'scenario':<{width}}", f"{'durability':<10}", *names, " what may be lost"])]
    for entry in entries:
        counts = [f"{count:>10}" for count in entry.counts.values()]
        words = " " + "; ".join(filter(None, [entry.may_lose or "nothing", entry.remark]))
        lines.append(" ".join([f"{entry.title:<{width}}", f"{entry.durability:<10}", *counts, words]))
    return lines


def totals(entries: list[Entry]) -> list[str]:
    """What is lost of each mode where nothing may be, then where something may, then what is there twice."""
    lines = []
    for durability in ("journal", "buffered", "both"):
        strict = [entry for entry in entries if entry.durability == durability and not entry.may_lose]
        name = "both modes side by side" if durability == "both" else durability
        if strict:
            lines.append(f"{name}: {_total(strict)}")
    lines += [f"{entry.title}: {_total([entry])}: {entry.may_lose}" for entry in entries if entry.may_lose]
    lines.append(f"duplicates: {sum(entry.counts['twice'] for entry in entries)}")
    return lines


def _total(entries: list[Entry]) -> str:
    tried, returned, lost = (sum(entry.counts[name] for entry in entries) for name in ("tried", "returned", "lost"))
    return f"{lost} lost of {returned} that returned ({tried} tried)"


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Report:
    def report(
        title: str, account: Account, *, durability: str, may_lose: str = "", counted: int = 0, remark: str = ""
    ) -> Account:
        counts = counts_of(account, counted)
        entry = Entry(title=title, durability=durability, may_lose=may_lose, remark=remark, counts=counts)
        request.config.stash[_ENTRIES].append(entry)
        return account

    return report


@pytest.fixture(scope="session")
def rounds() -> int:
    """How often a disaster is to happen."""
    return ROUNDS


@pytest.fixture(scope="session")
def mortal_server() -> Iterator[Server]:
    """A server that the crash tests have for themselves."""
    with server_folder() as folder, pytest.MonkeyPatch.context() as patch:
        # The programs of the tests import `tests`.
        patch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
        cluster = Cluster(folder / "mortal", binaries=find_binaries(), parameters=PARAMETERS)
        cluster.start()
        yield Server(cluster, WHEEL)
        cluster.stop()


@pytest.fixture(scope="session")
def company(
    request: pytest.FixtureRequest, mortal_server: Server, tmp_path_factory: pytest.TempPathFactory, report: Report, rounds: int
) -> Iterator[Company]:
    """Plays the scenarios that need nothing but a server that lives."""
    functions = [item.function for item in request.session.items if isinstance(item, pytest.Function)]
    scenarios = [function.scenario for function in functions if hasattr(function, "scenario")]
    folder = tmp_path_factory.mktemp("played")
    company = Company(mortal_server, folder, scenarios=scenarios, report=report, rounds=rounds)
    yield company
    company.close()


@pytest.fixture
def server_process(mortal_server: Server, company: Company) -> Iterator[ServerProcess]:
    """The processes of that server; whatever a test does to it, it runs at the end."""
    company.wait()
    process = ServerProcess(mortal_server.cluster)
    yield process
    process.ensure_running()


@pytest.fixture
def scene(company: Company, server_process: ServerProcess, request: pytest.FixtureRequest) -> Iterator[Scene]:
    with company.scene(request.node.name) as scene:
        yield scene
        scene.discard()
        server_process.ensure_running()


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with running_vendor() as vendor:
        yield vendor
