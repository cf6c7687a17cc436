"""API keys: made, listed and revoked by command; kept as hashes; scoped to ingest, to read, or to one service."""

import hashlib
import json
import time
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from integration_monitor.cli.application import build
from integration_monitor.record import entity_uuid
from integration_monitor.server import keyring
from tests.integration.addresses import questions
from tests.integration.batches import fetch
from tests.integration.conftest import AddLog, Client
from tests.integration.test_alerts_api import add_incident

PATH = "/api/admin/integrations/monitoring"
RECORD = {"service_name": "amocrm", "action": "sync_lead", "status": "success"}


def command(*arguments: str) -> Any:
    return CliRunner().invoke(build(), list(arguments))


@pytest.fixture
def make_key(database_url: str) -> Any:
    """The secret of a new key; arguments as on the command line."""

    def make(name: str, *arguments: str) -> str:
        done = command("keys", "create", name, *arguments, "--database-url", database_url)
        assert done.exit_code == 0, done.output
        return str(done.stdout.strip())

    return make


def test_key_is_printed_once_and_kept_as_a_hash(make_key: Any, database_url: str) -> None:
    secret = make_key("shop", "--scope", "ingest")

    [(kept, name, scope, service)] = fetch(
        database_url, "select secret_hash, name, scope, service from integration_monitor.api_keys"
    )
    assert secret.startswith("im_")
    assert len(secret) == len("im_") + 43
    assert (bytes(kept), name, scope, service) == (hashlib.sha256(secret.encode()).digest(), "shop", "ingest", None)
    everything = fetch(database_url, "select row_to_json(k)::text from integration_monitor.api_keys as k")
    assert secret not in everything[0][0]


def test_list_tells_everything_but_the_secret(make_key: Any, database_url: str) -> None:
    secret = make_key("shop", "--scope", "read", "--service", "telegram")

    [key] = json.loads(command("keys", "list", "--json", "--database-url", database_url).stdout)
    table = command("keys", "list", "--database-url", database_url).stdout

    assert {name: key[name] for name in ("name", "scope", "service", "revoked_at")} == {
        "name": "shop",
        "scope": "read",
        "service": "telegram",
        "revoked_at": None,
    }
    assert "telegram" in table
    assert secret not in table + json.dumps(key)


def test_name_is_one_key_until_it_is_revoked(make_key: Any, database_url: str) -> None:
    make_key("shop", "--scope", "ingest")

    again = command("keys", "create", "shop", "--scope", "read", "--database-url", database_url)
    revoked = command("keys", "revoke", "shop", "--database-url", database_url)
    twice = command("keys", "revoke", "shop", "--database-url", database_url)

    assert (again.exit_code, revoked.exit_code, twice.exit_code) == (1, 0, 1)
    assert "already" in again.output
    assert make_key("shop", "--scope", "read")


def test_impossible_key_is_a_wrong_usage(database_url: str) -> None:
    for arguments in [("", "--scope", "ingest"), ("a\nb", "--scope", "ingest"), ("a", "--scope", "admin"), ("a",)]:
        assert command("keys", "create", *arguments, "--database-url", database_url).exit_code == 2, arguments

    assert fetch(database_url, "select count(*) from integration_monitor.api_keys") == [(0,)]


def test_every_act_is_in_the_audit_and_stays_there(make_key: Any, database_url: str) -> None:
    secret = make_key("shop", "--scope", "ingest", "--service", "resend")
    command("keys", "revoke", "shop", "--database-url", database_url)

    rows = fetch(database_url, "select act, subject, actor, details from integration_monitor.audit order by id")
    [(key_id,)] = fetch(database_url, "select id::text from integration_monitor.api_keys")

    assert [(act, subject, details) for act, subject, _actor, details in rows] == [
        ("key_created", key_id, {"name": "shop", "scope": "ingest", "service": "resend"}),
        ("key_revoked", key_id, {"name": "shop", "scope": "ingest", "service": "resend"}),
    ]
    assert all(actor.endswith("command line") for _act, _subject, actor, _details in rows)
    assert secret not in str(rows)
    for statement in ("delete from integration_monitor.audit", "update integration_monitor.audit set actor = 'nobody'"):
        with psycopg.connect(database_url) as connection:
            connection.execute("set role service_role")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


def test_key_is_taken_as_bearer_and_as_apikey(client: Client, make_key: Any) -> None:
    reading, sending = make_key("r", "--scope", "read"), make_key("i", "--scope", "ingest")
    for name, value in [("authorization", "Bearer {}"), ("authorization", "bearer {}"), ("apikey", "{}")]:
        read, send = ({name: value.format(secret)} for secret in (reading, sending))

        assert client.get(f"{PATH}/stats", headers=read).status_code == 200
        assert client.post("/api/ingest", headers=send, json=RECORD).status_code == 200


def test_scope_decides(client: Client, make_key: Any) -> None:
    read = {"apikey": make_key("r", "--scope", "read")}
    send = {"apikey": make_key("i", "--scope", "ingest")}

    for path in ("stats", "failures", "health"):
        assert client.get(f"{PATH}/{path}", headers=read).status_code == 200
        answer = client.get(f"{PATH}/{path}", headers=send)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    for path in ("/api/ingest", "/api/ingest/calls"):
        answer = client.post(path, headers=read, json=RECORD)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


def test_read_key_reads_under_the_role_authenticated(client: Client, make_key: Any, add_log: AddLog, database_url: str) -> None:
    add_log(status="failed")
    read = {"apikey": make_key("r", "--scope", "read")}
    before = client.get(f"{PATH}/failures", headers=read).json()["data"]
    fetch(database_url, "drop policy integration_logs_read_authenticated on public.integration_logs")

    assert len(before) == 1
    assert client.get(f"{PATH}/failures", headers=read).json()["data"] == []


def test_read_key_of_one_service_sees_no_other(client: Client, make_key: Any, add_log: AddLog) -> None:
    add_log(service_name="resend", status="failed")
    add_log(service_name="whapi", status="failed")
    read = {"apikey": make_key("r", "--scope", "read", "--service", "resend")}

    for path in ("stats", "failures"):
        narrowed = client.get(f"{PATH}/{path}?service=resend", headers=read)
        assert {row["service_name"] for row in narrowed.json()["data"]} == {"resend"}
        for wider in ("", "?service=whapi", "?service=resend&service=whapi", "?service="):
            assert client.get(f"{PATH}/{path}{wider}", headers=read).status_code == 403
    refused = client.get(f"{PATH}/health", headers=read)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert client.get("/", headers=read).status_code == 403


#: each is answered with something of the other service to a key of all services
QUESTIONS = [
    "logs",
    "logs?text=planted",
    "logs?entity_type=lead&entity_id=5",
    "errors",
    "entities/lead/5",
    "export",
    "export?format=csv",
    "stats",
    "stats?group_by=service,action,status,error_code,fault",
    "stats?group_by=service&compare=true",
    "failures",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_read_key_of_one_service_is_told_nothing_of_another(
    client: Client, make_key: Any, add_log: AddLog, question: str
) -> None:
    lead = {"related_entity_type": "lead", "related_entity_id": entity_uuid("lead", 5)}
    add_log(service_name="resend", status="failed", error_message="planted", **lead)
    foreign = add_log(service_name="hidden", status="failed", action="planted_action", error_message="planted words", **lead)
    narrow = {"apikey": make_key("r", "--scope", "read", "--service", "resend")}
    wide = {"apikey": make_key("w", "--scope", "read")}
    joint = "&" if "?" in question else "?"

    everything = client.get(f"{PATH}/{question}", headers=wide)
    own = client.get(f"{PATH}/{question}{joint}service=resend", headers=narrow)
    unsaid = client.get(f"{PATH}/{question}", headers=narrow)
    others = client.get(f"{PATH}/{question}{joint}service=hidden", headers=narrow)

    assert (everything.status_code, own.status_code, unsaid.status_code, others.status_code) == (200, 200, 403, 403)
    assert "hidden" in everything.text
    assert "resend" in own.text
    for answer in (own, unsaid, others):
        assert not any(word in answer.text.replace("service=hidden", "") for word in ("hidden", "planted_action", str(foreign)))
    if own.headers["content-type"] == "application/json" and "next" in own.json():
        assert own.json()["next"] is None


def test_cursor_of_another_key_widens_nothing(client: Client, make_key: Any, add_log: AddLog) -> None:
    for service in ("hidden", "resend", "hidden", "resend"):
        add_log(service_name=service, status="failed", error_message=service)
    wide = {"apikey": make_key("w", "--scope", "read")}
    narrow = {"apikey": make_key("r", "--scope", "read", "--service", "resend")}

    for question in ("logs", "failures", "errors", "stats?group_by=service", "stats"):
        joint = "&" if "?" in question else "?"
        cursor = client.get(f"{PATH}/{question}{joint}limit=1", headers=wide).json()["next"]
        answer = client.get(f"{PATH}/{question}{joint}service=resend&before={cursor}", headers=narrow)

        assert answer.status_code == 200, question
        assert "hidden" not in answer.text


def test_no_address_tells_a_key_of_one_service_of_another(
    client: Client, make_key: Any, add_log: AddLog, database_url: str
) -> None:
    record_id = add_log(service_name="foreign", status="failed", error_code="FOREIGN", error_message="foreign words")
    add_incident(database_url, subject="foreign")
    narrow = {"apikey": make_key("r", "--scope", "read", "--service", "resend")}
    wide = {"apikey": make_key("w", "--scope", "read")}
    [group] = client.get(f"{PATH}/errors", headers=wide).json()["data"]
    paths = {path for path, _name in questions(client)}
    paths |= {f"{PATH}/errors/{group['key']}", f"/errors/{group['key']}", f"{PATH}/logs/{record_id}", f"/logs/{record_id}"}
    paths |= {
        f"{PATH}/logs/{record_id}/curl",
        "/logs/live",
        f"{PATH}/live",
        "/metrics",
        f"{PATH}/incidents",
        "/rest/v1/integration_logs",
    }
    told = set()

    for path in sorted(paths):
        for query in (
            "",
            "?service=foreign",
            "?service=resend&service=foreign",
            "?service=foreign&service=resend",
            "?SERVICE=resend",
        ):
            answer = client.get(path + query, headers=narrow)
            assert answer.status_code in {200, 400, 403, 404}, (path, query)
            assert "foreign" not in answer.text.replace("service=foreign", ""), (path, query)
        if not path.endswith("/live") and client.get(path, headers=wide).text.find("foreign") >= 0:
            told.add(path)
            assert "foreign" not in client.get(f"{path}?service=resend", headers=narrow).text, path

    # What would tell, and does not.
    assert {
        f"{PATH}/errors/{group['key']}",
        f"{PATH}/incidents",
        f"/errors/{group['key']}",
        "/",
        "/rest/v1/integration_logs",
    } <= told


def test_key_of_ingest_is_told_nothing(client: Client, make_key: Any, add_log: AddLog) -> None:
    add_log(service_name="foreign", status="failed")
    send = {"apikey": make_key("i", "--scope", "ingest")}
    paths = {path for path, _name in questions(client)} | {"/logs/live", f"{PATH}/live", "/rest/v1/integration_stats_hourly"}

    for path in sorted(paths):
        answer = client.get(path, headers=send)

        assert answer.status_code in {200, 403, 404}, path
        assert "foreign" not in answer.text, path


def test_read_key_of_one_service_opens_no_record_of_another(client: Client, make_key: Any, add_log: AddLog) -> None:
    call: dict[str, Any] = {"method": "GET", "url": "https://example.com/planted", "headers": {}, "body": None}
    own = add_log(service_name="resend", request_payload=call)
    foreign = add_log(service_name="hidden", request_payload=call)
    narrow = {"apikey": make_key("r", "--scope", "read", "--service", "resend")}

    for suffix in ("", "/curl"):
        assert client.get(f"{PATH}/logs/{own}{suffix}?service=resend", headers=narrow).status_code == 200
        answer = client.get(f"{PATH}/logs/{foreign}{suffix}?service=resend", headers=narrow)
        assert answer.status_code == 404
        assert "planted" not in answer.text
        for question in ("", "?service=hidden"):
            assert client.get(f"{PATH}/logs/{foreign}{suffix}{question}", headers=narrow).status_code == 403
    assert client.get(f"{PATH}/report?service=resend", headers=narrow).status_code == 200
    assert client.get(f"{PATH}/report?service=hidden", headers=narrow).status_code == 403


def test_revoked_key_opens_nothing(client: Client, make_key: Any, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "KEYS_AGE_MAX_S", 0.0)
    read = {"apikey": make_key("r", "--scope", "read")}
    assert client.get(f"{PATH}/stats", headers=read).status_code == 200

    command("keys", "revoke", "r", "--database-url", database_url)
    time.sleep(0.001)  # older than nothing
    answer = client.get(f"{PATH}/stats", headers=read)

    assert (answer.status_code, answer.json()["code"]) == (401, "key_refused")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_unknown_key_is_refused(client: Client) -> None:
    for secret in ("im_", "im_FAKE", "im_" + "A" * 43, "im_" + "A" * 9000, "im_\xff\xfe"):
        answer = client.get(f"{PATH}/stats", headers=[(b"apikey", secret.encode("latin-1"))])

        assert (answer.status_code, answer.json()["code"]) == (401, "key_refused")


def test_trying_keys_does_not_burden_the_database(client: Client, make_key: Any, database_url: str) -> None:
    make_key("r", "--scope", "read")
    for number in range(200):
        client.get(f"{PATH}/stats", headers={"apikey": f"im_FAKE{number}"})

    fetch(database_url, "select pg_stat_force_next_flush()")
    [(scans,)] = fetch(
        database_url, "select coalesce(seq_scan, 0) + coalesce(idx_scan, 0) from pg_stat_user_tables where relname = 'api_keys'"
    )
    assert scans < 50


def test_key_opens_no_session(client: Client, make_key: Any) -> None:
    secret = make_key("r", "--scope", "read")

    answer = client.post("/sign-in", data={"token": secret}, headers={"accept": "text/html"})

    assert answer.status_code == 401
    assert "integration_monitor_session" not in answer.cookies


def test_token_in_apikey_is_taken_too(client: Client, make_token: Any) -> None:
    assert client.get(f"{PATH}/stats", headers={"apikey": make_token("authenticated")}).status_code == 200
    assert client.get(f"{PATH}/stats", headers={"apikey": make_token("anon")}).status_code == 401
