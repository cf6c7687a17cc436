"""What a vendor's support needs to know: how many calls there were, what failed and how, and the vendor's own numbers of the calls.

It leaves the house: phone numbers and e-mail addresses are masked, under a key that is forgotten with the report, and of headers only those stay
that number a request.
"""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from integration_monitor import record
from integration_monitor.monitoring import error_groups, logs, windows
from integration_monitor.monitoring.questions import Questions
from integration_monitor.monitoring.windows import WindowRow
from integration_monitor.record import IntegrationLog, Json
from integration_monitor.redaction import PersonalData
from integration_monitor.store.answers import LogFilter, WindowFilter

# What a person at a support desk reads.
GROUPS_MAX: Final = 20
CALLS_MAX: Final = 100
SAMPLES_MAX: Final = 10
# Characters of a body in a sample: what was wrong stands at its beginning.
BODY_LENGTH_MAX: Final = 4_000

# Headers by which vendors find a request in their logs, such as x-request-id, cf-ray, x-amz-cf-id, idempotency-key and traceparent.
_REQUEST_ID: Final = re.compile(
    r"(?:.*[-_])?(?:request|correlation|trace|transaction|operation|invocation)[-_]?id|cf-ray|x-amz-cf-id|traceparent|idempotency-key|x-vercel-id"
)
# A body that does not fit is shown as the text of its JSON.
_CUT: Final = "…"


class FailedCall(msgspec.Struct, kw_only=True, frozen=True):
    """One failed call, by what a vendor can find it with."""

    created_at: Annotated[datetime, Meta(description="When it began, UTC.")]
    action: Annotated[str, Meta(description="What was wanted.")]
    error_code: Annotated[str | None, Meta(description="The error code.")]
    status_code: Annotated[int | None, Meta(description="The HTTP status; null where no answer came.")]
    duration_ms: Annotated[int | None, Meta(description="Wall time in milliseconds.")]
    request_ids: Annotated[dict[str, str], Meta(description="The headers of request and answer that number the call.")]


class Sample(FailedCall, kw_only=True, frozen=True):
    """One failed call with what was sent and what came back, without personal data."""

    method: Annotated[str | None, Meta(description="The HTTP method.")]
    url: Annotated[str | None, Meta(description="The address; references stand for secrets.")]
    request_body: Annotated[Json, Meta(description="What was sent.")]
    response_body: Annotated[Json, Meta(description="What came back.")]
    error_message: Annotated[str | None, Meta(description="The error in words.")]


class ReportedError(msgspec.Struct, kw_only=True, frozen=True):
    """Failures of one kind."""

    action: Annotated[str, Meta(description="What was wanted.")]
    error_code: Annotated[str | None, Meta(description="The error code.")]
    shape: Annotated[str, Meta(description="The message without what differs from call to call.")]
    count: Annotated[int, Meta(description="Failures.")]
    first_seen_at: Annotated[datetime, Meta(description="When the first began, UTC.")]
    last_seen_at: Annotated[datetime, Meta(description="When the last began, UTC.")]


class Report(msgspec.Struct, kw_only=True, frozen=True):
    """A service in a period."""

    service_name: Annotated[str, Meta(description="The service.")]
    made_at: Annotated[datetime, Meta(description="When the report was made, UTC.")]
    actions: Annotated[Sequence[WindowRow], Meta(description="Counts and percentiles by action.")]
    errors: Annotated[Sequence[ReportedError], Meta(description=f"The {GROUPS_MAX} most hurtful kinds of failures.")]
    calls: Annotated[Sequence[FailedCall], Meta(description=f"The latest {CALLS_MAX} failed calls.")]
    samples: Annotated[Sequence[Sample], Meta(description=f"The latest call of each of {SAMPLES_MAX} kinds, redacted.")]
    since: Annotated[datetime, Meta(description="Where the period begins, UTC.")] = msgspec.field(name="from")
    until: Annotated[datetime, Meta(description="Where it ends.")] = msgspec.field(name="to")


async def report(questions: Questions, *, service: str, since: datetime, until: datetime) -> Report:
    """The report of one service.

    Errors:
        WindowError: the period is impossible.
    """
    personal = PersonalData(secrets.token_bytes(32))
    window = await windows.statistics(
        questions, WindowFilter(since_before=since, since=since, until=until, step=None, group_by=("action",), service=service)
    )
    failed = LogFilter(since=window.since, until=window.until, service=service, status="failed")
    groups = (await error_groups.grouped(questions, failed, limit=GROUPS_MAX, is_whole=True)).data
    calls = (await logs.search(questions, failed, limit=CALLS_MAX)).data
    found = [await logs.one(questions, group.sample_id, service=service) for group in groups[:SAMPLES_MAX]]
    return Report(
        service_name=service,
        made_at=record.now(),
        since=window.since,
        until=window.until,
        actions=window.data,
        errors=[
            ReportedError(
                action=group.action,
                error_code=group.error_code,
                shape=personal.text(group.shape),
                count=group.count,
                first_seen_at=group.first_seen_at,
                last_seen_at=group.last_seen_at,
            )
            for group in groups
        ],
        calls=[_call(log) for log in calls],
        samples=[_sample(log, personal) for log in found if log is not None],
    )


def request_ids(log: IntegrationLog) -> dict[str, str]:
    """The headers of a call that number it, the answer's before the request's."""
    found: dict[str, str] = {}
    for payload in (log.response_payload, log.request_payload):
        headers = payload.get("headers") if isinstance(payload, dict) else None
        for name, value in headers.items() if isinstance(headers, dict) else ():
            if isinstance(value, str) and _REQUEST_ID.fullmatch(name.lower()):
                found.setdefault(name.lower(), value)
    return found


def _call(log: IntegrationLog) -> FailedCall:
    return FailedCall(
        created_at=log.created_at,
        action=log.action,
        error_code=log.error_code,
        status_code=_status_code(log),
        duration_ms=log.duration_ms,
        request_ids=request_ids(log),
    )


def _sample(log: IntegrationLog, personal: PersonalData) -> Sample:
    request = log.request_payload if isinstance(log.request_payload, dict) else {}
    response = log.response_payload if isinstance(log.response_payload, dict) else {}
    method, url = request.get("method"), request.get("url")
    return Sample(
        created_at=log.created_at,
        action=log.action,
        error_code=log.error_code,
        status_code=_status_code(log),
        duration_ms=log.duration_ms,
        request_ids=request_ids(log),
        method=method if isinstance(method, str) else None,
        url=personal.text(url) if isinstance(url, str) else None,
        request_body=_body(request.get("body"), personal),
        response_body=_body(response.get("body"), personal),
        error_message=None if log.error_message is None else personal.text(log.error_message)[:BODY_LENGTH_MAX],
    )


def _status_code(log: IntegrationLog) -> int | None:
    code = log.response_payload.get("status_code") if isinstance(log.response_payload, dict) else None
    return code if type(code) is int else None


def _body(body: Json, personal: PersonalData) -> Json:
    masked = personal.value(body)
    text = masked if isinstance(masked, str) else msgspec.json.encode(masked).decode()
    return masked if len(text) <= BODY_LENGTH_MAX else text[:BODY_LENGTH_MAX] + _CUT
