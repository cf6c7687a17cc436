"""From conditions to incidents: what holds for long enough begins, and what is clearly better for long enough ends.

Nothing flaps: a suspicion that goes away for one look is dropped, and an incident whose trouble comes back before the end goes on.
"""

import dataclasses
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from integration_monitor.alerts.condition import SEVERITIES, Condition
from integration_monitor.store.incidents import Kind, OpenIncident

#: suspected, continued: kept and told to nobody; dropped: a suspicion that went away; began, ended: told
Turn = Literal["suspected", "continued", "dropped", "began", "ended"]

# Between looks that are further apart nobody knows what was: a suspicion begins anew.
_UNSEEN_MAX: Final = timedelta(minutes=5)
# Trouble that is over without being clearly better, such as 4 % of failures for good, ends after this.
_CALM_MAX: Final = timedelta(minutes=30)
# A disk is emptied, and a store that was away caught up with, in less.
_LAG_HOLD: Final = timedelta(minutes=5)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What becomes of one incident or suspicion."""

    turn: Turn
    incident: OpenIncident
    #: what was observed; None where its subject is not there any more
    condition: Condition | None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long a condition must hold."""

    #: for trouble of a service's state to begin an incident
    begin: timedelta
    #: for what is clearly better to end one
    end: timedelta

    def to_begin(self, kind: Kind) -> timedelta:
        """How long trouble of this kind must hold. The other rules are patient by themselves, and a loss is a loss."""
        if kind == "writers_lagging":
            return max(self.begin, _LAG_HOLD)
        return self.begin if kind == "service_state" else timedelta(0)


def decide(
    known: Sequence[OpenIncident],
    conditions: Sequence[Condition],
    *,
    now: datetime,
    patience: Patience,
    new_id: Callable[[], uuid.UUID] = uuid.uuid4,
) -> Iterator[Decision]:
    """What becomes of what is known and of what is seen; one decision for each, and none for what is well and unknown.

    known:
        Incidents and suspicions that have not ended.
    conditions:
        Of everything that is watched: what is not among them is there no more, and so its trouble is over.
    """
    seen: Mapping[tuple[Kind, str], Condition] = {(one.kind, one.subject): one for one in conditions}
    for incident in known:
        condition = seen.get((incident.kind, incident.subject))
        if condition is not None and condition.level in {"trouble", "lasting"}:
            yield _goes_on(incident, condition, now, patience)
        else:
            yield _calms_down(incident, condition, now, patience)
    tracked = {(incident.kind, incident.subject) for incident in known}
    for key, condition in seen.items():
        if condition.level == "trouble" and key not in tracked:
            yield _goes_on(_suspicion(condition, now, new_id()), condition, now, patience)


def _suspicion(condition: Condition, now: datetime, incident_id: uuid.UUID) -> OpenIncident:
    return OpenIncident(
        id=incident_id,
        kind=condition.kind,
        subject=condition.subject,
        severity=condition.severity,
        summary=condition.summary,
        facts={},
        suspected_at=now,
        observed_at=now,
        since_at=condition.since_at or now,
        began_at=None,
        calm_at=None,
        well_at=None,
    )


def _goes_on(incident: OpenIncident, condition: Condition, now: datetime, patience: Patience) -> Decision:
    changed = msgspec.structs.replace(
        incident,
        severity=max(incident.severity, condition.severity, key=SEVERITIES.index),
        summary=condition.summary,
        observed_at=now,
        calm_at=None,
        well_at=None,
    )
    if incident.began_at is not None:
        return Decision(turn="continued", incident=changed, condition=condition)
    if now - incident.observed_at > _UNSEEN_MAX:
        changed = msgspec.structs.replace(
            changed, severity=condition.severity, suspected_at=now, since_at=condition.since_at or now
        )
    if now - changed.suspected_at < patience.to_begin(condition.kind):
        return Decision(turn="suspected", incident=changed, condition=condition)
    return Decision(turn="began", incident=msgspec.structs.replace(changed, began_at=now), condition=condition)


def _calms_down(incident: OpenIncident, condition: Condition | None, now: datetime, patience: Patience) -> Decision:
    if incident.began_at is None:
        return Decision(turn="dropped", incident=incident, condition=condition)
    is_well = condition is None or condition.level == "well"
    changed = msgspec.structs.replace(
        incident,
        observed_at=now,
        calm_at=incident.calm_at or now,
        well_at=(incident.well_at or now) if is_well else None,
    )
    assert changed.calm_at is not None
    is_well_for_long = changed.well_at is not None and now - changed.well_at >= patience.end
    if is_well_for_long or now - changed.calm_at >= max(_CALM_MAX, patience.end):
        return Decision(turn="ended", incident=msgspec.structs.replace(changed, ended_at=now), condition=condition)
    return Decision(turn="continued", incident=changed, condition=condition)
