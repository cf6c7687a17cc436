"""No secret survives in a record, wherever in a call it was planted.

By default a few hundred calls are made. `INTEGRATION_MONITOR_TEST_EXAMPLES=10000` makes so many.
"""

import os
from html import unescape
from typing import Any
from urllib.parse import unquote, unquote_plus

import msgspec
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from integration_monitor.capture.operation import Operation
from integration_monitor.record import IntegrationLog
from integration_monitor.recorder import Recorder
from integration_monitor.settings import Settings
from tests.unit.exchanges import REGISTRY
from tests.unit.generated_calls import planted_calls, warm_up

EXAMPLES = int(os.environ.get("INTEGRATION_MONITOR_TEST_EXAMPLES", "300"))
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def holds(record: IntegrationLog | None, secret: str) -> bool:
    """Whether the secret can be read in the record, also where it is encoded."""
    text = msgspec.json.encode(record).decode()
    note(text)
    return any(secret in one for one in (text, unquote(text), unquote_plus(text), unescape(text), text.replace("\\", "")))


@many
@given(planted_calls(), st.booleans())
def test_no_record_holds_a_planted_secret(planted: tuple[str, Operation, dict[str, Any]], is_warm: bool) -> None:
    secret, operation, _ = planted
    recorder = Recorder(Settings(), registry=REGISTRY)
    if is_warm:
        warm_up(recorder, operation.attempts[0].url)

    record = recorder(operation)

    assert record is not None
    assert not holds(record, secret)


@many
@given(planted_calls(is_known=True), st.booleans())
def test_no_record_holds_a_secret_of_the_settings(planted: tuple[str, Operation, dict[str, Any]], is_warm: bool) -> None:
    secret, operation, given_settings = planted
    recorder = Recorder(Settings(**given_settings), registry=REGISTRY)
    if is_warm:
        warm_up(recorder, operation.attempts[0].url)

    record = recorder(operation)

    assert record is not None
    assert not holds(record, secret)


@many
@given(planted_calls())
def test_no_unfinished_record_holds_a_planted_secret(planted: tuple[str, Operation, dict[str, Any]]) -> None:
    secret, operation, _ = planted
    operation.duration_ms = None
    operation.attempts[-1]._ended_monotonic = None

    record = Recorder(Settings(), registry=REGISTRY).unfinished(operation)

    assert record is not None
    assert not holds(record, secret)
