"""Records that the store will never take, in a file for people to read: one JSON object a line, {at, reason, record}."""

import contextlib
import json
import os
from pathlib import Path

import msgspec

from integration_monitor.record import IntegrationLog, now

FILE_NAME = "dead-letters.jsonl"
# What is older lies in a second file of the same size, and then is gone: a store that refuses everything must not fill the disk.
FILE_BYTES_MAX = 16 * 1024 * 1024
# The driver's words may quote a whole record.
REASON_CHARACTERS_MAX = 500


class DeadLetters:
    """The file of one destination. Several processes may write to it at once: each line is one write."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self.older_path = folder / f"{FILE_NAME}.1"

    def add(self, record: IntegrationLog, reason: str) -> bool:
        """Keeps a record. False where that is not possible: the disk is full, or the record is not even JSON."""
        try:
            line = _line(record, reason)
            with contextlib.suppress(FileNotFoundError):
                if self.path.stat().st_size + len(line) > FILE_BYTES_MAX:
                    self.path.replace(self.older_path)
            file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                return os.write(file, line) == len(line)
            finally:
                os.close(file)
        except (OSError, TypeError, ValueError, RecursionError):
            return False


def _line(record: IntegrationLog, reason: str) -> bytes:
    letter = {"at": now().isoformat(), "reason": reason[:REASON_CHARACTERS_MAX], "record": record}
    try:
        return msgspec.json.encode(letter) + b"\n"
    except (UnicodeEncodeError, OverflowError):
        return json.dumps(msgspec.to_builtins(letter, str_keys=True)).encode("ascii") + b"\n"
