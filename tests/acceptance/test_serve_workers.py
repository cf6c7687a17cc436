"""`integration-monitor serve` as several processes: workers of one server, and servers of one database."""

import asyncio
import concurrent.futures
import contextlib
import itertools
import os
import signal
import socket
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import psycopg
import pytest

from integration_monitor import record, settings
from integration_monitor.cli.workers import Workers
from integration_monitor.errors import WorkersFailed
from tests.acceptance.programs import until
from tests.acceptance.test_serve import SECRET, STATS, Running, run, serving

INGEST = "/api/ingest"
RECORD: dict[str, Any] = {"service_name": "amocrm", "action": "sync_lead", "status": "success"}


def workers_of(server: Running) -> set[int]:
    """The process ids of its workers."""
    found = set()
    for children in Path(f"/proc/{server.process.pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found |= {int(one) for one in children.read_text("utf-8").split() if "spawn_main" in command_of(int(one))}
    return found


def command_of(process_id: int) -> str:
    """Empty where there is no such process any more."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process_id}/cmdline").read_text("utf-8")
    return ""


class Senders:
    """Threads that send one record after the other, and note which of them were acknowledged."""

    def __init__(self, address: str, *, count: int = 6) -> None:
        claims = {"role": "service_role", "exp": record.now().timestamp() + 600}
        token = jwt.encode(claims, SECRET, algorithm="HS256")
        self._headers = {"authorization": f"Bearer {token}"}
        self._address = address
        self._count = count
        self._is_over = threading.Event()
        #: ids, in the order of their acknowledgements
        self.acknowledged: list[str] = []

    @contextlib.contextmanager
    def sending(self) -> Iterator[None]:
        with concurrent.futures.ThreadPoolExecutor(self._count) as threads:
            for _ in range(self._count):
                threads.submit(self._send)
            try:
                yield
            finally:
                self._is_over.set()

    def wait_for_more(self, count: int = 30) -> None:
        """Until so many more were acknowledged."""
        enough = len(self.acknowledged) + count
        until(lambda: len(self.acknowledged) >= enough, f"{enough} acknowledged records")

    def _send(self) -> None:
        while not self._is_over.is_set():
            # Whoever loses the connection opens another, which another worker may take.
            with contextlib.suppress(httpx.TransportError), httpx.Client(base_url=self._address, headers=self._headers) as client:
                while not self._is_over.is_set():
                    one = str(record.new_id(record.now()))
                    if client.post(INGEST, json={**RECORD, "id": one}).status_code == 200:
                        self.acknowledged.append(one)


def stored_ids(database_url: str) -> list[str]:
    with psycopg.connect(database_url) as connection:
        return [str(one) for (one,) in connection.execute("select id from public.integration_logs")]


def test_dead_worker_is_replaced_and_nothing_acknowledged_is_lost(database_url: str) -> None:
    with serving("--workers", "2", database_url=database_url, jwt_secret=SECRET) as server:
        address = server.wait_for(r"listens on (http://127\.0\.0\.1:\d+)$")
        server.wait_for(r"(Sign in)")
        first = workers_of(server)
        senders = Senders(address)
        with senders.sending():
            senders.wait_for_more()
            killed = min(first)
            os.kill(killed, signal.SIGKILL)
            server.wait_for(rf"worker ({killed}) ended with code -9 and is replaced")
            until(lambda: len(workers_of(server)) == 2, "two workers")
            senders.wait_for_more()
            second = workers_of(server)
            # In the middle of it, and by somebody who is in a hurry.
            for _ in range(20):
                server.process.send_signal(signal.SIGTERM)
            code = server.stop(signal.SIGTERM)

    stored = stored_ids(database_url)
    assert len(first) == len(second) == 2
    assert first & second == first - {killed}
    assert code == 0
    assert set(senders.acknowledged) <= set(stored)
    assert len(stored) == len(set(stored))
    assert not any(command_of(one) for one in first | second)
    assert "Traceback" not in server.output
    assert server.output.count("Sign in") == 1


def test_workers_end_with_their_parent_however_it_ends(database_url: str) -> None:
    with contextlib.ExitStack() as stack:
        # Side by side, since most of the time goes into starting them.
        servers = [stack.enter_context(serving("--workers", "2", database_url=database_url)) for _ in range(3)]
        for server in servers:
            server.wait_for(r"(Sign in)")
        workers = [workers_of(server) for server in servers]
        by_terminal, by_hang_up, by_kill = servers
        # A terminal tells all of its group, and tells some of them again.
        for number in (signal.SIGINT, signal.SIGINT):
            os.killpg(by_terminal.process.pid, number)
        os.killpg(by_hang_up.process.pid, signal.SIGHUP)
        by_kill.process.kill()
        for server in servers:
            server.output += server.process.communicate(timeout=60)[0]

        until(lambda: not any(command_of(one) for each in workers for one in each), "the end of the workers")

    assert [len(each) for each in workers] == [2, 2, 2]
    assert [server.process.returncode for server in servers] == [0, 0, -signal.SIGKILL]
    assert [server.output for server in servers if "Traceback" in server.output] == []


def test_worker_that_cannot_start_ends_all(capfd: pytest.CaptureFixture[str]) -> None:
    announced: list[None] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Without a database's URL no application can be made.
        workers = Workers(settings.load({}, environment={}), listener, count=2)
        with pytest.raises(WorkersFailed, match="code 1"):
            asyncio.run(workers.run(lambda: announced.append(None)))

    assert announced == []
    assert "database_url" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "is_secure"),
    [([], False), (["--proxy-headers"], True), (["--proxy-headers", "--trusted-proxies", "10.0.0.0/8"], False)],
)
def test_word_of_a_proxy_counts_where_it_is_asked_for(database_url: str, arguments: list[str], is_secure: bool) -> None:
    with serving(*arguments, database_url=database_url) as server:
        link = server.wait_for(r"Sign in .*: (http\S+)$")
        # What uvicorn would believe by itself is not ours to believe.
        answer = httpx.get(link, headers={"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9"})
        server.stop()

    assert answer.status_code == 303
    assert ("secure" in answer.headers["set-cookie"].lower()) == is_secure


def test_proxy_that_is_no_address_is_told(database_url: str) -> None:
    ended = run("serve", "--port", "0", "--proxy-headers", "--trusted-proxies", "nginx", database_url=database_url)

    assert ended.returncode == 1
    assert "trusted_proxies" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_servers_of_one_database_need_nothing_else(database_url: str) -> None:
    with contextlib.ExitStack() as stack:
        # Without a `jwt_secret`: the keys lie in the database.
        servers = [stack.enter_context(serving(database_url=database_url)) for _ in range(2)]
        addresses = [server.wait_for(r"listens on (\S+)$") for server in servers]
        links = [server.wait_for(r"Sign in .*: (http\S+)$") for server in servers]
        here, there = addresses
        commands = [("token", "--role", "service_role"), ("keys", "create", "shop", "--scope", "ingest")]
        with concurrent.futures.ThreadPoolExecutor(2) as threads:
            token, key = threads.map(lambda command: run(*command, database_url=database_url).stdout.strip(), commands)

        with httpx.Client() as client:
            # The link that one made, used at the other, opens a session that holds at both.
            used = client.get(links[0].replace(here, there))
            session = {"cookie": used.headers["set-cookie"].partition(";")[0]}
            statuses = [httpx.get(f"{address}{STATS}", headers=session).status_code for address in addresses]
            again = client.get(links[0])
        bearers = [{"authorization": f"Bearer {one}"} for one in (token, key)]
        same = {**RECORD, "id": str(uuid.uuid4())}
        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            pairs = itertools.product(addresses, bearers, range(2))
            sent = [threads.submit(httpx.post, f"{address}{INGEST}", json=same, headers=bearer) for address, bearer, _ in pairs]
            stored = [one.result().json()["stored"] for one in sent]
        codes = [server.stop() for server in servers]

    assert used.status_code == 303
    assert statuses == [200, 200]
    assert again.status_code == 401
    assert stored == [1] * 8
    assert stored_ids(database_url) == [same["id"]]
    assert codes == [0, 0]
