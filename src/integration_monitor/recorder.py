"""Builds the pipeline: one function from what was captured to the record that is stored. It runs on the writer's thread.

An attempt is parsed (`body`), understood (`services`) and cleaned (`redaction`); the last one decides what became of its operation.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import msgspec

from integration_monitor.body import Body, fold_pairs, parse
from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.record import Fault, IntegrationLog, Json, NoAnswer, entity_uuid, new_id, now
from integration_monitor.redaction import Redactor
from integration_monitor.services.description import Direction, Match, Service
from integration_monitor.services.exchange import SUCCESS, Exchange, Meaning, Outcome, RateLimit, Retry
from integration_monitor.services.registry import Registry
from integration_monitor.settings import Settings

# The largest value of the column duration_ms, an integer of four bytes: 24 days.
DURATION_MS_MAX = 2**31 - 1

# Vendors' words are sentences: a page of HTML in their place is cut. Codes and names are bounded because statistics group by them.
MESSAGE_CHARACTERS_MAX = 2_000
NAME_CHARACTERS_MAX = 200

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# An operation that made no request and was given no name cannot be told apart from others.
UNNAMED = "unknown"

_FAULTS_WITHOUT_ANSWER: dict[str, Fault] = {"CANCELLED": "ours", "NOT_DONE": "ours", "INVALID_RESPONSE": "vendor"}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class _Request:
    """An HTTP attempt, parsed."""

    attempt: Attempt
    request_body: Body
    response_body: Body
    exchange: Exchange


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class _Reading:
    """An attempt, understood."""

    attempt: Attempt
    meaning: Meaning
    service: Service
    #: None for an attempt that the application told with `request` and `response`
    request: _Request | None = None
    match: Match | None = None


class Recorder:
    """Makes records of operations, and cleans those that the application made itself. For one thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._registry = Registry(settings.service_hosts)
        self._redactor = Redactor(known_secrets=_known_secrets(settings))

    def __call__(self, item: Operation | IntegrationLog) -> IntegrationLog | None:
        """The record of an item; None where it is not worth one (a long poll that brought nothing)."""
        return self._clean(item) if isinstance(item, IntegrationLog) else self._record(item)

    def _record(self, operation: Operation) -> IntegrationLog | None:
        readings = [self._read(attempt, operation) for attempt in operation.attempts]
        last = readings[-1] if readings else None
        outcome = _outcome(operation, last)
        if last is not None and not last.meaning.is_recorded and operation.service_name is None and outcome.is_success:
            return None
        service_name = operation.service_name or (last.meaning.service_name if last else UNNAMED)
        service = last.service if last else self._registry.named(service_name)
        entity = operation.entity or next((one.meaning.entity for one in reversed(readings) if one.meaning.entity), None)
        # The request first: secrets found in it by place are then known, and gone from the answer and the message too.
        request_payload = self._request_payload(operation, last, service, entity)
        response_payload = self._response_payload(operation, readings, service, outcome)
        # In whole milliseconds, as in the id: whoever has only the id has the time as well.
        created_at = EPOCH + timedelta(milliseconds=int(operation.started_at * 1000))
        return IntegrationLog(
            id=new_id(created_at),
            service_name=service_name[:NAME_CHARACTERS_MAX],
            action=self._name(operation.action or (last.meaning.action if last else UNNAMED), service),
            status="success" if outcome.is_success else "failed",
            related_entity_type=self._name(str(entity[0]), service) if entity else None,
            related_entity_id=entity_uuid(str(entity[0]), entity[1]) if entity else None,
            request_payload=request_payload,
            response_payload=response_payload,
            error_message=self._message(outcome.error_message, service),
            error_code=self._name(outcome.error_code, service) if outcome.error_code else None,
            duration_ms=None if operation.duration_ms is None else min(operation.duration_ms, DURATION_MS_MAX),
            retry_count=_count_retries(readings),
            created_at=created_at,
            updated_at=now(),
        )

    def _clean(self, record: IntegrationLog) -> IntegrationLog:
        """A record of `log()` without secrets."""
        service = self._registry.named(record.service_name)
        entity_type, error_code = record.related_entity_type, record.error_code
        return msgspec.structs.replace(
            record,
            action=self._redactor.text(record.action, service),
            related_entity_type=None if entity_type is None else self._redactor.text(entity_type, service),
            error_code=None if error_code is None else self._redactor.text(error_code, service),
            request_payload=self._redactor.body(record.request_payload, service, direction="request"),
            response_payload=self._redactor.body(record.response_payload, service, direction="response"),
            error_message=self._message(record.error_message, service),
        )

    def _read(self, attempt: Attempt, operation: Operation) -> _Reading:
        if attempt.url is None:
            meaning = _meaning_as_told(attempt, operation)
            return _Reading(attempt=attempt, meaning=meaning, service=self._registry.named(meaning.service_name))
        request = _parse_attempt(attempt)
        match = self._registry.match(request.exchange)
        meaning = self._registry.understand(request.exchange, match)
        return _Reading(attempt=attempt, meaning=meaning, service=match.service, request=request, match=match)

    def _request_payload(
        self, operation: Operation, last: _Reading | None, service: Service, entity: tuple[str, object] | None
    ) -> Json:
        given = operation.request_payload
        if given is None and last is not None:
            given = last.attempt.request_payload
        # The headers first, also where they are not stored: what is secret in them may come again anywhere else.
        headers = self._redactor.headers(last.request.exchange.request_headers, service) if last and last.request else {}
        if given is not None or last is None or last.request is None:
            payload = _as_object(self._redactor.body(given, service, direction="request"))
        else:
            exchange, match = last.request.exchange, last.match
            url = self._redactor.url(last.attempt.url or "", service, match.route if match else None)
            payload = {
                "method": exchange.method,
                "url": url,
                "headers": headers,
                "body": self._body(last.request.request_body, service, "request", match),
            }
        if entity is not None:
            shown = {"type": str(entity[0]), "id": str(entity[1])}
            payload = {**(payload or {}), "entity": self._redactor.body(shown, service, direction="request")}
        return payload

    def _response_payload(self, operation: Operation, readings: Sequence[_Reading], service: Service, outcome: Outcome) -> Json:
        last = readings[-1] if readings else None
        given = operation.response_payload
        if given is None and last is not None:
            given = last.attempt.response_payload
        payload: dict[str, Json] | None
        if given is not None or last is None or last.request is None:
            payload = _as_object(self._redactor.body(given, service, direction="response"))
        else:
            payload = self._answer(last, last.request, service)
        details = _details(outcome)
        if outcome.note:
            details["note"] = self._message(outcome.note, service)
        if last is not None and last.meaning.rate_limit is not None:
            limits = ((name, getattr(last.meaning.rate_limit, name)) for name in RateLimit.__slots__)
            details["rate_limit"] = {name: value for name, value in limits if value is not None}
        if operation.attempts_count > 1:
            details["attempts"] = [self._attempt_row(one, service) for one in readings[-self._settings.attempts_max :]]
            details["attempts_count"] = operation.attempts_count
        return {**(payload or {}), **details} if details else payload

    def _answer(self, reading: _Reading, request: _Request, service: Service) -> dict[str, Json]:
        """What came back over HTTP; without a status where nothing did."""
        exchange = request.exchange
        if exchange.status_code is None:
            return {}
        return {
            "status_code": exchange.status_code,
            "headers": self._redactor.headers(exchange.response_headers, service),
            "body": self._body(request.response_body, service, "response", reading.match),
            "ttfb_ms": reading.attempt.ttfb_ms,
        }

    def _body(self, body: Body, service: Service, direction: Direction, match: Match | None) -> Json:
        route = match.route if match is not None else None
        cleaned = self._redactor.body(body.value, service, direction=direction, route=route, is_cut=body.is_cut)
        return body.shorten(cleaned, self._settings.body_bytes_max)

    def _attempt_row(self, reading: _Reading, service: Service) -> dict[str, Json]:
        outcome = reading.meaning.outcome
        return {
            "action": self._name(reading.meaning.action, service),
            "status": "success" if outcome.is_success else "failed",
            "error_code": self._name(outcome.error_code, service) if outcome.error_code else None,
            "duration_ms": reading.attempt.duration_ms,
        }

    def _name(self, name: str, service: Service) -> str:
        """A short column without secrets: an application may put the text of an exception there."""
        return self._redactor.text(name, service)[:NAME_CHARACTERS_MAX]

    def _message(self, message: str | None, service: Service) -> str | None:
        return None if message is None else self._redactor.text(message, service)[:MESSAGE_CHARACTERS_MAX]


def _known_secrets(settings: Settings) -> dict[str, str]:
    """Our own secrets, which an application may send somewhere by mistake."""
    return {"monitor.jwt_secret": settings.jwt_secret} if settings.jwt_secret else {}


def _parse_attempt(attempt: Attempt) -> _Request:
    """The attempt's references as parsed parts."""
    url = urlsplit(attempt.url or "")
    request_headers, response_headers = _headers(attempt.request_headers), _headers(attempt.response_headers)
    request_body = _request_body(attempt, request_headers)
    response_body = parse(
        attempt.response_body,
        content_type=response_headers.get("content-type", ""),
        size=attempt.response_body_bytes,
        encoding=response_headers.get("content-encoding", "") if attempt.response_is_encoded else "",
    )
    exchange = Exchange(
        method=(attempt.method or "GET").upper(),
        scheme=url.scheme,
        host=url.hostname or "",
        port=_port(url.netloc, url.scheme),
        path=url.path or "/",
        query=parse_qsl(url.query, keep_blank_values=True),
        request_headers=request_headers,
        request_body=request_body.value,
        status_code=attempt.status_code,
        response_headers=response_headers,
        response_body=response_body.value,
        no_answer=attempt.no_answer,
        answered_at=attempt.started_at + (attempt.ttfb_ms or attempt.duration_ms or 0) / 1000,
    )
    return _Request(attempt=attempt, request_body=request_body, response_body=response_body, exchange=exchange)


def _request_body(attempt: Attempt, headers: Mapping[str, str]) -> Body:
    if attempt.request_form is not None:
        seen = sum(len(value) for _name, value in attempt.request_form if isinstance(value, str))
        return Body(value=fold_pairs(attempt.request_form), size=max(seen, attempt.request_body_bytes or 0))
    return parse(
        attempt.request_body,
        content_type=headers.get("content-type", ""),
        size=attempt.request_body_bytes,
        encoding=headers.get("content-encoding", ""),
    )


def _port(netloc: str, scheme: str) -> int:
    digits = netloc.rpartition("]")[2].rpartition(":")[2]
    return int(digits) if digits.isdecimal() else 443 if scheme == "https" else 80


def _headers(headers: object) -> dict[str, str]:
    """Names in lower case; the values of a name that comes more than once are joined, as HTTP does."""
    if headers is None:
        return {}
    pairs: Iterable[tuple[object, object]] = headers.items() if isinstance(headers, Mapping) else headers  # type: ignore[assignment]
    folded: dict[str, str] = {}
    for name, value in pairs:
        name_text = (name.decode("latin-1") if isinstance(name, bytes) else str(name)).lower()
        value_text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        folded[name_text] = f"{folded[name_text]}, {value_text}" if name_text in folded else value_text
    return folded


def _outcome(operation: Operation, last: _Reading | None) -> Outcome:
    """What became of the operation: the application's own word, else its last attempt, else the exception that ended it."""
    outcome = last.meaning.outcome if last is not None else SUCCESS
    if operation.failure is not None:
        code, message = operation.failure
        if outcome.is_success:
            return Outcome(is_success=False, error_code=code, error_message=message, fault="unclassified")
        return dataclasses.replace(outcome, error_code=code, error_message=message)
    if outcome.is_success and operation.error is not None:
        return _outcome_without_answer(operation.error)
    return outcome


def _outcome_without_answer(no_answer: NoAnswer) -> Outcome:
    return Outcome(
        is_success=False,
        error_code=no_answer.code,
        error_message=no_answer.message,
        fault=_FAULTS_WITHOUT_ANSWER.get(no_answer.code, "network"),
        retry=Retry(advice="safe" if no_answer.is_unsent else "ambiguous"),
    )


def _meaning_as_told(attempt: Attempt, operation: Operation) -> Meaning:
    """The meaning of an attempt that the application told with `request`, `response` and `fail`."""
    outcome = SUCCESS
    if attempt.failure is not None:
        outcome = Outcome(is_success=False, error_code=attempt.failure[0], error_message=attempt.failure[1], fault="unclassified")
    elif attempt.no_answer is not None:
        outcome = _outcome_without_answer(attempt.no_answer)
    return Meaning(
        service_name=operation.service_name or UNNAMED, action=operation.action or UNNAMED, entity=None, outcome=outcome
    )


def _count_retries(readings: Iterable[_Reading]) -> int:
    """Attempts that repeat an earlier, failed one. Other requests of the same operation are its steps, not retries."""
    failed: set[tuple[str | None, str | None]] = set()
    retries = 0
    for reading in readings:
        url = reading.attempt.url
        request = (reading.attempt.method, url.partition("?")[0] if url else None)
        retries += request in failed
        if not reading.meaning.outcome.is_success:
            failed.add(request)
    return retries


def _details(outcome: Outcome) -> dict[str, Json]:
    """What a failure's payload says beside the vendor's answer."""
    if outcome.is_success:
        return {}
    details: dict[str, Json] = {"fault": outcome.fault or "unclassified"}
    if outcome.retry is not None:
        details["retry"] = outcome.retry.advice
        if outcome.retry.after_s is not None:
            details["retry_after_s"] = outcome.retry.after_s
    return details


def _as_object(given: Json) -> dict[str, Json] | None:
    """What the application gave as a payload: objects as they are, anything else under `body`."""
    return given if given is None or isinstance(given, dict) else {"body": given}
