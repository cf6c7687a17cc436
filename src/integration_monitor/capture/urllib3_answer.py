"""An answer of urllib3 that is watched while the application reads it; requests gives the same ones to its applications.

It is read in many ways: iter_content, content, raw.read, raw.stream, a BufferedReader around raw. They meet in four methods of urllib3's
response, so the object is given a subclass of its own class with these four: it stays the same object, passes every isinstance, and
keeps no reference to itself, so that it is freed and its connection closed when it would be.
"""

import functools
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

from integration_monitor.capture.call import Call, StreamedBody, pass_pieces

if TYPE_CHECKING:
    from urllib3 import HTTPResponse as _RawBase
else:
    _RawBase = object

# The name under which a response's body is found on the object; long, because the object is not ours.
_BODY = "_integration_monitor_body"

# Set while urllib3 reads a chunk: it closes an answer whose chunk is broken, and raises after that.
_IS_READING = "_integration_monitor_is_reading"


def watch(raw: Any, call: Call) -> bool:
    """Gives a raw answer the class that notes what is read. False where it is an object of an adapter's own, unlike urllib3's."""
    try:
        kind: type = type(raw)
        raw.__class__ = _watched_class(kind)
    except TypeError:
        return False
    setattr(raw, _BODY, StreamedBody(call))
    return True


@functools.cache
def _watched_class(kind: type) -> type:
    """The class of a raw answer, and it notes what is read. There are as many as classes of raw answers: one or two."""
    if not all(hasattr(kind, name) for name in ("read", "stream", "read_chunked", "close")):
        raise TypeError(f"{kind} has not the methods of urllib3's answers")
    mixins = (_WatchedRead1, _WatchedRaw) if hasattr(kind, "read1") else (_WatchedRaw,)
    return type(kind.__name__, (*mixins, kind), {"__module__": kind.__module__})


class _WatchedRaw(_RawBase):
    """The methods of a raw answer through which all its bytes come."""

    __slots__ = ()

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        body: StreamedBody = getattr(self, _BODY)
        try:
            data: bytes = super().read(*args, **kwargs)
        except BaseException as error:
            body.fail(error)
            raise
        _note_encoding(self, body, args, kwargs)
        body.keep(data)
        # Without an amount everything was read; else nothing more comes once the connection is given back, unless some waits to be decoded.
        is_whole = kwargs.get("amt", args[0] if args else None) is None
        if is_whole or (self.closed and (not data or "content-encoding" not in self.headers)):
            body.end()
        return data

    def stream(self, *args: Any, **kwargs: Any) -> Generator[bytes, None, None]:
        # Its pieces come through `read` or `read_chunked`.
        yield from super().stream(*args, **kwargs)
        getattr(self, _BODY).end()

    def read_chunked(self, *args: Any, **kwargs: Any) -> Generator[bytes, None, None]:
        body: StreamedBody = getattr(self, _BODY)
        _note_encoding(self, body, args, kwargs)
        yield from pass_pieces(_mark_reading(self, super().read_chunked(*args, **kwargs)), body)

    def close(self) -> None:
        try:
            super().close()
        finally:
            if not getattr(self, _IS_READING, False):
                getattr(self, _BODY).close()

    def release_conn(self) -> None:
        super().release_conn()
        # urllib3 does it by itself as well, once everything was read.
        if not self.closed:
            getattr(self, _BODY).close()


class _WatchedRead1(_RawBase):
    """A method that urllib3 has since 2.3."""

    __slots__ = ()

    def read1(self, *args: Any, **kwargs: Any) -> bytes:
        body: StreamedBody = getattr(self, _BODY)
        try:
            data: bytes = super().read1(*args, **kwargs)
        except BaseException as error:
            body.fail(error)
            raise
        _note_encoding(self, body, args, kwargs)
        body.keep(data)
        if self.closed and (not data or "content-encoding" not in self.headers):
            body.end()
        return data


def _mark_reading(raw: Any, pieces: Iterator[bytes]) -> Iterator[bytes]:
    while True:
        setattr(raw, _IS_READING, True)
        try:
            piece = next(pieces)
        except StopIteration:
            return
        finally:
            setattr(raw, _IS_READING, False)
        yield piece


def _note_encoding(raw: Any, body: StreamedBody, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """urllib3 decodes what it reads where it is asked to; requests does not ask for it on the raw object."""
    is_decoded = kwargs.get("decode_content", args[1] if len(args) > 1 else None)
    if is_decoded is None:
        is_decoded = raw.decode_content
    body.is_encoded = not is_decoded and "content-encoding" in raw.headers
