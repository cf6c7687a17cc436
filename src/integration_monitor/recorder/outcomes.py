"""What became of an operation, by its attempts and by the application's own word."""

import dataclasses
from collections.abc import Iterable

from integration_monitor.capture.operation import Operation
from integration_monitor.record import Json
from integration_monitor.recorder.readings import Reading, outcome_without_answer
from integration_monitor.services.exchange import SUCCESS, Outcome


def outcome_of(operation: Operation, last: Reading | None) -> Outcome:
    """The application's own word, else the last attempt, else the exception that ended the operation."""
    outcome = last.meaning.outcome if last is not None else SUCCESS
    if operation.failure is not None:
        code, message = operation.failure
        if outcome.is_success:
            return Outcome(is_success=False, error_code=code, error_message=message, fault="unclassified")
        return dataclasses.replace(outcome, error_code=code, error_message=message)
    if outcome.is_success and operation.error is not None:
        return outcome_without_answer(operation.error)
    return outcome


def count_retries(readings: Iterable[Reading]) -> int:
    """Attempts that repeat an earlier, failed one. Other requests of the same operation are its steps, not retries."""
    failed: set[tuple[str | None, str | None]] = set()
    retries = 0
    for reading in readings:
        url = reading.attempt.url
        request = (reading.attempt.method, url.partition("?")[0] if url else None)
        retries += request in failed
        if reading.has_failed:
            failed.add(request)
    return retries


def details_of(outcome: Outcome) -> dict[str, Json]:
    """What a payload says of the outcome, beside the vendor's answer."""
    details: dict[str, Json] = {} if outcome.is_verified else {"evidence": "http_status"}
    if outcome.is_success:
        return details
    details["fault"] = outcome.fault or "unclassified"
    if outcome.retry is not None:
        details["retry"] = outcome.retry.advice
        if outcome.retry.after_s is not None:
            details["retry_after_s"] = outcome.retry.after_s
    return details
