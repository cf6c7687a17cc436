"""Every error as one shape: problem details (RFC 9457), with a stable `code` and a `hint` that tells the next step.

Programs get it as JSON; a person's browser gets the same as a page.
"""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response
from litestar.enums import MediaType
from litestar.exceptions import HTTPException, InternalServerException, ValidationException
from litestar.response import Redirect
from litestar.types import ExceptionHandlersMap
from msgspec import Meta

from integration_monitor.errors import PermissionRefused, StoreError, StoreUnavailable
from integration_monitor.monitoring.cursor import CursorError
from integration_monitor.server.refusals import (
    BodyTooLarge,
    BodyTooSlow,
    NotSignedIn,
    ParameterRefused,
    RecordsRefusedAll,
    Refusal,
    TokenRefused,
    shown,
)
from integration_monitor.store.postgres.upkeep import UNMIGRATED_STATES

PROBLEM_JSON: Final = "application/problem+json"
# A database that restarts is back within some seconds.
RETRY_AFTER_S: Final = 5
# query_canceled: a statement ran into its time-out. https://www.postgresql.org/docs/current/errcodes-appendix.html
_STATEMENT_TIMEOUT_STATE: Final = "57014"
# Where programs ask: they get JSON whatever they accept.
_PROGRAM_PATHS: Final = ("/api/", "/rest/", "/v1/", "/schema", "/static/")

logger = logging.getLogger(__name__)


class Problem(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """An error, as problem details (RFC 9457)."""

    type: Annotated[str, Meta(description="Names the kind of problem: `urn:integration-monitor:problem:<code>`.")]
    code: Annotated[str, Meta(description="Names the kind of problem; never changes.", examples=["bad_parameter"])]
    title: Annotated[str, Meta(description="The kind of problem in words.")]
    status: Annotated[int, Meta(description="The status of the answer.")]
    detail: Annotated[str, Meta(description="What happened, this time.")]
    hint: Annotated[str, Meta(description="The next step.")]
    parameter: Annotated[str | None, Meta(description="The parameter that is wrong, where one is.")] = None
    refused: Annotated[
        Sequence[Any] | None,
        Meta(description="Of ingest: the first records that cannot be stored, each with what is wrong with it."),
    ] = None


def problem(code: str, status: int, title: str, detail: str, hint: str) -> Problem:
    """A problem whose type is its code."""
    return Problem(
        type=f"urn:integration-monitor:problem:{code}", code=code, title=title, status=status, detail=detail, hint=hint
    )


_INTERNAL_ERROR: Final = problem(
    "internal_error", 500, "Internal error", "The server made a mistake.", "Its log tells more. Please report it if it stays."
)
_NOT_FOUND: Final = problem(
    "not_found", 404, "Not found", "There is nothing at this address.", "The endpoints are listed at /schema."
)
_BODY_BROKEN_OFF: Final = problem(
    "bad_body", 400, "The body cannot be read", "The body ended before it was complete.", "Send the whole of it."
)
# Litestar's words for a client that went away while its body was read. That is no mistake of ours, which its kind of exception says.
_GONE: Final = "client disconnected prematurely"
_TOO_LARGE: Final = problem("too_large", 413, "Too large", "The request's body is too large.", "Send less.")
_DATABASE_UNAVAILABLE: Final = problem(
    "database_unavailable",
    503,
    "The database is not available",
    "The database cannot be reached, or did not answer in time.",
    f"Try again in {RETRY_AFTER_S} seconds.",
)
_TOOK_TOO_LONG: Final = problem(
    "took_too_long",
    504,
    "The question took too long",
    "The database was at it for as long as a question may take.",
    "Ask for less: a narrower window (`from`, `to`; `days`), one `service`, or fewer groups.",
)
_DATABASE_NOT_READY: Final = problem(
    "database_not_ready",
    503,
    "The database is not ready",
    "The database lacks tables or roles of this product.",
    "Run `integration-monitor migrate`.",
)
_DATABASE_REFUSED: Final = problem(
    "not_allowed",
    403,
    "Not allowed",
    "The database does not allow this to the role.",
    "`integration-monitor verify` tells which right is missing.",
)


def describe(error: Exception, asked: Mapping[str, str] | None = None) -> Problem:
    """The problem that an exception is. What is not known here is our own fault, and nothing of it is told.

    asked:
        The request's query parameters, so that a value that is refused can be repeated.
    """
    match error:
        case Refusal():
            described = problem(error.code, error.status, error.title, error.detail, error.hint)
            parameter = error.parameter if isinstance(error, ParameterRefused) else None
            refused = error.refused if isinstance(error, RecordsRefusedAll) else None
            return msgspec.structs.replace(described, parameter=parameter, refused=refused)
        case CursorError() | ValidationException():
            return describe(_bad_parameter(error, asked or {}))
        case InternalServerException() if error.detail == _GONE:
            return _BODY_BROKEN_OFF
        case HTTPException():
            return _of_router(error)
        case StoreError():
            return _of_store(error)
    return _INTERNAL_ERROR


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The answer to a request that raised: a page for a person's browser, else JSON."""
    described = describe(error, request.query_params)
    if described is _INTERNAL_ERROR:
        logger.error("%s %s failed", request.method, request.scope.get("path_template", ""), exc_info=error)
    headers = _headers(error, described)
    if _is_person(request):
        if described.status == HTTPStatus.UNAUTHORIZED:
            return _to_sign_in(request, described)
        page = _page(request, described)
        if page is not None:
            return Response(page, media_type=MediaType.HTML, status_code=described.status, headers=headers)
    return Response(described, media_type=PROBLEM_JSON, status_code=described.status, headers=headers)


#: For the whole application. The plain 500 is what Litestar looks up for exceptions that are not its own.
HANDLERS: Final[ExceptionHandlersMap] = {Exception: answer, HTTPException: answer, HTTPStatus.INTERNAL_SERVER_ERROR: answer}


def _bad_parameter(error: CursorError | ValidationException, asked: Mapping[str, str]) -> ParameterRefused:
    if isinstance(error, CursorError):
        given = asked.get(error.parameter)
        what = "it" if given is None else shown(given)
        return ParameterRefused(error.parameter, f"{what} is not a cursor of this list; give the `next` of an earlier page.")
    # Litestar lists what it found wrong; one at a time is enough.
    found = error.extra if isinstance(error.extra, list) else []
    first = found[0] if found and isinstance(found[0], dict) else {}
    name, reason = str(first.get("key", "request")), str(first.get("message", "the value is not possible"))
    return ParameterRefused(name, f"{shown(asked[name])} is refused: {reason}" if name in asked else reason)


def _of_router(error: HTTPException) -> Problem:
    """The problem of a router's or a parser's exception; its own words may repeat the request and are left out."""
    status = HTTPStatus(error.status_code)
    match status:
        case HTTPStatus.NOT_FOUND:
            return _NOT_FOUND
        case HTTPStatus.METHOD_NOT_ALLOWED:
            hint = f"Use one of: {(error.headers or {}).get('allow', '')}."
            return problem("method_not_allowed", status, "Method not allowed", "This address does not take this method.", hint)
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return _TOO_LARGE
        case HTTPStatus.INTERNAL_SERVER_ERROR:
            return _INTERNAL_ERROR
    hint = "The endpoints are described at /schema."
    return problem(f"http_{status.value}", status, status.phrase, "The request cannot be understood.", hint)


def _of_store(error: StoreError) -> Problem:
    # Asked again it would take as long.
    if error.sqlstate == _STATEMENT_TIMEOUT_STATE:
        return _TOOK_TOO_LONG
    if isinstance(error, StoreUnavailable):
        return _DATABASE_UNAVAILABLE
    if isinstance(error, PermissionRefused):
        return _DATABASE_REFUSED
    return _DATABASE_NOT_READY if error.sqlstate in UNMIGRATED_STATES else _INTERNAL_ERROR


def _headers(error: Exception, described: Problem) -> dict[str, str]:
    if isinstance(error, HTTPException):
        return dict(error.headers or {})
    if described.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return {"retry-after": str(RETRY_AFTER_S)}
    if isinstance(error, BodyTooLarge | BodyTooSlow):
        # The rest of the body is not wanted, and may be long.
        return {"connection": "close"}
    if isinstance(error, Refusal) and error.retry_after_s is not None:
        return {"retry-after": str(error.retry_after_s)}
    if isinstance(error, NotSignedIn):
        # RFC 6750, section 3.
        reason = ', error="invalid_token"' if isinstance(error, TokenRefused) else ""
        return {"www-authenticate": f'Bearer realm="integration-monitor"{reason}'}
    return {}


def _is_person(request: Request[Any, Any, Any]) -> bool:
    """Whether a browser asks for a page, or htmx for a part of one."""
    # Where the application is mounted in another one, an address that no route took is still the whole one.
    if request.scope["path"].removeprefix(request.scope.get("root_path", "")).startswith(_PROGRAM_PATHS):
        return False
    return "text/html" in request.headers.get("accept", "") or "hx-request" in request.headers


def _to_sign_in(request: Request[Any, Any, Any], described: Problem) -> Response[Any]:
    path = f"{request.scope.get('root_path', '')}/sign-in"
    if "hx-request" in request.headers:
        # htmx follows this header on any status.
        return Response(described, media_type=PROBLEM_JSON, status_code=described.status, headers={"hx-redirect": path})
    return Redirect(path, status_code=303)


def _page(request: Request[Any, Any, Any], described: Problem) -> str | None:
    """The problem as a page; None where it cannot be made, for an error page must not fail in its turn."""
    engine = request.app.template_engine
    try:
        assert engine is not None
        page: str = engine.get_template("problem.html").render(problem=described, request=request)
    except Exception:
        logger.exception("the page for %s could not be made", described.code)
        return None
    return page
