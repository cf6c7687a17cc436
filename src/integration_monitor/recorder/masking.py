"""Records without phone numbers and e-mail addresses."""

import msgspec

from integration_monitor.record import IntegrationLog, Json, entity_uuid
from integration_monitor.redaction import PersonalData


def masked(record: IntegrationLog, masks: PersonalData) -> IntegrationLog:
    """The record with masks in their place.

    Where the id of its entity is one, `related_entity_id` is that of the mask: of the number itself anybody could make it, and find
    the number by trying all of them. docs/decisions/0011 tells how to search for it.
    """
    request, entity_id = masks.value(record.request_payload), record.related_entity_id
    entity = _entity(record.request_payload)
    if entity is not None:
        entity_type, shown = entity
        mask = masks.entity_id(entity_type, shown)
        request["entity"]["id"] = mask
        if mask != shown:
            entity_id = entity_uuid(entity_type, mask)
    return msgspec.structs.replace(
        record,
        action=masks.text(record.action),
        related_entity_type=record.related_entity_type and masks.text(record.related_entity_type),
        related_entity_id=entity_id,
        request_payload=request,
        response_payload=masks.value(record.response_payload),
        error_message=record.error_message and masks.text(record.error_message),
        error_code=record.error_code and masks.text(record.error_code),
    )


def _entity(payload: Json) -> tuple[str, str] | None:
    """The entity as it was given, where the payload tells it."""
    entity = payload.get("entity") if isinstance(payload, dict) else None
    if not isinstance(entity, dict):
        return None
    entity_type, entity_id = entity.get("type"), entity.get("id")
    return (entity_type, entity_id) if isinstance(entity_type, str) and isinstance(entity_id, str) else None
