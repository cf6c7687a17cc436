"""What the stand-in company does and when: a language school whose office works from nine to seven, Almaty time.

A moment in, and at it one call with the answer it will get. Everything is drawn from a seeded generator, so that the past looks the same
in every demo.
"""

import dataclasses
import math
import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Literal

ALMATY = timezone(timedelta(hours=5))

#: How a call ends; `ok` everywhere else names one of the service's own troubles, see `calls`.
Ending = str

Service = Literal["amocrm", "mobizon", "resend", "telegram", "whapi"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Moment:
    """One call of the company."""

    at: datetime
    service: Service
    #: which call of the service, a key of `calls.CALLS`
    call: str
    ending: Ending


@dataclasses.dataclass(frozen=True, kw_only=True)
class Habit:
    """How a service is used on an ordinary day."""

    #: calls in the busiest hour of a working day
    calls_per_hour: float
    #: call → how often, relative to the others
    calls: dict[str, float]
    #: ending → share of all calls
    troubles: dict[Ending, float]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Incident:
    """A time in which a service fails more than it should."""

    service: Service
    #: before now
    began_ago: timedelta
    lasted: timedelta
    ending: Ending
    #: of the calls made meanwhile
    share: float


HABITS: dict[Service, Habit] = {
    "amocrm": Habit(
        calls_per_hour=52,
        calls={"sync_lead": 5, "add_note": 3, "list_leads": 2, "check_account": 1},
        troubles={"invalid": 0.012, "too_many": 0.008, "gateway": 0.003},
    ),
    "mobizon": Habit(
        calls_per_hour=18,
        calls={"send_code": 6, "check_status": 2, "check_balance": 1},
        troubles={"wrong_number": 0.025, "too_often": 0.004},
    ),
    "resend": Habit(
        calls_per_hour=28,
        calls={"send_receipt": 5, "send_schedule": 3, "list_domains": 0.5},
        troubles={"invalid": 0.01, "too_many": 0.012},
    ),
    "telegram": Habit(
        calls_per_hour=48,
        calls={"remind": 8, "send_homework": 3, "check_bot": 0.5},
        troubles={"blocked": 0.035, "flood": 0.006, "timeout": 0.002},
    ),
    "whapi": Habit(
        calls_per_hour=24,
        calls={"confirm_lesson": 6, "check_phone": 2, "check_channel": 1},
        troubles={"not_sent": 0.008, "gateway": 0.004},
    ),
}

INCIDENTS: tuple[Incident, ...] = (
    Incident(service="amocrm", began_ago=timedelta(days=21, hours=6), lasted=timedelta(hours=3), ending="gateway", share=0.55),
    Incident(service="mobizon", began_ago=timedelta(days=13, hours=4), lasted=timedelta(hours=9), ending="no_balance", share=1),
    Incident(service="resend", began_ago=timedelta(days=6, hours=5), lasted=timedelta(hours=4), ending="revoked", share=1),
    Incident(service="whapi", began_ago=timedelta(days=2, hours=8), lasted=timedelta(hours=5), ending="unlinked", share=1),
    Incident(service="telegram", began_ago=timedelta(hours=9), lasted=timedelta(hours=1, minutes=30), ending="flood", share=0.4),
    # The one that is going on when somebody opens the dashboard.
    Incident(service="whapi", began_ago=timedelta(minutes=40), lasted=timedelta(minutes=55), ending="unlinked", share=0.35),
)

HISTORY = timedelta(days=30)


def past(now: datetime, generator: random.Random) -> Iterator[Moment]:
    """The calls of the last 30 days, oldest first."""
    hour = (now - HISTORY).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while hour < now:
        end = min(hour + timedelta(hours=1), now)
        seconds = (end - hour).total_seconds()
        moments: list[Moment] = []
        for service, habit in HABITS.items():
            expected = habit.calls_per_hour * business(hour) * seconds / 3600
            count = int(expected) + (generator.random() < expected % 1)
            times = (hour + timedelta(seconds=generator.uniform(0, seconds)) for _ in range(count))
            moments.extend(draw(at, service, now, generator) for at in times)
        yield from sorted(moments, key=lambda moment: moment.at)
        hour = end


def live(now: datetime, began: datetime, generator: random.Random) -> Moment:
    """The next call, any service. `began` is when the demo began: incidents are told from it."""
    services = list(HABITS)
    service = generator.choices(services, [HABITS[one].calls_per_hour for one in services])[0]
    return draw(now, service, began, generator)


def draw(at: datetime, service: Service, now: datetime, generator: random.Random) -> Moment:
    """A call of this service at this moment, with an ending by habit or by an incident told from `now`."""
    habit = HABITS[service]
    call = generator.choices(list(habit.calls), list(habit.calls.values()))[0]
    for incident in INCIDENTS:
        since = now - incident.began_ago
        if incident.service == service and since <= at < since + incident.lasted and generator.random() < incident.share:
            return Moment(at=at, service=service, call=call, ending=incident.ending)
    drawn = generator.random()
    for ending, share in habit.troubles.items():
        drawn -= share
        if drawn < 0:
            return Moment(at=at, service=service, call=call, ending=ending)
    return Moment(at=at, service=service, call=call, ending="ok")


def business(at: datetime) -> float:
    """How busy the school is, 0 to 1: a bell over the working day, little at night, less at the week's end."""
    local = at.astimezone(ALMATY)
    bell = math.exp(-(((local.hour + local.minute / 60) - 14) ** 2) / (2 * 3.5**2))
    return (0.06 + 0.94 * bell) * (0.7 if local.isoweekday() > 5 else 1)  # noqa: PLR2004 - Saturday and Sunday
