"""What the code around a call says: entity, trace, suppression, and operations as blocks and decorators."""

import asyncio
import contextvars
import os
import threading
from collections.abc import Iterator

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider

import integration_monitor as im
from integration_monitor.guard import RAISE_VARIABLE
from integration_monitor.record import entity_uuid

URL = "https://api.example.com/v1/things"


@pytest.fixture(autouse=True)
def _raise_internal_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RAISE_VARIABLE, "1")


@pytest.fixture
def records() -> Iterator[list[im.IntegrationLog]]:
    with im.testing.capture() as records:
        yield records


def call(url: str = URL) -> None:
    with httpx.Client(transport=httpx.MockTransport(lambda _request: httpx.Response(200))) as client:
        client.get(url)


async def call_async() -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _request: httpx.Response(200))) as client:
        await client.get(URL)


def entities(records: list[im.IntegrationLog]) -> list[object]:
    return [(one.request_payload or {}).get("entity") for one in records]


def test_an_entity_tags_the_calls_inside(records: list[im.IntegrationLog]) -> None:
    with im.entity("lead", 123):
        call()
        with im.entity("contact", "7"):
            call()
    call()

    assert entities(records) == [{"type": "lead", "id": "123"}, {"type": "contact", "id": "7"}, None]
    assert records[0].related_entity_id == entity_uuid("lead", 123)


def test_an_entity_reaches_awaits_tasks_and_threads_with_the_context(records: list[im.IntegrationLog]) -> None:
    async def main() -> None:
        with im.entity("lead", 1):
            await call_async()
            await asyncio.create_task(call_async())
            await asyncio.to_thread(call)
            context = contextvars.copy_context()
            thread = threading.Thread(target=context.run, args=(call,))
            thread.start()
            thread.join()
        await call_async()

    asyncio.run(main())

    assert entities(records) == [{"type": "lead", "id": "1"}] * 4 + [None]


def test_the_entity_of_an_operation_wins_over_the_one_around_it(records: list[im.IntegrationLog]) -> None:
    with im.entity("lead", 1), im.operation("billing", "charge", entity=("order", 2)):
        call()
    with im.entity("lead", 1), im.operation("billing", "charge"):
        call()

    assert entities(records) == [{"type": "order", "id": "2"}, {"type": "lead", "id": "1"}]


def test_an_entity_without_an_id_changes_nothing(records: list[im.IntegrationLog]) -> None:
    with im.entity("lead", 1), im.entity("contact", None):
        call()

    assert entities(records) == [{"type": "lead", "id": "1"}]


def test_an_entity_type_that_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match="entity must be"):
        im.entity(5, "lead")  # type: ignore[arg-type]


def test_suppressed_calls_are_not_recorded(records: list[im.IntegrationLog]) -> None:
    with im.suppress():
        call()
    call()

    assert len(records) == 1


def test_a_suppressed_operation_is_not_recorded(records: list[im.IntegrationLog]) -> None:
    @im.operation("amocrm", "sync_lead")
    def sync_lead() -> None:
        call()

    with im.suppress():
        sync_lead()
        with im.operation("amocrm", "sync_lead"):
            call()
    sync_lead()

    assert [one.action for one in records] == ["sync_lead"]


class Unwilling(str):
    """An id of the application's own class."""

    __slots__ = ()

    def __str__(self) -> str:
        raise ZeroDivisionError("this text is not to be had")


def test_an_entity_of_any_type_loses_no_record(records: list[im.IntegrationLog]) -> None:
    for odd in (Unwilling("7"), 10**5_000, object(), b"7", [7]):
        with im.entity("lead", odd):
            call()

    assert len(records) == 5
    assert entities(records)[0] == {"type": "lead", "id": "Unwilling"}
    assert entities(records)[1] == {"type": "lead", "id": "int"}


def test_the_trace_of_opentelemetry_is_kept(records: list[im.IntegrationLog]) -> None:
    tracer = TracerProvider().get_tracer("test")

    with tracer.start_as_current_span("work") as span:
        call()
        with im.operation("billing", "charge"):
            call()
    call()

    trace_id = format(span.get_span_context().trace_id, "032x")
    assert [one.request_payload.get("trace_id") for one in records] == [trace_id, trace_id, None]


def test_an_operation_is_an_asynchronous_block_too(records: list[im.IntegrationLog]) -> None:
    async def main() -> None:
        async with im.operation("amocrm", "sync_lead", entity=("lead", 1)):
            await call_async()
            await call_async()

    asyncio.run(main())

    [record] = records
    assert (record.service_name, record.action, record.status) == ("amocrm", "sync_lead", "success")
    assert len(record.response_payload["attempts"]) == 2


def test_a_decorated_function_is_an_operation_each_time(records: list[im.IntegrationLog]) -> None:
    @im.operation("amocrm", "sync_lead")
    def sync_lead(number: int) -> int:
        call()
        return number

    with im.entity("lead", 5):
        assert sync_lead(5) == 5
    assert sync_lead(number=6) == 6

    assert [one.action for one in records] == ["sync_lead", "sync_lead"]
    assert entities(records) == [{"type": "lead", "id": "5"}, None]
    assert len({one.id for one in records}) == 2
    assert sync_lead.__name__ == "sync_lead"


def test_a_decorated_coroutine_function_is_an_operation_each_time(records: list[im.IntegrationLog]) -> None:
    @im.operation("amocrm", "sync_lead")
    async def sync_lead() -> None:
        await call_async()
        raise ValueError("bad lead")

    async def main() -> None:
        await asyncio.gather(sync_lead(), sync_lead(), return_exceptions=True)

    asyncio.run(main())

    assert [(one.action, one.status) for one in records] == [("sync_lead", "failed")] * 2


def test_a_generator_function_cannot_be_an_operation() -> None:
    def numbers() -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match="use a `with` block inside it"):
        im.operation("amocrm", "sync_lead")(numbers)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_an_operation_that_is_forked_in_its_block_stays_its_parents(records: list[im.IntegrationLog]) -> None:
    reading, writing = os.pipe()

    with im.operation("amocrm", "sync_lead"):
        call()
        process_id = os.fork()
        if process_id == 0:
            # In the child the call is one by itself, and the parent's operation is not recorded again.
            try:
                call()
                im.operation("amocrm", "sync_lead").__enter__().end()
                seen = ",".join(one.action for one in records)
            except BaseException as error:  # noqa: BLE001 -- told to the parent
                seen = repr(error)
            os.write(writing, seen.encode())
            os._exit(0)
        os.waitpid(process_id, 0)
    os.close(writing)

    with os.fdopen(reading) as told:
        assert told.read() == "GET /v1/things,sync_lead"
    [record] = records
    assert record.response_payload.get("attempts") is None


def test_capture_for_tests_ends_with_its_block_and_leaves_the_libraries_as_they_were() -> None:
    before = httpx.Client.send

    with im.testing.capture() as records:
        im.instrument("postgresql://nobody@127.0.0.1:1/none")
        im.log(service_name="billing", action="charge", status="failed", error_message="Bearer abcdefghijklmnopqrstuvwx123")
        call()
    call()

    assert [one.action for one in records] == ["charge", "GET /v1/things"]
    assert httpx.Client.send is before
    assert im.stats().taken == 0


def test_capture_for_tests_takes_the_place_of_the_writer_and_gives_it_back() -> None:
    im.instrument("postgresql://nobody@127.0.0.1:1/none", shutdown_timeout_s=0.01, spool_dir="")
    try:
        with im.testing.capture() as records:
            call()
        assert len(records) == 1
        assert im.stats().taken == 0
        call()
        assert im.stats().taken == 1
    finally:
        im.uninstrument()
