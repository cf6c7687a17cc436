"""The endpoint `POST /v1/traces`."""

import functools
from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from integration_monitor.server import problems
from integration_monitor.server.auth import requires
from integration_monitor.server.caller import Caller
from integration_monitor.server.ingest.door import Door
from integration_monitor.server.otlp.bodies import JSON, PROTOBUF, encoding_of, read_calls, write_answer, write_refusal
from integration_monitor.server.otlp.spans import to_operation

PATH: Final = "/v1/traces"


def _refuse(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The same judgement, log and headers as everywhere, told as google.rpc.Status."""
    told = problems.answer(request, error)
    described: problems.Problem = told.content
    is_json = request.headers.get("content-type", "").partition(";")[0].strip().lower() == JSON
    encoding = JSON if is_json else PROTOBUF
    body = write_refusal(f"{described.detail} {described.hint}", encoding)
    return Response(body, status_code=described.status, media_type=encoding, headers=told.headers)


_HANDLERS: Final[ExceptionHandlersMap] = {
    Exception: _refuse,
    HTTPException: _refuse,
    HTTPStatus.INTERNAL_SERVER_ERROR: _refuse,
}


# server/openapi/otlp.py describes it, in both encodings.
@post(
    PATH,
    guards=[requires("ingest")],
    status_code=HTTPStatus.OK,
    request_max_body_size=None,  # the door bounds it, and what it unpacks to
    exception_handlers=_HANDLERS,
    include_in_schema=False,
)
async def export_traces(request: Request[Caller, Any, Any], state: State) -> Response[bytes]:
    """Stores the spans of HTTP clients as records, and leaves all others out. Answers when they are committed."""
    encoding = encoding_of(request.headers.get("content-type", ""))
    door: Door = state.door
    async with door.recorded(request, functools.partial(read_calls, encoding=encoding), to_operation) as recorded:
        by_store = await door.store_each([record for _line, record in recorded.records])
    problems_told = [f"{one.field}: {one.problem}. {one.remedy}" for one in recorded.refused]
    problems_told += [f"the database: {why}" for why in by_store.values()]
    # One tells enough: spans of one exporter are alike.
    message = problems_told[0] if problems_told else ""
    return Response(write_answer(len(problems_told), message, encoding), media_type=encoding)
