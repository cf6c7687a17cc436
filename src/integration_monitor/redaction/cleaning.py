"""Takes secrets out of texts, structures and URLs: the thorough way, for what the quick one suspects."""

import re
from collections.abc import Callable, Mapping
from urllib.parse import quote, unquote, unquote_plus

import msgspec

from integration_monitor.record import Json
from integration_monitor.redaction.cards import without_cards
from integration_monitor.redaction.scan import DEPTH_MAX, SCALARS, VALUE_KEYS, is_clean, name_of_value
from integration_monitor.redaction.text import without_named_secrets
from integration_monitor.redaction.vocabulary import ENCODINGS_MAX, Vocabulary, decoded, is_storable

# JSON inside a string inside JSON: nobody goes deeper but those who hide something.
STRINGS_IN_STRINGS_MAX = 4

_TOO_DEEP = f"… nested deeper than {DEPTH_MAX} levels"
_JSON_STARTS = frozenset('{["')
# What stands between the words of a text, and between the parts of a URL in it.
_WORD_BOUNDS = re.compile(r"([\s\"'<>&=?#]+)")
_ESCAPE = re.compile(
    r"(?P<pair>\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2})|\\u(?P<code>[0-9A-Fa-f]{4})|\\(?P<letter>[bfnrt/])"
)
_VALUE_KEY = re.compile(r"[\"']value\\{0,8}[\"']\s{0,4}:\s{0,4}", re.IGNORECASE)
# A letter, a digit or a sign within names, written as an escape: nothing that writes JSON does so without need.
_ESCAPED_NAME = re.compile(r"(?<!\\)\\u00(?P<code>2[dD]|3[0-9]|[46][1-9a-fA-F]|5[0-9aAfF]|7[0-9aA])")
_NOT_STORABLE = re.compile(r"[\x00\ud800-\udfff]")


def rebuild(value: Json, vocabulary: Vocabulary, depth: int, strings: int, *, is_id: bool = False) -> Json:
    """A copy without secrets. `strings` counts the strings that were opened on the way here."""
    if isinstance(value, str):
        return clean(value, vocabulary, strings, is_id=is_id)
    if type(value) in SCALARS:
        return (type(value) is int and vocabulary.number_reference(value)) or value
    if depth >= DEPTH_MAX:
        return _TOO_DEEP
    if isinstance(value, Mapping):
        secret_of_value = name_of_value(value, vocabulary)
        copy = {}
        for key, item in value.items():
            name = key if isinstance(key, str) else str(key)
            secret = vocabulary.name_of(name) or (secret_of_value if name in VALUE_KEYS else None)
            copy[clean(name, vocabulary, STRINGS_IN_STRINGS_MAX)] = (
                rebuild(item, vocabulary, depth + 1, strings, is_id=vocabulary.is_id(name))
                if secret is None
                else vocabulary.conceal(secret, item)
            )
        return copy
    if isinstance(value, list | tuple | set | frozenset):
        return [rebuild(item, vocabulary, depth + 1, strings, is_id=is_id) for item in value]
    return clean(str(value), vocabulary, strings)


def clean(text: str, vocabulary: Vocabulary, strings: int = 0, *, is_id: bool = False) -> str:
    """A text without secrets: as JSON where it is JSON, else by values, shapes and names.

    is_id:
        Whether it is an id: what looks like the number of a card is none there.
    """
    if not is_storable(text):
        text = _NOT_STORABLE.sub("\ufffd", text)
    if text.lstrip()[:1] in _JSON_STARTS and strings < STRINGS_IN_STRINGS_MAX:
        cleaned = _clean_json(text, vocabulary, strings + 1)
        if cleaned is not None:
            return cleaned
    if "\\u00" in text and strings < STRINGS_IN_STRINGS_MAX:
        # Lines of JSON, or what only some readers take for JSON: {"\\u0074oken": NaN, …
        plain = _ESCAPED_NAME.sub(lambda found: chr(int(found["code"], 16)), text)
        if plain != text:
            cleaned = clean(plain, vocabulary, strings + 1, is_id=is_id)
            return text if cleaned == plain else cleaned
    if not vocabulary.is_suspect(text):
        return text
    for secret, reference in vocabulary.values():
        if secret in text:
            text = text.replace(secret, reference)
    text = without_named_secrets(vocabulary.shapes.replace(text), vocabulary)
    if not is_id:
        text = without_cards(text, vocabulary.reference("card_number"))
    return _clean_encoded_words(text, vocabulary, strings) if "%" in text else text


def clean_cut_json(text: str, vocabulary: Vocabulary) -> str:
    """The beginning of JSON, which cannot be read as JSON: its escapes are undone, as far as they hide where a word begins."""
    if "\\" in text:
        text = _ESCAPE.sub(_unescaped, text)
    # {"value": "…", and the name would have followed.
    last_object = max(text.rfind("{"), text.rfind("}"))
    value = _VALUE_KEY.search(text, max(last_object, 0))
    return clean(text if value is None else f"{text[: value.end()]}…", vocabulary)


def _unescaped(found: re.Match[str]) -> str:
    if found["pair"]:
        return bytes.fromhex(found["pair"].replace("\\u", "")).decode("utf-16-be", "replace")
    if found["code"]:
        character = chr(int(found["code"], 16))
        # A quote or a control character, or half of a pair, is more than a character.
        return character if character.isprintable() and character not in "\"'\\" else found[0]
    return {"n": "\n", "r": "\n", "t": "\t"}.get(found["letter"], " ") if found["letter"] != "/" else "/"


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
        if isinstance(value, int | float | None) or is_clean(value, vocabulary):
            return None
        cleaned = rebuild(value, vocabulary, 0, strings)
        return None if msgspec.json.encode(cleaned) == msgspec.json.encode(value) else msgspec.json.encode(cleaned).decode()
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None


def clean_url(text: str, vocabulary: Vocabulary) -> str:
    head, hash_mark, fragment = text.partition("#")
    head, question_mark, query = head.partition("?")
    cleaned = clean(head, vocabulary)
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
        elif not value:
            pieces.append(_clean_encoded(piece, unquote_plus, vocabulary))
        else:
            cleaned_name = _clean_encoded(name, unquote_plus, vocabulary)
            cleaned_value = _clean_encoded(value, unquote_plus, vocabulary, is_id=vocabulary.is_id(decoded(name)))
            pieces.append(f"{cleaned_name}{equals}{cleaned_value}")
    return "&".join(pieces)


def _clean_encoded(
    text: str, decode: Callable[[str], str], vocabulary: Vocabulary, strings: int = 0, *, is_id: bool = False
) -> str:
    """A percent-encoded text: as it was where it holds no secret, else decoded, cleaned and encoded again."""
    plain = text
    for _ in range(ENCODINGS_MAX):
        plain = decode(plain)
        cleaned = clean(plain, vocabulary, strings, is_id=is_id)
        if cleaned != plain:
            return quote(cleaned, safe="${}:/@!,'?&=")
        if "%" not in plain:
            break
    return text
