"""No message is lost: not by a receiver that is away, not by a server that dies between the decision and the sending."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest

from integration_monitor.alerts import watch as watch_module
from integration_monitor.errors import StoreError
from tests.integration.receiver import Receiver
from tests.integration.watching import STALE_AFTER, Scene, scene

STATES = "select phase, state, attempts, error from integration_monitor.notifications order by phase"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def watched(database_url: str) -> Iterator[Scene]:
    with scene(database_url) as opened:
        yield opened


def test_a_receiver_that_was_away_is_told_when_it_is_back(watched: Scene, receiver: Receiver) -> None:
    watched.add_server(alerts_urls=[receiver.url])
    receiver.stop()
    watched.live(minutes=6, failed=3)
    told_nothing = watched.fetch(STATES)

    receiver.start()
    watched.look(minutes=15)
    watched.look()

    [(phase, state, attempts, error)] = told_nothing
    assert (phase, state) == ("began", "waiting")
    assert attempts >= 2
    assert error == "the receiver could not be reached, or refused"
    assert receiver.titles == ["telegram is down"]
    assert watched.fetch("select state, error from integration_monitor.notifications") == [("sent", None)]


def test_attempts_grow_rarer(watched: Scene, receiver: Receiver) -> None:
    watch = watched.add_server(alerts_urls=[receiver.url])
    receiver.status = 500
    watched.live(minutes=3, failed=3)
    waits = []

    for _ in range(8):
        [(due_at, attempts)] = watched.fetch("select due_at, attempts from integration_monitor.notifications")
        waits.append((attempts, (due_at - watched.clock.now).total_seconds()))
        watched.clock.now = due_at
        watched.run(watch.deliver())

    assert [wait for _, wait in waits] == [30, 60, 120, 240, 480, 900, 900, 900]
    assert [attempts for attempts, _ in waits] == list(range(1, 9))


def test_the_end_waits_for_the_beginning(watched: Scene, receiver: Receiver) -> None:
    watched.add_server(alerts_urls=[receiver.url])
    receiver.status = 500
    watched.live(minutes=4, failed=3)
    watched.live(minutes=23, succeeded=5)
    receiver.status = 200

    watched.look(minutes=15)
    watched.look()

    assert receiver.titles == ["telegram is down", "telegram works again"]


def test_what_cannot_be_delivered_for_a_day_is_given_up_and_shown(watched: Scene, receiver: Receiver) -> None:
    watched.add_server(alerts_urls=[receiver.url])
    receiver.status = 500
    watched.live(minutes=3, failed=3)

    watched.look(minutes=timedelta(hours=24).total_seconds() / 60)

    assert next((phase, state) for phase, state, *_ in watched.fetch(STATES)) == ("began", "given_up")


def test_a_server_that_dies_before_sending_loses_nothing(watched: Scene, receiver: Receiver) -> None:
    dying = watched.add_server(alerts_urls=[receiver.url])
    for _ in range(3):
        watched.call("telegram", failed=3)
        watched.clock.now += timedelta(minutes=1)
        watched.run(dying.round(probe_stale_after=STALE_AFTER))
    # It took the message and was never heard of again.
    watched.fetch(
        "update integration_monitor.notifications set attempts = 1, "
        f"due_at = '{watched.clock.now + watch_module.CLAIM}' returning id"
    )
    watched.watches.clear()
    watched.add_server(alerts_urls=[receiver.url])

    watched.look(minutes=1)
    told_while_claimed = list(receiver.titles)
    watched.look(minutes=1)

    assert told_while_claimed == []
    assert receiver.titles == ["telegram is down"]


def test_a_message_that_was_sent_but_not_settled_comes_again_with_the_same_reference(watched: Scene, receiver: Receiver) -> None:
    watch = watched.add_server(alerts_urls=[receiver.url])
    for _ in range(3):
        watched.call("telegram", failed=3)
        watched.clock.now += timedelta(minutes=1)
        watched.run(watch.round(probe_stale_after=STALE_AFTER))
    refuse_to_settle(watched.connection)
    with pytest.raises(StoreError):
        watched.run(watch.deliver())
    watched.connection.execute("drop trigger refuse on integration_monitor.notifications")

    watched.clock.now += watch_module.CLAIM
    watched.run(watch.deliver())

    assert receiver.titles == ["telegram is down", "telegram is down"]
    assert receiver.messages[0]["message"].splitlines()[-1] == receiver.messages[1]["message"].splitlines()[-1]


def refuse_to_settle(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """From now on the database takes no word of what became of a message."""
    connection.execute(
        "create function public.refuse() returns trigger language plpgsql as $$ begin raise 'out of order'; end $$;"
        "create trigger refuse before update of state on integration_monitor.notifications for each row execute function public.refuse()"
    )


def test_a_target_that_left_the_settings_is_no_longer_told(watched: Scene, receiver: Receiver) -> None:
    watched.add_server(alerts_urls=[receiver.url])
    watched.live(minutes=3, failed=3)
    watched.watches.clear()
    watched.add_server(alerts_urls=[receiver.url + "/other"])

    watched.live(minutes=23, succeeded=5)

    assert receiver.titles == ["telegram is down"]
    assert watched.fetch("select error from integration_monitor.notifications where phase = 'ended'") == [
        ("this target is not among the settings any more",)
    ]


def test_the_database_holds_no_url(watched: Scene, receiver: Receiver) -> None:
    watched.add_server(alerts_urls=[receiver.url])
    watched.live(minutes=3, failed=3)

    [(row,)] = watched.fetch("select row_to_json(message)::text from integration_monitor.notifications as message")

    assert "PLANTED" not in row
    assert '"target":"json:' in row
