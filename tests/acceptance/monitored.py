"""Programs that know nothing of the product, or hold one line of it, and call a vendor: what of their calls reached the table?"""

import textwrap
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from integration_monitor.simulators.server import SimulatedVendors
from tests.acceptance.programs import Program, Shell

# A program of the tests says `from calls import call`, and each call has a name of its own.
CALLS = """
import http.client, os

def call(name):
    connection = http.client.HTTPConnection(os.environ["VENDOR"], timeout=30)
    connection.request("GET", f"/emails/{name}", headers={"Authorization": "Bearer re_FAKE1234_0000000000000000"})
    connection.getresponse().read()
    connection.close()
"""


class Monitored:
    """A folder of programs, a vendor and the table in which their calls should be."""

    def __init__(self, shell: Shell, database_url: str) -> None:
        self.shell = shell
        self._database_url = database_url
        self.write("calls.py", CALLS)

    def write(self, name: str, code: str) -> None:
        """A file of the program."""
        path = self.shell.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(code), "utf-8")

    def recorded(self) -> Counter[str]:
        """How often each call is in the table, by its name."""
        with psycopg.connect(self._database_url) as connection:
            rows = connection.execute("select request_payload ->> 'url' from public.integration_logs").fetchall()
        return Counter(str(url).rpartition("/")[2] for (url,) in rows)

    @contextmanager
    def serving(self, command: str, *, address: str = r"(http://127\.0\.0\.1:\d+)") -> Iterator["Serving"]:
        """A server that has said where it listens."""
        with self.shell.start(command) as program:
            yield Serving(program, program.wait_for(address))


class Serving:
    """A running server of an application."""

    def __init__(self, program: Program, address: str) -> None:
        self.program = program
        self._address = address if address.startswith("http") else f"http://{address}"

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self._address + path, timeout=60) as answer:
            text: str = answer.read().decode()
        return text


def each_once(*names: str) -> Counter[str]:
    return times(1, *names)


def times(count: int, *names: str) -> Counter[str]:
    return Counter(dict.fromkeys(names, count))


@contextmanager
def monitored_programs(folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Monitored]:
    """A fresh shell in which `integration-monitor run` has all it needs."""
    with SimulatedVendors() as vendors:
        host = next(host for host, service in vendors.service_hosts.items() if service == "resend")
        monkeypatch.setenv("VENDOR", host)
        # gunicorn keeps a socket in the user's home.
        monkeypatch.setenv("HOME", str(folder))
        # A batch waits for longer than any test: what is in the table was flushed, or the process has ended.
        settings = {"database_url": database_url, "service_hosts": f"{host}=resend", "batch_age_s": "600"}
        shell = Shell(folder, **settings, spool_dir=str(folder / "spool"))
        yield Monitored(shell, database_url)
