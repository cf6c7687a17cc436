"""What holds for long enough begins, what is clearly better for long enough ends, and nothing flaps."""

import dataclasses
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from integration_monitor.alerts.condition import Condition, Level
from integration_monitor.alerts.tracking import Decision, Patience, Turn, decide
from integration_monitor.store.incidents import Kind, OpenIncident, Severity

BEGIN = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PATIENCE = Patience(begin=timedelta(minutes=2), end=timedelta(minutes=5))


@dataclasses.dataclass
class Story:
    """One subject, looked at minute by minute."""

    kind: Kind = "service_state"
    known: OpenIncident | None = None
    now: datetime = BEGIN
    turns: list[tuple[int, Turn]] = dataclasses.field(default_factory=list)

    def look(self, level: Level | None, *, severity: Severity = "degraded", after: timedelta = timedelta(minutes=1)) -> None:
        """A look that sees this; None where the subject is not there any more."""
        conditions = []
        if level is not None:
            conditions = [Condition(kind=self.kind, subject="telegram", level=level, severity=severity, summary=str(level))]
        for decision in decide([self.known] if self.known else [], conditions, now=self.now, patience=PATIENCE):
            self._take(decision)
        self.now += after

    def _take(self, decision: Decision) -> None:
        self.known = None if decision.turn in {"dropped", "ended"} else decision.incident
        if decision.turn not in {"continued", "suspected"}:
            self.turns.append((round((self.now - BEGIN) / timedelta(minutes=1)), decision.turn))


def told(*levels: Level | None, kind: Kind = "service_state") -> list[tuple[int, Turn]]:
    """What became of these looks, a minute apart: (minute, turn)."""
    story = Story(kind=kind)
    for level in levels:
        story.look(level)
    return story.turns


def looks(level: Level | None, count: int) -> list[Level | None]:
    return [level] * count


def test_trouble_begins_when_it_has_held() -> None:
    assert told("trouble", "trouble", "trouble") == [(2, "began")]


def test_trouble_that_goes_away_for_one_look_begins_anew() -> None:
    assert told("trouble", "trouble", "well", "trouble", "trouble", "trouble") == [(2, "dropped"), (5, "began")]


def test_what_other_rules_say_begins_at_once() -> None:
    assert told("trouble", kind="writers_lost") == [(0, "began")]


def test_lag_must_hold_for_five_minutes() -> None:
    assert told(*looks("trouble", 6), kind="writers_lagging") == [(5, "began")]


def test_old_trouble_begins_nothing_and_keeps_open_what_began() -> None:
    assert told(*looks("lasting", 60)) == []
    assert told(*looks("trouble", 3), *looks("lasting", 60)) == [(2, "began")]


def test_it_ends_when_it_was_clearly_better_for_long_enough() -> None:
    assert told(*looks("trouble", 3), *looks("well", 6)) == [(2, "began"), (8, "ended")]


def test_trouble_that_comes_back_before_the_end_is_the_same_incident() -> None:
    assert told(*looks("trouble", 3), *looks("well", 4), "trouble", *looks("well", 6)) == [(2, "began"), (13, "ended")]


def test_what_is_not_clearly_better_ends_later() -> None:
    assert told(*looks("trouble", 3), *looks("between", 30)) == [(2, "began")]
    assert told(*looks("trouble", 3), *looks("between", 31)) == [(2, "began"), (33, "ended")]


def test_what_is_not_there_any_more_ends() -> None:
    assert told(*looks("trouble", 3), *looks(None, 6)) == [(2, "began"), (8, "ended")]


def test_a_suspicion_that_nobody_looked_at_begins_anew() -> None:
    story = Story()

    story.look("trouble", after=timedelta(minutes=6))
    story.look("trouble")

    assert story.turns == []
    assert story.known is not None
    assert story.known.suspected_at == BEGIN + timedelta(minutes=6)


def test_the_worst_is_kept() -> None:
    story = Story()

    for severity in ("degraded", "degraded", "down", "degraded"):
        story.look("trouble", severity=severity)

    assert story.known is not None
    assert story.known.severity == "down"


@given(levels=st.lists(st.sampled_from(["trouble", "lasting", "between", "well", None]), max_size=120))
def test_beginnings_and_ends_take_turns(levels: list[Level | None]) -> None:
    turns = [turn for _, turn in told(*levels) if turn != "dropped"]

    assert turns == ["began" if index % 2 == 0 else "ended" for index in range(len(turns))]
