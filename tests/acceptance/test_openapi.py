"""The server keeps what its OpenAPI document promises, whatever is asked: Schemathesis asks all that the document allows and forbids, and
every parameter is given what would be SQL. Records are real ones and hostile ones.

With INTEGRATION_MONITOR_SCHEMATHESIS_EXAMPLES=2000 each endpoint is asked as many times; some twenty minutes.
"""

import dataclasses
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from integration_monitor import settings
from integration_monitor.batch import Batch
from integration_monitor.server import attempts
from integration_monitor.server.app import create_app
from integration_monitor.server.openapi.document import completed
from integration_monitor.store.postgres.sink import PostgresSink
from tests.acceptance import invented
from tests.acceptance.live_server import LiveServer, live_server
from tests.conftest import WHEEL, Server, Variant

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
# So that one run of the suite stays short; the document's borders are tried whatever this says.
EXAMPLES = os.environ.get("INTEGRATION_MONITOR_SCHEMATHESIS_EXAMPLES", "5")
RUN_TIMEOUT_S = 3600
READ_KEY = "im_FAKE_key_of_a_test_that_reads_0000000000000000"
#: stands where nobody who asks for amoCRM's calls, or for what there is not, may see it
CANARY = "CANARY-7f3a"
#: the only one that does not end
LIVE = "/api/admin/integrations/monitoring/live"
# PostgreSQL's own quotes and comments, its casts and operators, other databases' too, and what ends a string in Python or in a shell.
SQL = (
    "' or '1'='1",
    "' or 1=1 --",
    "'; drop table public.integration_logs; --",
    "'); truncate integration_monitor.api_keys; --",
    "' union select name from integration_monitor.api_keys --",
    "1; select pg_sleep(10)",
    "0) or (1=1",
    "$$ or $$",
    "\\' or 1=1 --",
    "amocrm' /*",
    "amocrm'||(select current_user)||'",
    "%' or '%'='",
    '" or ""="',
    "::text; --",
    "{0} %s %(service)s :service $1",
    "created_at;delete from public.integration_logs",
    "id,(select version())",
    "\u02bc or 1=1 --",
    "\ud7ff\U0010ffff",
    "%00'",
)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A parameter of an endpoint."""

    method: str
    path: str
    name: str
    where: str
    #: the names of all parameters of the endpoint
    names: frozenset[str]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.name}"


def document() -> dict[str, Any]:
    """As /schema shows it; it is the same for every database."""
    given = settings.load({"database_url": "postgresql://nobody@127.0.0.1:1/nothing"}, environment={})
    whole: dict[str, Any] = completed(json.loads(json.dumps(create_app(given).openapi_schema.to_schema())))
    return whole


def places() -> Iterator[Place]:
    """All parameters in addresses."""
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            parameters = [one for one in operation.get("parameters", []) if one["in"] in {"query", "path"}]
            names = frozenset(one["name"] for one in parameters if one["in"] == "query")
            for one in parameters:
                if path != LIVE:
                    yield Place(method=method.upper(), path=path, name=one["name"], where=one["in"], names=names)


@pytest.fixture(scope="module")
def database(servers: Callable[[Variant], Server]) -> Iterator[str]:
    """Records of a day, hostile ones, an incident and a key."""
    postgres = servers(WHEEL)
    name = postgres.create_database(is_migrated=True)
    url = postgres.url(name)
    sink = PostgresSink(url)
    hostile = [invented.failure(service_name=one[:100], error_message=one[:2000]) for one in invented.HOSTILE]
    canaries = [invented.failure(service_name=CANARY, action=CANARY, error_code=CANARY, error_message=CANARY)]
    sink.write(Batch(records=[*invented.history()[:150], *hostile, *canaries]))
    sink.close()
    postgres.execute(invented.WRITERS, name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "insert into integration_monitor.api_keys (name, scope, secret_hash, created_by) values ('reader', 'read', %s, 'a test')",
            [hashlib.sha256(READ_KEY.encode()).digest()],
        )
        connection.execute(
            "insert into integration_monitor.incidents"
            " (kind, subject, severity, summary, suspected_at, observed_at, since_at, began_at)"
            " values ('service_state', 'mobizon', 'down', 'mobizon is down', now(), now(), now(), now())"
        )
    yield url
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def running(database: str) -> Iterator[LiveServer]:
    # Schemathesis tries hundreds of tokens from one address. That they are bounded has tests of its own.
    with pytest.MonkeyPatch.context() as patched, live_server(database) as server:
        patched.setattr(attempts, "ATTEMPTS_MAX", 1_000_000)
        yield server


@pytest.fixture(scope="module")
def client(running: LiveServer) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {running.token('service_role')}"}
    with httpx.Client(base_url=running.url, headers=headers, timeout=30) as opened:
        yield opened


@pytest.mark.parametrize("who", ["service_role", "integration_monitor_statistics", "key", "nobody"])
def test_whatever_is_asked_the_answer_is_what_the_document_says(running: LiveServer, who: Any, tmp_path: Path) -> None:
    tokens = {"key": READ_KEY, "nobody": ""}
    token = tokens[who] if who in tokens else running.token(who)
    # The document's borders do not depend on who asks; the others have random requests alone.
    phases = "examples,coverage,fuzzing,stateful" if who == "service_role" else "examples,fuzzing"
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIGURATION), "run", f"{running.url}/schema"]
    command += ["--phases", phases, "--max-examples", EXAMPLES]
    command += ["--header", f"Authorization: Bearer {token}"] if token else []

    told = subprocess.run(command, check=False, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, cwd=tmp_path)

    assert told.returncode == 0, told.stdout + told.stderr
    tested = re.search(r"Tested: (\d+)", told.stdout)
    assert tested is not None, told.stdout
    assert int(tested[1]) == sum(len(item) for path, item in document()["paths"].items() if path != LIVE)


@pytest.mark.parametrize("place", tuple(places()), ids=str)
def test_sql_in_a_parameter_is_a_value_and_nothing_else(place: Place, client: httpx.Client, database: str) -> None:
    before = counted(database)

    attack(place, client)

    assert counted(database) == before


def attack(place: Place, client: httpx.Client) -> None:
    """Asks with hostile values of one parameter, and narrowed to amoCRM where the endpoint can be."""

    @examples(max_examples=6, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        start=st.sampled_from(("", "eq.", "in.(", "is.", "amocrm", "2026-11-22", "1")),
        sql=st.sampled_from(SQL),
        rest=st.text(max_size=5),
    )
    def asked(start: str, sql: str, rest: str) -> None:
        value = (start + sql + rest).encode("utf-8", "replace").decode()
        narrowed = {"service": "amocrm"} if "service" in place.names else {}
        narrowed |= {"service_name": "eq.amocrm"} if "service_name" in place.names else {}
        path = place.path.format_map(_Amocrm({place.name: httpx.URL("/").copy_with(params={"v": value}).query.decode()[2:]}))
        query = {**narrowed, place.name: value} if place.where == "query" else narrowed

        # An insert of no rows.
        body: Any = [] if place.method == "POST" else None
        answer = client.request(place.method, path, params=query, json=body)

        assert answer.status_code < 500, (value, answer.text)
        assert CANARY not in answer.text, (value, answer.text)

    asked()


class _Amocrm(dict[str, str]):
    """Path parameters that are not attacked."""

    def __missing__(self, name: str) -> str:
        return "0193c2f0-7a10-7000-8000-000000000001"


def counted(database: str) -> list[Any]:
    """What an attack could have changed."""
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "select (select count(*) from pg_class where relnamespace::regnamespace::text in ('public', 'integration_monitor')),"
            " (select count(*) from public.integration_logs where action <> 'insert'), (select count(*) from integration_monitor.api_keys),"
            " (select count(*) from pg_roles)"
        ).fetchone()
    assert row is not None
    return list(row)
