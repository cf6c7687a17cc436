"""Each service's last 24 hours, and the one rule for its state.

The rule, as docs/glossary.md tells it: the sample is the last 15 minutes where they hold at least 5 calls, else the last 20 calls of the
last 24 hours. Judged is the share of failures in it whose fault is not `ours` or `recipient`: a recipient who blocked the bot is no
outage. A fault that another writer made up, or none, is unclassified. A call that is not finished is a call, and no failure.
It is judged by whole minutes, since sums have no finer moment: the latest calls are the latest minutes that hold so many.
"""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from integration_monitor import record
from integration_monitor.monitoring.page import Page
from integration_monitor.monitoring.questions import Questions
from integration_monitor.record import Fault
from integration_monitor.store.answers import AverageMs, FailureRate, HealthSample, Service, ServiceCounts

State = Literal["healthy", "degraded", "down", "idle"]

WINDOW: Final = timedelta(hours=24)
RECENT_WINDOW: Final = timedelta(minutes=15)
# Fewer calls than this say too little about a quarter of an hour.
RECENT_CALLS_MIN: Final = 5
LATEST_CALLS_MAX: Final = 20
#: Faults that do not speak against the service; auth, vendor, network, limit and whatever is unclassified do.
EXCUSED_FAULTS: Final[tuple[Fault, ...]] = ("ours", "recipient")
DEGRADED_FROM_PERCENT: Final = 5
DOWN_FROM_PERCENT: Final = 50
# A service that is silent now but was called in this time is listed, as idle.
SEEN_WINDOW: Final = timedelta(days=30)


class ServiceHealth(msgspec.Struct, kw_only=True, frozen=True):
    """A service's last 24 hours."""

    service_name: Service
    total_requests: Annotated[int, Meta(description="Records of the last 24 hours, whatever their status.")]
    success_count: Annotated[int, Meta(description="Successful records.")]
    failed_count: Annotated[int, Meta(description="Failed records.")]
    failure_rate_percent: FailureRate
    avg_duration_ms: AverageMs
    state: Annotated[
        State,
        Meta(
            description="By the share of failures that speak against the service (fault auth, vendor, network, limit or unclassified) "
            "in the last 15 minutes, or in the last 20 calls where those hold fewer than 5: healthy below 5 %, degraded below 50 %, "
            "else down; idle without calls in 24 hours."
        ),
    ]


async def services(questions: Questions) -> Page[ServiceHealth]:
    """One row for each service seen in the last 30 days, by name; there is always one page only."""
    counts = await questions.health_counts(sample(record.now()))
    return Page(data=[health(service) for service in counts])


def sample(now: datetime) -> HealthSample:
    """Which records the rule looks at."""
    return HealthSample(
        seen_since=now - SEEN_WINDOW,
        since=now - WINDOW,
        recent_since=now - RECENT_WINDOW,
        recent_min=RECENT_CALLS_MIN,
        latest_max=LATEST_CALLS_MAX,
        excused_faults=EXCUSED_FAULTS,
    )


def health(counts: ServiceCounts) -> ServiceHealth:
    """A service's health from what was counted."""
    total = counts.total_requests
    return ServiceHealth(
        service_name=counts.service_name,
        total_requests=total,
        success_count=counts.success_count,
        failed_count=counts.failed_count,
        failure_rate_percent=round(100 * counts.failed_count / total, 2) if total else 0.0,
        avg_duration_ms=counts.avg_duration_ms,
        state=state(counts),
    )


def state(counts: ServiceCounts) -> State:
    """The rule itself."""
    is_recent_enough = counts.recent_count >= RECENT_CALLS_MIN
    calls = counts.recent_count if is_recent_enough else counts.latest_count
    faults = counts.recent_faults if is_recent_enough else counts.latest_faults
    if calls == 0:
        return "idle"
    # Whole numbers: 1 of 20 is 5 % exactly, which a float may miss.
    if faults * 100 < calls * DEGRADED_FROM_PERCENT:
        return "healthy"
    return "degraded" if faults * 100 < calls * DOWN_FROM_PERCENT else "down"
