"""Whom the progress of a long upgrade is told to."""

from typing import Protocol


class Watcher(Protocol):
    """What a command line shows."""

    def note(self, text: str) -> None:
        """Something that the user should know, once."""

    def progress(self, what: str, done: int, total: int | None) -> None:
        """What is being done, and how far it is; a total of None where nobody knows."""


class NoWatcher:
    """Nobody looks."""

    def note(self, text: str) -> None:
        pass

    def progress(self, what: str, done: int, total: int | None) -> None:
        pass
