"""What is told on a live stream, as text, and the positions that it is told with."""

import uuid

import pytest

from integration_monitor.monitoring import cursor
from integration_monitor.monitoring.cursor import CursorError
from integration_monitor.record import IntegrationLog, now
from integration_monitor.server.live.events import beat, event, json_events
from integration_monitor.server.live.watcher import Told
from integration_monitor.store.arrivals import LAST_NUMBER, ArrivalPosition, Looked

POSITION = ArrivalPosition(watch=3, look=14, number=159)
# Looks 5 to 20 of the third watch are kept.
LOOKED = Looked(watch=3, looks=20, looks_removed=4)


def position(**fields: int) -> ArrivalPosition:
    return ArrivalPosition(**{"watch": 3, "look": 14, "number": 159, **fields})


def record(**fields: object) -> IntegrationLog:
    at = now()
    return IntegrationLog(
        **{  # type: ignore[arg-type]
            "id": uuid.UUID(int=1),
            "service_name": "amocrm",
            "action": "sync_lead",
            "status": "success",
            "created_at": at,
            "updated_at": at,
            **fields,
        }
    )


def test_cursor_is_read_as_it_was_written() -> None:
    assert cursor.decode(cursor.encode(POSITION), ArrivalPosition) == POSITION


@pytest.mark.parametrize("fields", [{"watch": -1}, {"number": 2**63}, {"look": 2**70}])
def test_cursor_that_no_database_could_hold_is_none(fields: dict[str, int]) -> None:
    with pytest.raises(CursorError):
        cursor.decode(cursor.encode(position(**fields)), ArrivalPosition)


@pytest.mark.parametrize(
    ("fields", "is_held"),
    [
        ({"look": 20}, True),
        ({"look": 5, "number": 0}, True),
        ({"look": 4}, False),
        # All of the fourth was read, and the fifth is there.
        ({"look": 4, "number": LAST_NUMBER}, True),
        ({"look": 3, "number": LAST_NUMBER}, False),
        ({"look": 21}, False),
        ({"watch": 2}, False),
        ({"watch": 4}, False),
    ],
)
def test_position_is_held_while_everything_behind_it_is_kept(fields: dict[str, int], is_held: bool) -> None:
    assert LOOKED.holds(position(**fields)) is is_held


def test_end_is_held_before_the_first_look_too() -> None:
    first = Looked(watch=1, looks=0, looks_removed=0)

    assert first.holds(first.end)


def test_event_says_where_to_go_on() -> None:
    told = Told(kind="state", position=POSITION, word="live")

    assert json_events([told]) == b'event: state\ndata: {"state":"live"}\nid: WzMsMTQsMTU5XQ\n\n'


def test_event_without_a_place_has_no_id() -> None:
    told = Told(kind="state", position=None, word="away")

    assert json_events([told]) == b'event: state\ndata: {"state":"away"}\n\n'


def test_line_ends_in_a_record_end_no_event() -> None:
    told = Told(kind="record", position=POSITION, record=record(error_message="one\n\nevent: state\r\ndata: \u2028x"))

    lines = json_events([told]).decode().split("\n")

    assert [line.partition(":")[0] for line in lines] == ["event", "data", "id", "", ""]


def test_text_of_several_lines_is_told_line_by_line() -> None:
    told = Told(kind="record", position=None)

    assert event(told, "<tr>\r\n</tr>\r<td>\n\n") == b"event: record\ndata: <tr>\ndata: </tr>\ndata: <td>\ndata: \ndata: \n\n"


def test_beat_is_a_comment_that_moves_the_place_on() -> None:
    assert beat(POSITION) == b":\nid: WzMsMTQsMTU5XQ\n\n"
    assert beat(None) == b":\n\n"
