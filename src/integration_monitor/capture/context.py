"""What the code around a call says about it: that it is not to be noticed, what it is about, and the trace that it belongs to."""

import contextlib
import contextvars
import sys
from collections.abc import Iterator
from typing import TypeVar

Value = TypeVar("Value")

_is_suppressed: contextvars.ContextVar[bool] = contextvars.ContextVar("integration_monitor_suppressed", default=False)

#: (type, id) of what the calls made here are about, where nothing nearer says it
current_entity: contextvars.ContextVar[tuple[str, object] | None] = contextvars.ContextVar(
    "integration_monitor_entity", default=None
)

is_suppressed = _is_suppressed.get


@contextlib.contextmanager
def suppressed() -> Iterator[None]:
    """Calls made inside are not recorded."""
    token = _is_suppressed.set(True)
    try:
        yield
    finally:
        _reset(_is_suppressed, token)


def suppressed_context() -> contextvars.Context:
    """An empty context in which no call is recorded, for a thread of our own."""
    context = contextvars.Context()
    context.run(_is_suppressed.set, True)
    return context


@contextlib.contextmanager
def about(entity: tuple[str, object] | None) -> Iterator[None]:
    """Calls made inside are about this entity; None changes nothing."""
    token = current_entity.set(entity) if entity is not None else None
    try:
        yield
    finally:
        if token is not None:
            _reset(current_entity, token)


def current_trace_id() -> int | None:
    """OpenTelemetry's trace of the running code; None where it is not in use. Nothing is imported for our sake."""
    module = sys.modules.get("opentelemetry.trace")
    if module is None:
        return None
    try:
        trace_id = module.get_current_span().get_span_context().trace_id
    except Exception:  # noqa: BLE001 -- another library's code, which may be half imported or replaced
        return None
    return trace_id if isinstance(trace_id, int) and trace_id > 0 else None


def _reset(variable: contextvars.ContextVar[Value], token: "contextvars.Token[Value]") -> None:
    with contextlib.suppress(ValueError):  # a generator's block may end in another context than it began
        variable.reset(token)
