"""What a store answers to /metrics: totals since ever. Durations are milliseconds."""

from collections.abc import Sequence

import msgspec

from integration_monitor.store.page_answers import WriterRow


class CallTotals(msgspec.Struct, kw_only=True, frozen=True):
    """Calls of one kind."""

    service_name: str
    action: str
    status: str
    #: empty where it is no failure
    fault: str
    count: int
    #: of the durations of those that have one
    sum_ms: int


class DurationTotals(msgspec.Struct, kw_only=True, frozen=True):
    """Calls of one action that took about as long."""

    service_name: str
    action: str
    #: which of the durations asked for is the first that is not exceeded; their number, where none is
    bucket: int
    count: int


class Totals(msgspec.Struct, kw_only=True, frozen=True):
    """All of it, of one moment."""

    #: by service and action
    calls: Sequence[CallTotals]
    #: by service and action, shortest first
    durations: Sequence[DurationTotals]
    #: processes heard of lately; those that have not ended first
    writers: Sequence[WriterRow]
