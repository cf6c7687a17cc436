"""What each status means, with an example: made by what makes the real answers."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from integration_monitor.errors import StoreError, StoreUnavailable
from integration_monitor.server.ingest.items import RefusedItem
from integration_monitor.server.problems import describe
from integration_monitor.server.refusals import (
    BodyRefused,
    BodyTooLarge,
    BodyTooSlow,
    Busy,
    EncodingRefused,
    NotAllowed,
    NotSignedIn,
    ParameterRefused,
    RecordMissing,
    RecordsRefusedAll,
    TooManyAttempts,
)

_REFUSED_ITEM: Final = RefusedItem(
    line=1, field="status", value='"ok"', problem="it is no status", remedy="Send success, failed, pending or retrying."
)

#: Status → what raises it. 400 and 429 have a second one: which it is depends on whether bodies come in.
_CAUSES: Final[Mapping[str, Exception]] = {
    "400": ParameterRefused("limit", "'0' is refused: Expected `int` >= 1"),
    "401": NotSignedIn("The request carries neither a token nor a key nor a session."),
    "403": NotAllowed("The role `integration_monitor_statistics` may not read records."),
    "404": RecordMissing("There is no record 0193c2f0-7a10-7000-8000-000000000001."),
    "408": BodyTooSlow("The body did not come within 30 seconds."),
    "413": BodyTooLarge("There are more than 10000 records in the body."),
    "415": EncodingRefused("The body's Content-Encoding is none of gzip and zstd."),
    "422": RecordsRefusedAll("1 refused; line 1, `status`: it is no status", refused=[_REFUSED_ITEM]),
    "429": TooManyAttempts("20 attempts from this address were refused within 60 seconds.", retry_after_s=42),
    "503": StoreUnavailable("no connection"),
    "504": StoreError("canceling statement due to statement timeout", sqlstate="57014"),
}
#: The same of the doors through which bodies come.
_CAUSES_OF_DOORS: Final[Mapping[str, Exception]] = {
    "400": BodyRefused("The body is no JSON: it is not JSON: Expecting value: line 1 column 1 (char 0)"),
    "429": Busy("50331648 bytes of records are under way."),
}

_RETRY_AFTER: Final = {
    "Retry-After": {"description": "Seconds after which the same request may be taken.", "schema": {"type": "string"}}
}
#: Status → the headers that go with it.
HEADERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "401": {"WWW-Authenticate": {"description": "RFC 6750, section 3.", "required": True, "schema": {"type": "string"}}},
    "429": _RETRY_AFTER,
    "503": _RETRY_AFTER,
}


def example(status: str, *, has_body: bool) -> Mapping[str, Any] | None:
    """An example of a refusal as `application/problem+json`, by its code; None for a status that no refusal has."""
    cause = ({**_CAUSES, **_CAUSES_OF_DOORS} if has_body else _CAUSES).get(status)
    if cause is None:
        return None
    told = msgspec.to_builtins(describe(cause))
    return {told["code"]: {"value": told}}
