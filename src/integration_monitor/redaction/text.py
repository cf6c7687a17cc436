"""Secrets in a text that follow their names: in a form, a URL, JSON that was cut, a dump of headers, the repr of a dictionary."""

import re
from urllib.parse import unquote

from integration_monitor.redaction.vocabulary import Vocabulary

# A name, and what divides it from its value.
_NAME = re.compile(
    r"(?<![A-Za-z0-9_.%$-])(?<!\$\{)"
    r"(?P<name>[A-Za-z][A-Za-z0-9_.%-]{0,63}(?:\[[A-Za-z0-9_-]{0,40}\]){0,4})"
    r"(?P<gap>\\*[\"']?\s{0,4}(?:=>|[=:])\s{0,4}|\\*[\"']\s{0,2},\s{0,2}(?=b?[\"']))"
)
# In quotes of either kind, in quotes that are escaped themselves, or bare; a text that was cut may lack the closing quote.
_VALUE = re.compile(
    r"b?\"(?P<double>(?:[^\"\\]|\\.)*)|b?'(?P<single>(?:[^'\\]|\\.)*)|\\+[\"'](?P<escaped>.*?)(?=\\+[\"']|\Z)"
    r"|(?P<bare>(?:(?:Bearer|Basic|Digest|Token|Bot|ApiKey)\s+)?(?:\$\{[^}\s]*\}|[^\s&;,\"'<>(){}\[\]\\])+)",
    re.IGNORECASE | re.DOTALL,
)
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


def _value_span(text: str, found: re.Match[str], name_in_reference: str) -> tuple[int, int]:
    """Where the value of a secret stands; an empty span where there is none, or only a word about it."""
    value = _VALUE.match(text, found.end())
    is_pair = "," not in found["gap"] or _PAIR_START.search(text[max(found.start() - 3, 0) : found.start()])
    if value is None or not is_pair:
        return 0, 0
    kind = value.lastgroup or "bare"
    is_bare_after_colon = kind == "bare" and ":" in found["gap"]
    start, stop = value.span(kind)
    secret = text[start:stop].lower()
    if secret in _NO_VALUES or (is_bare_after_colon and _PLAIN_WORD.fullmatch(secret)):
        return 0, 0
    line = _LINE.match(text, start) if is_bare_after_colon and name_in_reference in _WHOLE_LINES else None
    return line.span() if line else (start, stop)
