"""Calls that are not to be noticed: our own traffic."""

import contextlib
import contextvars
from collections.abc import Iterator

_is_suppressed: contextvars.ContextVar[bool] = contextvars.ContextVar("integration_monitor_suppressed", default=False)


def is_suppressed() -> bool:
    return _is_suppressed.get()


@contextlib.contextmanager
def suppressed() -> Iterator[None]:
    """Calls made inside are not recorded."""
    token = _is_suppressed.set(True)
    try:
        yield
    finally:
        _is_suppressed.reset(token)


def suppressed_context() -> contextvars.Context:
    """An empty context in which no call is recorded, for a thread of our own."""
    context = contextvars.Context()
    context.run(_is_suppressed.set, True)
    return context
