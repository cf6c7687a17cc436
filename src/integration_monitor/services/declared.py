"""Answers read by declaration: what a description in TOML says of outcomes, repetition and budgets, as the functions of a Service.

With a base, which is another service's reading, the declaration comes on top of it; without one, on top of the HTTP status.
"""

import dataclasses
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Annotated

import msgspec
from msgspec import Meta

from integration_monitor.record import Fault, Json
from integration_monitor.services.bodies import id_text, text_of
from integration_monitor.services.condition import WHOLE_BODY, Condition, Rule, has_word, value_at
from integration_monitor.services.description import is_safe_method
from integration_monitor.services.exchange import SUCCESS, Exchange, Outcome, Retry
from integration_monitor.services.forms import FieldPath, HeaderName, Method, Word
from integration_monitor.services.outcome import (
    NO,
    bounded_wait_s,
    by_status,
    failure,
    message_in,
    not_from_the_api,
    retry_after_s,
    vendor_code,
)

#: (exchange with an answer, action) → what became of it
Reading = Callable[[Exchange, str], Outcome]
#: (exchange, action) → whether repeating it can do no harm
Repeatability = Callable[[Exchange, str], bool]

_EVENT_STREAM = "text/event-stream"
# A detail is a parameter's name or a scope, hardly ever longer.
_DETAIL_CHARS_MAX = 100

Fields = Annotated[list[FieldPath], Meta(max_length=20)]


class Outcomes(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How answers are read: the table `[outcome]`."""

    #: of answers below 400: a failure if one of these holds, also for one event of an event stream
    failed_when: list[Condition] = []
    #: of answers below 400 that have a body: a failure unless one of these holds
    succeeded_when: list[Condition] = []
    #: whether answers below 400 are JSON or nothing: a page or a redirect in their place comes from something between
    is_json: bool = False
    #: actions whose answers may be anything all the same, such as downloads
    other_actions: list[Word] = []
    #: where the vendor's code stands; the first that holds one counts
    error_codes: Fields = []
    #: where the vendor's words stand; the first that holds some counts
    error_messages: Fields = []
    #: fields whose values are told behind the message, with their names
    error_details: Fields = []
    #: header that holds a code, where no field does
    error_code_header: HeaderName | None = None
    #: header that says `true` or `false` on whether the request may be sent again
    retry_header: HeaderName | None = None
    #: header with the milliseconds to wait, which is more exact than Retry-After
    retry_after_ms_header: HeaderName | None = None
    #: field with the seconds to wait
    retry_after_field: FieldPath | None = None
    rules: list[Rule] = []


class Repeatable(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which requests do no harm when they are sent again, beside those that only read: the table `[repeatable]`."""

    #: False where a GET may do something: an API of procedures, which takes any method for all of them
    is_get_safe: bool = True
    actions: list[Word] = []
    methods: list[Method] = []
    #: a request with one of these headers, such as an idempotency key
    headers: list[HeaderName] = []

    def holds(self, exchange: Exchange, action: str) -> bool:
        return (
            exchange.method in self.methods
            or has_word(self.actions, action)
            or any(exchange.request_headers.get(header) for header in self.headers)
        )


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredReading:
    """The `read` of a service that is described in TOML."""

    outcomes: Outcomes
    is_repeatable: Repeatability
    #: None means the HTTP status
    base: Reading | None = None

    def __call__(self, exchange: Exchange, action: str) -> Outcome:
        body = exchange.response_body
        outcome = self._read_base(exchange, action, body)
        if outcome.is_success:
            refusal = self._refusal(exchange, action)
            if refusal is None:
                return outcome
            body, code, fault = refusal
            message = self._message(body) or message_in(body) or "the answer says that it failed"
            # What is to be done about it follows from its fault.
            outcome = Outcome(is_success=False, error_code=self._code(exchange, body) or code, error_message=message, fault=fault)
        return self._judge(exchange, action, body, outcome)

    def _read_base(self, exchange: Exchange, action: str, body: Json) -> Outcome:
        status = exchange.status_code
        if self.base is None:
            if status is not None and status < HTTPStatus.BAD_REQUEST:
                return self._not_from_the_api(exchange, action) or SUCCESS
            is_repeatable = self.is_repeatable(exchange, action)
            return by_status(exchange, is_repeatable=is_repeatable, message=self._message(body), code=self._code(exchange, body))
        outcome = self.base(exchange, action)
        if outcome.is_success:
            return self._not_from_the_api(exchange, action) or outcome
        return Outcome(
            is_success=False,
            error_code=self._code(exchange, body) or outcome.error_code,
            error_message=self._message(body) or outcome.error_message,
            fault=outcome.fault,
            retry=outcome.retry,
            note=outcome.note,
        )

    def _not_from_the_api(self, exchange: Exchange, action: str) -> Outcome | None:
        """As `not_from_the_api`, where the API answers in JSON."""
        if not self.outcomes.is_json or has_word(self.outcomes.other_actions, action):
            return None
        return not_from_the_api(exchange, is_repeatable=self.is_repeatable(exchange, action))

    def _refusal(self, exchange: Exchange, action: str) -> tuple[Json, str, Fault] | None:
        """What says that an answer below 400 is a failure: the body or the event, our code and fault where it names none."""
        status = exchange.status_code or 0
        for body in _parts(exchange):
            if any(one.holds(body, status, action) for one in self.outcomes.failed_when):
                return body, "NOT_DONE", "unclassified"
        body = exchange.response_body
        if not self.outcomes.succeeded_when or body is None or _is_cut_json(body) or _is_event_stream(exchange):
            return None
        if any(one.holds(body, status, action) for one in self.outcomes.succeeded_when):
            return None
        is_answered = any(one.field and value_at(body, one.field) is not None for one in self.outcomes.succeeded_when)
        return (body, "NOT_DONE", "unclassified") if is_answered else (body, "INVALID_RESPONSE", "vendor")

    def _code(self, exchange: Exchange, body: Json) -> str | None:
        codes = (vendor_code(value_at(body, field)) for field in self.outcomes.error_codes)
        code = next(filter(None, codes), None)
        header = self.outcomes.error_code_header
        return code or (vendor_code(exchange.response_headers.get(header)) if header else None)

    def _message(self, body: Json) -> str | None:
        for field in self.outcomes.error_messages:
            text = message_in(body) if field == WHOLE_BODY else text_of(value_at(body, field))
            if text is not None:
                return text
        return None

    def _judge(self, exchange: Exchange, action: str, body: Json, outcome: Outcome) -> Outcome:
        """A failure with its details, and with the fault and the advice of the first rule that is about it."""
        code, message = outcome.error_code or "", outcome.error_message or ""
        status = exchange.status_code or 0
        rules = self.outcomes.rules
        rule = next((one for one in rules if one.applies(body, status, action, code=code, message=message)), None)
        if rule is not None and rule.is_success:
            return Outcome(is_success=True, note=rule.note)
        fault = (rule.fault if rule else None) or outcome.fault or "unclassified"
        return failure(
            code,
            self._detailed(body, message),
            fault,
            self._retry(exchange, action, outcome, fault, rule),
            note=(rule.note if rule else None) or outcome.note,
        )

    def _detailed(self, body: Json, message: str) -> str:
        details = []
        for field in self.outcomes.error_details:
            value = id_text(value_at(body, field))
            if value is not None and value not in message:
                details.append(f"{field.rpartition('.')[2]}: {value[:_DETAIL_CHARS_MAX]}")
        return f"{message} ({', '.join(details)})" if details else message

    def _retry(self, exchange: Exchange, action: str, outcome: Outcome, fault: Fault, rule: Rule | None) -> Retry:
        """The rule's advice, else the base's, else what follows from the fault; the vendor's own word can change all of them."""
        after_s = self._wait_s(exchange)
        is_repeatable = self.is_repeatable(exchange, action)
        again = Retry(advice="safe" if after_s is None else "after", after_s=after_s)
        if rule is not None and rule.retry is not None:
            retry = Retry(advice=rule.retry, after_s=after_s if rule.retry == "after" else None)
        elif self.base is not None and outcome.retry is not None and (rule is None or rule.fault is None):
            retry = outcome.retry
        elif fault == "limit":
            retry = Retry(advice="after", after_s=after_s)
        elif fault in ("vendor", "network"):
            retry = again if is_repeatable else Retry(advice="ambiguous", after_s=after_s)
        else:
            retry = NO
        word = exchange.response_headers.get(self.outcomes.retry_header or "")
        if word == "false" and retry.advice in ("safe", "after"):
            return NO
        return again if word == "true" and retry.advice == "no" and is_repeatable else retry

    def _wait_s(self, exchange: Exchange) -> float | None:
        field, header = self.outcomes.retry_after_field, self.outcomes.retry_after_ms_header
        seconds = value_at(exchange.response_body, field) if field else None
        if isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds == seconds:  # noqa: PLR0124 (NaN)
            return bounded_wait_s(seconds)
        milliseconds = exchange.response_headers.get(header, "") if header else ""
        if milliseconds.isdecimal() and len(milliseconds) < 16:  # noqa: PLR2004 (digits that are exact in a float)
            return bounded_wait_s(int(milliseconds) / 1000)
        return retry_after_s(exchange)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredRepeatability:
    """The `is_repeatable` of a service that is described in TOML."""

    repeatable: Repeatable
    base: Repeatability

    def __call__(self, exchange: Exchange, action: str) -> bool:
        if self.repeatable.holds(exchange, action):
            return True
        is_asked = self.repeatable.is_get_safe or not is_safe_method(exchange, action)
        return is_asked and self.base(exchange, action)


def _is_event_stream(exchange: Exchange) -> bool:
    is_text = isinstance(exchange.response_body, str)
    return is_text and exchange.response_headers.get("content-type", "").startswith(_EVENT_STREAM)


def _parts(exchange: Exchange) -> Iterator[Json]:
    """What a refusal may stand in: the body, or each event of a stream."""
    if not _is_event_stream(exchange):
        yield exchange.response_body
        return
    for block in exchange.response_body.replace("\r\n", "\n").split("\n\n"):
        event = _event(block)
        if event is not None:
            yield event


def _event(block: str) -> Json:
    """The data of one event; None where it is no JSON, as in the last event of a stream that was cut."""
    lines = [line[5:].strip() for line in block.split("\n") if line.startswith("data:")]
    try:
        return msgspec.json.decode("\n".join(lines))
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None


def _is_cut_json(body: Json) -> bool:
    """Whether only the beginning of an answer was seen, so that a field that is not there may have followed."""
    return isinstance(body, str) and (not body or body.lstrip()[:1] in ("{", "["))
