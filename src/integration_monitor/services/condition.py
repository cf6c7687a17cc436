"""Conditions and rules on answers, as a description in TOML states them. They are read by msgspec and asked as they are."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from integration_monitor.record import Fault, Json
from integration_monitor.services.bodies import field_at
from integration_monitor.services.forms import FieldPath, HttpStatus, Word

#: The whole body as a field.
WHOLE_BODY = "."

Scalar = str | bool | int | float
_MANY = 500


class Condition(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A condition on an answer: everything that is stated must hold, and something must be stated."""

    #: of the answer's body, `error.type`; `.` is the body itself
    field: FieldPath | None = None
    #: the field has this value, or one of these
    equals: Scalar | Annotated[list[Scalar], Meta(min_length=1, max_length=_MANY)] | None = msgspec.field(name="is", default=None)
    #: the field holds something: no null, no empty text, list or object
    is_present: bool | None = None
    #: of HTTP
    statuses: Annotated[list[HttpStatus], Meta(max_length=_MANY)] = []
    #: what the call was
    actions: Annotated[list[Word], Meta(max_length=_MANY)] = []

    def holds(self, body: Json, status: int, action: str) -> bool:
        return (
            (not self.statuses or status in self.statuses)
            and (not self.actions or has_word(self.actions, action))
            and (self.field is None or self._field_holds(value_at(body, self.field)))
        )

    def _field_holds(self, value: Json) -> bool:
        if self.is_present is not None:
            return (value not in (None, "", [], {})) == self.is_present
        wanted = self.equals if isinstance(self.equals, list) else (self.equals,)
        # To Python, true equals 1; to a vendor it does not.
        return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in wanted)


class Rule(Condition, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What a failure of some kind is. The first rule that holds counts."""

    #: error codes, `invalid_*` among them
    codes: Annotated[list[Word], Meta(max_length=_MANY)] = []
    #: the vendor's words hold one of these, in whatever case
    messages: Annotated[list[Word], Meta(max_length=_MANY)] = []
    fault: Fault | None = None
    #: without it the advice follows from fault and status
    retry: Literal["safe", "after", "ambiguous", "no"] | None = None
    #: the answer is none of the failures that it looks like
    is_success: bool = False
    note: Annotated[str, Meta(min_length=1, max_length=200)] | None = None

    def applies(self, body: Json, status: int, action: str, *, code: str, message: str) -> bool:
        """Whether the rule is about a failure of this code and these words."""
        return (
            (not self.codes or has_word(self.codes, code))
            and (not self.messages or any(words.lower() in message.lower() for words in self.messages))
            and self.holds(body, status, action)
        )


def first_wrong(conditions: Sequence[Condition]) -> tuple[int, str] | None:
    """The first condition that states too little or too much: its place and what is wrong with it."""
    for at, one in enumerate(conditions):
        is_about_field = one.field is not None
        if is_about_field != (one.equals is not None or one.is_present is not None):
            return at, "`field` goes with `is` or with `is_present`"
        if one.equals is not None and one.is_present is not None:
            return at, "it has both `is` and `is_present`"
        stated = [one.field, one.statuses, one.actions]
        if isinstance(one, Rule):
            stated += [one.codes, one.messages]
            if one.is_success and (one.fault or one.retry):
                return at, "a success has no fault and no retry advice"
            if not (one.fault or one.retry or one.note or one.is_success):
                return at, "it says nothing: give `fault`, `retry`, `note` or `is_success`"
        if not any(stated):
            return at, "it states no condition, so it would hold for every answer"
    return None


def has_word(words: Iterable[str], word: str) -> bool:
    return any(word.startswith(one[:-1]) if one.endswith("*") else word == one for one in words)


def value_at(body: Json, field: str) -> Json:
    """As `field_at`, with `.` for the body itself."""
    return body if field == WHOLE_BODY else field_at(body, field)
