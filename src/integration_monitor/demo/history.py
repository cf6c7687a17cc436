"""The company's past: its calls answered by the simulators without a network, recorded by the same recorder as live ones."""

import random
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import parse_qsl

from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.demo import calls
from integration_monitor.demo.traffic import Moment, past
from integration_monitor.record import IntegrationLog, NoAnswer
from integration_monitor.recorder import Recorder
from integration_monitor.settings import Settings
from integration_monitor.simulators.message import SimulatedRequest
from integration_monitor.simulators.server import RESPONDERS

# What an answer took, in milliseconds: median and spread of a log-normal distribution.
_LATENCY_MS = {"amocrm": (180, 0.45), "mobizon": (340, 0.4), "resend": (120, 0.35), "telegram": (70, 0.4), "whapi": (280, 0.5)}
# Patience of the company's clients with a vendor that does not answer.
_TIMEOUT_MS = 10_000


def records(now: datetime, generator: random.Random, *, since: datetime) -> Iterator[IntegrationLog]:
    """The records of the last 30 days, oldest first, without those up to `since`."""
    recorder = Recorder(Settings())
    for moment in past(now, generator):
        if moment.at > since and (record := recorder(_operation(moment, generator))) is not None:
            yield record


def _operation(moment: Moment, generator: random.Random) -> Operation:
    """The operation of a moment, ended."""
    operation = Operation(_keep)
    if moment.call == "sync_lead":
        operation = Operation(_keep, service_name="amocrm", action="sync_lead", entity=("lead", generator.randrange(1000, 1900)))
    operation.started_at = started_at = moment.at.timestamp()
    operation.duration_ms = 0
    for call in calls.steps(moment, generator):
        attempt = _attempt(moment.service, call, generator)
        attempt.started_at = started_at
        started_at += (attempt.duration_ms or 0) / 1000
        operation.duration_ms += attempt.duration_ms or 0
        operation.add(attempt)
    return operation


def _attempt(service: str, call: calls.Call, generator: random.Random) -> Attempt:
    path, _, query = call.path.partition("?")
    response = RESPONDERS[service](
        SimulatedRequest(method=call.method, path=path, query=dict(parse_qsl(query)), headers=call.headers, body=call.body)
    )
    attempt = Attempt(client=call.client, method=call.method, url=calls.ADDRESSES[service] + call.path)
    attempt.request_headers = call.headers
    attempt.request_body = call.body
    if response.delay_s or response.is_dropped:
        attempt.no_answer = NoAnswer(code="TIMEOUT", message="ReadTimeout: timed out")
        attempt.duration_ms = _TIMEOUT_MS
        return attempt
    median_ms, spread = _LATENCY_MS[service]
    attempt.ttfb_ms = ttfb_ms = round(median_ms * generator.lognormvariate(0, spread))
    attempt.status_code = response.status
    attempt.response_headers = response.headers
    attempt.response_body = response.body
    attempt.duration_ms = ttfb_ms + generator.randrange(1, 6)
    return attempt


def _keep(_operation: Operation) -> None:
    """These operations have ended already: nobody waits for them."""
