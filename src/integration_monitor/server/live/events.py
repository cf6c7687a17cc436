"""What is told, as server-sent events.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from integration_monitor.monitoring import cursor
from integration_monitor.server.live.watcher import Told
from integration_monitor.store.arrivals import ArrivalPosition

# How long a browser waits before it comes back.
RETRY_MS: Final = 2000
#: The beginning of every stream.
OPENING: Final = f"retry: {RETRY_MS}\n\n".encode()


def event(told: Told, data: str) -> bytes:
    """One event: its kind, its data line by line, and where to go on after it."""
    lines = [f"event: {told.kind}", *(f"data: {line}" for line in re.split(r"\r\n|\r|\n", data)), *_id(told.position)]
    return ("\n".join(lines) + "\n\n").encode()


def beat(position: ArrivalPosition | None) -> bytes:
    """A sign of life, which readers do not notice; a reconnect goes on from here though nothing of late was for this reader."""
    return ("\n".join([":", *_id(position)]) + "\n\n").encode()


def json_events(told: Sequence[Told]) -> bytes:
    """Records as `logs` lists them; the word of all else."""
    return b"".join(event(each, _json(each)) for each in told)


def word_json(told: Told) -> str:
    """The data of what is no record."""
    return msgspec.json.encode({"state" if told.kind == "state" else "reason": told.word}).decode()


def _json(told: Told) -> str:
    # JSON has no line ends outside of text, and in text they are escaped.
    return word_json(told) if told.record is None else msgspec.json.encode(told.record).decode()


def _id(position: ArrivalPosition | None) -> list[str]:
    return [] if position is None else [f"id: {cursor.encode(position)}"]
