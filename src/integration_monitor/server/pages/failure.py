"""`/failures/…`: one failure's payloads, as text, fetched when its row is opened."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from litestar import get
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from litestar.status_codes import HTTP_404_NOT_FOUND

from integration_monitor.monitoring import failures
from integration_monitor.record import IntegrationLog, Json
from integration_monitor.server.auth import AskedQuestions, requires
from integration_monitor.server.pages.context import FailurePage, Payload
from integration_monitor.server.pages.formats import json_text, visible

# A kept body has 64 KiB; other writers may store more, and a browser lays out a megabyte of text for seconds.
TEXT_CHARACTERS_MAX = 256 * 1024

# How one reads a call; jsonb keeps no order of its own.
REQUEST_ORDER = ("method", "url", "headers", "body")
RESPONSE_ORDER = ("status_code", "headers", "body")


@get("/failures/{record_id:uuid}", name="failure", guards=[requires("records")], include_in_schema=False)
async def failure(questions: AskedQuestions, record_id: FromPath[uuid.UUID], at: FromQuery[datetime]) -> Template:
    """A fragment with the payloads of one record.

    Args:
        questions: Asked under the caller's database role.
        record_id: The record's id.
        at: Its created_at, which says which partition holds it.

    A record that retention has removed meanwhile is a 404 that says so.
    """
    record = await failures.one(questions, record_id, at)
    if record is None:
        return Template("failure.html", context={"page": None}, status_code=HTTP_404_NOT_FOUND)
    return Template("failure.html", context={"page": page(record)})


def page(record: IntegrationLog) -> FailurePage:
    """What the template shows of a record."""
    retry = record.response_payload.get("retry") if isinstance(record.response_payload, dict) else None
    return FailurePage(
        id=record.id,
        created_at=record.created_at,
        updated_at=record.updated_at,
        service_name=record.service_name,
        action=record.action,
        error_code=record.error_code,
        error_message=None if record.error_message is None else _cut(visible(record.error_message)),
        retry_count=record.retry_count,
        retry=retry if isinstance(retry, str) else None,
        request=_payload(record.request_payload, REQUEST_ORDER),
        response=_payload(record.response_payload, RESPONSE_ORDER),
    )


def _payload(value: Json, order: Sequence[str]) -> Payload | None:
    if isinstance(value, dict):
        value = {name: value[name] for name in [*order, *value] if name in value}
    return None if value is None else _cut(json_text(value))


def _cut(text: str) -> Payload:
    return Payload(text=text[:TEXT_CHARACTERS_MAX], cut_characters=max(len(text) - TEXT_CHARACTERS_MAX, 0))
