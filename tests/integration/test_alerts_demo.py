"""The demo's company loses its WhatsApp channel for five hours: one message when that begins, and one when it ends."""

import contextlib
import itertools
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from integration_monitor import record
from integration_monitor.batch import Batch
from integration_monitor.demo.history import records
from integration_monitor.demo.traffic import INCIDENTS
from integration_monitor.record import IntegrationLog
from integration_monitor.store.postgres.sink import PostgresSink
from tests.integration.receiver import Receiver
from tests.integration.watching import scene

[INCIDENT] = [one for one in INCIDENTS if one.service == "whapi" and one.share == 1]
# A Wednesday at nine in Almaty, where the company works: the same calls in every run.
BEGAN = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
BEGINNING, END = BEGAN - timedelta(minutes=45), BEGAN + INCIDENT.lasted + timedelta(hours=3)
STEP = timedelta(minutes=3)


def calls(days: timedelta) -> Iterator[IntegrationLog]:
    """The company's calls around the outage, as if it had been so many days later."""
    for log in records(BEGAN + INCIDENT.began_ago, random.Random(20), since=BEGINNING):
        if log.created_at >= END:
            return
        at = log.created_at + days
        yield msgspec.structs.replace(log, id=record.new_id(at), created_at=at, updated_at=at)


def test_an_outage_in_the_demo_is_one_message_and_its_end_another(database_url: str) -> None:
    # Yesterday: minutes are kept for two days.
    days = datetime.now(UTC).replace(hour=4, minute=0, second=0, microsecond=0) - timedelta(days=1) - BEGAN
    receiver = Receiver()
    with scene(database_url) as watched, contextlib.closing(PostgresSink(database_url)) as sink:
        watched.add_server(alerts_urls=[receiver.url])
        for _, group in itertools.groupby(calls(days), key=lambda log: (log.created_at - BEGINNING) // STEP):
            batch = list(group)
            sink.write(Batch(records=batch))
            watched.clock.now = batch[-1].created_at
            watched.look(minutes=0)
    receiver.stop()

    told = [message for message in receiver.messages if message["title"].startswith("whapi")]
    assert [message["title"] for message in told] == ["whapi is down", "whapi works again"]
    assert "Whose fault: auth: key, token, rights or balance; for whoever holds the account" in told[0]["message"]
    assert "It was down from" in told[1]["message"]
