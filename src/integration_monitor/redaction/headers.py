"""Headers, read and cleaned in one go: nearly all of them come again with every call, so what they are is remembered."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from integration_monitor.redaction.vocabulary import Vocabulary

# Values remembered of one header. One that has more of them, such as a request's id, has a new one in every call.
VALUES_MAX = 16
# A longer value is looked at each time.
VALUE_CHARS_MAX = 1_000
# A number is no secret: neither that of a card, nor one that is known by value.
NUMBER_DIGITS_MAX = 12
# Names remembered, and orders in which they come; hostile input must not fill the memory.
NAMES_MAX = 2_000
LAYOUTS_MAX = 200
# Headers remembered as a whole, of one layout.
SETS_MAX = 64
# Values remembered of all headers together.
HEADERS_MAX = 4_000

# RFC 9110, 5.6.7: what these headers hold in every answer can be no secret.
_DATES = frozenset({"date", "expires", "last-modified"})
_DATE = re.compile(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT")
# The whole header is nothing that could stand elsewhere.
_NOT_REMEMBERED = frozenset({"cookie", "set_cookie"})


class _Name:
    """What is known of a header's name."""

    __slots__ = ("changes", "in_reference", "is_date", "is_harmless", "text", "values_count")

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
        #: whether its values are not remembered: they are dates or numbers, or there were too many
        self.changes = self.is_date


class _Layout:
    """Names of headers as one client or one server sends them, call after call."""

    __slots__ = ("changing", "has_repeated_names", "sets", "steady", "version")

    def __init__(self, names: Sequence[_Name], version: int) -> None:
        #: (index, name) of those that have a new value in every call
        self.changing = [(at, name) for at, name in enumerate(names) if name.changes]
        steady = [at for at, name in enumerate(names) if not name.changes]
        #: picks the values of the others
        self.steady: Callable[[Any], object] = itemgetter(*steady) if steady else _no_values
        self.has_repeated_names = len({name.text for name in names}) < len(names)
        #: values of the others → (headers as sent, those that are secret as they are stored)
        self.sets: dict[object, tuple[dict[str, str], dict[str, str]]] = {}
        #: of the memory: with a new secret, everything is looked at again
        self.version = version


def _no_values(_values: object) -> None:
    """All of a layout's headers change."""


def _hashable(value: object) -> object:
    if isinstance(value, str | bytes):
        return value
    return bytes(value) if isinstance(value, bytearray) else str(value)


class HeaderReader:
    """Reads the headers of one service's calls. For one thread."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._names: dict[object, _Name] = {}
        self._layouts: dict[object, _Layout] = {}

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
        known_set = None
        try:
            names, values = zip(*pairs, strict=False)
            layout = self._layouts.get(names)
            if layout is not None and layout.version == self.vocabulary.memory.version:
                known_set = layout.sets.get(layout.steady(values))
            if known_set is None:
                hash(values)
        except (TypeError, ValueError):  # none at all, or something that is no header or cannot be remembered
            return self._read_new(pairs, texts)
        if layout is not None and known_set is not None:
            return self._read_changing(layout, values, known_set, texts)
        sent, stored = self._read_new(pairs, texts)
        self._learn(names, values, sent, stored)
        return sent, stored

    def _read_changing(
        self,
        layout: _Layout,
        values: Sequence[object],
        known_set: tuple[dict[str, str], dict[str, str]],
        texts: list[str],
    ) -> tuple[dict[str, str], dict[str, str]]:
        """As `read`, of headers that are known but for those that have a new value in every call."""
        sent, concealed = known_set[0].copy(), known_set[1]
        version = layout.version
        for at, name in layout.changing:
            raw_value = values[at]
            if name.is_harmless:
                value = raw_value.decode("latin-1") if type(raw_value) is bytes else str(raw_value)
                if not self._is_plainly_harmless(name, value):
                    texts.append(value)
            else:
                _name, value, stored = self._judge(name, None, raw_value, texts)
                if stored is not value:
                    concealed = {**concealed, name.text: stored}
            sent[name.text] = value
        if self.vocabulary.memory.version != version:
            # A secret that was not known when the values were remembered.
            texts += [value for name, value in sent.items() if name not in concealed]
        return sent, {**sent, **concealed} if concealed else sent

    def _learn(self, names: tuple[object, ...], values: Sequence[object], sent: dict[str, str], stored: dict[str, str]) -> None:
        """Remembers headers as a whole, as far as each of them is remembered by itself."""
        memory = self.vocabulary.memory
        layout = self._layouts.get(names)
        if layout is None or layout.version != memory.version:
            if len(self._layouts) >= LAYOUTS_MAX:
                self._layouts.clear()
            layout = self._layouts[names] = _Layout([self._name(name) for name in names], memory.version)
        changing = {at for at, _name in layout.changing}
        pairs = [pair for at, pair in enumerate(zip(names, values, strict=True)) if at not in changing]
        if layout.has_repeated_names or not all(pair in memory.headers for pair in pairs):
            return
        steady = [memory.headers[pair][0] for pair in pairs]
        if len(layout.sets) >= SETS_MAX:
            layout.sets.clear()
        concealed = {name: stored[name] for name in steady if stored[name] is not sent[name]}
        layout.sets[layout.steady(values)] = {name: sent[name] for name in steady}, concealed

    def _read_new(self, pairs: list[Any], texts: list[str]) -> tuple[dict[str, str], dict[str, str]]:
        """As `read`, of headers that did not come together before: each by itself."""
        memory = self.vocabulary.memory
        try:
            known = [*map(memory.headers.get, pairs)]
        except TypeError:  # a pair may be a list, and a value anything that the application gave
            pairs = [(name, _hashable(value)) for name, value in pairs]
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
            name, value, stored = self._judge(self._name(raw_name), raw_name, raw_value, texts)
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
        # All of them before the first new header is judged: a new secret may make the memory forget an old one.
        judged = [entry and (*entry, memory.concealed.get(entry, entry[1])) for entry in known]
        for (raw_name, raw_value), entry in zip(pairs, judged, strict=True):
            name, value, stored = entry or self._judge(self._name(raw_name), raw_name, raw_value, texts)
            if stored is not value:
                concealed[name] = stored
            if name in sent:
                value = f"{sent[name]}, {value}"
                texts += () if name in concealed else (value,)
            sent[name] = value
        if memory.version != version:
            texts += [value for name, value in sent.items() if name not in concealed]
        return sent, {**sent, **concealed}

    def _judge(self, name: _Name, raw_name: object, raw_value: object, texts: list[str]) -> tuple[str, str, str]:
        """(name, value, value as it is stored) of a header that is not remembered."""
        value = raw_value.decode("latin-1") if isinstance(raw_value, bytes) else str(raw_value)
        vocabulary = self.vocabulary
        if name.in_reference is not None:
            cleaned = vocabulary.conceal(name.in_reference, value, is_remembered=name.in_reference not in _NOT_REMEMBERED)
            if self._remember(name, raw_name, raw_value, value) and cleaned is not value:
                vocabulary.memory.concealed[name.text, value] = cleaned
                vocabulary.memory.concealed_names.add(name.text)
            return name.text, value, cleaned
        if not name.is_harmless:
            texts.append(f"{name.text}\n{value}")
        elif self._is_plainly_harmless(name, value):
            self._note_change(name)
        # Looked at by itself before it is remembered, with all others where it is not.
        elif name.values_count >= VALUES_MAX:
            self._note_change(name)
            texts.append(value)
        elif vocabulary.is_suspect(value):
            texts.append(value)
        else:
            self._remember(name, raw_name, raw_value, value)
        return name.text, value, value

    def _is_plainly_harmless(self, name: _Name, value: str) -> bool:
        """A date, or a short number."""
        if value.isdecimal():
            return len(value) <= NUMBER_DIGITS_MAX and not self.vocabulary.knows_numbers
        return name.is_date and _DATE.fullmatch(value) is not None

    def _name(self, raw_name: object) -> _Name:
        known = self._names.get(raw_name)
        if known is not None:
            return known
        if len(self._names) >= NAMES_MAX:
            self._forget()
        text = (raw_name.decode("latin-1") if isinstance(raw_name, bytes) else str(raw_name)).lower()
        name = self._names[raw_name] = _Name(text, self.vocabulary)
        return name

    def _forget(self) -> None:
        """Begins anew: what was remembered of a name is counted with the name, so both go together."""
        self._names.clear()
        self._layouts.clear()
        self.vocabulary.memory.forget_headers()

    def _note_change(self, name: _Name) -> None:
        """Its values are not remembered: the layouts that it is in are learned anew."""
        if not name.changes:
            name.changes = True
            self._layouts.clear()

    def _remember(self, name: _Name, raw_name: object, raw_value: object, value: str) -> bool:
        """Whether there was room for it."""
        if name.values_count >= VALUES_MAX:
            self._note_change(name)
            return False
        if len(value) > VALUE_CHARS_MAX or "%" in value:
            return False
        if len(self.vocabulary.memory.headers) >= HEADERS_MAX:
            self._forget()
        name.values_count += 1
        self.vocabulary.memory.headers[raw_name, raw_value] = name.text, value
        return True
