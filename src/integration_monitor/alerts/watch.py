"""One round of the watch: ask, judge, decide, and write down whom to tell; and then tell them.

A message is a row that is added in the transaction in which its incident begins or ends. Whoever claims it sends it and then says so. A
server that dies before that leaves it to the next, two minutes later: at least once, and with the same reference.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from integration_monitor import record
from integration_monitor.alerts import rules, silence, tracking, wording
from integration_monitor.alerts.condition import Condition
from integration_monitor.alerts.plan import Plan
from integration_monitor.alerts.rules import LossesSeen, ProbeSeen
from integration_monitor.alerts.silence import History
from integration_monitor.alerts.tracking import Decision
from integration_monitor.alerts.wording import Message
from integration_monitor.monitoring import health, windows
from integration_monitor.monitoring.questions import Questions
from integration_monitor.probing import Probed
from integration_monitor.store.answers import ServiceCounts, WindowFilter
from integration_monitor.store.incidents import DueNotification, Harm, NewNotification, OpenIncident
from integration_monitor.store.postgres.incidents import Decisions, PostgresIncidents

#: The rules are applied so often, by one of all servers.
ROUND_INTERVAL: Final = timedelta(seconds=30)
#: What is learned of a silent service's weeks serves for so long; records may come late, out of a spool.
_HISTORY_KEPT: Final = timedelta(minutes=5)
#: A message that was claimed and never settled is sent by another server after this.
CLAIM: Final = timedelta(minutes=2)
# Apprise waits 4 s to connect and 4 s for each part of an answer: a receiver that drips would hold up the others.
_SEND_TIMEOUT_S: Final = 60
#: The first wait after an attempt that failed; each further one is twice as long, up to the longest.
BACK_OFF: Final = timedelta(seconds=30)
BACK_OFF_MAX: Final = timedelta(minutes=15)
#: Nobody wants yesterday's alert: it is shown as given up.
GIVE_UP_AFTER: Final = timedelta(hours=24)
# Sent at a time; more are claimed by the next turn.
_MESSAGES_MAX: Final = 20
# How far before its first observation an incident's failures may lie: the window of the rule.
_HARM_BEFORE: Final = timedelta(minutes=20)
#: Incidents that ended are kept for a year.
KEPT: Final = timedelta(days=365)
#: The second probe after one that failed comes so soon.
REPROBE_AFTER: Final = timedelta(minutes=1)

logger = logging.getLogger(__name__)


class Watch:
    """The watch of one server over one database.

    clock:
        Gives the time, UTC.
    """

    def __init__(
        self, plan: Plan, incidents: PostgresIncidents, questions: Questions, *, clock: Callable[[], datetime] = record.now
    ) -> None:
        self._plan = plan
        self._incidents = incidents
        self._questions = questions
        self._clock = clock
        self._targets = plan.all_targets()
        self._histories: dict[str, tuple[datetime, History]] = {}

    async def round(self, *, probe_stale_after: timedelta) -> bool:
        """Applies the rules, where it is this server's turn; whether it was.

        probe_stale_after:
            A service whose last probe is older is not probed any more.

        Errors:
            StoreError: the database was away or refused; nothing is lost, the next round sees the same.
        """
        now = self._clock()
        if not await self._incidents.claim("round", "", now=now, next_at=now + ROUND_INTERVAL):
            return False
        async with self._incidents.decisions() as decisions:
            if decisions is None:
                return False
            known = await decisions.open()
            conditions = await self._look(known, now, probe_stale_after)
            for decision in tracking.decide(known, conditions, now=now, patience=self._plan.patience):
                await self._write(decisions, decision, now)
            await decisions.forget(now - KEPT)
        return True

    async def deliver(self) -> int:
        """Sends what is due; how many messages arrived.

        Errors:
            StoreError: the database was away or refused. What was sent and could not be settled is sent again.
        """
        now = self._clock()
        due = await self._incidents.claim_notifications(now=now, claimed_until=now + CLAIM, limit=_MESSAGES_MAX)
        sent = await asyncio.gather(*(self._send(message) for message in due))
        return sum(sent)

    async def claim_probe(self, service: str, *, interval: timedelta) -> bool:
        """Whether a probe of this service is due, and this server's."""
        now = self._clock()
        return await self._incidents.claim("probe", service, now=now, next_at=now + interval)

    async def note_probe(self, probed: Probed, *, interval: timedelta) -> None:
        """Keeps what a probe said. After a failure the next comes sooner, so that one alone is told apart."""
        now = self._clock()
        before = _probes((await self._incidents.seen())["probe"]).get(probed.service_name)
        failure = (probed.error_code, probed.message, probed.fault) if probed.state == "failed" else None
        seen = rules.probed(before, at=now, failure=failure)
        is_doubtful = 0 < seen.failures < rules.PROBE_FAILURES_MIN
        due_at = now + (min(REPROBE_AFTER, interval) if is_doubtful else interval)
        await self._incidents.note("probe", probed.service_name, rules.to_seen(seen), due_at=due_at)

    async def _look(self, known: Sequence[OpenIncident], now: datetime, probe_stale_after: timedelta) -> list[Condition]:
        """A condition for everything that is watched."""
        counts = await self._questions.health_counts(health.sample(now))
        writers = await self._incidents.writers(
            heard_since=now - rules.HEARD_WITHIN, dead_since=now - rules.DEAD_AFTER, waiting_min=rules.WAITING_MIN
        )
        seen = await self._incidents.seen()
        before = msgspec.convert(seen["losses"][""], LossesSeen) if seen["losses"] else None
        losses = rules.losses(before, writers, now)
        if losses != before:
            await self._incidents.note("losses", "", rules.to_seen(losses), due_at=now)
        return [
            *rules.service_states(counts),
            *await self._silences(counts, known, now),
            *rules.probes(_probes(seen["probe"]), now=now, stale_after=probe_stale_after),
            rules.writers_lose(losses, now),
            rules.writers_lag(writers),
        ]

    async def _silences(self, counts: Sequence[ServiceCounts], known: Sequence[OpenIncident], now: datetime) -> list[Condition]:
        """A condition for each service. Only of those that are not called right now, or were silent, is the past read."""
        silent = {incident.subject for incident in known if incident.kind == "service_silent"}
        asked = [one.service_name for one in counts if one.recent_count == 0 or one.service_name in silent]
        young = now - _HISTORY_KEPT
        kept = {name: kept for name, kept in self._histories.items() if name in asked and young <= kept[0] <= now}
        if missing := [name for name in asked if name not in kept]:
            rows = await self._incidents.calls(
                missing, hours_since=now - silence.HOURS_KEPT, minutes_since=now - silence.PAUSES_WITHIN
            )
            found = silence.histories(rows)
            kept |= {name: (now, found.get(name, History(hours={}, minutes=[]))) for name in missing}
        self._histories = kept
        histories = {name: history for name, (_, history) in kept.items()}
        return [
            silence.silence(one.service_name, histories.get(one.service_name), recent_calls=one.recent_count, now=now)
            for one in counts
        ]

    async def _write(self, decisions: Decisions, decision: Decision, now: datetime) -> None:
        incident = decision.incident
        if decision.turn == "dropped":
            await decisions.drop(incident)
        elif decision.turn == "began" and decision.condition is not None:
            await self._begin(decisions, incident, decision.condition, now)
        else:
            await decisions.keep(incident)
            if decision.turn == "ended":
                await self._end(decisions, incident, decision.condition, now)

    async def _begin(self, decisions: Decisions, incident: OpenIncident, condition: Condition, now: datetime) -> None:
        harm = await self._harm(decisions, incident, now)
        since = harm.first_failed_at if harm is not None and harm.first_failed_at is not None else incident.since_at
        incident = msgspec.structs.replace(incident, facts=wording.facts(condition, harm), since_at=since)
        await decisions.keep(incident)
        calls = await self._calls(incident.subject, since, now) if harm is not None else 0
        message = wording.beginning(incident, condition, harm, self._plan, calls=calls)
        due_at = self._plan.told_at(incident.subject, now)
        for target in self._plan.targets_of(incident.subject):
            await decisions.notify(_notification(incident, target.name, message, now=now, due_at=due_at))

    async def _harm(self, decisions: Decisions, incident: OpenIncident, now: datetime) -> Harm | None:
        if incident.kind != "service_state":
            return None
        since = incident.suspected_at - _HARM_BEFORE
        return await decisions.harm(incident.subject, since=since, until=now, excused_faults=health.EXCUSED_FAULTS)

    async def _calls(self, service: str, since: datetime, until: datetime) -> int:
        """How many calls there were, by whole minutes: the share of failures in a quarter of an hour hides that now all of them fail."""
        asked = windows.align(
            WindowFilter(since_before=since, since=since, until=until, step=None, group_by=(), service=service),
            until,
            is_compared=False,
        )
        ranges = list(windows.cut(asked.since, asked.until, None))
        return sum(row.count for row in await self._questions.windows(asked, ranges=ranges, after=None, limit=1))

    async def _end(self, decisions: Decisions, incident: OpenIncident, condition: Condition | None, now: datetime) -> None:
        """Whoever was told of the beginning is told of the end. Where both lie in quiet hours, of both at once."""
        for told in await decisions.began(incident.id):
            is_held = told.is_untold and told.due_at > now
            if is_held:
                await decisions.supersede(incident.id, told.target, now)
            message = wording.end(incident, condition, self._plan, is_beginning_untold=is_held)
            due_at = self._plan.told_at(incident.subject, now)
            await decisions.notify(_notification(incident, told.target, message, now=now, due_at=due_at))

    async def _send(self, message: DueNotification) -> bool:
        target = self._targets.get(message.target)
        if target is None:
            error: str | None = "this target is not among the settings any more"
        else:
            sending = asyncio.to_thread(target.send, title=message.title, body=message.body, is_end=message.phase == "ended")
            try:
                error = await asyncio.wait_for(sending, _SEND_TIMEOUT_S)
            except TimeoutError:
                error = f"the receiver did not answer within {_SEND_TIMEOUT_S} s"
        now = self._clock()
        if error is None:
            await self._incidents.settle(message.id, "sent", now=now, due_at=now, error=None)
            return True
        is_hopeless = now - message.created_at >= GIVE_UP_AFTER
        # The exponent is bounded only so that the number stays one that a timedelta holds.
        wait = min(BACK_OFF_MAX, BACK_OFF * 2 ** min(message.attempts - 1, 10))
        state = "given_up" if is_hopeless else "waiting"
        await self._incidents.settle(message.id, state, now=now, due_at=now + wait, error=error)
        outlook = "given up" if is_hopeless else f"next attempt in {wait.total_seconds():.0f} s"
        logger.warning(
            "the alert %r could not be sent to %s (%s), attempt %d: %s",
            message.title,
            message.target,
            error,
            message.attempts,
            outlook,
        )
        return False


def _probes(seen: Mapping[str, Any]) -> Mapping[str, ProbeSeen]:
    # One that was claimed for the first time has said nothing yet.
    return {name: msgspec.convert(one, ProbeSeen) for name, one in seen.items() if one}


def _notification(incident: OpenIncident, target: str, message: Message, *, now: datetime, due_at: datetime) -> NewNotification:
    return NewNotification(
        incident_id=incident.id,
        phase="began" if incident.ended_at is None else "ended",
        target=target,
        title=message.title,
        body=message.body,
        created_at=now,
        due_at=due_at,
    )
