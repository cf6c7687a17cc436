"""A body becomes JSON: bytes of a request or an answer in, what a service description reads and a record stores out.

JSON stays JSON, a form becomes an object, text stays text; what is neither becomes `{binary: true, size, sha256}`. What is larger than a
record may keep is cut only after redaction (`Body.shorten`), so that no secret can hide behind the cut.
"""

import hashlib
import re
import zlib
from binascii import a2b_qp
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable
from email.parser import BytesParser
from email.policy import HTTP, compat32
from typing import Any

import msgspec

from integration_monitor.record import Json

# A compressed body may say that it holds gigabytes: what is beyond is not unpacked.
UNPACKED_BYTES_MAX = 1024 * 1024

# gzip with either header; raw deflate streams are rare and tried second.
_WINDOW_BITS = {"gzip": (47,), "x-gzip": (47,), "deflate": (47, -15)}

_TEXT_TYPES = ("text/", "application/xml", "application/javascript", "application/x-ndjson", "application/graphql")


class Body(msgspec.Struct, frozen=True, kw_only=True):
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
    #: its bytes, where it is a JSON object or list as a whole
    raw: bytes | None = None
    #: whether all its fields have names that `parse` was told to know
    has_known_names: bool = False

    def shorten(self, cleaned: Json, bytes_max: int) -> Json:
        """What a record keeps of `cleaned`, the redacted value: itself, or `{truncated, size, preview}` where it is larger than `bytes_max`."""
        # What was unpacked is larger than what was sent.
        if self.is_cut or (max(self.size, self.unpacked_size) > bytes_max and not self.is_binary):
            text = cleaned if isinstance(cleaned, str) else msgspec.json.encode(cleaned).decode()
            preview = text.encode("utf-8", "replace")[:bytes_max].decode("utf-8", "ignore")
            if self.is_cut or len(preview) < len(text):
                return {"truncated": True, "size": self.size, "preview": preview}
        return cleaned


def parse(
    content: bytes | str | None,
    *,
    content_type: str = "",
    size: int | None = None,
    encoding: str = "",
    decode_known: Callable[[bytes], Json] | None = None,
) -> Body:
    """The body as JSON, as far as it can be read.

    content:
        What was seen of it: everything, or its beginning.
    content_type:
        The header, with its parameters.
    size:
        Bytes of the whole body, where `content` may be only its beginning.
    encoding:
        `Content-Encoding`, where `content` is still encoded.
    decode_known:
        Decodes JSON whose fields all have names that are known, and gives None for other JSON; raises as msgspec's decoder.
    """
    if not content:
        return Body(value="", size=size, is_cut=True) if size else Body()
    # What nearly every call brings: JSON, whole, and called so.
    if size is None and not encoding and type(content) is bytes and content_type.startswith("application/json"):
        value = None
        try:
            if decode_known is not None:
                value = decode_known(content)
            is_known = value is not None
            if not is_known:
                value = msgspec.json.decode(content)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            value = None
        if type(value) is dict or type(value) is list:
            size = len(content)
            return Body(value=value, size=size, unpacked_size=size, raw=content, has_known_names=is_known)
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
    # Some servers send a byte order mark, which says nothing about JSON (RFC 8259, 8.1).
    unmarked = data.removeprefix(BOM_UTF8)
    is_like_json = unmarked.lstrip()[:1] in _JSON_STARTS
    # Where a form begins with a brace, it is written %7B: this is JSON whose sender left the client's usual type.
    if kind == "application/x-www-form-urlencoded" and not is_like_json:
        text = _text(data, kind, content_type, is_cut=is_cut)
        return text if text is _UNREADABLE else fold_pairs(parse_pairs(text))
    if kind == "multipart/form-data":
        return _parse_form_data(data, content_type, is_cut=is_cut)
    if kind.startswith("multipart/"):
        parts = _parse_parts(data, content_type, is_cut=is_cut)
        if parts:
            return parts
    # Many servers send JSON as text/html or without a type, so the body's first byte decides and not its name.
    if not is_cut and (is_like_json or kind.endswith("json")):
        try:
            return msgspec.json.decode(unmarked)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass  # not JSON after all: it is kept as the text it is
    return _text(unmarked if is_like_json else data, kind, content_type, is_cut=is_cut)


_JSON_STARTS = frozenset({b"{", b"["})


def parse_pairs(text: str) -> list[tuple[str, str]]:
    """The decoded pairs of a query or a form, as of `urllib.parse.parse_qsl`, which takes five times as long."""
    pairs = []
    for piece in text.split("&"):
        if piece:
            name, _, value = piece.partition("=")
            pairs.append((_decoded(name), _decoded(value)))
    return pairs


_ENCODED_RUN = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


def _decoded(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    if text.isascii() and "\n" not in text and "\r" not in text:
        # Quoted-printable (RFC 2045, 6.7) is the same with another sign, and the standard library decodes it in C.
        plain = a2b_qp(text.replace("=", "=3D").replace("%", "="))
        if len(plain) == len(text) - 2 * text.count("%"):
            return plain.decode("utf-8", "replace")
    return _ENCODED_RUN.sub(_decode_run, text)


def _decode_run(found: re.Match[str]) -> str:
    return bytes.fromhex(found[0].replace("%", " ")).decode("utf-8", "replace")


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


def _parse_parts(data: bytes, content_type: str, *, is_cut: bool) -> list[Json]:
    """The parts of a batch, such as multipart/mixed, each as {headers, body}. Their encodings are undone: secrets shall not hide there."""
    message = BytesParser(policy=compat32).parsebytes(_head(content_type) + data)
    parts: list[Json] = []
    # In a message of several parts the payload is the list of them.
    inner: Any = message.get_payload() if message.is_multipart() else ()
    for part in inner:
        headers = {name.lower(): str(value) for name, value in part.items()}
        kind = headers.get("content-type", "")
        payload = part.get_payload(decode=True)
        if not isinstance(payload, bytes):
            # Parts within a part stay as they are.
            payload, kind = part.as_bytes(), ""
        body = _parse(payload, kind.partition(";")[0].strip().lower(), kind, is_cut=is_cut)
        parts.append({"headers": headers, "body": _describe_binary(payload, len(payload)) if body is _UNREADABLE else body})
    return parts


def _head(content_type: str) -> bytes:
    return b"Content-Type: " + content_type.encode("latin-1", "replace").translate(None, b"\r\n") + b"\r\n\r\n"


def _parse_form_data(data: bytes, content_type: str, *, is_cut: bool) -> Json:
    message = BytesParser(policy=HTTP).parsebytes(_head(content_type) + data)
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
