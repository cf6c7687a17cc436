"""Takes secrets out of the parts of a call. Ordered by cost: most parts hold no secret and are only looked over."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import quote, unquote, unquote_plus

import msgspec

from integration_monitor.record import Json
from integration_monitor.redaction.text import without_named_secrets
from integration_monitor.redaction.vocabulary import ENCODINGS_MAX, Memory, Vocabulary, decoded, is_storable
from integration_monitor.services.description import Direction, Route, Service

# Deeper structures are no payload that anybody reads, and PostgreSQL refuses them some way below.
DEPTH_MAX = 100
# JSON inside a string inside JSON: nobody goes deeper but those who hide something.
STRINGS_IN_STRINGS_MAX = 4
# Services remembered; an application that talks to more forgets and learns again.
VOCABULARIES_MAX = 1000

#: What stands for a body that is not stored at all.
WITHHELD: Final = {"withheld": True}
_TOO_DEEP = f"… nested deeper than {DEPTH_MAX} levels"

_SCALARS = frozenset({type(None), bool, int, float})
_JSON_STARTS = frozenset('{["')
# What stands between the words of a text, and between the parts of a URL in it.
_WORD_BOUNDS = re.compile(r"([\s\"'<>&=?#]+)")
_NOT_STORABLE = re.compile(r"[\x00\ud800-\udfff]")
# {"name": "Authorization", "value": …}: the name is no key.
_NAME_KEYS = ("name", "key", "header")
_NAME_CHARS_MAX = 100
# The last word of a text that was cut may be the beginning of a secret. The look behind keeps the search linear.
_CUT_SECRET = re.compile(r"(?<![A-Za-z0-9_.:+/=%-])[A-Za-z0-9_.:+/=%-]{6,}\Z")


class Redactor:
    """Takes secrets out of the parts of a call. For one thread: it remembers what it has seen.

    Of each call the request's headers should come first: what is secret in them is then found in the other parts, too.

    known_secrets:
        Name in the reference → value, for secrets that the settings name: `{"monitor.jwt_secret": …}`.
    """

    def __init__(self, *, known_secrets: Mapping[str, str] | None = None) -> None:
        self._known = {value: f"${{{name}}}" for name, value in (known_secrets or {}).items() if value}
        self._vocabularies: dict[tuple[str, str | None], Vocabulary] = {}

    def headers(self, headers: Mapping[str, str], service: Service) -> dict[str, str]:
        """Headers without secrets; of an authorization the scheme stays: `Bearer ${resend.api_key}`."""
        vocabulary = self._vocabulary(service)
        cleaned: dict[str, str] = {}
        others = []
        for name, value in headers.items():
            name_in_reference = vocabulary.name_of(name)
            if name_in_reference is None:
                cleaned[name] = value
                others.append(value if name in vocabulary.harmless else f"{name}\n{value}")
            else:
                cleaned[name] = vocabulary.conceal(name_in_reference, value)
        if vocabulary.is_suspect("\n".join(others)):
            return {_clean(name, vocabulary): _clean(value, vocabulary) for name, value in cleaned.items()}
        return cleaned

    def url(self, text: str, service: Service, route: Route | None = None) -> str:
        """A URL without secrets in user and password, path, query and fragment."""
        vocabulary = self._vocabulary(service, route)
        key = (route.path if route is not None and route.secrets else None, text)
        cleaned = vocabulary.memory.urls.get(key)
        if cleaned is None:
            cleaned = _clean_url(text, vocabulary) if vocabulary.is_suspect(text) else text
            vocabulary.memory.remember_url(key, cleaned)
        return cleaned

    def body(
        self, body: Json, service: Service, *, direction: Direction, route: Route | None = None, is_cut: bool = False
    ) -> Json:
        """A body without secrets: the same object where it has none, WITHHELD where it must not be stored at all.

        body:
            JSON or a form as parsed, or text. Anything else becomes text.
        is_cut:
            The text, or the last field of the form, is only the beginning: a secret that may have been cut at its end is taken out, too.
        """
        vocabulary = self._vocabulary(service, route)
        if route is not None and body is not None:
            body = _kept(body, route, direction, vocabulary)
            if body is WITHHELD:
                return body
        if isinstance(body, str):
            text = _clean(body, vocabulary)
            return _CUT_SECRET.sub("…", text) if is_cut else text
        cleaned = body if _is_clean(body, vocabulary) else _rebuild(body, vocabulary, 0, 0)
        return _without_cut_end(cleaned) if is_cut and isinstance(cleaned, dict) else cleaned

    def text(self, text: str, service: Service) -> str:
        """A message or the text of an exception without secrets."""
        return _clean(text, self._vocabulary(service))

    def _vocabulary(self, service: Service, route: Route | None = None) -> Vocabulary:
        """A route with secrets of its own has its own vocabulary, which shares with the service's what was seen."""
        own_route = route if route is not None and route.secrets else None
        key = (service.name, own_route.path if own_route is not None else None)
        vocabulary = self._vocabularies.get(key)
        if vocabulary is None:
            if len(self._vocabularies) >= VOCABULARIES_MAX:
                self._vocabularies.clear()
            memory = Memory() if own_route is None else self._vocabulary(service).memory
            vocabulary = self._vocabularies[key] = Vocabulary(service, own_route, self._known, memory)
        return vocabulary


def _kept(body: Json, route: Route, direction: Direction, vocabulary: Vocabulary) -> Json:
    """What of a body may be looked at further: nothing of withheld ones, and some fields of others."""
    if direction in route.withheld:
        return WITHHELD
    if (route.secrets or route.response_fields_kept) and isinstance(body, str) and body:
        return WITHHELD  # the secrets of such a route are known by place, and a text has no places
    if direction == "request" or route.response_fields_kept is None:
        return body
    if not isinstance(body, dict):
        return WITHHELD
    return {name: value for name, value in body.items() if name in route.response_fields_kept or vocabulary.name_of(name)}


def _without_cut_end(form: dict[str, Json]) -> dict[str, Json]:
    """A form without what may be the beginning of a secret: the end of its last value."""
    name = next(reversed(form), None)
    values = form.get(name) if name is not None else None
    last = values[-1] if isinstance(values, list) and values else values
    if name is None or not isinstance(last, str):
        return form
    shortened = _CUT_SECRET.sub("…", last)
    return {**form, name: [*values[:-1], shortened] if isinstance(values, list) else shortened}


def _is_clean(body: Json, vocabulary: Vocabulary) -> bool:
    """Whether a structure can be stored as it is. Level by level: no nesting can overflow the stack."""
    level: list[Json] = [[body]]
    texts: list[str] = []
    for _ in range(DEPTH_MAX):
        below: list[Json] = []
        for node in level:
            items: Iterable[Json] = node
            if type(node) is dict:
                if not vocabulary.harmless.issuperset(node) and not _has_harmless_names(node, vocabulary):
                    return False
                if "value" in node and _name_of_value(node, vocabulary) is not None:
                    return False
                items = node.values()
            if not _sort(items, texts, below):
                return False
        if not below:
            # An escape may hide a name from the tests on its text: {"\u0074oken": …} inside a string.
            text = "\n".join(texts)
            return ("\\" not in text or "\\u" not in text) and not vocabulary.is_suspect(text)
        level = below
    return False


def _sort(items: Iterable[Json], texts: list[str], containers: list[Json]) -> bool:
    """Adds texts and containers to their lists; False where there is something that is no JSON."""
    for item in items:
        kind = type(item)
        if kind is str:
            texts.append(item)
        elif kind is dict or kind is list:
            containers.append(item)
        elif kind not in _SCALARS:
            return False
    return True


def _has_harmless_names(node: Mapping[str, Json], vocabulary: Vocabulary) -> bool:
    return all(type(name) is str and vocabulary.name_of(name) is None and name in vocabulary.harmless for name in node)


def _name_of_value(node: Mapping[str, Json], vocabulary: Vocabulary) -> str | None:
    """What the `value` of {"name": "Authorization", "value": …} is called in references; None where it is harmless."""
    for key in _NAME_KEYS:
        name = node.get(key)
        if isinstance(name, str) and len(name) <= _NAME_CHARS_MAX:
            return vocabulary.name_of(name)
    return None


def _rebuild(value: Json, vocabulary: Vocabulary, depth: int, strings: int) -> Json:
    """A copy without secrets. `strings` counts the strings that were opened on the way here."""
    if isinstance(value, str):
        return _clean(value, vocabulary, strings)
    if type(value) in _SCALARS:
        return value
    if depth >= DEPTH_MAX:
        return _TOO_DEEP
    if isinstance(value, Mapping):
        name_of_value = _name_of_value(value, vocabulary)
        copy = {}
        for key, item in value.items():
            name = key if isinstance(key, str) else str(key)
            secret = vocabulary.name_of(name) or (name_of_value if name == "value" else None)
            copy[_clean(name, vocabulary, STRINGS_IN_STRINGS_MAX)] = (
                _rebuild(item, vocabulary, depth + 1, strings) if secret is None else vocabulary.conceal(secret, item)
            )
        return copy
    if isinstance(value, list | tuple | set | frozenset):
        return [_rebuild(item, vocabulary, depth + 1, strings) for item in value]
    return _clean(str(value), vocabulary, strings)


def _clean(text: str, vocabulary: Vocabulary, strings: int = 0) -> str:
    """A text without secrets: as JSON where it is JSON, else by values, shapes and names."""
    if not is_storable(text):
        text = _NOT_STORABLE.sub("\ufffd", text)
    if text.lstrip()[:1] in _JSON_STARTS and strings < STRINGS_IN_STRINGS_MAX:
        cleaned = _clean_json(text, vocabulary, strings + 1)
        if cleaned is not None:
            return cleaned
    if not vocabulary.is_suspect(text):
        return text
    for secret, reference in vocabulary.values():
        if secret in text:
            text = text.replace(secret, reference)
    text = without_named_secrets(vocabulary.shapes.replace(text), vocabulary)
    return _clean_encoded_words(text, vocabulary, strings) if "%" in text else text


def _clean_encoded_words(text: str, vocabulary: Vocabulary, strings: int) -> str:
    """A text in which something may be percent-encoded, such as a URL that carries another one."""
    if strings >= STRINGS_IN_STRINGS_MAX:
        return text
    words = _WORD_BOUNDS.split(text)
    return "".join([_clean_encoded(word, unquote, vocabulary, strings + 1) if "%" in word else word for word in words])


def _clean_json(text: str, vocabulary: Vocabulary, strings: int) -> str | None:
    """None where the text is no JSON, or its JSON has no secret: the text may still, in a repeated key for example."""
    try:
        value = msgspec.json.decode(text)
        if isinstance(value, int | float | None) or _is_clean(value, vocabulary):
            return None
        cleaned = _rebuild(value, vocabulary, 0, strings)
        return None if msgspec.json.encode(cleaned) == msgspec.json.encode(value) else msgspec.json.encode(cleaned).decode()
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None


def _clean_url(text: str, vocabulary: Vocabulary) -> str:
    head, hash_mark, fragment = text.partition("#")
    head, question_mark, query = head.partition("?")
    cleaned = _clean(head, vocabulary)
    if "%" in cleaned:
        cleaned = "/".join(_clean_encoded(segment, unquote, vocabulary) for segment in cleaned.split("/"))
    if question_mark:
        cleaned = f"{cleaned}?{_clean_query(query, vocabulary)}"
    if hash_mark:
        cleaned = f"{cleaned}#{_clean_query(fragment, vocabulary)}"
    return cleaned


def _clean_query(query: str, vocabulary: Vocabulary) -> str:
    pieces = []
    for piece in query.split("&"):
        name, equals, value = piece.partition("=")
        secret = vocabulary.name_of(decoded(name)) if value else None
        if secret is not None:
            pieces.append(f"{name}={vocabulary.conceal(secret, unquote_plus(value))}")
        else:
            cleaned_name = _clean_encoded(name, unquote_plus, vocabulary)
            pieces.append(f"{cleaned_name}{equals}{_clean_encoded(value, unquote_plus, vocabulary)}")
    return "&".join(pieces)


def _clean_encoded(text: str, decode: Callable[[str], str], vocabulary: Vocabulary, strings: int = 0) -> str:
    """A percent-encoded text: as it was where it holds no secret, else decoded, cleaned and encoded again."""
    plain = text
    for _ in range(ENCODINGS_MAX):
        plain = decode(plain)
        cleaned = _clean(plain, vocabulary, strings)
        if cleaned != plain:
            return quote(cleaned, safe="${}:/@!,'?&=")
        if "%" not in plain:
            break
    return text
