"""The rules but that of silence: what is counted goes in, a condition for each thing comes out. Nothing is asked and no clock is read."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from integration_monitor.alerts.condition import Condition, Level
from integration_monitor.monitoring import health
from integration_monitor.store.answers import ServiceCounts
from integration_monitor.store.incidents import WatchedWriter

#: One failure alone is no incident: with few calls a day it would be 5 % of the last 20 at once.
FAULTS_MIN: Final = 2
# A service begins to be degraded at 5 %; only below this it is clearly better, so that 4.9 % and 5.1 % in turn are one incident.
WELL_BELOW_PERCENT: Final = 3

#: A probe that failed once may have met a moment; the second one comes soon.
PROBE_FAILURES_MIN: Final = 2

#: A loss is told for so long after the last one.
LOSS_WINDOW: Final = timedelta(minutes=10)
#: Half of the default queue: the store takes records more slowly than they come.
WAITING_MIN: Final = 5_000
#: Not heard of for so long, a process counts as dead: as in integration_monitor.close_abandoned_logs().
DEAD_AFTER: Final = timedelta(minutes=10)
#: What a process left on its disk longer ago is not waited for any more.
HEARD_WITHIN: Final = timedelta(days=7)
# So many processes are named in a message.
_NAMED_MAX: Final = 5


class ProbeSeen(msgspec.Struct, kw_only=True, frozen=True):
    """What the last probes of a service said."""

    #: of the last one
    at: datetime
    #: one after the other, the last one included; 0 where that went well
    failures: int = 0
    #: when the first of these was
    failing_since: datetime | None = None
    error_code: str | None = None
    message: str | None = None
    fault: str | None = None


class LossesSeen(msgspec.Struct, kw_only=True, frozen=True):
    """What was lost, as the last look saw it."""

    #: writer_id → what it had lost; without those that lost nothing
    lost: Mapping[str, int]
    #: when it last grew, and how much since there was nothing for LOSS_WINDOW
    grew_at: datetime | None = None
    grown: int = 0
    began_at: datetime | None = None
    #: processes of the last growth, for people: `web-1 (42)`
    names: Sequence[str] = ()


def service_states(counts: Sequence[ServiceCounts]) -> Iterator[Condition]:
    """One condition for each service that was called in the last 30 days, by the one rule of its state."""
    for service in counts:
        state = health.state(service)
        is_recent = service.recent_count >= health.RECENT_CALLS_MIN
        calls = service.recent_count if is_recent else service.latest_count
        faults = service.recent_faults if is_recent else service.latest_faults
        name = service.service_name
        if state in {"degraded", "down"} and faults >= FAULTS_MIN:
            over = "of the last 15 minutes" if is_recent else "of the last ones"
            yield Condition(
                kind="service_state",
                subject=name,
                level="trouble" if _is_fresh(service, state) else "lasting",
                severity="down" if state == "down" else "degraded",
                summary=f"{name} is {state}: {faults} of {calls} calls {over} failed ({round(100 * faults / calls)} %)",
            )
            continue
        level: Level = "well" if calls == 0 or faults * 100 < calls * WELL_BELOW_PERCENT else "between"
        summary = (
            f"{name} was not called for 24 hours" if state == "idle" else f"{name} works again: {calls - faults} of {calls} calls"
        )
        yield Condition(kind="service_state", subject=name, level=level, summary=summary)


def _is_fresh(service: ServiceCounts, state: health.State) -> bool:
    """Whether something begins to be wrong. The latest 20 calls of a service that is rarely called hold failures of hours ago, also where
    it works again since: one more failure makes no outage of them unless most of them failed.
    """
    return service.recent_faults >= (1 if state == "down" else FAULTS_MIN)


def probes(seen: Mapping[str, ProbeSeen], *, now: datetime, stale_after: timedelta) -> Iterator[Condition]:
    """One condition for each service that is probed. One that was not probed for a while (credentials removed) is nobody's trouble."""
    for name, probe in sorted(seen.items()):
        if now - probe.at > stale_after:
            yield Condition(kind="probe_failed", subject=name, level="well", summary=f"{name} is not probed any more")
        elif probe.failures >= PROBE_FAILURES_MIN:
            yield Condition(
                kind="probe_failed",
                subject=name,
                level="trouble",
                severity="failed",
                summary=f"{name} cannot be used: {probe.failures} probes in a row failed",
                since_at=probe.failing_since,
                error_code=probe.error_code,
                error_message=probe.message,
                fault=probe.fault,
            )
        else:
            level: Level = "between" if probe.failures else "well"
            yield Condition(kind="probe_failed", subject=name, level=level, summary=f"{name} answers its probe again")


def probed(before: ProbeSeen | None, *, at: datetime, failure: tuple[str | None, str | None, str | None] | None) -> ProbeSeen:
    """What is known after a probe.

    failure:
        (code, message, fault) of one that failed; None of one that went well.
    """
    if failure is None:
        return ProbeSeen(at=at)
    code, message, fault = failure
    failures = before.failures if before else 0
    since = before.failing_since if before and failures else at
    return ProbeSeen(at=at, failures=failures + 1, failing_since=since, error_code=code, message=message, fault=fault)


def losses(before: LossesSeen | None, writers: Sequence[WatchedWriter], now: datetime) -> LossesSeen:
    """What is known of losses after a look. At the first look of all, only what is young counts as new."""
    lost = {str(writer.writer_id): writer.lost for writer in writers if writer.lost > 0}
    grown = {
        writer: writer.lost - (before.lost.get(str(writer.writer_id), 0) if before else 0)
        for writer in writers
        if before or now - writer.heartbeat_at <= LOSS_WINDOW
    }
    names = [_name(writer) for writer, count in grown.items() if count > 0]
    count = sum(count for count in grown.values() if count > 0)
    is_going_on = before is not None and before.grew_at is not None and now - before.grew_at <= LOSS_WINDOW
    known = before if before is not None and is_going_on else LossesSeen(lost={})
    if not count:
        return msgspec.structs.replace(known, lost=lost)
    return LossesSeen(
        lost=lost,
        grew_at=now,
        grown=known.grown + count,
        began_at=known.began_at or now,
        names=tuple(dict.fromkeys((*known.names, *names)))[: 4 * _NAMED_MAX],
    )


def writers_lose(seen: LossesSeen, now: datetime) -> Condition:
    """Whether records are being lost: dropped, refused by the database, or gone with their process."""
    if seen.grew_at is None or now - seen.grew_at > LOSS_WINDOW:
        return Condition(kind="writers_lost", subject="", level="well", summary="No more records are lost")
    return Condition(
        kind="writers_lost",
        subject="",
        level="trouble",
        severity="lost",
        summary=f"{seen.grown} calls have no record: they were dropped or refused, or died with their process, on {_names(seen.names)}",
        since_at=seen.began_at,
    )


def writers_lag(writers: Sequence[WatchedWriter]) -> Condition:
    """Whether records wait for longer than a batch: on a disk, or by thousands in memory."""
    late = [writer for writer in writers if writer.spooled > 0 or writer.waiting >= WAITING_MIN]
    if not late:
        return Condition(kind="writers_lagging", subject="", level="well", summary="No records wait any more")
    spooled, waiting = sum(writer.spooled for writer in late), sum(writer.waiting for writer in late)
    parts = [f"{spooled} on disk"] * (spooled > 0) + [f"{waiting} in memory"] * (waiting > 0)
    return Condition(
        kind="writers_lagging",
        subject="",
        level="trouble",
        severity="lagging",
        summary=f"Records wait to be written, {' and '.join(parts)}, on {_names([_name(writer) for writer in late])}",
        since_at=min(writer.heartbeat_at for writer in late),
    )


def to_seen(seen: ProbeSeen | LossesSeen) -> dict[str, Any]:
    """As it is kept."""
    kept: dict[str, Any] = msgspec.to_builtins(seen)
    return kept


def _name(writer: WatchedWriter) -> str:
    return f"{writer.host} ({writer.pid})"


def _names(names: Sequence[str]) -> str:
    more = len(names) - _NAMED_MAX
    return ", ".join(names[:_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
