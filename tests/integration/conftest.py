"""What tests of the server share: records in the database, an application on it, and tokens for it."""

import functools
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import psycopg
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from psycopg import sql
from psycopg.types.json import Jsonb

from integration_monitor import settings
from integration_monitor.server.app import create_app

SECRET = "a shared secret of more than 32 bytes"
COLUMNS = (
    "id",
    "service_name",
    "action",
    "status",
    "related_entity_type",
    "related_entity_id",
    "request_payload",
    "response_payload",
    "error_message",
    "error_code",
    "duration_ms",
    "created_at",
)

# Nothing listens there: port 1 belongs to tcpmux, which nobody runs.
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"

AddLog = Callable[..., uuid.UUID]
Client = TestClient[Litestar]
MakeClient = Callable[..., Client]
MakeToken = Callable[..., str]
Bearer = Callable[..., dict[str, str]]


def write_log(
    connection: psycopg.Connection[Any], *, age: timedelta = timedelta(0), fault: str | None = None, **fields: Any
) -> uuid.UUID:
    """Writes one record, as any SQL client would, and gives its id."""
    log: dict[str, Any] = {
        "id": uuid.uuid4(),
        "service_name": "amocrm",
        "action": "sync_lead",
        "status": "success",
        "duration_ms": 150,
        "created_at": datetime.now(UTC) - age,
        "response_payload": None if fault is None else {"fault": fault},
        **fields,
    }
    names = [name for name in COLUMNS if name in log]
    connection.execute(
        sql.SQL("insert into public.integration_logs ({}) values ({})").format(
            sql.SQL(", ").join(map(sql.Identifier, names)), sql.SQL(", ").join([sql.Placeholder()] * len(names))
        ),
        [Jsonb(log[name]) if name.endswith("_payload") and log[name] is not None else log[name] for name in names],
    )
    return uuid.UUID(str(log["id"]))


@pytest.fixture
def add_log(database_url: str) -> Iterator[AddLog]:
    """`write_log` into the test's database: `age` sets how long ago the record was created, other keywords are columns."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield functools.partial(write_log, connection)


@pytest.fixture
def add_log_to() -> Iterator[Callable[[str], AddLog]]:
    """The same for a database whose URL is given."""
    with ExitStack() as stack:
        yield lambda url: functools.partial(write_log, stack.enter_context(psycopg.connect(url, autocommit=True)))


@pytest.fixture
def make_client_of() -> Iterator[MakeClient]:
    """Starts the server's application on a database; further keyword arguments are settings."""
    with ExitStack() as stack:

        def make(database_url: str, *, base_url: str = "http://monitor.test", **arguments: object) -> Client:
            given = settings.load({"database_url": database_url, "jwt_secret": SECRET, **arguments}, environment={})
            return stack.enter_context(TestClient(create_app(given), base_url=base_url, raise_server_exceptions=False))

        yield make


@pytest.fixture
def make_client(database_url: str, make_client_of: MakeClient) -> MakeClient:
    """The same on the test's database. Without a token its requests are nobody's."""
    return functools.partial(make_client_of, database_url)


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    return make_client()


@pytest.fixture
def client_without_database(make_client_of: MakeClient) -> Client:
    """For what must be refused without asking the database."""
    return make_client_of(NOWHERE)


@pytest.fixture
def make_token() -> MakeToken:
    """A token as Supabase issues them; keyword arguments are claims, and None leaves one out."""

    def make(role: object = "authenticated", *, secret: str = SECRET, algorithm: str = "HS256", **claims: object) -> str:
        payload = {"role": role, "exp": datetime.now(UTC) + timedelta(minutes=5), **claims}
        return jwt.encode({name: value for name, value in payload.items() if value is not None}, secret, algorithm=algorithm)

    return make


@pytest.fixture
def bearer(make_token: MakeToken) -> Bearer:
    """Request headers with a token; arguments as for `make_token`."""
    return lambda *arguments, **claims: {"authorization": f"Bearer {make_token(*arguments, **claims)}"}
