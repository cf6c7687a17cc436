"""A body becomes JSON: bytes of a request or an answer in, what a service description reads and a record stores out.

JSON stays JSON, a form becomes an object, text stays text; what is neither becomes `{binary: true, size, sha256}`. What is larger than a
record may keep is cut only after redaction (`Body.shorten`), so that no secret can hide behind the cut.
"""

import dataclasses
import hashlib
import zlib
from collections.abc import Iterable
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

import msgspec

from integration_monitor.record import Json

# A compressed body may say that it holds gigabytes: what is beyond is not unpacked.
UNPACKED_BYTES_MAX = 1024 * 1024

# gzip with either header; raw deflate streams are rare and tried second.
_WINDOW_BITS = {"gzip": (47,), "x-gzip": (47,), "deflate": (47, -15)}

_TEXT_TYPES = ("text/", "application/xml", "application/javascript", "application/x-ndjson", "application/graphql")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """A parsed body."""

    #: JSON, a form's object, text, or `{binary, size, sha256}`; None where there was no body
    value: Json = None
    #: bytes of the whole body, as sent
    size: int = 0
    #: bytes of what was parsed, where the body was encoded
    unpacked_size: int = 0
    #: whether only the beginning of the body was seen: its value is text, or the fields of a form
    is_cut: bool = False
    #: whether `value` describes a body that is not text
    is_binary: bool = False

    def shorten(self, cleaned: Json, bytes_max: int) -> Json:
        """What a record keeps of `cleaned`, the redacted value: itself, or `{truncated, size, preview}` where it is larger than `bytes_max`."""
        # What was unpacked is larger than what was sent.
        if self.is_cut or (max(self.size, self.unpacked_size) > bytes_max and not self.is_binary):
            text = cleaned if isinstance(cleaned, str) else msgspec.json.encode(cleaned).decode()
            preview = text.encode("utf-8", "replace")[:bytes_max].decode("utf-8", "ignore")
            if self.is_cut or len(preview) < len(text):
                return {"truncated": True, "size": self.size, "preview": preview}
        return cleaned


def parse(content: bytes | str | None, *, content_type: str = "", size: int | None = None, encoding: str = "") -> Body:
    """The body as JSON, as far as it can be read.

    content:
        What was seen of it: everything, or its beginning.
    content_type:
        The header, with its parameters.
    size:
        Bytes of the whole body, where `content` may be only its beginning.
    encoding:
        `Content-Encoding`, where `content` is still encoded.
    """
    if not content:
        return Body(value="", size=size, is_cut=True) if size else Body()
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else bytes(content)
    is_cut = size is not None and size > len(data)
    size = size or len(data)
    kind = content_type.partition(";")[0].strip().lower()
    text: Json = _UNREADABLE
    unpacked, is_unpacked_whole = _unpack(data, encoding) if encoding and encoding != "identity" else (data, True)
    is_cut = is_cut or not is_unpacked_whole
    if unpacked is not None:
        text = _parse(unpacked, kind, content_type, is_cut=is_cut)
    if unpacked is None or text is _UNREADABLE:
        return Body(value=_describe_binary(data, size), size=size, is_binary=True)
    return Body(value=text, size=size, unpacked_size=len(unpacked), is_cut=is_cut)


_UNREADABLE = object()


def _parse(data: bytes, kind: str, content_type: str, *, is_cut: bool) -> Json:
    """A form is read as far as it goes; of other bodies that were cut only the text can be had."""
    if kind == "application/x-www-form-urlencoded":
        text = _text(data, kind, content_type, is_cut=is_cut)
        return text if text is _UNREADABLE else fold_pairs(parse_qsl(text, keep_blank_values=True))
    if kind == "multipart/form-data":
        return _parse_multipart(data, content_type, is_cut=is_cut)
    # Many servers send JSON as text/html or without a type, so the body's first byte decides and not its name.
    if not is_cut and (data.lstrip()[:1] in _JSON_STARTS or kind.endswith("json")):
        try:
            return msgspec.json.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass  # not JSON after all: it is kept as the text it is
    return _text(data, kind, content_type, is_cut=is_cut)


_JSON_STARTS = frozenset({b"{", b"["})


def fold_pairs(pairs: Iterable[tuple[str, Json]]) -> dict[str, Json]:
    """Pairs of a form or a query as an object; a name that comes more than once has the list of its values."""
    folded: dict[str, Json] = {}
    for name, value in pairs:
        if name not in folded:
            folded[name] = value
        elif isinstance(folded[name], list):
            folded[name].append(value)
        else:
            folded[name] = [folded[name], value]
    return folded


def _parse_multipart(data: bytes, content_type: str, *, is_cut: bool) -> Json:
    message = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n" + data
    )
    pairs: dict[str, Json] = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(payload, bytes):
            continue
        filename = part.get_filename()
        if filename is None:
            pairs[name] = payload.decode("utf-8", "replace")
        else:
            pairs[name] = {"filename": filename, **_describe_binary(payload, len(payload))}
    last_name = next(reversed(pairs), None)
    if is_cut and last_name is not None and isinstance(pairs[last_name], dict):
        pairs[last_name] = {"filename": pairs[last_name]["filename"], "truncated": True}
    return pairs or _UNREADABLE


def _unpack(data: bytes, encoding: str) -> tuple[bytes | None, bool]:
    """The decoded body, and whether that is all of it; None for an encoding the standard library does not know."""
    for bits in _WINDOW_BITS.get(encoding.strip().lower(), ()):
        unpacker = zlib.decompressobj(bits)
        try:
            return unpacker.decompress(data, UNPACKED_BYTES_MAX), unpacker.eof
        except zlib.error:
            continue
    return None, True


def _text(data: bytes, kind: str, content_type: str, *, is_cut: bool) -> Json:
    """The body as text, or `_UNREADABLE` where it is none."""
    charset = content_type.lower().partition("charset=")[2].partition(";")[0].strip(" \"'") or "utf-8"
    if charset == "utf-8" and b"\x00" in data:
        return _UNREADABLE
    try:
        # A cut may fall inside a character.
        return data.decode(charset, "ignore" if is_cut else "strict")
    except (LookupError, UnicodeDecodeError):
        return data.decode("utf-8", "replace") if kind.startswith(_TEXT_TYPES) else _UNREADABLE


def _describe_binary(data: bytes, size: int) -> dict[str, Json]:
    """`sha256` is of what was seen, which is the whole body unless `size` says more."""
    return {"binary": True, "size": size, "sha256": hashlib.sha256(data).hexdigest()}
