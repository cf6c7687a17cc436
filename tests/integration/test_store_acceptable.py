"""What PostgreSQL refuses is made acceptable and says so, and costs the other records of its batch nothing."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from integration_monitor.batch import Batch
from integration_monitor.errors import RecordsRefused
from integration_monitor.record import IntegrationLog, new_id
from integration_monitor.store.postgres.sink import PostgresSink
from tests.conftest import Server, Variant
from tests.integration.batches import fetch, record, report

LOGINS = ["owner", "writer"]


def nested(levels: int) -> Any:
    value: Any = "deep"
    for _ in range(levels):
        value = [value]
    return value


def incompressible(characters: int) -> str:
    return "".join(str(uuid.uuid4()) for _ in range(characters // 36 + 1))[:characters]


# What is given, and the notes that stand in the record afterwards.
CASES: dict[str, tuple[Callable[[], dict[str, Any]], list[str]]] = {
    "NUL in JSON": (lambda: {"request_payload": {"a": "x\x00y", "\x00": 1}}, ["request_payload: NUL replaced"]),
    "NUL in text": (lambda: {"error_message": "a\x00b"}, ["error_message: NUL replaced"]),
    "lone surrogate": (lambda: {"request_payload": {"a": "x\ud800y"}}, ["request_payload: lone surrogate replaced"]),
    "lone surrogate in text": (lambda: {"action": "\udfff"}, ["action: lone surrogate replaced"]),
    "NaN": (lambda: {"request_payload": {"a": float("nan"), "b": None}}, ["request_payload: nan replaced by null"]),
    "Infinity": (lambda: {"response_payload": [1.5, float("-inf")]}, ["response_payload: -inf replaced by null"]),
    "Infinity as text": (
        lambda: {"response_payload": msgspec.Raw(b'{"a": Infinity}')},
        ["response_payload: inf replaced by null"],
    ),
    "number beyond numeric": (
        lambda: {"request_payload": msgspec.Raw(b'{"a": 1e999999}')},
        ["request_payload: inf replaced by null"],
    ),
    "number of many digits": (
        lambda: {"request_payload": {"a": 10**5000}},
        ["request_payload: a number with too many digits replaced by text"],
    ),
    "nested 100,000 deep": (lambda: {"request_payload": {"a": nested(100_000)}}, ["request_payload: cut below 200 levels"]),
    "encoded and nested 100,000 deep": (
        lambda: {"request_payload": msgspec.Raw(b"[" * 100_000 + b"]" * 100_000)},
        ["request_payload: not readable as JSON (RecursionError), kept as text"],
    ),
    "no JSON": (
        lambda: {"request_payload": msgspec.Raw(b"{oops")},
        ["request_payload: not readable as JSON (JSONDecodeError), kept as text"],
    ),
    "no form in JSON": (lambda: {"request_payload": {"a": object()}}, ["request_payload: object has no form in JSON"]),
    "200 MB": (
        lambda: {"response_payload": {"body": "x" * 200_000_000}},
        ["response_payload: a text of 200000000 characters cut"],
    ),
    "10 MB of many": (lambda: {"response_payload": ["x" * 1000] * 10_000}, ["response_payload: cut, since it was too long"]),
    "year 10000": (
        lambda: {"created_at": datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12)))},
        [f"{name}: 9999-12-31T23:00:00-12:00 lies outside the years 1 to 9999" for name in ("created_at", "updated_at")],
    ),
    "no time zone": (lambda: {"updated_at": datetime(2026, 1, 2)}, ["updated_at: had no time zone, taken as UTC"]),  # noqa: DTZ001
    "too long for an index": (
        lambda: {"service_name": incompressible(18_000)},
        ["service_name: shortened from 18000 characters"],
    ),
    "more than an integer": (
        lambda: {"duration_ms": 2**31},
        ["duration_ms: more than the column holds, replaced by the most it does"],
    ),
}


@pytest.fixture(scope="module", params=itertools.product((18, 15), LOGINS), ids=lambda pair: f"{pair[0]}-{pair[1]}")
def database_urls(request: pytest.FixtureRequest, servers: Callable[[Variant], Server]) -> Iterator[tuple[str, str]]:
    """(the owner's URL, the URL that writes): the owner copies, a writer's login inserts."""
    version, login = request.param
    server = servers(Variant(version=version, is_ordinary=False))
    name = server.create_database(is_migrated=True)
    server.execute("drop role if exists application; create role application login in role integration_monitor_writer")
    yield server.url(name), server.url(name, user="application") if login == "writer" else server.url(name)
    server.drop_database(name)


@pytest.fixture
def sink(database_urls: tuple[str, str]) -> Iterator[PostgresSink]:
    sink = PostgresSink(database_urls[1])
    yield sink
    sink.close()


def found(database_urls: tuple[str, str], one: IntegrationLog) -> tuple[Any, ...]:
    """(status, notes about what was changed) of a record."""
    (row,) = fetch(
        database_urls[0],
        "select status, response_payload -> 'changed' from public.integration_logs where id = %(id)s",
        id=one.id,
    )
    return row


@pytest.mark.parametrize("case", CASES)
def test_a_refused_record_is_kept_with_a_note_and_the_others_as_they_are(
    sink: PostgresSink, database_urls: tuple[str, str], case: str
) -> None:
    given = CASES[case][0]()
    fields = {"created_at": given["created_at"], "updated_at": given["created_at"]} if "created_at" in given else given
    bad = record(**{"id": new_id(datetime.now(UTC)), **fields})
    others = [record(request_payload={"number": number}) for number in range(4)]

    sink.write(Batch(records=[*others[:2], bad, *others[2:]]))
    sink.write(Batch(records=[bad]))  # once more, as after a lost connection

    assert found(database_urls, bad) == ("success", CASES[case][1])
    assert [found(database_urls, one) for one in others] == [("success", None)] * 4


def test_a_refused_end_of_an_operation_is_kept_with_a_note(sink: PostgresSink, database_urls: tuple[str, str]) -> None:
    begun, good = record(status="pending"), record(status="pending")
    sink.write(Batch(records=[begun, good], report=report(uuid.uuid4())))

    ended = msgspec.structs.replace(begun, status="failed", error_message="a\x00b", response_payload={"a": "\x00"})
    sink.write(Batch(records=[], finished=[ended, msgspec.structs.replace(good, status="success")]))

    assert found(database_urls, begun) == ("failed", ["response_payload: NUL replaced", "error_message: NUL replaced"])
    assert found(database_urls, good) == ("success", None)


@pytest.mark.parametrize(
    ("payload", "kept"),
    [
        (None, {"changed": ["error_message: NUL replaced"]}),
        ({"a": 1}, {"a": 1, "changed": ["error_message: NUL replaced"]}),
        ([1], {"body": [1], "changed": ["error_message: NUL replaced"]}),
    ],
    ids=["none", "object", "list"],
)
def test_the_note_finds_a_place_in_any_payload(
    sink: PostgresSink, database_urls: tuple[str, str], payload: Any, kept: Any
) -> None:
    one = record(response_payload=payload, error_message="\x00")

    sink.write(Batch(records=[one]))

    rows = fetch(database_urls[0], "select response_payload from public.integration_logs where id = %(id)s", id=one.id)
    assert rows == [(kept,)]


def test_what_can_be_kept_exactly_is_kept_without_a_note(sink: PostgresSink, database_urls: tuple[str, str]) -> None:
    one = record(request_payload={"a": 2**70, "b": {1}}, response_payload={"ok": True})

    sink.write(Batch(records=[one]))

    rows = fetch(
        database_urls[0], "select request_payload, response_payload from public.integration_logs where id = %(id)s", id=one.id
    )
    assert rows == [({"a": 2**70, "b": [1]}, {"ok": True})]


def test_what_nothing_makes_acceptable_is_refused_and_nothing_of_it_is_stored(
    sink: PostgresSink, database_urls: tuple[str, str]
) -> None:
    good = record()

    with pytest.raises(RecordsRefused):
        sink.write(Batch(records=[good, record(status="unknown")]))

    assert fetch(database_urls[0], "select from public.integration_logs where id = %(id)s", id=good.id) == []
