"""What a program did, on disk before it does the next thing: the key of each call before the call, and again when it has returned.

tried, returned     a line of LINE_BYTES a call: key, time, and how long it took in milliseconds
raised              what a call raised, a line each
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

KEY_BYTES = 44
# Key, seconds since the epoch, milliseconds, end of line.
LINE_BYTES = KEY_BYTES + 17 + 14 + 1


class Notes:
    """The notes of one program; its threads, tasks and forks may share them. What is appended outlives the process, however it dies."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._tried, self._returned, self._raised = (os.open(folder / name, flags) for name in ("tried", "returned", "raised"))

    @contextlib.contextmanager
    def call(self, key: str) -> Iterator[None]:
        """Around one call."""
        _append(self._tried, key, 0.0)
        began = time.perf_counter()
        try:
            yield
        except Exception as error:
            os.write(self._raised, f"{key} {type(error).__name__}: {error}\n".encode())
            raise
        _append(self._returned, key, (time.perf_counter() - began) * 1000)


def _append(file: int, key: str, took_ms: float) -> None:
    line = f"{key:<{KEY_BYTES}}{time.time():17.6f}{took_ms:14.3f}\n".encode()
    assert len(line) == LINE_BYTES, key
    assert os.write(file, line) == LINE_BYTES
