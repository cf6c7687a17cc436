"""A request to a stand-in vendor and its answer."""

import dataclasses
import email.parser
import email.policy
import json
import uuid
import zlib
from collections.abc import Mapping
from urllib.parse import parse_qsl

from integration_monitor.record import Json

# Longer than any client waits, so that it gives up. The server ends it early when it stops.
TIMEOUT_DELAY_S = 120.0

# The namespace of ids that are made of a request: the same request has the same id in its answer.
_IDS = uuid.UUID("0b9f6a1e-0000-4000-8000-000000000000")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedRequest:
    """What a client sent."""

    #: upper case
    method: str
    #: as sent, without query
    path: str
    #: decoded; of a name that comes twice the last value
    query: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: names in lower case
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Json:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def fields(self) -> dict[str, Json]:
        """The parameters of an RPC: query, then JSON object, form or multipart, whichever the body is."""
        kind = self.headers.get("content-type", "")
        fields: dict[str, Json] = dict(self.query)
        if "json" in kind:
            body = self.json()
            fields.update(body if isinstance(body, dict) else {})
        elif "multipart/form-data" in kind:
            fields.update(_multipart(kind, self.body))
        else:
            fields.update(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))
        return fields

    def bearer(self) -> str:
        """The token of the header Authorization, with or without `Bearer`."""
        return self.headers.get("authorization", "").removeprefix("Bearer ").strip()


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedResponse:
    """What the vendor answers."""

    status: int = 200
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: bytes = b""
    #: seconds before the answer comes
    delay_s: float = 0.0
    #: the connection is closed without an answer
    is_dropped: bool = False


#: No answer within any client's patience.
LATE = SimulatedResponse(delay_s=TIMEOUT_DELAY_S)
#: The connection closes in place of an answer.
DROPPED = SimulatedResponse(is_dropped=True)


def answer(
    value: Json, status: int = 200, *, kind: str = "application/json", headers: Mapping[str, str] | None = None
) -> SimulatedResponse:
    """A JSON answer."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return SimulatedResponse(status=status, headers={"content-type": kind, **(headers or {})}, body=body)


def page(status: int, title: str) -> SimulatedResponse:
    """The HTML page that a proxy before the vendor answers with."""
    body = f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center><hr><center>nginx</center></body></html>"
    return SimulatedResponse(status=status, headers={"content-type": "text/html"}, body=body.encode())


def number_of(request: SimulatedRequest, digits: int = 9) -> int:
    """A number with so many digits, always the same for the same request."""
    smallest: int = 10 ** (digits - 1)
    return smallest + zlib.crc32(request.path.encode() + b"\0" + request.body) % (9 * smallest)


def uuid_of(text: str) -> str:
    """A UUID, always the same for the same text."""
    return str(uuid.uuid5(_IDS, text))


def _multipart(kind: str, body: bytes) -> dict[str, str]:
    """The fields of a multipart body; of a file its name."""
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    fields = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            fields[name] = part.get_filename() or content.decode("utf-8", "replace")
    return fields
