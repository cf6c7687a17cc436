"""Records become the rows of a list, wherever one is shown."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from integration_monitor.record import Fault, IntegrationLog
from integration_monitor.server.pages.colours import NO_TONE
from integration_monitor.server.pages.context.shared import LogRow
from integration_monitor.server.pages.drawings import joined

_FAULTS: Final[frozenset[str]] = frozenset(get_args(Fault))


def log_rows(request: Any, logs: Sequence[IntegrationLog], tones: Mapping[str, str], *, page: str) -> Sequence[LogRow]:
    """One row a record.

    page:
        The address of the page that lists them; a row leads to it with the record beside it.
    """
    entity_page = request.app.route_reverse("entity")
    return [_row(each, tones, page, entity_page) for each in logs]


def entity_of(record: IntegrationLog) -> tuple[str | None, str | None]:
    """Type and id as the vendor knows them, which the recorder keeps in request_payload.entity; else the columns."""
    given = record.request_payload.get("entity") if isinstance(record.request_payload, dict) else None
    if isinstance(given, dict) and isinstance(given.get("type"), str) and isinstance(given.get("id"), str | int):
        return given["type"], str(given["id"])
    return record.related_entity_type, str(record.related_entity_id) if record.related_entity_id else None


def fault_of(record: IntegrationLog) -> str | None:
    """Whose fault a failure was; None where the record has none that is known."""
    fault = record.response_payload.get("fault") if isinstance(record.response_payload, dict) else None
    return fault if isinstance(fault, str) and fault in _FAULTS else None


def is_unverified(record: IntegrationLog) -> bool:
    """Whether only the HTTP status was seen of an answer whose body would tell."""
    payload = record.response_payload
    return isinstance(payload, dict) and payload.get("evidence") == "http_status"


def _row(record: IntegrationLog, tones: Mapping[str, str], page: str, entity_page: str) -> LogRow:
    entity_type, entity_id = entity_of(record)
    has_page = bool(entity_type and entity_id)
    return LogRow(
        id=record.id,
        created_at=record.created_at,
        service_name=record.service_name,
        tone=tones.get(record.service_name, NO_TONE),
        action=record.action,
        status=record.status,
        error_code=record.error_code,
        error_message=record.error_message,
        entity_type=entity_type,
        entity_id=entity_id,
        entity_href=joined(entity_page, {"type": str(entity_type), "id": str(entity_id)}) if has_page else None,
        fault=fault_of(record),
        is_unverified=is_unverified(record),
        duration_ms=record.duration_ms,
        href=joined(page, {"record": str(record.id)}),
    )
