"""Calls that are not recorded, and calls of which only a part is: the settings `ignore` and `sample`.

Patterns are `host`, `host/path`, `service:telegram` and `service:telegram/get_updates`, with `*` for anything and `?` for one character.
"""

import fnmatch
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from integration_monitor.errors import SettingsError

_SERVICE = "service:"
# What of a path is compared: a pattern that needs more is none that anybody writes.
_PATH_CHARS_MAX = 2_000
# The last bits of a UUIDv7 are random.
_SAMPLE_BITS = 48

_REMEDY = (
    "write a host (`api.example.com`), a host and a path (`api.example.com/health*`), a service (`service:telegram`), "
    "or a service and an action (`service:telegram/get_updates`)"
)


class Subject(NamedTuple):
    """What rules are asked about."""

    service_name: str
    action: str
    #: None where no request was made
    host: str | None = None
    port: int | None = None
    path: str = ""


class _Pattern:
    """One pattern of the settings."""

    def __init__(self, setting: str, text: str) -> None:
        pattern = text.strip()
        self._is_service = pattern.startswith(_SERVICE)
        name, slash, rest = pattern.removeprefix(_SERVICE).partition("/")
        if not name or "://" in pattern or re.search(r"\s", pattern) or (slash and self._is_service and not rest):
            problem = "a pattern has no scheme" if "://" in pattern else "that is no pattern"
            raise SettingsError(f"{setting}: {text!r}: {problem}; {_REMEDY}", name=setting)
        self._name = _compile(name.lower())
        self._rest = _compile(rest if self._is_service else f"/{rest}") if slash else None

    def fits(self, subject: Subject) -> bool:
        if self._is_service:
            is_name, rest = self._name.match(subject.service_name.lower()), subject.action
        elif subject.host is None:
            return False
        else:
            is_name = self._name.match(subject.host) or self._name.match(f"{subject.host}:{subject.port}")
            rest = subject.path[:_PATH_CHARS_MAX]
        return bool(is_name) and (self._rest is None or self._rest.match(rest) is not None)


class Rules:
    """What is recorded at all.

    ignore:
        Patterns of what is not.
    sample:
        Pattern → share of calls that are recorded. The first that fits counts.

    Errors:
        SettingsError: a pattern is none, or a share is not between 0 and 1.
    """

    def __init__(self, ignore: Sequence[str], sample: Mapping[str, float]) -> None:
        self._ignored = [_Pattern("ignore", text) for text in ignore]
        self._sampled = [(_Pattern("sample", text), _share(text, share)) for text, share in sample.items()]
        self.is_empty = not self._ignored and not self._sampled

    def share(self, subject: Subject) -> float:
        """How much of what is like this is recorded: 0 for nothing, 1 for everything."""
        if any(pattern.fits(subject) for pattern in self._ignored):
            return 0.0
        return next((share for pattern, share in self._sampled if pattern.fits(subject)), 1.0)


def is_in_sample(record_id: uuid.UUID, share: float) -> bool:
    """Whether a record is one of those that are kept: by its id, so that the beginning of an operation and its end are kept alike."""
    return (record_id.int & ((1 << _SAMPLE_BITS) - 1)) < share * (1 << _SAMPLE_BITS)


def _compile(pattern: str) -> re.Pattern[str]:
    # A host is a name and no file: brackets mean themselves, as in `[::1]`.
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))


def _share(pattern: str, share: float) -> float:
    if not 0 <= share <= 1:
        raise SettingsError(f"sample: {pattern}={share}: a share is between 0 (nothing) and 1 (everything)", name="sample")
    return share
