"""Secrets in a text that follow their names: in a form, a URL, JSON that was cut, a dump of headers, the repr of a dictionary, XML."""

import re
from urllib.parse import unquote

from integration_monitor.redaction.vocabulary import Vocabulary

# A name, and what divides it from its value.
_NAME = re.compile(
    r"(?<![A-Za-z0-9_.%$-])(?<!\$\{)"
    r"(?P<name>[A-Za-z][A-Za-z0-9_.%-]{0,63}(?:\[[A-Za-z0-9_-]{0,40}\]){0,4})"
    r"(?P<gap>\\*[\"']?\s{0,4}(?:=>|[=:])\s{0,4}|\\*[\"']\s{0,2},\s{0,2}(?=b?[\"']))"
)
# A list or an object, in quotes of either kind, in quotes that are escaped themselves, or bare; a text that was cut may lack the closing quote.
_VALUE = re.compile(
    r"(?P<opening>[\[{])|b?\"(?P<double>(?:[^\"\\]|\\.)*)|b?'(?P<single>(?:[^'\\]|\\.)*)|\\+[\"'](?P<escaped>.*?)(?=\\+[\"']|\Z)"
    r"|(?P<bare>(?:(?:Bearer|Basic|Digest|Token|Bot|ApiKey)\s+)?(?:\$\{[^}\s]*\}|[^\s&;,\"'<>(){}\[\]\\])+)",
    re.IGNORECASE | re.DOTALL,
)
# <ns:password type="text">…: up to the next element, or the end of a CDATA section.
_ELEMENT = re.compile(
    r"<(?:[A-Za-z][\w.-]{0,40}:)?(?P<name>[A-Za-z][\w.-]{0,63})(?:\s[^<>]{0,200})?>\s*(?:<!\[CDATA\[)?(?P<value>[^<\]]+)"
)
_BRACKET = re.compile(r"[\[\]{}]")
# ('authorization', 'Bearer …'), as headers are shown by HTTP libraries.
_PAIR_START = re.compile(r"[(\[]b?[\"']\Z")
_LINE = re.compile(r"[^\r\n\"']+")
# `token: invalid` and `password: required` in a sentence tell of a secret and hold none.
_PLAIN_WORD = re.compile(r"[A-Za-z]{1,20}[.!?]?")
_NO_VALUES = frozenset({"", "none", "null", "true", "false"})
# Headers whose value has spaces and semicolons in it.
_WHOLE_LINES = frozenset({"cookie", "set_cookie", "authorization", "proxy_authorization"})


def without_named_secrets(text: str, vocabulary: Vocabulary) -> str:
    """The text with references in place of what follows the name of a secret."""
    if "</" in text:
        text = _ELEMENT.sub(lambda found: _element(found, vocabulary), text)
    pieces = []
    end = 0
    for found in _NAME.finditer(text):
        name_in_reference = vocabulary.name_of(unquote(found["name"])) if found.start() >= end else None
        if name_in_reference is None:
            continue
        start, stop = _value_span(text, found, name_in_reference)
        if stop > start:
            pieces += [text[end:start], str(vocabulary.conceal(name_in_reference, text[start:stop]))]
            end = stop
    return "".join([*pieces, text[end:]]) if pieces else text


def _element(found: re.Match[str], vocabulary: Vocabulary) -> str:
    """The beginning of an XML element up to the end of its text, which is a reference where it is a secret."""
    name_in_reference, value = vocabulary.name_of(found["name"]), found["value"].strip()
    if name_in_reference is None or not value:
        return found[0]
    return found[0][: found.start("value") - found.start()] + str(vocabulary.conceal(name_in_reference, value))


def _value_span(text: str, found: re.Match[str], name_in_reference: str) -> tuple[int, int]:
    """Where the value of a secret stands; an empty span where there is none, or only a word about it."""
    value = _VALUE.match(text, found.end())
    is_pair = "," not in found["gap"] or _PAIR_START.search(text[max(found.start() - 3, 0) : found.start()])
    if value is None or not is_pair:
        return 0, 0
    kind = value.lastgroup or "bare"
    if kind == "opening":
        # Behind a name in quotes, as in JSON; in a sentence the words in brackets tell of the secret.
        is_quoted = found["gap"].lstrip("\\")[:1] in {'"', "'"}
        return (value.start(kind), _closing(text, value.start(kind))) if is_quoted else (0, 0)
    is_bare_after_colon = kind == "bare" and ":" in found["gap"]
    start, stop = value.span(kind)
    secret = text[start:stop].lower()
    if secret in _NO_VALUES or (is_bare_after_colon and _PLAIN_WORD.fullmatch(secret)):
        return 0, 0
    line = _LINE.match(text, start) if is_bare_after_colon and name_in_reference in _WHOLE_LINES else None
    return line.span() if line else (start, stop)


def _closing(text: str, start: int) -> int:
    """Behind the bracket that closes the one at `start`; the end of a text that was cut."""
    depth = 0
    for bracket in _BRACKET.finditer(text, start):
        depth += 1 if bracket[0] in "[{" else -1
        if depth == 0:
            return bracket.end()
    return len(text)
