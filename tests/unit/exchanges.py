"""Exchanges for tests of services, and the table form in which a vendor's facts are written."""

import dataclasses
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from integration_monitor.record import Fault, Json, NoAnswer
from integration_monitor.services.exchange import Exchange, Meaning
from integration_monitor.services.registry import Registry


def reraise(error: Exception) -> None:
    """What a reading raises is a defect, which the registry would hide."""
    raise error


# It remembers hosts and nothing else, so tests may share it.
REGISTRY = Registry(on_error=reraise)


def exchange(
    call: str,
    *,
    request: Json = None,
    headers: Mapping[str, str] | None = None,
    status: int | None = 200,
    answer: Json = None,
    answer_headers: Mapping[str, str] | None = None,
    no_answer: NoAnswer | None = None,
) -> Exchange:
    """An exchange; `call` is `POST https://api.resend.com/emails`."""
    method, _, address = call.partition(" ")
    url = urlsplit(address)
    return Exchange(
        method=method,
        scheme=url.scheme,
        host=url.hostname or "",
        port=url.port or (443 if url.scheme == "https" else 80),
        path=url.path or "/",
        query=parse_qsl(url.query, keep_blank_values=True),
        request_headers=headers or {},
        request_body=request,
        status_code=None if no_answer else status,
        response_headers=answer_headers or {},
        response_body=answer,
        no_answer=no_answer,
    )


def understand(call: str, **parts: Json) -> Meaning:
    return REGISTRY.understand(exchange(call, **parts))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """One row of a table: an exchange, and what must be understood of it."""

    name: str
    call: str
    request: Json = None
    headers: Mapping[str, str] | None = None
    status: int = 200
    answer: Json = None
    answer_headers: Mapping[str, str] | None = None
    #: in place of an answer
    no_answer: NoAnswer | None = None
    #: None is a success
    code: str | None = None
    message: str | None = None
    fault: Fault | None = None
    retry: str | None = None
    after_s: float | None = None
    entity: tuple[str, str] | None = None
    note: str | None = None
    action: str | None = None
    #: limit and remaining of the budget
    rate_limit: tuple[int | None, int | None] | None = None

    def __str__(self) -> str:
        return self.name


def check(case: Case) -> None:
    """Compares every field of the table with what the registry understands."""
    meaning = understand(
        case.call,
        request=case.request,
        headers=case.headers,
        status=case.status,
        answer=case.answer,
        answer_headers=case.answer_headers,
        no_answer=case.no_answer,
    )
    outcome = meaning.outcome
    assert (outcome.is_success, outcome.error_code) == (case.code is None, case.code)
    assert outcome.error_message == case.message
    assert outcome.fault == case.fault
    advice = (outcome.retry.advice, outcome.retry.after_s) if outcome.retry else (None, None)
    assert advice == (case.retry, case.after_s)
    assert outcome.note == case.note
    assert meaning.entity == case.entity
    if case.rate_limit is not None:
        assert meaning.rate_limit is not None
        assert (meaning.rate_limit.limit, meaning.rate_limit.remaining) == case.rate_limit
    if case.action is not None:
        assert meaning.action == case.action
