"""The one rule for a service's state, at its borders."""

import pytest

from integration_monitor.monitoring.health import State, health, state
from integration_monitor.store.answers import ServiceCounts


def counts(
    *, recent: tuple[int, int] = (0, 0), latest: tuple[int, int] = (0, 0), total: int = 0, failed: int = 0
) -> ServiceCounts:
    """What was counted of a service; samples are (calls, faults)."""
    return ServiceCounts(
        service_name="amocrm",
        total_requests=total,
        success_count=total - failed,
        failed_count=failed,
        avg_duration_ms=None,
        recent_count=recent[0],
        recent_faults=recent[1],
        latest_count=latest[0],
        latest_faults=latest[1],
    )


@pytest.mark.parametrize(
    ("calls", "faults", "expected"),
    [
        (5, 0, "healthy"),
        (1000, 49, "healthy"),
        (20, 1, "degraded"),  # 5 % exactly
        (1000, 50, "degraded"),
        (1000, 499, "degraded"),
        (10, 5, "down"),  # 50 % exactly
        (5, 5, "down"),
    ],
)
def test_recent_share_of_faults_decides(calls: int, faults: int, expected: State) -> None:
    assert state(counts(recent=(calls, faults), latest=(20, 0 if expected == "down" else 20))) == expected


@pytest.mark.parametrize(
    ("calls", "faults", "expected"),
    [(20, 0, "healthy"), (20, 1, "degraded"), (20, 9, "degraded"), (20, 10, "down"), (1, 0, "healthy"), (1, 1, "down")],
)
def test_fewer_than_five_recent_calls_leave_it_to_the_latest(calls: int, faults: int, expected: State) -> None:
    assert state(counts(recent=(4, 4 if expected == "healthy" else 0), latest=(calls, faults))) == expected


def test_five_recent_calls_are_enough() -> None:
    assert state(counts(recent=(5, 0), latest=(20, 20))) == "healthy"


def test_no_call_is_idle() -> None:
    assert state(counts()) == "idle"


def test_failure_rate_has_two_decimals_and_counts_every_failure() -> None:
    judged = health(counts(recent=(6, 0), latest=(6, 0), total=6, failed=2))

    assert judged.failure_rate_percent == 33.33
    assert judged.state == "healthy"


def test_failure_rate_without_calls_is_zero() -> None:
    assert health(counts()).failure_rate_percent == 0.0
