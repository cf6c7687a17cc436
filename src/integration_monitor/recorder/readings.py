"""An attempt, parsed and understood."""

from collections.abc import Callable

import msgspec

from integration_monitor.body import Body, fold_pairs, parse
from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.record import UNNAMED, Json, NoAnswer
from integration_monitor.recorder.addresses import AddressBook
from integration_monitor.redaction import Redactor, Vocabulary
from integration_monitor.services.description import Match, Service
from integration_monitor.services.exchange import SUCCESS, Exchange, Meaning, Outcome
from integration_monitor.services.outcome import without_answer
from integration_monitor.services.registry import Registry

_NO_BODY = Body()


class Request(msgspec.Struct, kw_only=True):
    """The parts of an attempt over HTTP."""

    url: str
    exchange: Exchange
    match: Match
    #: without what is secret by name
    request_headers: dict[str, str]
    request_body: Body
    #: the same
    response_headers: dict[str, str]
    response_body: Body
    #: what of the headers must still be searched for secrets
    texts: list[str]
    #: what is secret in the service's messages
    vocabulary: Vocabulary
    #: `Memory.version` when the request's headers had been read: with a new secret, what was read since must be looked at again
    version: int


class Reading(msgspec.Struct, kw_only=True):
    """An attempt, understood."""

    attempt: Attempt
    meaning: Meaning
    service: Service
    #: None for an attempt that the application told with `request` and `response`
    request: Request | None = None
    #: whether nothing came back yet: of its meaning only the request's part counts
    is_running: bool = False

    @property
    def has_failed(self) -> bool:
        return not self.is_running and not self.meaning.outcome.is_success


class Reader:
    """Reads attempts. For one thread, as the redactor: secrets in headers are remembered when they are read."""

    def __init__(self, registry: Registry, redactor: Redactor) -> None:
        self._registry = registry
        self._redactor = redactor
        self._addresses = AddressBook()

    def read(self, attempt: Attempt, operation: Operation) -> Reading:
        """What an attempt was; one that is still running has not been answered, whatever it holds already."""
        is_running = attempt.is_running
        url = attempt.url
        if url is None:
            meaning = _meaning_as_told(attempt, operation)
            service = self._registry.named(meaning.service_name)
            return Reading(attempt=attempt, meaning=meaning, service=service, is_running=is_running)
        return self._read_request(attempt, url, is_running=is_running)

    def _read_request(self, attempt: Attempt, url: str, *, is_running: bool) -> Reading:
        address = self._addresses.read(url)
        service = self._registry.service_at(address.host, address.port, address.path)
        headers = self._redactor.header_reader(service)
        texts: list[str] = []
        sent_headers, request_headers = headers.read(attempt.request_headers, texts)
        version = headers.vocabulary.memory.version
        decode = headers.vocabulary.known_names.decode
        request_body = _request_body(attempt, sent_headers, decode)
        came_headers: dict[str, str] = {}
        response_headers, response_body = came_headers, _NO_BODY
        no_answer, status_code = None, None
        if not is_running:
            no_answer, status_code = attempt.no_answer, attempt.status_code
            came_headers, response_headers = headers.read(attempt.response_headers, texts)
            response_body = parse(
                attempt.response_body,
                content_type=came_headers.get("content-type", ""),
                size=attempt.response_body_bytes,
                encoding=came_headers.get("content-encoding", "") if attempt.response_is_encoded else "",
                decode_known=decode,
            )
        exchange = Exchange(
            method=(attempt.method or "GET").upper(),
            scheme=address.scheme,
            host=address.host,
            port=address.port,
            path=address.path,
            query=address.query,
            request_headers=sent_headers,
            request_body=request_body.value,
            status_code=status_code,
            response_headers=came_headers,
            response_body=response_body.value,
            is_body_seen=attempt.is_answer_seen,
            no_answer=no_answer,
            answered_at=attempt.started_at + (attempt.ttfb_ms or attempt.duration_ms or 0) / 1000,
        )
        match = self._registry.match(exchange, service)
        request = Request(
            url=url,
            exchange=exchange,
            match=match,
            request_headers=request_headers,
            request_body=request_body,
            response_headers=response_headers,
            response_body=response_body,
            texts=texts,
            vocabulary=headers.vocabulary,
            version=version,
        )
        meaning = self._registry.understand(exchange, match)
        return Reading(attempt=attempt, meaning=meaning, service=service, request=request, is_running=is_running)


def _request_body(attempt: Attempt, headers: dict[str, str], decode_known: Callable[[bytes], Json]) -> Body:
    # Each field once: on another thread the application may be about to send it.
    form, body = attempt.request_form, attempt.request_body
    if form is not None:
        seen = sum(len(value) for _name, value in form if isinstance(value, str))
        return Body(value=fold_pairs(form), size=max(seen, attempt.request_body_bytes or 0))
    return parse(
        body,
        content_type=headers.get("content-type", ""),
        size=attempt.request_body_bytes,
        encoding=headers.get("content-encoding", "") if attempt.request_is_encoded else "",
        decode_known=decode_known,
    )


def _meaning_as_told(attempt: Attempt, operation: Operation) -> Meaning:
    """The meaning of an attempt that the application told with `request`, `response` and `fail`."""
    outcome = SUCCESS
    failure, no_answer = attempt.failure, attempt.no_answer
    if failure is not None:
        outcome = Outcome(is_success=False, error_code=failure[0], error_message=failure[1], fault="unclassified")
    elif no_answer is not None:
        outcome = outcome_without_answer(no_answer)
    return Meaning(
        service_name=operation.service_name or UNNAMED, action=operation.action or UNNAMED, entity=None, outcome=outcome
    )


def outcome_without_answer(no_answer: NoAnswer) -> Outcome:
    """Of a call whose service nobody knows: it may have happened, unless it was certainly not sent."""
    return without_answer(no_answer, is_repeatable=False)
