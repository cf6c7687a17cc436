"""What is refused, and every error in PostgREST's shape: {code, message, details, hint}.

Codes are PostgREST's own (https://docs.postgrest.org/en/stable/references/errors.html) and PostgreSQL's; where neither has one they are ours.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from integration_monitor.errors import RecordsRefused, StoreError
from integration_monitor.server import problems
from integration_monitor.server.problems import Problem

#: With a character set, as PostgREST says it.
JSON: Final = "application/json; charset=utf-8"
# A column compared with what it cannot be compared with, such as jsonb with an order it has none for.
_BAD_QUESTION_CLASSES: Final = ("22", "42804", "42883")
_CODE_OF_STATUS: Final = {
    HTTPStatus.BAD_REQUEST: "PGRST102",
    HTTPStatus.UNAUTHORIZED: "PGRST301",
    HTTPStatus.FORBIDDEN: "42501",
}


class Refused(msgspec.Struct, kw_only=True, frozen=True):
    """An error, as PostgREST tells it."""

    code: str
    message: str
    details: str | None = None
    hint: str | None = None


class RequestRefused(Exception):
    """A request that is refused. It never leaves this package."""

    def __init__(  # noqa: PLR0913  # one for each part of the answer
        self,
        status: HTTPStatus,
        code: str,
        message: str,
        *,
        details: str | None = None,
        hint: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.refused = Refused(code=code, message=message, details=details, hint=hint)


def bad_request(code: str, message: str, *, details: str | None = None, hint: str | None = None) -> RequestRefused:
    return RequestRefused(HTTPStatus.BAD_REQUEST, code, message, details=details, hint=hint)


def not_permitted(table: str) -> RequestRefused:
    """As PostgreSQL refuses it to a role."""
    return RequestRefused(HTTPStatus.FORBIDDEN, "42501", f"permission denied for table {table}")


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The answer to a request that raised."""
    if isinstance(error, RequestRefused):
        return Response(error.refused, status_code=error.status, media_type=JSON, headers=error.headers)
    if isinstance(error, StoreError) and (
        isinstance(error, RecordsRefused) or (error.sqlstate or "").startswith(_BAD_QUESTION_CLASSES)
    ):
        refused = Refused(code=error.sqlstate or "22000", message=str(error).partition("; has the database")[0])
        return Response(refused, status_code=HTTPStatus.BAD_REQUEST, media_type=JSON)
    # The same judgement, log and headers as everywhere, told in other words.
    told = problems.answer(request, error)
    described: Problem = told.content
    status = HTTPStatus(described.status)
    refused = Refused(
        code=_CODE_OF_STATUS.get(status, described.code), message=described.title, details=described.detail, hint=described.hint
    )
    return Response(refused, status_code=status, media_type=JSON, headers=told.headers)


#: As `problems.HANDLERS`, for these endpoints.
HANDLERS: Final[ExceptionHandlersMap] = {Exception: answer, HTTPException: answer, HTTPStatus.INTERNAL_SERVER_ERROR: answer}
