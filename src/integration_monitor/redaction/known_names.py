"""JSON decoded by names: whether a body has only fields that were judged harmless before is told while it is decoded, at no cost."""

from typing import Literal

import msgspec

from integration_monitor.record import Json

#: {"name": "Authorization", "value": …}: the name is no key. Amazon's services write both with a capital letter.
NAME_KEYS = ("name", "key", "header", "Name", "Key", "Header")

# More names than these are no names but ids: such bodies are gone through field by field.
NAMES_MAX = 1_000
# Objects in objects, and lists between them. Each level doubles what a decoder takes; no vendor's answers are deeper by much.
_DEPTH = 5
# After so many bodies with other names the decoder is made anew, then after twice as many, and so on: it takes some milliseconds.
_MISSES_MIN = 4


class KnownNames:
    """Decodes the bodies of one service.

    harmless:
        Names of fields that were judged; more are added while bodies come.
    """

    def __init__(self, harmless: set[str]) -> None:
        self._harmless = harmless
        self._known: frozenset[str] = frozenset()
        #: those of NAME_KEYS that may be in what is decoded, in quotes
        self.names_of_values: tuple[str, ...] = ()
        self._decoder: msgspec.json.Decoder[Json] | None = None
        self._misses = 0
        self._misses_next = _MISSES_MIN

    def decode(self, content: bytes) -> Json:
        """The value; None where another name is in it, or it is nested deeper.

        Errors:
            msgspec.MsgspecError, UnicodeDecodeError, RecursionError: it is no JSON.
        """
        if self._decoder is None:
            return None
        try:
            return self._decoder.decode(content)
        except msgspec.ValidationError:
            return None

    def learn(self) -> None:
        """Another body was not decoded, whose names are harmless."""
        self._misses += 1
        if self._misses < self._misses_next:
            return
        self._misses_next *= 2
        if len(self._harmless) <= NAMES_MAX and not self._known.issuperset(self._harmless):
            self._known = frozenset(self._harmless)
            self.names_of_values = tuple(f'"{name}"' for name in NAME_KEYS if name in self._known)
            self._decoder = msgspec.json.Decoder(_type_of(self._known))


def _type_of(names: frozenset[str]) -> Json:
    """The type of JSON whose fields have these names, some levels deep."""
    name: Json = Literal[tuple(sorted(names))]
    scalar: Json = None | bool | int | float | str
    # Of lists in lists only those of scalars are known, which keeps the type small.
    value: Json = scalar | list[scalar]
    for _ in range(_DEPTH):
        value = scalar | list[scalar | dict[name, value]] | dict[name, value]
    return value
