"""`integration-monitor serve` and `token`, as processes of their own."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.conftest import Server

COMMAND = [sys.executable, "-c", "from integration_monitor.cli import main; main()"]
SECRET = "a shared secret of more than 32 bytes"
LIVE = "/api/admin/integrations/monitoring/live"
STATS = "/api/admin/integrations/monitoring/stats"
# Longer than any machine needs; a test that waits for it has failed.
TIMEOUT_S = 60


def environment(**settings: str) -> dict[str, str]:
    """The environment of a fresh shell, with these settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INTEGRATION_MONITOR_")}
    return kept | {f"INTEGRATION_MONITOR_{name.upper()}": value for name, value in settings.items()}


def run(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *arguments], env=environment(**settings), capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


class Running:
    """A running server. `output` is what it printed, both streams together."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.output = ""

    def wait_for(self, pattern: str) -> str:
        """The first group of the first line that holds the pattern."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if found := re.search(pattern, line):
                return found[1]
        raise AssertionError(f"the server ended without saying {pattern!r}:\n{self.output}")

    def stop(self, number: int = signal.SIGINT) -> int:
        """Its exit code."""
        self.process.send_signal(number)
        self.output += self.process.communicate(timeout=TIMEOUT_S)[0]
        return self.process.returncode


@contextlib.contextmanager
def serving(*arguments: str, **settings: str) -> Iterator[Running]:
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", *arguments],
        env=environment(**settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
        # A group of its own, for tests that end all of it.
        start_new_session=True,
    )
    # Nothing that hangs may hang the tests.
    with process, contextlib.ExitStack() as stack:
        stack.callback(process.kill)
        yield Running(process)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_printed_link_signs_in_once(database_url: str, number: int) -> None:
    with serving("--database-url", database_url) as server:
        address = server.wait_for(r"listens on (http://127\.0\.0\.1:\d+)$")
        link = server.wait_for(r"Sign in .*: (http\S+)$")
        with httpx.Client() as client:
            first = client.get(link)
            second = client.get(link)
            stats = client.get(f"{address}{STATS}")
        code = server.stop(number)

    assert link.startswith(f"{address}/sign-in/")
    assert (first.status_code, second.status_code, stats.status_code) == (303, 401, 200)
    assert "server" not in first.headers
    assert code == 0
    assert "Traceback" not in server.output
    # It was printed, and it stands in no log.
    assert server.output.count(link.rpartition("/")[2]) == 1


def test_open_live_stream_does_not_hold_up_the_end(database_url: str) -> None:
    with serving("--database-url", database_url) as server:
        address = server.wait_for(r"listens on (http://127\.0\.0\.1:\d+)$")
        link = server.wait_for(r"Sign in .*: (http\S+)$")
        with httpx.Client(timeout=TIMEOUT_S) as client:
            client.get(link)
            with client.stream("GET", f"{address}{LIVE}") as stream:
                lines = stream.iter_lines()
                assert "event: state" in lines
                server.process.send_signal(signal.SIGTERM)
                # To its end, and not to a broken connection.
                rest = list(lines)
        server.output += server.process.communicate(timeout=TIMEOUT_S)[0]

    assert (server.process.returncode, rest[-1]) == (0, "")
    assert "running task" not in server.output


def test_missing_required_claims_are_warned_of(database_url: str) -> None:
    with serving(database_url=database_url, jwt_secret="short") as server:
        server.wait_for(r"(Sign in)")
        server.stop()

    assert "WARNING: `required_claims` is empty" in server.output
    assert "WARNING: `jwt_secret`" in server.output
    assert "short" not in server.output


def test_claims_that_users_grant_themselves_are_warned_of(database_url: str) -> None:
    with serving(database_url=database_url, required_claims="user_metadata.integration_monitor=reader") as server:
        server.wait_for(r"(Sign in)")
        server.stop()

    assert "`required_claims` is empty" not in server.output
    assert "user_metadata" in server.output


def test_public_address_is_printed(database_url: str) -> None:
    with serving("--public-url", "https://monitor.example.com/", database_url=database_url) as server:
        link = server.wait_for(r"Sign in .*: (http\S+)$")
        server.stop()

    assert link.startswith("https://monitor.example.com/sign-in/")


def test_public_address_that_is_none_is_told(database_url: str) -> None:
    ended = run("serve", "--port", "0", "--public-url", "monitor.example.com", database_url=database_url)

    assert ended.returncode == 1
    assert "public_url" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_database_that_was_not_migrated_is_told_how(empty_database_url: str) -> None:
    ended = run("serve", "--port", "0", database_url=empty_database_url)

    assert ended.returncode == 1
    assert "integration-monitor migrate" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_taken_port_is_told(database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run("serve", "--port", str(taken.getsockname()[1]), database_url=database_url)

    assert ended.returncode == 1
    assert "--port" in ended.stderr


def test_server_starts_before_its_database(database_url: str, postgres_server: Server) -> None:
    database = conninfo_to_dict(database_url)["dbname"]
    postgres_server.execute(f"alter database {database} with allow_connections false")

    with serving(database_url=database_url, jwt_secret=SECRET) as server:
        address = server.wait_for(r"listens on (\S+)$")
        token = run("token", "--role", "authenticated", jwt_secret=SECRET).stdout.strip()
        before = httpx.get(f"{address}{STATS}", headers={"authorization": f"Bearer {token}"})
        postgres_server.execute(f"alter database {database} with allow_connections true")
        link = server.wait_for(r"Sign in .*: (http\S+)$")
        code = server.stop()

    assert before.status_code == 503
    assert link.startswith(address)
    assert code == 0


# What a service manager sends, and what a terminal that is closed.
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_embedded_database_is_started_migrated_and_stopped(number: int) -> None:
    # Not pytest's own folder: PostgreSQL runs as another user, who must be able to reach it.
    with tempfile.TemporaryDirectory(prefix="integration-monitor-serve-") as name:
        Path(name).chmod(0o755)
        with serving(data_dir=name) as server:
            address = server.wait_for(r"listens on (\S+)$")
            server.wait_for(r"(Sign in)")
            # It signs with the key that the server keeps in the database which both share.
            token = run("token", "--role", "service_role", data_dir=name).stdout.strip()
            answer = httpx.get(f"{address}{STATS}", headers={"authorization": f"Bearer {token}"})
            code = server.stop(number)
        is_running = list(Path(name).rglob("postmaster.pid"))

    assert answer.status_code == 200
    assert code == 0
    assert not is_running


def test_token_carries_what_is_required(database_url: str) -> None:
    settings = {"database_url": database_url, "jwt_secret": SECRET, "required_claims": "app_metadata.integration_monitor=reader"}
    token = run("token", "--role", "authenticated", "--expires", "5m", **settings).stdout.strip()

    with serving(**settings) as server:
        address = server.wait_for(r"listens on (\S+)$")
        answer = httpx.get(f"{address}{STATS}", headers={"authorization": f"Bearer {token}"})
        server.wait_for(r"(Sign in)")
        server.stop()

    assert answer.status_code == 200


def test_key_is_made_once_for_all(database_url: str) -> None:
    for _ in range(2):
        assert run("token", "--role", "authenticated", database_url=database_url).returncode == 0

    with psycopg.connect(database_url) as connection:
        assert connection.execute("select purpose from integration_monitor.keys").fetchall() == [("jwt",)]


@pytest.mark.parametrize("arguments", [["--role", "postgres"], [], ["--role", "authenticated", "--expires", "soon"]])
def test_wrong_use_is_told(arguments: list[str]) -> None:
    assert run("token", *arguments, jwt_secret=SECRET).returncode == 2
