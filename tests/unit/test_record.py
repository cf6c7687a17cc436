"""Identifiers of records and of entities."""

import uuid
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from integration_monitor.record import ENTITY_NAMESPACE, IntegrationLog, entity_uuid, new_id, now

AT = datetime(2026, 3, 1, 12, 30, 15, 123_456, tzinfo=UTC)
COLUMNS = (
    "id",
    "service_name",
    "action",
    "status",
    "related_entity_type",
    "related_entity_id",
    "request_payload",
    "response_payload",
    "error_message",
    "error_code",
    "duration_ms",
    "retry_count",
    "created_at",
    "updated_at",
)


def test_a_record_has_the_columns_of_the_table_in_order() -> None:
    assert IntegrationLog.__struct_fields__ == COLUMNS


def test_a_record_survives_json() -> None:
    record = IntegrationLog(
        id=new_id(AT),
        service_name="amocrm",
        action="sync_lead",
        status="success",
        created_at=AT,
        updated_at=AT,
        request_payload={"a": [1]},
    )

    assert msgspec.json.decode(msgspec.json.encode(record), type=IntegrationLog) == record


def test_new_id_is_a_uuid_of_version_7() -> None:
    identifier = new_id(AT)

    assert identifier.version == 7
    assert identifier.variant == uuid.RFC_4122


def test_new_id_begins_with_its_time_in_milliseconds() -> None:
    identifier = new_id(AT)

    assert identifier.int >> 80 == 1_772_368_215_123


def test_new_ids_of_one_moment_differ() -> None:
    identifiers = {new_id(AT) for _ in range(1000)}

    assert len(identifiers) == 1000


def test_ids_of_different_milliseconds_sort_by_time() -> None:
    identifiers = [new_id(AT + timedelta(milliseconds=step)) for step in range(100)]

    assert identifiers == sorted(identifiers)


def test_an_entity_that_is_a_uuid_keeps_it() -> None:
    identifier = uuid.uuid4()

    assert entity_uuid("user", identifier) == identifier
    assert entity_uuid("user", str(identifier).upper()) == identifier


def test_a_vendors_entity_id_is_mapped_to_one_uuid() -> None:
    mapped = entity_uuid("lead", 42)

    assert mapped == entity_uuid("lead", "42")
    assert mapped == uuid.uuid5(ENTITY_NAMESPACE, "lead:42")
    assert mapped != entity_uuid("contact", 42)


def test_the_mapping_of_entities_never_changes() -> None:
    # Stored rows hold its results.
    assert entity_uuid("lead", 12345) == uuid.UUID("d7e9b147-cf37-5bfe-93c1-1bc393f92a62")


@pytest.mark.parametrize("text", ["", "42", "not a uuid", "заявка"])
def test_any_text_is_an_entity_id(text: str) -> None:
    assert entity_uuid("lead", text).version == 5


def test_now_is_aware_and_utc() -> None:
    assert now().tzinfo is UTC
