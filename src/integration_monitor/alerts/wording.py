"""The words of a message: plain text, English, without a secret and without anything of a payload but ids of entities."""

import dataclasses
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from integration_monitor.alerts.condition import Condition
from integration_monitor.alerts.plan import Plan
from integration_monitor.record import Fault
from integration_monitor.store.incidents import Harm, Kind, OpenIncident, Severity

#: Longer words of a vendor are cut.
VENDOR_LENGTH_MAX: Final = 300
# A subject line holds no more.
_TITLE_LENGTH_MAX: Final = 120
#: What to do, as docs/glossary.md tells it.
FAULTS: Final[dict[Fault, str]] = {
    "ours": "ours: we sent something wrong; for the developer",
    "auth": "auth: key, token, rights or balance; for whoever holds the account",
    "limit": "limit: a rate or quota was used up; send less, or later",
    "recipient": "recipient: this recipient cannot be reached; mark the recipient",
    "vendor": "vendor: their server failed; wait, or ask them",
    "network": "network: no answer came; wait, or look at the network",
    "unclassified": "unclassified: the rules do not know yet; read the records",
}
_BEGAN: Final[dict[Severity, str]] = {
    "degraded": "{} is degraded",
    "down": "{} is down",
    "silent": "{} is silent",
    "failed": "{} fails its probe",
    "lost": "Records are being lost",
    "lagging": "Records wait to be written",
}
_ENDED: Final[dict[Kind, str]] = {
    "service_state": "{} works again",
    "service_silent": "{} is no longer silent",
    "probe_failed": "{} no longer fails its probe",
    "writers_lost": "No more records are lost",
    "writers_lagging": "No records wait any more",
}
# Line ends and other controls would be further headers of an e-mail, and marks of direction another text.
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What is sent."""

    title: str
    body: str


def beginning(incident: OpenIncident, condition: Condition, harm: Harm | None, plan: Plan, *, calls: int) -> Message:
    """The message that an incident begins with.

    calls:
        Of the service since its first failure.
    """
    lines = [f"{_line(condition.summary)}.", f"Since: {_time(incident.since_at, plan)}"]
    lines += _harm(harm, calls) if harm is not None and harm.failed_count else _said(condition)
    return _message(_BEGAN[incident.severity].format(incident.subject), lines, incident, "began", plan)


def end(incident: OpenIncident, condition: Condition | None, plan: Plan, *, is_beginning_untold: bool) -> Message:
    """The message that it ends with.

    is_beginning_untold:
        Whether this is the first that is told of it, after quiet hours.
    """
    assert incident.ended_at is not None
    summary = condition.summary if condition is not None else "It is not watched any more"
    calm_at = incident.calm_at or incident.ended_at
    lasted = _duration(calm_at - incident.since_at)
    lines = [
        f"{_line(summary)}.",
        f"It was {incident.severity} from {_time(incident.since_at, plan)}",
        f"to {_time(calm_at, plan)}: {lasted}.",
    ]
    lines.append(f"What it was: {_line(incident.summary)}.")
    if is_beginning_untold:
        lines.append("Its beginning was not told: it lay in quiet hours.")
    return _message(_ENDED[incident.kind].format(incident.subject), lines, incident, "ended", plan)


def trial(plan: Plan) -> Message:
    """What `integration-monitor alerts test` sends."""
    lines = ["This is a test: nothing is wrong. Alerts of Integration Monitor will come here."]
    if plan.public_url:
        lines.append(f"Dashboard: {plan.public_url}")
    return Message(title="Integration Monitor: a test", body="\n".join(lines))


def facts(condition: Condition, harm: Harm | None) -> dict[str, object]:
    """What is kept of a beginning with its incident: the same that its message tells."""
    if harm is None or not harm.failed_count:
        known = {"error_code": condition.error_code, "error_message": _cut(condition.error_message), "fault": condition.fault}
        return {name: value for name, value in known.items() if value}
    return {
        "failed_count": harm.failed_count,
        "entity_count": harm.entity_count,
        "actions": list(harm.actions),
        "entities": list(harm.entities),
        "error_code": harm.error_code,
        "error_message": _cut(harm.error_message),
        "fault": harm.fault,
    }


def _harm(harm: Harm, calls: int) -> Iterator[str]:
    if calls >= harm.failed_count:
        yield f"From then on: {harm.failed_count} of {_count(calls, 'call')} failed"
    yield f"Whom it hurts: {_count(harm.failed_count, 'failed call')} ({_line(', '.join(harm.actions))})"
    if harm.entity_count:
        more = harm.entity_count - len(harm.entities)
        named = _line(", ".join(harm.entities)) + (f" and {more} more" if more > 0 else "")
        yield f"Entities: {harm.entity_count} ({named})"
    words = " ".join(filter(None, (harm.error_code, _cut(harm.error_message))))
    yield f"What the vendor said: {_line(words) or 'nothing'} ({harm.error_count} of {harm.failed_count})"
    if harm.fault is not None:
        yield f"Whose fault: {FAULTS[harm.fault]}"


def _said(condition: Condition) -> Iterator[str]:
    if words := " ".join(filter(None, (condition.error_code, _cut(condition.error_message)))):
        yield f"What the vendor said: {_line(words)}"
    for fault, meaning in FAULTS.items():
        if condition.fault == fault:
            yield f"Whose fault: {meaning}"


def _message(title: str, lines: list[str], incident: OpenIncident, phase: str, plan: Plan) -> Message:
    if plan.public_url:
        lines.append(f"Dashboard: {plan.public_url}")
    # The same message may come twice: a receiver tells by this.
    lines.append(f"Incident {incident.id}, {phase}")
    return Message(title=_line(title)[:_TITLE_LENGTH_MAX], body="\n".join(lines))


def _time(at: datetime, plan: Plan) -> str:
    local = at.astimezone(plan.zone)
    return f"{local:%Y-%m-%d %H:%M} {plan.zone.key}"


def _duration(lasted: timedelta) -> str:
    minutes = max(1, round(lasted.total_seconds() / 60))
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return " ".join(f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if count)


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _cut(words: str | None) -> str | None:
    if words is None or len(words) <= VENDOR_LENGTH_MAX:
        return words
    return words[: VENDOR_LENGTH_MAX - 1] + "…"


def _line(text: str) -> str:
    return _CONTROLS.sub(" ", text).strip()
