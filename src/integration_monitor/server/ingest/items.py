"""Bodies become JSON objects, each with its place; and what is told of those that are refused."""

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from integration_monitor.record import Json
from integration_monitor.server.ingest.limits import RECORDS_MAX
from integration_monitor.server.refusals import BodyRefused, BodyTooLarge

# What content types call one JSON value a line.
_TYPES_OF_LINES: Final = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/jsonlines"}
)
# Of a value that is repeated to whoever sent it.
_SHOWN_CHARACTERS_MAX: Final = 100
# Brackets of a value that is certainly not nested too deep for anybody who walks through it.
_BRACKETS_MAX: Final = 200
_INTERPRETERS_DEPTH: Final = "some 1,000 levels"


class RefusedItem(msgspec.Struct, kw_only=True, frozen=True):
    """A record or call that cannot be stored, and what to do about it."""

    line: Annotated[int, Meta(description="Its line, or its number in the array; the first is 1.")]
    field: Annotated[str | None, Meta(description="The field that is wrong; null where it is the whole line.")]
    value: Annotated[str | None, Meta(description="What stands there, as JSON, shortened; null where nothing does.")]
    problem: Annotated[str, Meta(description="What is wrong with it.")]
    remedy: Annotated[str, Meta(description="The next step.")]


class ItemProblem(Exception):
    """Something is wrong with an item. It never leaves this package."""

    def __init__(self, field: str | None, problem: str, remedy: str, *, value: Json = None) -> None:
        super().__init__(problem)
        self.field = field
        self.problem = problem
        self.remedy = remedy
        self.value = value

    def at(self, line: int) -> RefusedItem:
        return RefusedItem(line=line, field=self.field, value=_shown(self.value), problem=self.problem, remedy=self.remedy)


class Item(msgspec.Struct, frozen=True):
    """A JSON value of a body."""

    line: int
    value: Json
    #: whether nothing in it needs cleaning, so that it can be kept without a copy
    is_plain: bool = False


def read_items(body: bytes, content_type: str) -> tuple[Sequence[Item], Sequence[RefusedItem]]:
    """The objects of a body: one, those of an array, or one a line; and the lines that are no JSON.

    Errors:
        BodyRefused: it is none of these.
        BodyTooLarge: there are more than RECORDS_MAX.
    """
    if content_type.partition(";")[0].strip().lower() in _TYPES_OF_LINES:
        return _read_lines(body)
    try:
        value, is_plain = _decode(body)
    except ItemProblem as problem:
        first, separator, _ = body.strip().partition(b"\n")
        # Many call NDJSON application/json, or nothing at all.
        if separator and _is_object(first):
            return _read_lines(body)
        raise BodyRefused(f"The body is no JSON: {problem.problem}") from problem
    values = value if isinstance(value, list) else [value]
    if len(values) > RECORDS_MAX:
        raise _too_many()
    return [Item(number, one, is_plain) for number, one in enumerate(values, 1)], []


def decode(text: bytes) -> Json:
    """A JSON value. What msgspec refuses and PostgreSQL can be given (lone surrogates, NaN, broken UTF-8) is let through, to be cleaned.

    Errors:
        ItemProblem: it is no JSON, or nested too deep to be read.
    """
    return _decode(text)[0]


def _decode(text: bytes) -> tuple[Json, bool]:
    """As `decode`, and whether the value is plain: msgspec knows no lone surrogates and no NaN; what is left are NUL and a deep nesting."""
    try:
        try:
            value = msgspec.json.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return json.loads(text.decode("utf-8", "replace")), False
        return value, rb"\u0000" not in text and text.count(b"{") + text.count(b"[") <= _BRACKETS_MAX
    except RecursionError as error:
        raise ItemProblem(
            None, f"it is nested deeper than {_INTERPRETERS_DEPTH}", "Send what matters of it, less deep."
        ) from error
    except ValueError as error:
        # The decoder's words tell the place, and repeat nothing of the text.
        raise ItemProblem(None, f"it is not JSON: {error}", "Send one JSON object a line, in UTF-8.") from error


def _read_lines(body: bytes) -> tuple[list[Item], list[RefusedItem]]:
    items: list[Item] = []
    refused: list[RefusedItem] = []
    for line, text in _lines(body):
        if len(items) + len(refused) >= RECORDS_MAX:
            raise _too_many()
        try:
            items.append(Item(line, *_decode(text)))
        except ItemProblem as problem:
            refused.append(problem.at(line))
    return items, refused


def _lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    """(number, text) of the lines that hold something. Only a line feed ends one: JSON may hold any other separator."""
    for line, text in enumerate(body.split(b"\n"), 1):
        if text.strip():
            yield line, text


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(decode(text), dict)
    except ItemProblem:
        return False


def _too_many() -> BodyTooLarge:
    return BodyTooLarge(f"There are more than {RECORDS_MAX} records in the body.")


def _shown(value: Any) -> str | None:
    if value is None:
        return None
    text = json.dumps(value, default=str)
    return text if len(text) <= _SHOWN_CHARACTERS_MAX else text[:_SHOWN_CHARACTERS_MAX] + "…"
