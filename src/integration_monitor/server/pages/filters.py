"""What a list of records is narrowed to, as its address says it: the form's fields, the chips above the list, and the question."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

import msgspec
from litestar.datastructures import MultiDict

from integration_monitor.record import Fault, Status, entity_uuid
from integration_monitor.server.pages.drawings import joined
from integration_monitor.server.pages.window import Window
from integration_monitor.server.refusals import ParameterRefused
from integration_monitor.store.answers import LogFilter

#: The parameters in the order of the form.
NAMES: Final = ("q", "service", "action", "status", "error_code", "fault", "type", "id", "min_ms", "max_ms")
STATUSES: Final[tuple[str, ...]] = get_args(Status)
FAULTS: Final[tuple[str, ...]] = get_args(Fault)
# Longer than any name that is recorded, and than what somebody types.
_CHARACTERS_MAX: Final = 255
# PostgreSQL's integer.
_DURATION_MAX_MS: Final = 2**31 - 1


class Chip(msgspec.Struct, kw_only=True, frozen=True):
    """One condition that is set."""

    #: the parameter's name
    name: str
    value: str
    #: to the same page without it
    without_href: str


class Filters(msgspec.Struct, kw_only=True, frozen=True):
    """What a list is narrowed to."""

    #: parameter → value, of those that are set
    values: Mapping[str, str]

    def chips(self, path: str, window: Window) -> Sequence[Chip]:
        """One a condition."""
        return [
            Chip(
                name=name,
                value=value,
                without_href=joined(path, {other: each for other, each in self.values.items() if other != name} | window.query),
            )
            for name, value in self.values.items()
        ]

    def asked(self, window: Window) -> LogFilter:
        """The store's question.

        Errors:
            ParameterRefused: an entity's id without its type, where it is no UUID.
        """
        values = self.values
        return msgspec.convert(
            {
                "since": window.since,
                "until": window.until,
                "service": values.get("service"),
                "action": values.get("action"),
                "status": values.get("status"),
                "error_code": values.get("error_code"),
                "fault": values.get("fault"),
                "entity_type": values.get("type"),
                "entity_id": entity_uuid(values.get("type", ""), values["id"]) if "id" in values else None,
                "duration_min_ms": int(values["min_ms"]) if "min_ms" in values else None,
                "duration_max_ms": int(values["max_ms"]) if "max_ms" in values else None,
                "text": values.get("q"),
            },
            LogFilter,
        )


def filters_of(parameters: MultiDict[Any], names: Sequence[str] = NAMES) -> Filters:
    """The filters of an address. A form sends what is not set as empty, and that is the same as nothing.

    Errors:
        ParameterRefused: a value that is impossible.
    """
    values = {name: str(parameters[name]).strip() for name in names if str(parameters.get(name, "")).strip()}
    for name, value in values.items():
        _check(name, value)
    return Filters(values=values)


def conditions(**values: str | None) -> dict[str, str]:
    """What an address can be narrowed to, of values as records hold them: what a form could not send is left out."""
    return {
        name: value
        for name, value in values.items()
        if value and value == value.strip() and len(value) <= _CHARACTERS_MAX and "\x00" not in value
    }


def _check(name: str, value: str) -> None:
    if len(value) > _CHARACTERS_MAX or "\x00" in value:
        raise ParameterRefused(name, f"it is longer than {_CHARACTERS_MAX} characters, or holds a NUL.")
    if name == "status" and value not in STATUSES:
        raise ParameterRefused(name, f"it is none of {', '.join(STATUSES)}.")
    if name == "fault" and value not in FAULTS:
        raise ParameterRefused(name, f"it is none of {', '.join(FAULTS)}.")
    if name in {"min_ms", "max_ms"} and not (value.isascii() and value.isdigit() and int(value) <= _DURATION_MAX_MS):
        raise ParameterRefused(name, "it is no number of milliseconds.")
