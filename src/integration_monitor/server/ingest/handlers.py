"""The endpoints through which records come in."""

import copy
import dataclasses
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request, Response, Router
from litestar.connection import ASGIConnection
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema

from integration_monitor.record import IntegrationLog
from integration_monitor.server.auth import requires
from integration_monitor.server.caller import Caller
from integration_monitor.server.ingest.calls import RawCall
from integration_monitor.server.ingest.door import Door, Ingested
from integration_monitor.server.problems import PROBLEM_JSON, Problem

PATH: Final = "/api/ingest"


def _problem(description: str) -> ResponseSpec:
    return ResponseSpec(Problem, generate_examples=False, media_type=PROBLEM_JSON, description=description)


_RESPONSES: Final = {
    207: ResponseSpec(Ingested, generate_examples=False, description="Some are stored; `refused` tells which are not, and why."),
    400: _problem("The body is no JSON, or not what its encoding says."),
    401: _problem("No key and no token, or one that is not accepted."),
    403: _problem("The key's scope or the token's role may not send records."),
    408: _problem("The body did not come in time."),
    413: _problem("The body is too large, as it was sent or unpacked, or holds too many records."),
    415: _problem("The body's encoding is neither gzip nor zstd."),
    422: _problem("None can be stored; `refused` tells why."),
    429: _problem("More is under way than is held in memory; see Retry-After."),
    503: _problem("The database is away; see Retry-After. Nothing is known to be stored."),
}
_BODY_DESCRIPTION: Final = (
    "One object, an array of them, or one a line (application/x-ndjson). `Content-Encoding` may be gzip or zstd. "
    "At most 16 MiB, as sent and unpacked, and 10,000 items."
)


def _schema(kind: type[msgspec.Struct], *, optional: frozenset[str] = frozenset()) -> dict[str, Any]:
    """JSON Schema of what is sent, written out in one piece: it names no other."""
    [whole], components = msgspec.json.schema_components([kind], ref_template="#/{name}")
    found: dict[str, Any] = copy.deepcopy(components[whole["$ref"].removeprefix("#/")])
    found["required"] = [name for name in found.get("required", []) if name not in optional]
    found["additionalProperties"] = False
    inner = {f"#/{name}": component for name, component in components.items()}
    for name, one in found["properties"].items():
        found["properties"][name] = _written_out(one, inner)
    return found


def _written_out(schema: Any, inner: dict[str, Any]) -> Any:
    if isinstance(schema, dict):
        if schema.get("$ref") in inner:
            return _written_out(inner[schema["$ref"]], inner)
        return {name: _written_out(one, inner) for name, one in schema.items()}
    return [_written_out(one, inner) for one in schema] if isinstance(schema, list) else schema


class _Written(Schema):
    """A schema that is there already."""

    def __init__(self, schema: dict[str, Any]) -> None:
        super().__init__()
        self._written = schema

    def to_schema(self) -> dict[str, Any]:
        return self._written


def _body_of(item: dict[str, Any]) -> RequestBody:
    one_or_many = _Written({"oneOf": [item, {"type": "array", "items": item}]})
    return RequestBody(
        content={
            "application/json": OpenAPIMediaType(schema=one_or_many),
            "application/x-ndjson": OpenAPIMediaType(schema=_Written({"type": "string"})),
        },
        description=_BODY_DESCRIPTION,
        required=True,
    )


@dataclasses.dataclass
class _RecordsOperation(Operation):
    def __post_init__(self) -> None:
        given = frozenset({"id", "created_at", "updated_at"})
        self.request_body = _body_of(_schema(IntegrationLog, optional=given))


@dataclasses.dataclass
class _CallsOperation(Operation):
    def __post_init__(self) -> None:
        self.request_body = _body_of(_schema(RawCall))


class _Endpoint(HTTPRouteHandler):
    """Gives its guards itself, where Litestar gives each a copy of the handler: to make two takes a tenth of what a request takes in all."""

    async def authorize_connection(self, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        for guard in self.resolve_guards():
            await guard(connection, self)  # type: ignore[misc]  # Litestar has made coroutines of all of them


def _answer(ingested: Ingested) -> Response[Ingested]:
    return Response(ingested, status_code=HTTPStatus.MULTI_STATUS if ingested.refused_count else HTTPStatus.OK)


@_Endpoint(
    "/",
    http_method=HttpMethod.POST,
    guards=[requires("ingest")],
    operation_id="ingest",
    summary="Store records",
    operation_class=_RecordsOperation,
    responses=_RESPONSES,
    status_code=HTTPStatus.OK,
    request_max_body_size=None,  # the door bounds it, and what it unpacks to
)
async def ingest(request: Request[Caller, Any, Any]) -> Response[Ingested]:
    """Answers when they are committed. A record whose id is there already is not stored twice. What is wrong is said by line and field; the
    rest is stored. Secrets are taken out before anything is stored.
    """
    door: Door = request.app.state.door
    return _answer(await door.take_records(request))


@_Endpoint(
    "/calls",
    http_method=HttpMethod.POST,
    guards=[requires("ingest")],
    operation_id="ingestCalls",
    summary="Store raw HTTP calls",
    operation_class=_CallsOperation,
    responses=_RESPONSES,
    status_code=HTTPStatus.OK,
    request_max_body_size=None,  # as above
)
async def ingest_calls(request: Request[Caller, Any, Any]) -> Response[Ingested]:
    """Which service and action a call was, and whether it really succeeded, is understood here, as the SDK does; secrets are taken out."""
    door: Door = request.app.state.door
    return _answer(await door.take_calls(request))


router = Router(PATH, route_handlers=[ingest, ingest_calls], tags=["ingest"])
