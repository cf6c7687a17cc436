"""An answer of http.client that is watched while the application reads it; urllib.request gives the same ones to its applications.

It is given a subclass of its own class, as urllib3's is: it stays the same object and notes what is read.
"""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from integration_monitor.capture.call import Call, StreamedBody

if TYPE_CHECKING:
    from http.client import HTTPMessage
    from http.client import HTTPResponse as _AnswerBase
else:
    _AnswerBase = object

_Data = TypeVar("_Data", bytes, memoryview)

# The name under which an answer's body is found on the object; long, because the object is not ours.
_BODY = "_integration_monitor_body"

_SWITCHING_PROTOCOLS = 101


class AnswerHeaders:
    """The headers of an answer, by reference: their pairs are made when they are asked for, on another thread."""

    __slots__ = ("_headers",)

    def __init__(self, headers: "HTTPMessage") -> None:
        self._headers = headers

    @property
    def raw(self) -> list[tuple[str, str]]:
        """As `Attempt.response_headers` asks for it."""
        return list(self._headers.items())


def settle(call: Call, response: Any) -> None:
    """Ends the call where nothing more comes, else when the application has read or closed the answer."""
    try:
        if response.status == _SWITCHING_PROTOCOLS:
            call.forget()
            return
        call.keep_answer(response.status, AnswerHeaders(response.headers))
        if response.isclosed() or response.length == 0:
            call.end(b"")
        elif not _watch(response, call):
            call.end()
    except Exception as error:  # noqa: BLE001 -- the guard's
        call.capture.guard.catch(error)
        call.finish()


def _watch(response: Any, call: Call) -> bool:
    """Gives an answer the class that notes what is read. False where it cannot have one."""
    try:
        kind: type = type(response)
        response.__class__ = _watched_class(kind)
    except TypeError:
        return False
    # http.client unpacks nothing.
    setattr(response, _BODY, StreamedBody(call, is_encoded=True))
    return True


@functools.cache
def _watched_class(kind: type) -> type:
    return type(kind.__name__, (_WatchedAnswer, kind), {"__module__": kind.__module__})


class _WatchedAnswer(_AnswerBase):
    """The methods of an answer through which its bytes come."""

    __slots__ = ()

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        return _read(self, super().read, *args, **kwargs)

    def read1(self, *args: Any, **kwargs: Any) -> bytes:
        return _read(self, super().read1, *args, **kwargs)

    def readline(self, *args: Any, **kwargs: Any) -> bytes:
        return _read(self, super().readline, *args, **kwargs)

    def readinto(self, buffer: Any) -> int:
        read_into = super().readinto
        counts: list[int] = []

        def read() -> memoryview:
            counts.append(read_into(buffer))
            # The buffer's items may be larger than a byte.
            return memoryview(buffer).cast("B")[: counts[0]]

        _read(self, read)
        return counts[0]

    def close(self) -> None:
        try:
            super().close()
        finally:
            body: StreamedBody | None = getattr(self, _BODY, None)
            if body is not None:
                body.close()


def _read(answer: Any, read: Callable[..., _Data], *args: Any, **kwargs: Any) -> _Data:
    """What `read` gives, noted. Where it reads through another of these methods, that is not noted again."""
    body: StreamedBody | None = getattr(answer, _BODY, None)
    if body is None:
        return read(*args, **kwargs)
    setattr(answer, _BODY, None)
    try:
        data = read(*args, **kwargs)
    except BaseException as error:
        body.keep(getattr(error, "partial", b""))
        body.fail(error)
        raise
    finally:
        setattr(answer, _BODY, body)
    body.keep(data)
    if answer.isclosed() or answer.length == 0:
        body.end()
    return data
