"""Records on their way to the sink, and how those that are refused are singled out."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Literal

from integration_monitor.batch import Batch, Report
from integration_monitor.record import IntegrationLog

#: written; refused: never to be taken as it is; away: the same may succeed later
Answer = Literal["written", "refused", "away"]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """A record with what the counts need."""

    record: IntegrationLog
    #: what its item weighs in memory
    size_bytes: int = 0
    #: whether the row may have been written before, as pending
    is_finished: bool = False
    #: whether an item was taken for it: not for pending rows, and what the writer tells about itself
    is_counted: bool = True


Part = Sequence[Unit]


class Parts:
    """Parts that are to be written, the next one last: a part that is refused is split in halves, until a record stands alone."""

    def __init__(
        self,
        *,
        write: Callable[[Batch], Answer],
        report: Callable[[int], Report],
        note_written: Callable[[Part], None],
        note_refused: Callable[[Unit], None],
    ) -> None:
        self._write = write
        self._report = report
        self._note_written = note_written
        self._note_refused = note_refused
        self._parts: list[Part] = []

    def __bool__(self) -> bool:
        return bool(self._parts)

    def add(self, part: Part) -> None:
        if part:
            self._parts.append(part)

    def weight(self) -> tuple[int, int]:
        """What is not written: (items, bytes)."""
        units = [unit for part in self._parts for unit in part]
        return sum(unit.is_counted for unit in units), sum(unit.size_bytes for unit in units)

    def take_all(self) -> list[Unit]:
        """Everything that is not written, in order; it is here no more."""
        parts, self._parts = self._parts, []
        return [unit for part in reversed(parts) for unit in part]

    def write_next(self) -> bool:
        """Writes the next part, or splits it. False where the store is away."""
        part = self._parts[-1]
        answer = self._write(
            Batch(
                records=[unit.record for unit in part if not unit.is_finished],
                finished=[unit.record for unit in part if unit.is_finished],
                report=self._report(sum(unit.is_counted for unit in part)),
            )
        )
        if answer == "away":
            return False
        if not self._parts or self._parts[-1] is not part:
            # Somebody who could not wait has taken the parts meanwhile, and counted them.
            return True
        self._parts.pop()
        if answer == "written":
            self._note_written(part)
        elif len(part) == 1:
            self._note_refused(part[0])
        else:
            middle = len(part) // 2
            self._parts += [part[middle:], part[:middle]]
        return True
