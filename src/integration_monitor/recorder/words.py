"""What a record says in words beside its payloads: action, entity, code, message, note."""

from typing import NamedTuple

from integration_monitor.capture.operation import Operation
from integration_monitor.record import Json
from integration_monitor.recorder.readings import Reading
from integration_monitor.redaction import Redactor
from integration_monitor.services.description import Service
from integration_monitor.services.folding import folded_name
from integration_monitor.services.outcome import MESSAGE_CHARS_MAX, PAGE_CHARS_MAX

# Vendors' words are sentences: a page of HTML in their place is cut. Codes and names are bounded because statistics group by them.
MESSAGE_CHARACTERS_MAX = 2_000
# What services cut messages to, but for spaces at the end: the words of a body, and those of a page.
_CUT_LENGTHS = (range(MESSAGE_CHARS_MAX - 10, MESSAGE_CHARS_MAX + 1), range(PAGE_CHARS_MAX - 10, PAGE_CHARS_MAX + 1))
NAME_CHARACTERS_MAX = 200


class Told(NamedTuple):
    """The words of one record."""

    action: str
    #: (type, id as the application or the vendor gives it)
    entity: tuple[str, str] | None
    error_message: str | None
    error_code: str | None
    note: str | None

    def texts(self, *, is_action_given: bool) -> list[str]:
        """What must be searched for secrets; an action that is no route's own may hold anything."""
        texts = [text for text in (self.error_message, self.error_code, self.note) if text]
        if is_action_given:
            texts.append(self.action)
        if self.entity is not None:
            texts += self.entity
        return texts

    def is_message_cut(self, last: Reading | None) -> bool:
        """Whether the message may be only the beginning of the vendor's words: their end may be the beginning of a secret."""
        message = self.error_message
        if message is None:
            return False
        is_body_cut = last is not None and last.request is not None and last.request.response_body.is_cut
        return is_body_cut or message.endswith("…") or any(len(message) in lengths for lengths in _CUT_LENGTHS)

    def cleaned(self, redactor: Redactor, service: Service, *, is_message_cut: bool = False) -> "Told":
        """The same without secrets: an application may put the text of an exception anywhere."""
        entity, message = self.entity, self.error_message
        if message is not None and is_message_cut:
            message = redactor.body(message.removesuffix("…"), service, direction="response", is_cut=True)
        elif message is not None:
            message = redactor.text(message, service)
        return Told(
            redactor.text(self.action, service),
            entity and (redactor.text(entity[0], service), redactor.text(entity[1], service)),
            message,
            self.error_code and redactor.text(self.error_code, service),
            self.note and redactor.text(self.note, service),
        )

    def folded(self, operation: Operation, last: Reading | None) -> "Told":
        """The same without identifiers in the names that the application gave."""
        told = self
        if operation.action is not None:
            told = told._replace(action=folded_name(told.action))
        is_given = operation.failure is not None or (last is not None and last.attempt.failure is not None)
        if is_given and told.error_code is not None:
            told = told._replace(error_code=folded_name(told.error_code))
        return told

    def shortened(self) -> "Told":
        """The same within the bounds of the columns."""
        entity = self.entity
        # What nearly all calls are: named by a route, and told without words.
        is_short = len(self.action) <= NAME_CHARACTERS_MAX and (entity is None or len(entity[0]) <= NAME_CHARACTERS_MAX)
        if is_short and self.error_message is None and self.error_code is None and self.note is None:
            return self
        return Told(
            self.action[:NAME_CHARACTERS_MAX],
            entity and (entity[0][:NAME_CHARACTERS_MAX], entity[1]),
            self.error_message and self.error_message[:MESSAGE_CHARACTERS_MAX],
            self.error_code and self.error_code[:NAME_CHARACTERS_MAX],
            self.note and self.note[:MESSAGE_CHARACTERS_MAX],
        )

    def request_details(self, operation: Operation) -> dict[str, Json]:
        """What a request payload says beside what was sent."""
        details: dict[str, Json] = {}
        if self.entity is not None:
            details["entity"] = {"type": self.entity[0], "id": self.entity[1]}
        if operation.trace_id:
            details["trace_id"] = f"{operation.trace_id:032x}"
        return details
