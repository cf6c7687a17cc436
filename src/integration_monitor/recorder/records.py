"""Records of operations, and of what the application logged itself."""

import os
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from integration_monitor.capture.operation import Operation
from integration_monitor.errors import SettingsError
from integration_monitor.record import UNNAMED, IntegrationLog, Json, Status, entity_uuid, new_id_at, now
from integration_monitor.recorder.masking import masked
from integration_monitor.recorder.outcomes import count_retries, details_of, outcome_of
from integration_monitor.recorder.payloads import Cleaner, as_object, given_or, request_payload, response_payload
from integration_monitor.recorder.readings import Reader, Reading
from integration_monitor.recorder.rules import Rules, Subject, is_in_sample
from integration_monitor.recorder.words import MESSAGE_CHARACTERS_MAX, NAME_CHARACTERS_MAX, Told
from integration_monitor.redaction import MessageTexts, PersonalData, Redactor, are_clean, gather
from integration_monitor.services.description import Direction, Service
from integration_monitor.services.exchange import SUCCESS, Outcome
from integration_monitor.services.folding import folded_name
from integration_monitor.services.registry import Registry
from integration_monitor.services.sources import OnError
from integration_monitor.settings import Settings

# The largest value of the column duration_ms, an integer of four bytes: 24 days.
DURATION_MS_MAX = 2**31 - 1

# A secret of the settings is taken out wherever it stands, also within a word.
SECRET_CHARACTERS_MIN = 6
_SECRET_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")

# The credentials of probes among the settings: what a reference calls them → the setting.
_CREDENTIALS = {
    "amocrm.access_token": "amocrm_token",
    "resend.api_key": "resend_api_key",
    "mobizon.api_key": "mobizon_api_key",
    "whapi.token": "whapi_token",
}


class Recorder:
    """Makes records of operations, and cleans those that the application made itself. For one thread.

    on_description_error:
        Is told of each description of a service that cannot be used, which is then left out; without it the first one raises.
    on_error:
        Is told what a description raises on a call. The call is recorded all the same.
    registry:
        The services that are known; made of the settings where it is not given.

    Errors:
        SettingsError: of the services, as `Registry`; of the settings `ignore` and `sample`, as `Rules`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        on_description_error: OnError | None = None,
        on_error: Callable[[Exception], None] = lambda _error: None,
        registry: Registry | None = None,
    ) -> None:
        self._settings = settings
        self._registry = registry or Registry(
            settings.service_hosts,
            services_dir=settings.services_dir,
            on_description_error=on_description_error,
            on_error=on_error,
        )
        self._rules = Rules(settings.ignore, settings.sample)
        self._redactor = Redactor(known_secrets=_known_secrets(settings))
        digests = PersonalData((settings.personal_data_key or "").encode() or os.urandom(32))
        self._personal_data = digests if settings.redact_personal_data else None
        self._messages = MessageTexts(digests) if settings.message_text == "digest" else None
        self._cleaner = Cleaner(self._redactor, body_bytes_max=settings.body_bytes_max, messages=self._messages)
        self._reader = Reader(self._registry, self._redactor)

    def __call__(self, item: Operation | IntegrationLog) -> IntegrationLog | None:
        """The record of an item; None where there is to be none: the settings say so, or it is a long poll that brought nothing."""
        record = self._clean(item) if isinstance(item, IntegrationLog) else self._record(item, is_finished=True)
        return record if record is None or self._personal_data is None else masked(record, self._personal_data)

    def unfinished(self, operation: Operation) -> IntegrationLog | None:
        """The record of an operation that is still running: pending, or retrying where an attempt of it has failed.

        Its id and its beginning are those of the record that it becomes when it has ended. None as above.
        """
        record = self._record(operation, is_finished=False)
        return record if record is None or self._personal_data is None else masked(record, self._personal_data)

    def _record(self, operation: Operation, *, is_finished: bool) -> IntegrationLog | None:
        # A copy: on another thread the operation may go on.
        readings = [self._reader.read(attempt, operation) for attempt in tuple(operation.attempts)]
        last = readings[-1] if readings else None
        outcome = outcome_of(operation, last) if is_finished else SUCCESS
        service_name = operation.service_name or (last.meaning.service_name if last else None) or UNNAMED
        action = operation.action or (last.meaning.action if last else UNNAMED)
        if outcome.is_success and operation.service_name is None and last is not None and not _is_worth_a_record(last):
            return None
        # In whole milliseconds, as in the id: whoever has only the id has the time as well.
        milliseconds = int(operation.started_at * 1000)
        if operation.id is None:
            operation.id = new_id_at(milliseconds)
        share = 1.0
        if not self._rules.is_empty:
            share = self._rules.share(_subject(service_name, action, last))
            if not is_in_sample(operation.id, share):
                return None
        service = last.service if last else self._registry.named(service_name)
        entity = operation.entity or next((one.meaning.entity for one in reversed(readings) if one.meaning.entity), None)
        told = Told(action, entity and (str(entity[0]), str(entity[1])), outcome.error_message, outcome.error_code, outcome.note)
        request, response, told = self._payloads(operation, readings, service, told, outcome, is_finished=is_finished)
        if share < 1:
            request = _with(request, {"sample_rate": share})
        return IntegrationLog(
            id=operation.id,
            service_name=service_name[:NAME_CHARACTERS_MAX],
            action=told.action,
            status=_status(readings, outcome, is_finished=is_finished),
            related_entity_type=told.entity[0] if told.entity else None,
            related_entity_id=entity_uuid(str(entity[0]), entity[1]) if entity else None,
            request_payload=request,
            response_payload=response,
            error_message=told.error_message,
            error_code=told.error_code,
            duration_ms=_duration_ms(operation) if is_finished else None,
            retry_count=count_retries(readings) if len(readings) > 1 else 0,
            created_at=datetime.fromtimestamp(milliseconds / 1000, UTC),
            updated_at=now(),
        )

    def _payloads(  # noqa: PLR0913 -- everything that a record is made of
        self,
        operation: Operation,
        readings: Sequence[Reading],
        service: Service,
        told: Told,
        outcome: Outcome,
        *,
        is_finished: bool,
    ) -> tuple[Json, Json, Told]:
        """What was sent, what came back, and what is said of both; nothing of it holds a secret."""
        last = readings[-1] if readings else None
        sent = given_or(operation.request_payload, last.attempt.request_payload if last else None)
        came = given_or(operation.response_payload, last.attempt.response_payload if last else None)
        is_message_cut = told.is_message_cut(last)
        is_clean, parts = False, None
        if last is not None and last.request is not None:
            texts = told.texts(is_action_given=operation.action is not None or last.request.match.route is None)
            is_quick = sent is None and came is None and not is_message_cut
            parts = self._cleaner.quick(last.request, texts) if is_quick else None
            is_clean = parts is not None
            parts = parts or self._cleaner.thorough(last.request)
        # The request first: secrets found in it by place are then known, and gone from the answer and the words too.
        request: Json = None
        if sent is None and parts is not None and last is not None and last.request is not None:
            request = request_payload(last.request, parts)
        else:
            request = as_object(
                self._redactor.body(self._without_messages(sent, service, "request"), service, direction="request")
            )
        response: Json = None
        if came is None and parts is not None and last is not None:
            response = None if last.is_running else response_payload(last, parts)
        elif is_finished or came is not None:
            response = as_object(
                self._redactor.body(self._without_messages(came, service, "response"), service, direction="response")
            )
        # Folded and cut only now: nobody would know the rest of a secret.
        told = told if is_clean else told.cleaned(self._redactor, service, is_message_cut=is_message_cut)
        told = told.folded(operation, last).shortened()
        details = self._details(operation, readings, service, told, outcome)
        return _with(request, told.request_details(operation)), _with(response, details), told

    def _is_clean(self, record: IntegrationLog, service: Service) -> bool:
        """Whether a record of `log()` can be stored as it is: the quick way, as for calls."""
        message = record.error_message
        if message is not None and len(message) > MESSAGE_CHARACTERS_MAX:
            return False
        vocabulary = self._redactor.vocabulary(service)
        texts = [text for text in (record.action, record.related_entity_type, record.error_code, message) if text]
        payloads = [record.request_payload, record.response_payload]
        # A list, so that a payload that is a text is one of the texts.
        return gather(payloads, vocabulary, texts) and are_clean(texts, vocabulary)

    def _without_messages(self, payload: Json, service: Service, direction: Direction) -> Json:
        """What the application gave, without the texts of messages where the user wants that."""
        if self._messages is None:
            return payload
        return self._messages.without(payload, service, is_request=direction == "request")

    def _details(
        self, operation: Operation, readings: Sequence[Reading], service: Service, told: Told, outcome: Outcome
    ) -> dict[str, Json]:
        """What a response payload says beside the vendor's answer."""
        details = details_of(outcome)
        if told.note:
            details["note"] = told.note
        rate_limit = readings[-1].meaning.rate_limit if readings else None
        if rate_limit is not None:
            limits = msgspec.structs.asdict(rate_limit)
            details["rate_limit"] = {name: value for name, value in limits.items() if value is not None}
        if operation.attempts_count > 1 or any(one.has_failed for one in readings[:-1]):
            details["attempts"] = [self._attempt_row(one, service) for one in readings[-self._settings.attempts_max :]]
            details["attempts_count"] = operation.attempts_count
        return details

    def _attempt_row(self, reading: Reading, service: Service) -> dict[str, Json]:
        outcome = reading.meaning.outcome
        status = "pending" if reading.is_running else "success" if outcome.is_success else "failed"
        code = None if reading.is_running else outcome.error_code
        if code is not None:
            code = self._redactor.text(code, service)
            code = code if reading.attempt.failure is None else folded_name(code)
        return {
            "action": self._redactor.text(reading.meaning.action, service)[:NAME_CHARACTERS_MAX],
            "status": status,
            "error_code": code and code[:NAME_CHARACTERS_MAX],
            "duration_ms": reading.attempt.duration_ms,
        }

    def _clean(self, record: IntegrationLog) -> IntegrationLog | None:
        """A record of `log()` without secrets."""
        share = 1.0
        if not self._rules.is_empty:
            share = self._rules.share(Subject(record.service_name, record.action))
            if not is_in_sample(record.id, share):
                return None
        service = self._registry.named(record.service_name)
        if share == 1 and self._messages is None and self._is_clean(record, service):
            return record
        text = self._redactor.text
        entity_type, error_code, message = record.related_entity_type, record.error_code, record.error_message
        sent = self._without_messages(record.request_payload, service, "request")
        came = self._without_messages(record.response_payload, service, "response")
        request = self._redactor.body(sent, service, direction="request")
        response = self._redactor.body(came, service, direction="response")
        return msgspec.structs.replace(
            record,
            action=text(record.action, service),
            related_entity_type=None if entity_type is None else text(entity_type, service),
            error_code=None if error_code is None else text(error_code, service),
            request_payload=_with(as_object(request), {"sample_rate": share}) if share < 1 else request,
            response_payload=response,
            error_message=None if message is None else text(message, service)[:MESSAGE_CHARACTERS_MAX],
        )


def _is_worth_a_record(reading: Reading) -> bool:
    """Not so where only a failure is: nobody wants a row for each long poll, also while it waits."""
    match = reading.request.match if reading.request is not None else None
    if reading.is_running and match is not None:
        return match.route is None or match.route.is_recorded
    return reading.meaning.is_recorded


def _subject(service_name: str, action: str, last: Reading | None) -> Subject:
    if last is None or last.request is None:
        return Subject(service_name, action)
    exchange = last.request.exchange
    return Subject(service_name, action, exchange.host, exchange.port, exchange.path)


def _status(readings: Sequence[Reading], outcome: Outcome, *, is_finished: bool) -> Status:
    if is_finished:
        return "success" if outcome.is_success else "failed"
    return "retrying" if any(one.has_failed for one in readings) else "pending"


def _duration_ms(operation: Operation) -> int | None:
    return None if operation.duration_ms is None else min(operation.duration_ms, DURATION_MS_MAX)


def _with(payload: dict[str, Json] | None, details: dict[str, Json]) -> dict[str, Json] | None:
    if not details:
        return payload
    return {**payload, **details} if payload else details


def _monitor_key(url: str) -> str | None:
    """The key of another monitor, where records go to one; None where they do not."""
    scheme, _, rest = url.partition("://")
    return rest.partition("@")[0] if scheme.lower() in {"http", "https"} and "@" in rest else None


def _known_secrets(settings: Settings) -> dict[str, str]:
    """Our own secrets, which an application may send somewhere by mistake, and those that the settings hold of the services."""
    bot = settings.telegram_bot_token
    # As in URLs: the public id tells bots apart.
    named = {"monitor.jwt_secret": settings.jwt_secret, f"telegram.token:{bot.partition(':')[0] if bot else ''}": bot}
    named |= {name: getattr(settings, setting) for name, setting in _CREDENTIALS.items()}
    named["monitor.key"] = _monitor_key(settings.database_url or "")
    for name, secret in settings.secrets.items():
        if len(secret) < SECRET_CHARACTERS_MIN or not _SECRET_NAME.fullmatch(name):
            problem = f"a value has at least {SECRET_CHARACTERS_MIN} characters, or it would be found in many words"
            if not _SECRET_NAME.fullmatch(name):
                problem = "a name is of letters, digits, dots, dashes and underscores, such as `shop.key`"
            raise SettingsError(f"secrets: {name}: {problem}", name="secrets")
        named[name] = secret
    return {name: secret for name, secret in named.items() if secret}
