"""Where the next page begins, as opaque text: base64url (RFC 4648, section 5, without padding) of a position in JSON.

A cursor is not signed. Made up, it says no more than a filter could.
"""

import base64
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from integration_monitor.errors import IntegrationMonitorError

Position = TypeVar("Position", bound=msgspec.Struct)

# The longest position is a day's row with a service and an action of 255 characters each, in JSON and base64.
CURSOR_LENGTH_MAX = 4096


class CursorError(IntegrationMonitorError, ValueError):
    """A cursor was not made by this product, or not for this question.

    parameter:
        The parameter that held it.
    """

    def __init__(self, *, parameter: str = "before") -> None:
        super().__init__(f"`{parameter}` is not a cursor of this question; give the `next` of an earlier page, unchanged")
        self.parameter = parameter


def encode(position: msgspec.Struct) -> str:
    """The cursor of a position."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).rstrip(b"=").decode("ascii")


def decode(cursor: str, kind: type[Position]) -> Position:
    """The position of a cursor; its times are in UTC.

    Errors:
        CursorError: it is not the cursor of such a position.
    """
    if len(cursor) > CURSOR_LENGTH_MAX:
        raise CursorError
    try:
        data = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = msgspec.json.decode(data, type=kind)
        return msgspec.structs.replace(position, **_checked(position))
    except (ValueError, OverflowError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise CursorError from error


def _checked(position: msgspec.Struct) -> dict[str, datetime]:
    """The times of a position, in UTC.

    Errors:
        ValueError: a time without zone, or text that PostgreSQL cannot hold.
        OverflowError: a time that is out of range in UTC.
    """
    times = {}
    for name in position.__struct_fields__:
        value = getattr(position, name)
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise ValueError(f"{name} has no time zone")
            times[name] = value.astimezone(UTC)
        elif any(isinstance(text, str) and "\x00" in text for text in (value if isinstance(value, tuple) else (value,))):
            raise ValueError(f"{name} holds a NUL character")
    return times
