"""The body of a request: read in time, unpacked within bounds."""

import asyncio
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import zstandard
from litestar import Request
from litestar.exceptions import HTTPException

from integration_monitor.server.ingest.limits import BODY_BYTES_MAX, BODY_TIMEOUT_S, Holding
from integration_monitor.server.refusals import BodyRefused, BodyTooLarge, BodyTooSlow, EncodingRefused

# Of 64 bits; more digits are more, and Python reads no more than some thousands of them.
_LENGTH_DIGITS_MAX: Final = 20
# zlib: with the header of gzip.
_GZIP_BITS: Final = 31
# Given to zlib at a time, which unpacks all of it at once, to 4 MiB at most. What follows a member is copied, and an empty one has 20 bytes: of a
# whole body of them that would take minutes.
_GZIP_PIECE_BYTES: Final = 4096
# The window is memory that the sender asks us for: zstd's own bound for what every decoder should take (RFC 8878, section 3.1.1.1.2).
_ZSTD_WINDOW_MAX: Final = 8 * 1024 * 1024
# Given to zstd at a time, which unpacks all of it at once: four bytes may stand for 128 KiB, so these for 16 MiB.
_ZSTD_PIECE_BYTES: Final = 512


async def read(request: Request[Any, Any, Any], holding: Holding) -> bytes:
    """The body as it was sent.

    Errors:
        BodyTooLarge, BodyTooSlow, Busy
        BodyRefused: the client went away.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:_LENGTH_DIGITS_MAX]) > BODY_BYTES_MAX:
        raise _too_large()
    pieces = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for piece in request.stream():
                if len(pieces) + len(piece) > BODY_BYTES_MAX:
                    raise _too_large()
                # What has come is counted, and not what was announced: that costs nobody anything.
                holding.grow(len(pieces) + len(piece))
                pieces += piece
    except TimeoutError as error:
        raise BodyTooSlow(f"The body did not come within {BODY_TIMEOUT_S:.0f} seconds.") from error
    except HTTPException as error:
        raise BodyRefused("The body ended before it was complete.") from error
    return bytes(pieces)


def unpack(body: bytes, encoding: str, *, bytes_max: int = BODY_BYTES_MAX) -> bytes:
    """The body as it was before it was encoded.

    encoding:
        The header Content-Encoding.

    Errors:
        EncodingRefused, BodyTooLarge
        BodyRefused: it is not what its encoding says.
    """
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return body
    unpacker = _UNPACKERS.get(name)
    if unpacker is None:
        raise EncodingRefused("The body's Content-Encoding is none of gzip and zstd.")
    return unpacker(body, bytes_max)


def _gunzip(body: bytes, bytes_max: int) -> bytes:
    """Of one or several members, as gzip itself takes them."""
    unpacked = bytearray()
    unpacker = zlib.decompressobj(_GZIP_BITS)
    try:
        for start in range(0, len(body), _GZIP_PIECE_BYTES):
            rest = body[start : start + _GZIP_PIECE_BYTES]
            while rest:
                if unpacker.eof:
                    unpacker = zlib.decompressobj(_GZIP_BITS)
                unpacked += unpacker.decompress(rest)
                if len(unpacked) > bytes_max:
                    raise _too_large()
                rest = unpacker.unused_data
    except zlib.error as error:
        raise BodyRefused("The body is not what gzip makes.") from error
    if not unpacker.eof:
        raise BodyRefused("The body ends in the middle of its gzip stream.")
    return bytes(unpacked)


def _unzstd(body: bytes, bytes_max: int) -> bytes:
    """Of one or several frames, as zstd itself takes them."""
    unpacked = bytearray()
    frames = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_MAX)
    unpacker = frames.decompressobj()
    try:
        for start in range(0, len(body), _ZSTD_PIECE_BYTES):
            rest = body[start : start + _ZSTD_PIECE_BYTES]
            while rest:
                if unpacker.eof:
                    unpacker = frames.decompressobj()
                unpacked += unpacker.decompress(rest)
                if len(unpacked) > bytes_max:
                    raise _too_large()
                rest = unpacker.unused_data if unpacker.eof else b""
    except zstandard.ZstdError as error:
        raise BodyRefused("The body is not what zstd makes, or with a window beyond 8 MiB.") from error
    if not unpacker.eof:
        raise BodyRefused("The body ends in the middle of its zstd frame.")
    return bytes(unpacked)


_UNPACKERS: Final[Mapping[str, Callable[[bytes, int], bytes]]] = {"gzip": _gunzip, "x-gzip": _gunzip, "zstd": _unzstd}


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(f"The body has more than {BODY_BYTES_MAX} bytes, as it was sent or unpacked.")
