import asyncio
import contextvars
from collections.abc import Iterator

import pytest

from integration_monitor.capture.call import Capture, operation_of
from integration_monitor.capture.operation import (
    ATTEMPT_OVERHEAD_BYTES,
    ATTEMPTS_KEPT_MAX,
    Attempt,
    Operation,
    current_operation,
)
from integration_monitor.capture.payload import WEIGHT_OF_JSON
from integration_monitor.guard import Guard


def test_an_operation_is_handed_on_once_when_its_block_ends() -> None:
    taken: list[Operation] = []

    with Operation(taken.append, service_name="amocrm", action="sync_lead") as operation:
        assert current_operation.get() is operation
        assert taken == []
    operation.end()

    assert taken == [operation]
    assert current_operation.get() is None
    assert operation.duration_ms is not None
    assert operation.error is None


def test_an_exception_leaves_the_block_and_is_kept() -> None:
    taken: list[Operation] = []
    error = TimeoutError("slow")

    with pytest.raises(TimeoutError) as raised, Operation(taken.append):
        raise error

    assert raised.value is error
    assert taken[0].error is not None
    assert taken[0].error.code == "TIMEOUT"


def test_a_signal_handler_that_raises_as_a_block_begins_leaves_no_operation_behind() -> None:
    taken: list[Operation] = []

    def interrupt(_operation: Operation) -> None:
        raise KeyboardInterrupt

    with Operation(taken.append) as outer:
        with pytest.raises(KeyboardInterrupt), Operation(taken.append, begun=interrupt):
            pytest.fail("the block has begun")
        assert current_operation.get() is outer

    assert current_operation.get() is None
    assert [one.error.code if one.error else None for one in taken] == ["CANCELLED", None]


def test_a_call_in_the_block_of_an_abandoned_operation_is_one_by_itself() -> None:
    taken: list[Operation] = []
    capture = Capture(take=lambda one: taken.append(operation_of(one)), body_bytes_max=100, guard=Guard())

    with Operation(taken.append) as operation:
        operation.abandon()
        call = capture.begin("httpx", "GET", "https://api.example.com/v1")
        assert call is not None
        call.finish()

    assert taken == [call.operation]
    assert operation.attempts == []


def test_operations_inside_each_other_keep_their_own_attempts() -> None:
    with Operation(lambda _operation: None) as outer:
        with Operation(lambda _operation: None) as inner:
            assert current_operation.get() is inner
        assert current_operation.get() is outer


def test_tasks_have_operations_of_their_own() -> None:
    async def work(name: str) -> str | None:
        with Operation(lambda _operation: None, action=name):
            await asyncio.sleep(0)
            operation = current_operation.get()
            return None if operation is None else operation.action

    async def main() -> list[str | None]:
        return list(await asyncio.gather(work("a"), work("b")))

    assert asyncio.run(main()) == ["a", "b"]


def test_a_block_may_end_in_another_context_than_it_began() -> None:
    taken: list[Operation] = []

    def steps() -> Iterator[None]:
        with Operation(taken.append):
            yield

    generator = steps()
    contextvars.copy_context().run(next, generator)
    assert next(generator, "ended") == "ended"

    assert len(taken) == 1


def test_attempts_are_told_by_the_application() -> None:
    with Operation(lambda _operation: None) as operation, operation.attempt() as attempt:
        attempt.request({"to": "77000000000"})
        attempt.response({"code": 1})
        attempt.fail("1", "no balance")

    (attempt,) = operation.attempts
    assert attempt.request_payload == {"to": "77000000000"}
    assert attempt.response_payload == {"code": 1}
    assert attempt.failure == ("1", "no balance")
    assert attempt.duration_ms is not None


def test_an_exception_within_an_attempt_marks_it_and_goes_on() -> None:
    with Operation(lambda _operation: None) as operation, pytest.raises(ConnectionRefusedError), operation.attempt():
        raise ConnectionRefusedError

    (attempt,) = operation.attempts
    assert attempt.no_answer is not None
    assert attempt.no_answer.code == "CONNECTION_FAILED"


def test_payloads_are_copied() -> None:
    payload = {"items": [1]}

    with Operation(lambda _operation: None) as operation:
        operation.request(payload)
        operation.response(payload)
        payload["items"].append(2)

    assert operation.request_payload == operation.response_payload == {"items": [1]}


def test_what_is_no_json_is_kept_as_text_and_raises_nothing() -> None:
    class Lead:
        def __str__(self) -> str:
            return "lead 5"

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    with Operation(lambda _operation: None) as operation:
        operation.request({"lead": Lead()})
        operation.response(Broken())
        operation.fail(404, Lead())  # type: ignore[arg-type]

    assert operation.request_payload == {"lead": "lead 5"}
    assert operation.response_payload == "Broken"
    assert operation.failure == ("404", "lead 5")


def test_an_operation_that_retries_for_ever_stays_bounded_and_keeps_the_last() -> None:
    operation = Operation(lambda _operation: None)
    attempts = [Attempt() for _ in range(ATTEMPTS_KEPT_MAX + 5)]

    for attempt in attempts:
        operation.add(attempt)

    assert len(operation.attempts) == ATTEMPTS_KEPT_MAX
    assert operation.attempts[-1] is attempts[-1]
    assert operation.attempts_count == len(attempts)


def test_the_weight_is_that_of_bodies_and_payloads() -> None:
    operation = Operation(lambda _operation: None)
    attempt = Attempt()
    attempt.request_body, attempt.response_body = b"12345", "123"
    operation.add(attempt)
    operation.request("12")

    assert operation.size_bytes() == ATTEMPT_OVERHEAD_BYTES + 5 + 3 + len('"12"') * WEIGHT_OF_JSON


def test_a_task_that_outlives_the_block_makes_operations_of_its_own() -> None:
    taken: list[Operation] = []
    capture = Capture(take=lambda one: taken.append(operation_of(one)), body_bytes_max=100, guard=Guard())

    with Operation(taken.append) as operation:
        context = contextvars.copy_context()
    call = context.run(capture.begin, "httpx", "GET", "https://api.example.com/")
    assert call is not None
    call.end(b"{}")

    assert operation.attempts == []
    assert [len(one.attempts) for one in taken] == [0, 1]


def test_an_operation_waits_for_a_call_that_outlives_its_block() -> None:
    taken: list[Operation] = []
    capture = Capture(take=lambda one: taken.append(operation_of(one)), body_bytes_max=100, guard=Guard())

    with Operation(taken.append) as operation:
        call = capture.begin("httpx", "GET", "https://api.example.com/")
    assert taken == []
    assert call is not None
    call.keep_answer(200, {})
    call.end(b'{"code":8}')
    call.finish()

    assert taken == [operation]
    assert operation.attempts[0].response_body == b'{"code":8}'
    assert operation.duration_ms is not None
    assert operation.attempts[0].duration_ms is not None
    assert operation.duration_ms >= operation.attempts[0].duration_ms
