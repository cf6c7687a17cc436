"""Cursors say where the next page begins, and nothing that is made up gets further than an error."""

import base64
import contextlib
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration_monitor.monitoring.cursor import CURSOR_LENGTH_MAX, CursorError, decode, encode
from integration_monitor.store.answers import DailyPosition, RecordPosition

AT = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
RECORD = RecordPosition(created_at=AT, id=uuid.UUID(int=7))
DAY = DailyPosition(day=AT, service_name="amocrm", action="Сделка создана", status="failed")


def cursor_of(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@given(at=st.datetimes(timezones=st.just(UTC)), record_id=st.uuids())
def test_cursor_gives_its_position_back(at: datetime, record_id: uuid.UUID) -> None:
    position = RecordPosition(created_at=at, id=record_id)

    assert decode(encode(position), RecordPosition) == position


def test_cursor_of_a_day_gives_its_position_back() -> None:
    assert decode(encode(DAY), DailyPosition) == DAY


def test_cursor_is_safe_in_a_url() -> None:
    assert encode(DAY).isascii()
    assert not set(encode(DAY)) & set("+/=&?# ")


@given(st.text(max_size=200) | st.binary(max_size=100).map(lambda data: cursor_of(data.decode("latin-1"))))
def test_any_text_is_a_position_or_a_cursor_error(text: str) -> None:
    with contextlib.suppress(CursorError):
        assert decode(text, RecordPosition).created_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "%%%",
        "кириллица",
        cursor_of("{}"),
        cursor_of("[]"),
        cursor_of("null"),
        cursor_of('["2026-03-01T12:30:15", "00000000-0000-0000-0000-000000000007"]'),  # no time zone
        cursor_of('["0001-01-01T00:00:00+23:59", "00000000-0000-0000-0000-000000000007"]'),  # before the first year
        cursor_of('["2026-03-01T12:30:15Z", "7"]'),
        cursor_of("[" * 5000),
        encode(DAY),
        "A" * (CURSOR_LENGTH_MAX + 1),
    ],
)
def test_forged_cursor_is_refused(forged: str) -> None:
    with pytest.raises(CursorError, match="before") as refused:
        decode(forged, RecordPosition)

    assert refused.value.parameter == "before"


def test_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(CursorError):
        decode(encode(RECORD), DailyPosition)


def test_text_that_no_database_holds_is_refused() -> None:
    with pytest.raises(CursorError):
        decode(cursor_of('["2026-03-01T00:00:00Z", "a\\u0000", "b", "failed"]'), DailyPosition)


def test_times_come_back_in_utc() -> None:
    local = RecordPosition(created_at=AT.astimezone(timezone(timedelta(hours=5))), id=RECORD.id)

    assert decode(encode(local), RecordPosition).created_at.tzinfo is UTC
