import dataclasses
import uuid
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from integration_monitor.capture.log import INTEGER_MAX, build_record
from integration_monitor.record import IntegrationLog, entity_uuid, new_id

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEAD_UUID = uuid.UUID("4f0a7a3e-6f0b-4f5c-9d53-6c8a6f1f2b10")


def build(**fields: Any) -> IntegrationLog:
    given: dict[str, Any] = {
        **dict.fromkeys(IntegrationLog.__struct_fields__),
        "service_name": "amocrm",
        "action": "test_connection",
        "status": "success",
        "retry_count": 0,
        **fields,
    }
    return build_record(given)[0]


def test_a_record_has_what_was_given() -> None:
    record = build(
        status="failed",
        related_entity_type="lead",
        related_entity_id=LEAD_UUID,
        request_payload={"a": 1},
        response_payload=["b"],
        error_message="no",
        error_code="404",
        duration_ms=150,
        retry_count=2,
        created_at=MOMENT,
        updated_at=MOMENT + timedelta(seconds=1),
    )

    assert record == IntegrationLog(
        id=record.id,
        service_name="amocrm",
        action="test_connection",
        status="failed",
        related_entity_type="lead",
        related_entity_id=LEAD_UUID,
        request_payload={"a": 1},
        response_payload=["b"],
        error_message="no",
        error_code="404",
        duration_ms=150,
        retry_count=2,
        created_at=MOMENT,
        updated_at=MOMENT + timedelta(seconds=1),
    )


def test_the_id_holds_the_time_of_the_record() -> None:
    record = build(created_at=MOMENT)

    assert record.id.version == 7
    assert record.id.int >> 80 == MOMENT.timestamp() * 1000


def test_without_a_time_the_record_is_of_now() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)

    record = build()

    assert before <= record.created_at <= record.updated_at <= datetime.now(UTC)


def test_the_time_of_a_new_record_can_be_read_back_from_its_id() -> None:
    record = build()

    assert build(id=record.id).created_at == record.created_at


def test_a_time_of_another_zone_becomes_utc() -> None:
    almaty = timezone(timedelta(hours=5))

    record = build(created_at=datetime(2026, 3, 1, 17, tzinfo=almaty))

    assert (record.created_at, record.created_at.tzinfo) == (MOMENT, UTC)


def test_an_id_with_a_time_tells_when_the_record_was_created() -> None:
    given = new_id(MOMENT)

    assert build(id=given).created_at == MOMENT
    assert build(id=str(given)).id == given
    assert build(id=given, created_at=MOMENT + timedelta(days=1)).created_at == MOMENT + timedelta(days=1)


@pytest.mark.parametrize("given", [5, "5", "ORDER-5"])
def test_a_vendors_id_is_mapped_and_kept_as_it_is(given: object) -> None:
    record = build(related_entity_type="lead", related_entity_id=given)

    assert record.related_entity_id == entity_uuid("lead", given)
    assert record.request_payload == {"entity": {"type": "lead", "id": str(given)}}


@pytest.mark.parametrize(
    ("payload", "kept"),
    [
        ({"a": 1}, {"a": 1, "entity": {"type": "lead", "id": "5"}}),
        ([1], {"body": [1], "entity": {"type": "lead", "id": "5"}}),
        ({"entity": "the application's"}, {"entity": "the application's"}),
    ],
)
def test_the_vendors_id_stands_beside_the_payload(payload: object, kept: object) -> None:
    assert build(related_entity_type="lead", related_entity_id=5, request_payload=payload).request_payload == kept


@pytest.mark.parametrize("given", [LEAD_UUID, str(LEAD_UUID), str(LEAD_UUID).upper()])
def test_an_entity_with_a_uuid_keeps_it(given: object) -> None:
    record = build(related_entity_id=given)

    assert (record.related_entity_id, record.request_payload) == (LEAD_UUID, None)


def test_payloads_are_copied() -> None:
    payload = {"items": [1]}

    record = build(request_payload=payload)
    payload["items"].append(2)

    assert record.request_payload == {"items": [1]}


def test_payloads_become_json() -> None:
    @dataclasses.dataclass
    class Lead:
        price: Decimal

    record = build(request_payload={"lead": Lead(Decimal("1.5")), "at": MOMENT, 5: float("nan")})

    assert record.request_payload == {"lead": {"price": 1.5}, "at": "2026-03-01T12:00:00Z", "5": None}


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
def test_text_that_postgresql_cannot_keep_is_made_fit(text: str) -> None:
    record = build(request_payload={text: [text]}, error_message=text)

    assert record.request_payload == {"a\ufffdb": ["a\ufffdb"]}
    assert record.error_message == "a\ufffdb"


def test_a_text_about_escapes_stays_as_it_is() -> None:
    assert build(request_payload="\\u0000").request_payload == "\\u0000"


def test_a_record_weighs_at_least_its_payloads() -> None:
    fields = {**dict.fromkeys(IntegrationLog.__struct_fields__), "service_name": "a", "action": "b", "status": "success"}

    _record, size = build_record({**fields, "retry_count": 0, "request_payload": "x" * 10_000})

    assert 10_000 < size < 50_000


WRONG_TYPES = {
    "service_name": 5,
    "action": None,
    "status": 1,
    "related_entity_type": 5,
    "related_entity_id": 1.5,
    "request_payload": {"a": object()},
    "response_payload": object(),
    "error_message": 5,
    "error_code": 404,
    "duration_ms": 1.5,
    "retry_count": None,
    "created_at": "2026-03-01",
    "updated_at": 5,
    "id": 5,
}


def test_every_field_has_a_wrong_type() -> None:
    assert set(WRONG_TYPES) == set(IntegrationLog.__struct_fields__)


@pytest.mark.parametrize(("name", "value"), WRONG_TYPES.items())
def test_a_wrong_type_raises_and_names_the_field(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=name):
        build(**{name: value})


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize("name", ["duration_ms", "retry_count", "related_entity_id"])
def test_a_bool_is_no_number(name: str, value: bool) -> None:
    with pytest.raises(TypeError, match=name):
        build(**{name: value})


def deep() -> list[Any]:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    return nested


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("service_name", " ", "must not be empty"),
        ("action", "", "must not be empty"),
        ("status", "ok", "success, failed, pending, retrying"),
        ("duration_ms", -1, "between 0 and"),
        ("duration_ms", INTEGER_MAX + 1, "between 0 and"),
        ("retry_count", 2**40, "between 0 and"),
        ("created_at", datetime(2026, 3, 1), "datetime.now"),  # noqa: DTZ001 -- naive is the point
        ("updated_at", datetime(2026, 3, 1), "datetime.now"),  # noqa: DTZ001
        ("created_at", datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))), "years 1 to 9999"),
        ("id", "5", "must be a UUID"),
        ("related_entity_id", "ORDER-5", "related_entity_type is needed"),
    ],
)
def test_a_value_that_the_table_cannot_hold_raises_and_names_the_field(name: str, value: object, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy) as raised:
        build(**{name: value})

    assert name in str(raised.value)


def test_a_payload_nested_too_deep_raises_and_names_the_field() -> None:
    with pytest.raises(ValueError, match="request_payload"):
        build(request_payload=deep())
