"""Headers, read and cleaned in one go: nearly all of them come again with every call, so what they are is remembered."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from integration_monitor.redaction.vocabulary import Vocabulary

# Values remembered of one header. One that has more of them, such as a request's id, has a new one in every call.
VALUES_MAX = 16
# A longer value is looked at each time.
VALUE_CHARS_MAX = 1_000
# A number is no secret: neither that of a card, nor one that is known by value.
NUMBER_DIGITS_MAX = 12
# Names remembered; hostile input must not fill the memory.
NAMES_MAX = 2_000

# RFC 9110, 5.6.7: what these headers hold in every answer can be no secret.
_DATES = frozenset({"date", "expires", "last-modified"})
_DATE = re.compile(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT")
# The whole header is nothing that could stand elsewhere.
_NOT_REMEMBERED = frozenset({"cookie", "set_cookie"})


class _Name:
    """What is known of a header's name."""

    __slots__ = ("in_reference", "is_date", "is_harmless", "is_varied", "text", "values_count")

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        #: in lower case
        self.text = text
        #: what a secret of this name is called in references; None where the name is harmless
        self.in_reference = vocabulary.name_of(text)
        #: whether the name itself can be stored as it is
        self.is_harmless = text in vocabulary.harmless
        self.is_date = text in _DATES
        #: values that were remembered
        self.values_count = 0
        #: whether it is harmless and has a new value in every call
        self.is_varied = self.is_date and self.is_harmless


class HeaderReader:
    """Reads the headers of one service's calls. For one thread."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._names: dict[object, _Name] = {}

    def read(self, headers: Any, texts: list[str]) -> tuple[dict[str, str], dict[str, str]]:
        """(headers as sent, headers with references in place of what is secret by name); the same object twice where nothing is.

        Names are in lower case; the values of a name that comes more than once are joined, as HTTP does.

        headers:
            A mapping, or pairs, of text or bytes; None where there were none.
        texts:
            Receives what must still be searched for secrets, in the second as well as in the first.
        """
        if headers is None:
            return {}, {}
        pairs = headers
        if type(headers) is not list:
            pairs = [*headers.items()] if isinstance(headers, Mapping) else [*headers]
        memory = self.vocabulary.memory
        try:
            known = [*map(memory.headers.get, pairs)]
        except TypeError:  # a pair may be a list
            pairs = [tuple(pair) for pair in pairs]
            known = [*map(memory.headers.get, pairs)]
        # In C for all that is known; the others, such as a date, are added. The order of headers says nothing.
        sent: dict[str, str] = dict(filter(None, known))
        new = [pair for pair, entry in zip(pairs, known, strict=True) if entry is None] if None in known else []
        if len(sent) + len(new) != len(pairs):
            return self._read_each(pairs, known, texts)
        version = memory.version
        concealed: dict[str, str] = {}
        if not memory.concealed_names.isdisjoint(sent):
            names = memory.concealed_names & sent.keys()
            concealed = {name: memory.concealed.get((name, sent[name]), sent[name]) for name in names}
        if not self._add(new, sent, concealed, texts):
            return self._read_each(pairs, known, texts)
        if memory.version != version:
            # A secret that was not known when the values were remembered.
            texts += [value for name, value in sent.items() if name not in concealed]
        return sent, {**sent, **concealed} if concealed else sent

    def _add(
        self, new: Iterable[tuple[object, object]], sent: dict[str, str], concealed: dict[str, str], texts: list[str]
    ) -> bool:
        """Adds headers that are not remembered. False where one comes more than once."""
        for raw_name, raw_value in new:
            known_name = self._names.get(raw_name)
            if known_name is not None and known_name.is_varied and type(raw_value) is bytes:
                name = known_name.text
                value = stored = raw_value.decode("latin-1")
                if not (known_name.is_date and _DATE.fullmatch(value)):
                    texts.append(value)
            else:
                name, value, stored = self._judge(raw_name, raw_value, texts)
            if name in sent:
                return False
            sent[name] = value
            if stored is not value:
                concealed[name] = stored
        return True

    def _read_each(
        self, pairs: Iterable[Any], known: Iterable[tuple[str, str] | None], texts: list[str]
    ) -> tuple[dict[str, str], dict[str, str]]:
        """As `read`, for headers of which one comes more than once: of a secret one the last reference stands for all."""
        memory = self.vocabulary.memory
        version = memory.version
        sent: dict[str, str] = {}
        concealed: dict[str, str] = {}
        for (raw_name, raw_value), entry in zip(pairs, known, strict=True):
            if entry is None:
                name, value, stored = self._judge(raw_name, raw_value, texts)
            else:
                name, value = entry
                stored = memory.concealed.get(entry, value) if name in memory.concealed_names else value
            if stored is not value:
                concealed[name] = stored
            if name in sent:
                value = f"{sent[name]}, {value}"
                texts += () if name in concealed else (value,)
            sent[name] = value
        if memory.version != version:
            texts += [value for name, value in sent.items() if name not in concealed]
        return sent, {**sent, **concealed}

    def _judge(self, raw_name: object, raw_value: object, texts: list[str]) -> tuple[str, str, str]:
        """(name, value, value as it is stored) of a header that is not remembered."""
        value = raw_value.decode("latin-1") if isinstance(raw_value, bytes) else str(raw_value)
        name = self._names.get(raw_name) or self._remember_name(raw_name)
        vocabulary = self.vocabulary
        if name.in_reference is not None:
            cleaned = vocabulary.conceal(name.in_reference, value, is_remembered=name.in_reference not in _NOT_REMEMBERED)
            if self._remember(name, raw_name, raw_value, value) and cleaned is not value:
                vocabulary.memory.concealed[name.text, value] = cleaned
                vocabulary.memory.concealed_names.add(name.text)
            return name.text, value, cleaned
        if not name.is_harmless:
            texts.append(f"{name.text}\n{value}")
        elif not self._is_plainly_harmless(name, value):
            # Looked at by itself before it is remembered, with all others where it is not.
            if name.values_count >= VALUES_MAX or vocabulary.is_suspect(value):
                texts.append(value)
            else:
                self._remember(name, raw_name, raw_value, value)
        return name.text, value, value

    def _is_plainly_harmless(self, name: _Name, value: str) -> bool:
        """A date, or a short number."""
        if value.isdecimal():
            return len(value) <= NUMBER_DIGITS_MAX and not self.vocabulary.knows_numbers
        return name.is_date and _DATE.fullmatch(value) is not None

    def _remember_name(self, raw_name: object) -> _Name:
        if len(self._names) >= NAMES_MAX:
            self._names.clear()
        text = (raw_name.decode("latin-1") if isinstance(raw_name, bytes) else str(raw_name)).lower()
        name = self._names[raw_name] = _Name(text, self.vocabulary)
        return name

    def _remember(self, name: _Name, raw_name: object, raw_value: object, value: str) -> bool:
        """Whether there was room for it."""
        if name.values_count >= VALUES_MAX or len(value) > VALUE_CHARS_MAX or "%" in value:
            return False
        name.values_count += 1
        name.is_varied = name.values_count == VALUES_MAX and name.is_harmless
        self.vocabulary.memory.headers[raw_name, raw_value] = name.text, value
        return True
