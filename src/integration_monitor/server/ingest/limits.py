"""Every bound of the door, and the budget of what is held in memory."""

import contextlib
from collections.abc import Iterator
from typing import Final

from integration_monitor.server.refusals import Busy

#: Of a body, as it is sent and unpacked. The SDK sends at most some 4 MiB at once.
BODY_BYTES_MAX: Final = 16 * 1024 * 1024
#: Of one request. More would keep the others waiting.
RECORDS_MAX: Final = 10_000
#: How long a body may take to come. At 4 MiB that is some 140 kB/s.
BODY_TIMEOUT_S: Final = 30.0
#: Refusals that one answer tells; the others are counted.
REFUSALS_TOLD_MAX: Final = 100

#: All bodies that are being read or wait to be written, together, by the larger of packed and unpacked. As Python's values JSON weighs some
#: four times as much, so this is a bound of some 200 MiB for whoever tries, and of some 40 for NDJSON of usual records.
IN_FLIGHT_BYTES_MAX: Final = 48 * 1024 * 1024
#: All records that wait to be written: some 500 bytes each beside their payloads.
IN_FLIGHT_RECORDS_MAX: Final = 50_000
#: All requests that are at it at once: more connections than this wait at the clients'.
IN_FLIGHT_REQUESTS_MAX: Final = 1_000


class Holding:
    """What one request holds of the budget."""

    def __init__(self, budget: "Budget") -> None:
        self._budget = budget
        self.bytes_count = 0
        self.records_count = 0

    def grow(self, bytes_count: int) -> None:
        """Holds so many bytes in all, if that is more than before.

        Errors:
            Busy: the budget is used up.
        """
        more = bytes_count - self.bytes_count
        if more > 0:
            self._budget.take_bytes(more)
            self.bytes_count = bytes_count

    def hold_records(self, records_count: int) -> None:
        """Holds so many records.

        Errors:
            Busy: the budget is used up.
        """
        self._budget.take_records(records_count)
        self.records_count += records_count


class Budget:
    """Memory for requests that are under way. What does not fit is refused at once, and never waits here. For one event loop."""

    def __init__(
        self,
        *,
        bytes_max: int = IN_FLIGHT_BYTES_MAX,
        records_max: int = IN_FLIGHT_RECORDS_MAX,
        requests_max: int = IN_FLIGHT_REQUESTS_MAX,
    ) -> None:
        self._bytes_max = bytes_max
        self._records_max = records_max
        self._requests_max = requests_max
        self.bytes_count = 0
        self.records_count = 0
        self.requests_count = 0

    @contextlib.contextmanager
    def request(self) -> Iterator[Holding]:
        """What a request holds until the block ends.

        Errors:
            Busy: too many are at it.
        """
        if self.requests_count >= self._requests_max:
            raise Busy(f"{self._requests_max} requests are under way.")
        self.requests_count += 1
        holding = Holding(self)
        try:
            yield holding
        finally:
            self.requests_count -= 1
            self.bytes_count -= holding.bytes_count
            self.records_count -= holding.records_count

    def take_bytes(self, bytes_count: int) -> None:
        """Takes bytes.

        Errors:
            Busy: there are not so many left.
        """
        if self.bytes_count + bytes_count > self._bytes_max:
            raise Busy(f"{self._bytes_max} bytes of records are under way.")
        self.bytes_count += bytes_count

    def take_records(self, records_count: int) -> None:
        """Takes places for records.

        Errors:
            Busy: there are not so many left.
        """
        if self.records_count + records_count > self._records_max:
            raise Busy(f"{self._records_max} records are under way.")
        self.records_count += records_count
