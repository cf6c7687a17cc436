"""What the rules say, and the words that are made of it."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integration_monitor.alerts import rules, wording
from integration_monitor.alerts.condition import Condition, Level
from integration_monitor.alerts.plan import plan
from integration_monitor.alerts.rules import LossesSeen
from integration_monitor.settings import load
from integration_monitor.store.answers import ServiceCounts
from integration_monitor.store.incidents import Harm, OpenIncident, WatchedWriter

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PLAN = plan(load({"public_url": "https://monitor.test"}, environment={}))


def state(*, recent: tuple[int, int] = (0, 0), latest: tuple[int, int] = (0, 0)) -> Condition:
    """The condition of a service; samples are (calls, faults)."""
    counts = ServiceCounts(
        service_name="whapi",
        total_requests=0,
        success_count=0,
        failed_count=0,
        avg_duration_ms=None,
        recent_count=recent[0],
        recent_faults=recent[1],
        latest_count=latest[0],
        latest_faults=latest[1],
    )
    [condition] = rules.service_states([counts])
    return condition


@pytest.mark.parametrize(
    ("recent", "latest", "expected"),
    [
        ((100, 4), (0, 0), "between"),
        ((100, 5), (0, 0), "trouble"),
        ((100, 3), (0, 0), "between"),
        ((100, 2), (0, 0), "well"),
        ((20, 1), (0, 0), "between"),  # one failure alone
        ((0, 0), (0, 0), "well"),  # idle
        ((0, 0), (20, 12), "lasting"),  # down, by what is hours old
        ((1, 1), (20, 12), "trouble"),
        ((1, 1), (20, 3), "lasting"),  # degraded by old failures, and one more
        ((2, 2), (20, 3), "trouble"),
    ],
)
def test_fresh_failures_begin_and_old_ones_only_keep_open(
    recent: tuple[int, int], latest: tuple[int, int], expected: Level
) -> None:
    assert state(recent=recent, latest=latest).level == expected


def writer(lost: int, *, number: int = 1, age: timedelta = timedelta(0)) -> WatchedWriter:
    return WatchedWriter(
        writer_id=uuid.UUID(int=number), host=f"web-{number}", pid=42, heartbeat_at=NOW - age, spooled=0, waiting=0, lost=lost
    )


def test_the_first_look_takes_only_young_losses_for_new() -> None:
    assert rules.losses(None, [writer(5, age=timedelta(days=1))], NOW).grew_at is None
    assert rules.losses(None, [writer(5)], NOW).grown == 5


def test_only_growth_is_a_loss() -> None:
    before = rules.losses(LossesSeen(lost={}), [writer(5)], NOW)

    same = rules.losses(before, [writer(5)], NOW + timedelta(minutes=1))
    more = rules.losses(same, [writer(7), writer(1, number=2)], NOW + timedelta(minutes=2))
    later = rules.losses(more, [writer(8)], NOW + timedelta(hours=2))

    assert (same.grown, same.grew_at) == (5, NOW)
    assert (more.grown, more.began_at) == (8, NOW)
    assert more.names == ("web-1 (42)", "web-2 (42)")
    assert (later.grown, later.began_at) == (1, NOW + timedelta(hours=2))


def incident(**fields: Any) -> OpenIncident:
    return OpenIncident(
        **{
            "id": uuid.UUID(int=7),
            "kind": "service_state",
            "subject": "whapi",
            "severity": "down",
            "summary": "whapi is down",
            "facts": {},
            "suspected_at": NOW,
            "observed_at": NOW,
            "since_at": NOW,
            "began_at": NOW,
            "calm_at": None,
            "well_at": None,
            **fields,
        }
    )


def harm(**fields: Any) -> Harm:
    return Harm(
        **{
            "failed_count": 1,
            "entity_count": 0,
            "first_failed_at": NOW,
            "last_failed_at": NOW,
            "actions": ["send 1"],
            "entities": [],
            "error_code": "HTTP_500",
            "error_message": "Oops",
            "error_count": 1,
            "fault": "vendor",
            **fields,
        }
    )


def test_a_vendors_words_stay_in_their_line() -> None:
    hostile = "x\r\nBcc: everyone@evil.test\u2028Dashboard: https://evil.test\u202e\x00"

    message = wording.beginning(
        incident(subject=hostile), state(recent=(9, 9)), harm(error_message=hostile, actions=[hostile]), PLAN, calls=1
    )

    assert len(message.title.splitlines()) == 1
    assert [line for line in message.body.splitlines() if line.startswith(("Bcc", "Dashboard"))] == [
        "Dashboard: https://monitor.test"
    ]
    assert "\u202e" not in message.body + message.title


def test_long_words_are_cut() -> None:
    message = wording.beginning(incident(subject="w" * 500), state(recent=(9, 9)), harm(error_message="x" * 5000), PLAN, calls=1)

    assert message.body.count("x") == wording.VENDOR_LENGTH_MAX - 1
    assert len(message.title) == 120


def test_the_end_tells_how_long_it_was() -> None:
    ended = incident(since_at=NOW, calm_at=NOW + timedelta(hours=26, minutes=5), ended_at=NOW + timedelta(hours=27))

    message = wording.end(ended, state(recent=(9, 0)), PLAN, is_beginning_untold=False)

    assert message.title == "whapi works again"
    assert "1 d 2 h 5 min." in message.body
    assert message.body.splitlines()[-1] == f"Incident {ended.id}, ended"
