"""Reading single values out of parsed bodies: whatever shape they have, nothing here raises."""

from functools import lru_cache

from integration_monitor.record import Json
from integration_monitor.services.exchange import Exchange

# Longer ones are no ids.
_ID_CHARS_MAX = 200


def field_at(body: Json, field: str) -> Json:
    """The value at `data.items.0.id`; `[]` is the one item of a list that has just one. None where there is none."""
    if type(body) is dict and "." not in field and field:
        return body.get(field)
    for step, index in _steps(field):
        if isinstance(body, dict):
            body = body.get(step)
        elif not isinstance(body, list) or index is None:
            return None
        elif index < 0:
            body = body[0] if len(body) == 1 else None
        else:
            body = body[index] if index < len(body) else None
    return body


@lru_cache(maxsize=1024)
def _steps(field: str) -> tuple[tuple[str, int | None], ...]:
    """(name, index in a list) of each step: -1 stands for the one item of a list, None where no list has such an item."""
    return tuple((step, -1 if step == "[]" else int(step[:6]) if step.isdigit() else None) for step in field.split(".") if field)


def request_field(exchange: Exchange, field: str) -> Json:
    """A field of the request's body, else the query parameter of that name."""
    value = field_at(exchange.request_body, field)
    if value is None:
        for name, parameter in exchange.query:
            if name == field:
                return parameter
    return value


def id_text(value: Json) -> str | None:
    """An id as text, where the value can be one: a number, or a short text that is not empty and no list."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value) if value.bit_length() <= 128 else None  # noqa: PLR2004 (a UUID's bits)
    # With a comma it is a list of them.
    return value if isinstance(value, str) and 0 < len(value) <= _ID_CHARS_MAX and "," not in value else None


def items_of(value: Json) -> list[Json]:
    """The list itself, else an empty one."""
    return value if isinstance(value, list) else []


def text_of(value: Json) -> str | None:
    """A text that says something, without the space around it."""
    return value.strip() or None if isinstance(value, str) else None
