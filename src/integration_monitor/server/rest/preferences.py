"""The header Prefer, and the others that change what a request means. What is not known here is refused."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from litestar import Request

from integration_monitor.server.rest.refusals import bad_request

# Null and nothing are the same here: both take the column's default.
_WITHOUT_EFFECT: Final = frozenset({"missing=default", "missing=null", "handling=strict", "handling=lenient"})
_ACCEPTED: Final = frozenset(
    {"*/*", "application/*", "application/json", "application/vnd.pgrst.array", "application/vnd.pgrst.array+json"}
)
_SCHEMA: Final = "public"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Preferences:
    """What Prefer asks for."""

    #: whether an insert is answered with its rows
    is_representation: bool = False
    #: whether records that are there already are left out in silence
    is_ignoring_duplicates: bool = False


_KNOWN: Final[Mapping[str, Mapping[str, bool]]] = {
    "return=minimal": {"is_representation": False},
    "return=representation": {"is_representation": True},
    "resolution=ignore-duplicates": {"is_ignoring_duplicates": True},
    **{name: {} for name in _WITHOUT_EFFECT},
}


def read_preferences(request: Request[Any, Any, Any]) -> Preferences:
    """The preferences of a request, whose other headers ask for nothing that is not known here.

    Errors:
        RequestRefused
    """
    if "range" in request.headers:
        raise bad_request("PGRST103", "the header Range is not known here", hint="Use limit and offset.")
    for name in ("accept-profile", "content-profile"):
        if request.headers.get(name, _SCHEMA) != _SCHEMA:
            raise bad_request("PGRST106", f"The schema must be one of the following: {_SCHEMA}")
    accepted = {part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "*/*").split(",")}
    if not accepted & _ACCEPTED:
        raise bad_request("PGRST107", "None of these media types are available", hint="Accept application/json.")
    fields: dict[str, bool] = {}
    for header in request.headers.getall("prefer", []):
        for part in filter(None, (one.strip() for one in header.split(","))):
            if part not in _KNOWN:
                raise bad_request("PGRST122", "Invalid preferences given", details=f"Invalid preferences: {part[:100]}")
            fields |= _KNOWN[part]
    return Preferences(**fields)
