"""`/logs/{id}`: one record beside a list, as a part of the page."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Template
from litestar.status_codes import HTTP_404_NOT_FOUND

from integration_monitor.monitoring import curl, logs
from integration_monitor.record import IntegrationLog, Json
from integration_monitor.server.auth import AskedQuestions, requires
from integration_monitor.server.caller import Caller
from integration_monitor.server.pages.colours import tones
from integration_monitor.server.pages.context.errors import ErrorWords
from integration_monitor.server.pages.context.records import AttemptRow, Payload, RecordPanel
from integration_monitor.server.pages.drawings import joined
from integration_monitor.server.pages.error import words_of
from integration_monitor.server.pages.formats import json_text, visible
from integration_monitor.server.pages.log_rows import entity_of, fault_of, is_unverified
from integration_monitor.server.pages.reader import reader_of
from integration_monitor.server.traces import trace_href

# A kept body has 64 KiB; other writers may store more, and a browser lays out a megabyte of text for seconds.
TEXT_CHARACTERS_MAX: Final = 256 * 1024

# How one reads a call; jsonb keeps no order of its own.
REQUEST_ORDER: Final = ("method", "url", "headers", "body")
RESPONSE_ORDER: Final = ("status_code", "headers", "body")
_ATTEMPTS_MAX: Final = 50


@get("/logs/{record_id:uuid}", name="record", guards=[requires("records")], include_in_schema=False)
async def record(request: Request[Caller, Any, Any], questions: AskedQuestions, record_id: FromPath[uuid.UUID]) -> Template:
    """A fragment with one record. One that retention has removed meanwhile is a 404 that says so."""
    found = await logs.one(questions, record_id)
    if found is None:
        return Template("record.html", context={"page": None}, status_code=HTTP_404_NOT_FOUND)
    shown = page(
        found,
        entity_page=request.app.route_reverse("entity"),
        explanation=words_of(request, reader_of(request), found),
        trace_url=request.app.state.settings.trace_url,
    )
    return Template("record.html", context={"page": shown})


def page(
    log: IntegrationLog, *, entity_page: str, explanation: ErrorWords | None = None, trace_url: str | None = None
) -> RecordPanel:
    """What the template shows of a record."""
    request = log.request_payload if isinstance(log.request_payload, dict) else {}
    response = log.response_payload if isinstance(log.response_payload, dict) else {}
    entity_type, entity_id = entity_of(log)
    has_page = bool(entity_type and entity_id)
    trace_id = _text(request.get("trace_id"))
    return RecordPanel(
        id=log.id,
        created_at=log.created_at,
        updated_at=log.updated_at,
        service_name=log.service_name,
        tone=tones([log.service_name])[log.service_name],
        action=log.action,
        status=log.status,
        error_code=log.error_code,
        error_message=None if log.error_message is None else _cut(visible(log.error_message)),
        explanation=explanation,
        fault=fault_of(log),
        duration_ms=log.duration_ms,
        ttfb_ms=_number(response.get("ttfb_ms")),
        retry_count=log.retry_count,
        retry=_text(response.get("retry")),
        is_unverified=is_unverified(log),
        trace_id=trace_id,
        trace_href=trace_href(trace_url, trace_id),
        entity_type=entity_type,
        entity_id=entity_id,
        entity_href=joined(entity_page, {"type": str(entity_type), "id": str(entity_id)}) if has_page else None,
        attempts=_attempts(response.get("attempts")),
        curl=curl.command(log),
        request=_payload(log.request_payload, REQUEST_ORDER),
        response=_payload(log.response_payload, RESPONSE_ORDER),
    )


def _attempts(value: Json) -> Sequence[AttemptRow]:
    """What the recorder lists of each request of an operation; another writer may have put anything there."""
    if not isinstance(value, list):
        return []
    return [
        AttemptRow(
            number=number,
            result=str(each.get("error_code") or each.get("status") or "–"),
            duration_ms=_number(each.get("duration_ms")),
        )
        for number, each in enumerate(value[:_ATTEMPTS_MAX], start=1)
        if isinstance(each, dict)
    ]


def _payload(value: Json, order: Sequence[str]) -> Payload | None:
    if isinstance(value, dict):
        value = {name: value[name] for name in [*order, *value] if name in value}
    return None if value is None else _cut(json_text(value))


def _cut(text: str) -> Payload:
    return Payload(text=text[:TEXT_CHARACTERS_MAX], cut_characters=max(len(text) - TEXT_CHARACTERS_MAX, 0))


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Json) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
