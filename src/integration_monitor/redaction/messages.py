"""Texts of messages, as digest and length: for users who must not keep what they wrote to their customers."""

from typing import Any

import msgspec

from integration_monitor.record import Json
from integration_monitor.redaction.personal import PersonalData
from integration_monitor.services.description import Service

# JSON inside a string inside JSON: as deep as redaction looks.
_STRINGS_MAX = 4
_DEPTH_MAX = 100


class MessageTexts:
    """Replaces the texts of messages by `{digest, length}`.

    digests:
        Whose key they are made with: of a short text, such as a code to sign in, anybody could try all.
    """

    def __init__(self, digests: PersonalData) -> None:
        self._digests = digests

    def without(self, body: Json, service: Service, *, is_request: bool) -> Json:
        """A body without them. A request that is no JSON and no form is a text as a whole."""
        if isinstance(body, str):
            opened = _opened(body)
            if opened is None:
                is_cut_json = body.lstrip()[:1] in ("{", "[")
                return self._digested(body) if body and (is_request or is_cut_json) else body
            return msgspec.json.encode(self._walk(opened, service, 0, 1)).decode()
        return self._walk(body, service, 0, 0)

    def without_in_url(self, url: str, service: Service) -> str:
        """A URL without them in its query."""
        head, mark, query = url.partition("?")
        if not mark:
            return url
        pieces = []
        for piece in query.split("&"):
            name, equals, value = piece.partition("=")
            if value and _is_message(name, service):
                digested = self._digested(value)
                piece = f"{name}{equals}${{digest:{digested['digest']}:{digested['length']}}}"  # noqa: PLW2901
            pieces.append(piece)
        return f"{head}?{'&'.join(pieces)}"

    def _walk(self, value: Any, service: Service, depth: int, strings: int, name: str = "") -> Json:
        if isinstance(value, str):
            if value and _is_message(name, service):
                return self._digested(value)
            opened = _opened(value) if strings < _STRINGS_MAX else None
            return value if opened is None else msgspec.json.encode(self._walk(opened, service, 0, strings + 1)).decode()
        if depth >= _DEPTH_MAX:
            return None
        if isinstance(value, dict):
            return {key: self._walk(item, service, depth + 1, strings, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self._walk(item, service, depth + 1, strings, name) for item in value]
        return value

    def _digested(self, text: str) -> dict[str, Json]:
        return {"digest": self._digests.digest(text), "length": len(text)}


def _opened(text: str) -> Json:
    """The JSON object or list that a text is; None where it is none."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None


def _is_message(name: str, service: Service) -> bool:
    return name.rpartition("[")[2].rstrip("]").lower() in service.message_fields
