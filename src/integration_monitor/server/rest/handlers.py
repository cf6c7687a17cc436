"""The endpoints below /rest/v1/."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, cast

import msgspec
from litestar import MediaType, Request, Response, Router, get, post, route
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.enums import HttpMethod
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from integration_monitor.record import IntegrationLog
from integration_monitor.server.auth import entrance_of
from integration_monitor.server.caller import Caller, Right
from integration_monitor.server.ingest.door import Door
from integration_monitor.server.ingest.records import to_record
from integration_monitor.server.rest.parameters import Pairs, read_columns, read_question, single
from integration_monitor.server.rest.preferences import Preferences, read_preferences
from integration_monitor.server.rest.refusals import HANDLERS, JSON, RequestRefused, bad_request, not_permitted
from integration_monitor.server.rest.rows import Rows, refusal_of, unknown_column
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.table_questions import PostgresTableQuestions
from integration_monitor.store.tables import COLUMNS, Condition, Table, TableQuestion

PATH: Final = "/rest/v1"
LOGS: Final[Table] = "integration_logs"
_SERVICE_COLUMN: Final = "service_name"
_READING: Final[Mapping[Table, Right]] = {
    "integration_logs": "records",
    "integration_stats_hourly": "statistics",
    "integration_stats_daily": "statistics",
}
_METHODS: Final[Mapping[Table, str]] = {
    "integration_logs": "GET, OPTIONS, POST",
    "integration_stats_hourly": "GET, OPTIONS",
    "integration_stats_daily": "GET, OPTIONS",
}
_OF_INSERT: Final = frozenset({"select", "columns", "on_conflict"})


async def identify(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard that lets anybody pass who is known; what they may do here is the handler's to judge, which knows the table.

    Errors:
        NotSignedIn, TokenRefused, NotAllowed; StoreUnavailable where a signing key must be read first.
    """
    connection.scope["user"] = await entrance_of(connection.app.state).caller(connection)


@get("/{table:str}")
async def select(request: Request[Caller, Any, Any], table: FromPath[str], state: State) -> Response[str]:
    """Rows of the table or of a view, under the caller's database role."""
    asked_table = _table(table)
    if not request.user.may(_READING[asked_table]):
        raise not_permitted(asked_table)
    read_preferences(request)
    asked = _held_to_service(read_question(asked_table, _pairs(request)), request.user)
    connections: Connections = state.connections
    found = await PostgresTableQuestions(connections, request.user.role).rows(asked)
    last = asked.offset + found.count - 1
    content_range = f"{asked.offset}-{last}/*" if found.count else "*/*"
    return Response(found.array, media_type=JSON, headers={"content-range": content_range})


@post("/{table:str}", request_max_body_size=None)  # the door bounds it, and what it unpacks to
async def insert(request: Request[Caller, Any, Any], table: FromPath[str], state: State) -> Response[bytes]:
    """Stores rows, all or none; answers when they are committed."""
    asked_table = _table(table)
    if asked_table != LOGS:
        message = f'cannot insert into view "{asked_table}"'
        raise _not_allowed(asked_table, "55000", message, hint=f"Insert into {LOGS}.")
    if not request.user.may("ingest"):
        raise not_permitted(LOGS)
    preferences = read_preferences(request)
    columns, rows = _read_insert(request)
    door: Door = state.door
    async with door.recorded(request, rows, to_record) as recorded:
        if recorded.refused:
            raise refusal_of(recorded.refused[0], request.user.service)
        identified = [record.id for line, record in recorded.records if line in rows.identified]
        connections: Connections = state.connections
        questions = PostgresTableQuestions(connections, request.user.role)
        known = await _known(questions, identified, preferences)
        records = {record.id: record for _line, record in reversed(recorded.records) if record.id not in known}
        fresh = list(reversed(records.values()))
        await door.store_all(fresh)
    body = _represented(fresh, columns) if preferences.is_representation else b""
    # Nothing is a text, and no JSON.
    media_type = JSON if body else MediaType.TEXT
    return Response(body, status_code=HTTPStatus.CREATED, media_type=media_type, headers={"content-range": "*/*"})


@route("/{table:str}", http_method=[HttpMethod.PATCH, HttpMethod.PUT, HttpMethod.DELETE, HttpMethod.HEAD], status_code=200)
async def refuse_method(request: Request[Caller, Any, Any], table: FromPath[str]) -> None:
    """Records are neither changed nor removed by others than the database and its maintenance."""
    raise _not_allowed(_table(table), "PGRST117", f"Unsupported HTTP method: {request.method}")


# Litestar's own would tell the methods of whichever handler is registered first; so this one is.
@route("/{table:str}", http_method=HttpMethod.OPTIONS, status_code=HTTPStatus.NO_CONTENT)
async def list_methods(table: FromPath[str]) -> Response[None]:
    """What a table takes."""
    return Response(None, status_code=HTTPStatus.NO_CONTENT, headers={"allow": _METHODS[_table(table)]})


@route(
    ["/", "/{table:str}/{rest:path}"],
    http_method=[HttpMethod.GET, HttpMethod.POST, HttpMethod.PATCH, HttpMethod.PUT, HttpMethod.DELETE, HttpMethod.HEAD],
    status_code=200,
)
async def refuse_path() -> None:
    """There are neither functions nor a description of the schema here."""
    raise RequestRefused(HTTPStatus.NOT_FOUND, "PGRST125", "Invalid path specified in request URL")


# server/openapi/rest.py describes them table by table: any column may be a parameter.
router = Router(
    PATH,
    route_handlers=[list_methods, select, insert, refuse_method, refuse_path],
    guards=[identify],
    exception_handlers=HANDLERS,
    include_in_schema=False,
)


def _table(name: str) -> Table:
    if name not in COLUMNS:
        message = f"Could not find the table 'public.{name[:100]}' in the schema cache"
        raise RequestRefused(HTTPStatus.NOT_FOUND, "PGRST205", message, hint=f"There are: {', '.join(COLUMNS)}.")
    return cast("Table", name)


def _not_allowed(table: Table, code: str, message: str, *, hint: str | None = None) -> RequestRefused:
    """400 and not 405, as for everything else that is not taken: clients tell the two apart by the code."""
    allowed = _METHODS[table]
    return RequestRefused(
        HTTPStatus.BAD_REQUEST, code, message, details=f"{table} takes {allowed}.", hint=hint, headers={"allow": allowed}
    )


def _pairs(request: Request[Any, Any, Any]) -> Pairs:
    return list(request.query_params.multi_items())


def _held_to_service(asked: TableQuestion, caller: Caller) -> TableQuestion:
    """A key for one service sees the rows of this service, as a policy would have it."""
    if caller.service is None:
        return asked
    own = Condition(column=_SERVICE_COLUMN, operator="eq", value=caller.service)
    return TableQuestion(
        table=asked.table,
        columns=asked.columns,
        conditions=[*asked.conditions, own],
        order=asked.order,
        limit=asked.limit,
        offset=asked.offset,
    )


def _read_insert(request: Request[Any, Any, Any]) -> tuple[Sequence[str], Rows]:
    """The columns that are to be represented, and how the body is read."""
    content_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise bad_request("PGRST102", f"Content-Type not acceptable: {content_type[:100]}", hint="Send application/json.")
    given: dict[str, list[str]] = {}
    for name, value in _pairs(request):
        if name not in _OF_INSERT:
            raise bad_request("PGRST100", f"failed to parse parameter ({name[:100]})", hint="An insert takes no filters.")
        given.setdefault(name, []).append(value)
    parameters = single(given)
    if parameters.get("on_conflict", "id") != "id":
        message = "there is no unique or exclusion constraint matching the ON CONFLICT specification"
        raise bad_request("42P10", message, hint="Only on_conflict=id is known here.")
    taken: list[str] | None = None
    if "columns" in parameters:
        taken = [name.strip().strip('"') for name in parameters["columns"].split(",")]
        for name in taken:
            if name not in COLUMNS[LOGS]:
                raise unknown_column(name)
    return read_columns(LOGS, parameters.get("select", "*")), Rows(taken)


async def _known(questions: PostgresTableQuestions, ids: Sequence[uuid.UUID], preferences: Preferences) -> frozenset[uuid.UUID]:
    """Which of these records are there already.

    Errors:
        RequestRefused: some are, or come twice, and they are not to be ignored.
    """
    known = await questions.known_ids(ids) if ids else frozenset()
    if (known or len(set(ids)) < len(ids)) and not preferences.is_ignoring_duplicates:
        times = Counter(ids)
        twice = next(one for one in ids if one in known or times[one] > 1)
        message = 'duplicate key value violates unique constraint "integration_logs_pkey"'
        raise RequestRefused(HTTPStatus.CONFLICT, "23505", message, details=f"Key (id)=({twice}) already exists.")
    return known


def _represented(records: Sequence[IntegrationLog], columns: Sequence[str]) -> bytes:
    """The rows as they are stored: what the caller sent, without its secrets."""
    return msgspec.json.encode([{name: _value(getattr(record, name)) for name in columns} for record in records])


def _value(value: Any) -> Any:
    """Times as PostgreSQL writes them into JSON."""
    return value.isoformat() if hasattr(value, "isoformat") else value
