"""What the endpoints share: their parameters, the guard that knows them, what can go wrong with them."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import PathParameter, QueryParameter

from integration_monitor import record
from integration_monitor.monitoring.cursor import CURSOR_LENGTH_MAX
from integration_monitor.monitoring.logs import TEXT_DAYS_MAX
from integration_monitor.record import Fault, Status
from integration_monitor.server.problems import PROBLEM_JSON, Problem
from integration_monitor.server.refusals import ParameterRefused, shown
from integration_monitor.store.answers import LogFilter

# Longer than any service or action that is recorded.
NAME_LENGTH_MAX: Final = 255
# PostgreSQL holds no NUL in text.
NAME_PATTERN: Final = r"^[^\x00]*$"
# PostgreSQL's integer.
_DURATION_MAX_MS: Final = 2**31 - 1
_TEXT_LENGTH_MAX: Final = 200
_TIME_LENGTH_MAX: Final = 40
_DATE_LENGTH: Final = len("2026-11-22")


def _name(description: str, example: str) -> QueryParameter:
    return QueryParameter(
        description=description,
        min_length=1,
        max_length=NAME_LENGTH_MAX,
        pattern=NAME_PATTERN,
        examples=[Example(value=example)],
    )


Service = Annotated[str | None, _name("Only this service, such as `amocrm`.", "amocrm")]
Action = Annotated[str | None, _name("Only this action, such as `send_email`.", "send_email")]
StatusAsked = Annotated[
    Status | None, QueryParameter(description="Only records of this status.", examples=[Example(value="failed")])
]
ErrorCode = Annotated[str | None, _name("Only this error code, such as `HTTP_500` or `TIMEOUT`.", "TIMEOUT")]
FaultAsked = Annotated[
    Fault | None, QueryParameter(description="Only failures with this fault.", examples=[Example(value="vendor")])
]
EntityType = Annotated[str | None, _name("Only records about entities of this type, such as `lead`.", "lead")]
EntityId = Annotated[
    str | None, _name("Only records about this entity: its id as the vendor gives it, with `entity_type`, or a UUID.", "123")
]
DurationMin = Annotated[
    int | None,
    QueryParameter(
        description="Only calls of at least so many milliseconds.", ge=0, le=_DURATION_MAX_MS, examples=[Example(value=1000)]
    ),
]
DurationMax = Annotated[
    int | None,
    QueryParameter(
        description="Only calls of at most so many milliseconds.", ge=0, le=_DURATION_MAX_MS, examples=[Example(value=5000)]
    ),
]
Text = Annotated[
    str | None,
    QueryParameter(
        description="Only records that hold this text in their error message or in a payload, whatever the case. The window is then at most "
        f"{TEXT_DAYS_MAX} days; without `from` it is the last day.",
        min_length=1,
        max_length=_TEXT_LENGTH_MAX,
        pattern=NAME_PATTERN,
        examples=[Example(value="not enough credits")],
    ),
]
From = Annotated[
    str | None,
    QueryParameter(
        name="from",
        description="Beginning of the window, which belongs to it: a time with its zone, or a date (UTC).",
        max_length=_TIME_LENGTH_MAX,
        examples=[Example(value="2026-11-22T08:00:00Z")],
    ),
]
To = Annotated[
    str | None,
    QueryParameter(
        name="to",
        description="End of the window, likewise; it belongs to lists of records, and not to statistics. Now where it is left out.",
        max_length=_TIME_LENGTH_MAX,
        examples=[Example(value="2026-11-22T09:30:00Z")],
    ),
]
Before = Annotated[
    str | None,
    QueryParameter(description="`next` of the page before: opaque, to be given back unchanged.", max_length=CURSOR_LENGTH_MAX),
]
EntityTypePath = Annotated[
    str,
    PathParameter(
        description="Type of the entity, such as `lead`.", min_length=1, max_length=NAME_LENGTH_MAX, pattern=NAME_PATTERN
    ),
]
EntityIdPath = Annotated[
    str,
    PathParameter(
        description="Its id, as the vendor gives it, or a UUID.", min_length=1, max_length=NAME_LENGTH_MAX, pattern=NAME_PATTERN
    ),
]


def _problem(description: str) -> ResponseSpec:
    return ResponseSpec(Problem, generate_examples=False, media_type=PROBLEM_JSON, description=description)


#: What every endpoint may refuse with.
PROBLEMS: Final = {
    400: _problem("A parameter is unknown or impossible; it is named."),
    401: _problem("No token, or one that is not accepted."),
    403: _problem("The token's role may not read this."),
    429: _problem("Too many tokens or keys of this address were refused; see Retry-After."),
    503: _problem("The database, or the issuer of the token, is away; see Retry-After."),
    504: _problem("The question took too long; ask for a narrower window."),
}
#: The same of an endpoint for one record.
PROBLEMS_OF_ONE: Final = {**PROBLEMS, 404: _problem("There is no such record, or nothing to make of it what is asked for.")}


async def refuse_unknown_parameters(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """A guard: a misspelt filter must not look like an answer to the question. It waits for nothing; but one that is no coroutine goes to a thread.

    Errors:
        ParameterRefused: a parameter that the endpoint does not have, the same one twice, the word null for a value that is no text, or none where
            one is needed.
    """
    known = {
        field.kwarg_definition.name or name: field
        for name, field in handler.parsed_fn_signature.parameters.items()
        if isinstance(field.kwarg_definition, QueryParameter)
    }
    for name, values in connection.query_params.dict().items():
        if name not in known:
            offered = f"This endpoint has: {', '.join(sorted(known))}." if known else "This endpoint has none."
            raise ParameterRefused(name, f"there is no such parameter. {offered}")
        if len(values) > 1:
            raise ParameterRefused(name, "it is given more than once.")
        # msgspec reads the word as None, wherever a value may be one that is no text: the filter would be dropped, and the answer wider than asked.
        if values[0].lower() == "null" and not (known[name].annotation is str or str in known[name].args):
            raise ParameterRefused(name, f"{shown(values[0])} is refused: leave the parameter out instead.")
    for name, field in known.items():
        if field.is_required and name not in connection.query_params:
            raise ParameterRefused(name, f"it is missing; add `{name}=…` to the request.")


def moment(name: str, text: str | None) -> datetime | None:
    """A parameter that is a time, in UTC; None where it is not given.

    Errors:
        ParameterRefused: it is no time, has no zone, or is none of the calendar in UTC.
    """
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None and len(text) == _DATE_LENGTH:
            return at.replace(tzinfo=UTC)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ParameterRefused(
        name,
        f"{shown(text)} is no time with a zone; write 2026-11-22T08:00:00Z, or 2026-11-22 for the beginning of a day in UTC. "
        "In an address `+` is written %2B.",
    )


def window(
    from_: str | None, to: str | None, *, default: timedelta, longest: timedelta | None = None, why: str = ""
) -> tuple[datetime, datetime]:
    """The window that `from` and `to` ask for, both ends in UTC.

    default:
        How far it reaches back without `from`.
    longest:
        How long it may be; `why` says because of what.

    Errors:
        ParameterRefused: an end that is no time, ends in the wrong order, or too long a window.
    """
    until = moment("to", to) or record.now()
    since = moment("from", from_)
    if since is None:
        # A window at the beginning of the calendar has nothing before it.
        since = until - default if until - datetime.min.replace(tzinfo=UTC) > default else datetime.min.replace(tzinfo=UTC)
    if until < since:
        raise ParameterRefused("to", f"{until.isoformat()} is before `from`, {since.isoformat()}; give a later end.")
    if longest is not None and until - since > longest:
        raise ParameterRefused("from", f"{since.isoformat()} is more than {longest.days} days before the end{why}; begin later.")
    return since, until


def log_filter(  # noqa: PLR0913  # one for each parameter
    *,
    since: datetime,
    until: datetime,
    service: str | None = None,
    action: str | None = None,
    status: Status | None = None,
    entity_type: str | None = None,
    entity_id: str | None = None,
    error_code: str | None = None,
    fault: Fault | None = None,
    duration_min_ms: int | None = None,
    duration_max_ms: int | None = None,
    text: str | None = None,
) -> LogFilter:
    """What to search for, as records hold it.

    Errors:
        ParameterRefused: an entity's id without its type, unless it is a UUID; a shortest duration above the longest.
    """
    entity = None
    if entity_id is not None:
        entity = record.entity_uuid(entity_type or "", entity_id)
        if entity_type is None and not _is_uuid(entity_id):
            raise ParameterRefused("entity_id", f"{shown(entity_id)} is no UUID; give its `entity_type` too, such as `lead`.")
    if duration_min_ms is not None and duration_max_ms is not None and duration_min_ms > duration_max_ms:
        raise ParameterRefused(
            "duration_min_ms", f"{duration_min_ms} is above `duration_max_ms`, {duration_max_ms}; exchange them."
        )
    return LogFilter(
        since=since,
        until=until,
        service=service,
        action=action,
        status=status,
        entity_type=entity_type,
        entity_id=entity,
        error_code=error_code,
        fault=fault,
        duration_min_ms=duration_min_ms,
        duration_max_ms=duration_max_ms,
        text=text,
    )


def _is_uuid(text: str) -> bool:
    """Whether an id stays itself, of whatever type it is."""
    return record.entity_uuid("", text) == record.entity_uuid("another", text)
