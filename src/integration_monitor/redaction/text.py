"""Secrets in a text that follow their names: in a form, a URL, JSON that was cut, a dump of headers, the repr of a dictionary, XML."""

import re
from urllib.parse import unquote

from integration_monitor.redaction.vocabulary import Vocabulary

# A name, and what divides it from its value.
_NAME = re.compile(
    r"(?<![A-Za-z0-9_.%$-])(?<!\$\{)"
    r"(?P<name>[A-Za-z][A-Za-z0-9_.%-]{0,63}(?:\[[A-Za-z0-9_-]{0,40}\]){0,4})"
    r"(?P<gap>\\*[\"']?\s{0,4}(?:=>|=|:(?!//))\s{0,4}|\\*[\"']\s{0,2},\s{0,2}(?=b?[\"']))"
)
# A list or an object, in quotes of either kind, in quotes that are escaped themselves, or bare; a text that was cut may lack the closing quote.
_VALUE = re.compile(
    r"(?P<opening>[\[{])|b?\"(?P<double>(?:[^\"\\]|\\.)*)|b?'(?P<single>(?:[^'\\]|\\.)*)|\\+[\"'](?P<escaped>.*?)(?=(?<!\\)\\+[\"']|\Z)"
    r"|(?P<bare>(?:(?:Bearer|Basic|Digest|Token|Bot|ApiKey)\s+)?(?:\$\{[^}\s]*\}|[^\s&;,\"'<>(){}\[\]\\])+)",
    re.IGNORECASE | re.DOTALL,
)
# <ns:password type="text">…: up to the next element, or the end of a CDATA section.
_ELEMENT = re.compile(
    r"<(?:[A-Za-z][\w.-]{0,40}:)?(?P<name>[A-Za-z][\w.-]{0,63})(?:\s[^<>]{0,200})?>\s*(?:<!\[CDATA\[(?P<section>(?:[^\]]|\](?!\]>))+)|(?P<value>[^<]+))"
)
# {"name": "token", "value": …}, and the other way round, in a text that was cut: elsewhere JSON is read as JSON. The bounds keep the search linear.
_QUOTE = r"\\{0,8}[\"']"
_NAME_KEY = rf"{_QUOTE}(?:name|key|header){_QUOTE}\s{{0,4}}:\s{{0,4}}{_QUOTE}(?P<name>[^\"'\\]{{1,100}}){_QUOTE}"
_VALUE_KEY = rf"{_QUOTE}value{_QUOTE}\s{{0,4}}:\s{{0,4}}"
_COMMA = r"\s{0,4},\s{0,4}"
_NAME_AND_VALUE = re.compile(_NAME_KEY + _COMMA + _VALUE_KEY, re.IGNORECASE)
_VALUE_AND_NAME = re.compile(rf"{_VALUE_KEY}{_QUOTE}(?P<value>(?:[^\"'\\]|\\[^\"'])+){_QUOTE}{_COMMA}{_NAME_KEY}", re.IGNORECASE)
# <input name="password" value="…">, <meta content="…" name="csrf-token">: attributes in any order.
_TAG = re.compile(r"<[A-Za-z][^<>]{0,4000}(?:>|\Z)")
_ATTRIBUTE = re.compile(
    r"(?P<attribute>[A-Za-z][A-Za-z0-9_:-]{0,40})\s{0,4}=\s{0,4}"
    r"(?:\\{0,8}\"(?P<double>[^\"\\]*)|\\{0,8}'(?P<single>[^'\\]*)|(?P<bare>[^\s\"'<>\\]+))"
)
# A part of a form that nobody took for one: its name, the rest of its head, an empty line, its value.
_LINE_END = r"(?:\r?\n|\\r\\n|\\n)"
_PART = re.compile(
    r"form-data;\s{0,4}name=\\?\"?(?P<name>[^\"\r\n;\\]{1,100}+)[^\r\n\\]{0,120}+"
    rf"(?:{_LINE_END}[^\r\n\\]{{1,120}}+){{0,3}}\\?\"?{_LINE_END}{_LINE_END}(?P<value>[^\r\n\\]+)"
)
_NAMING = frozenset({"name", "id", "key", "property", "type", "autocomplete"})
_VALUED = frozenset({"value", "content", "data-value"})
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
    if "<" in text:
        text = _ELEMENT.sub(lambda found: _element(found, vocabulary), text)
        text = _TAG.sub(lambda found: _tag(found[0], vocabulary), text)
    if "form-data" in text:
        text = _PART.sub(lambda found: _pair(found, vocabulary), text)
    if "value" in text.lower():
        text = _VALUE_AND_NAME.sub(lambda found: _pair(found, vocabulary), text)
        text = _without_values_of_names(text, vocabulary)
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
    group = "value" if found["section"] is None else "section"
    name_in_reference, value = vocabulary.name_of(found["name"]), found[group].strip()
    if name_in_reference is None or not value:
        return found[0]
    return found[0][: found.start(group) - found.start()] + str(vocabulary.conceal(name_in_reference, value))


def _tag(tag: str, vocabulary: Vocabulary) -> str:
    """A tag of HTML, whose value is a reference where its name is that of a secret."""
    attributes = [(found["attribute"].lower(), found.span(found.lastgroup or 0)) for found in _ATTRIBUTE.finditer(tag)]
    names = (tag[start:stop] for name, (start, stop) in attributes if name in _NAMING)
    name_in_reference = next(filter(None, map(vocabulary.name_of, names)), None)
    if name_in_reference is None:
        return tag
    pieces, end = [], 0
    for name, (start, stop) in attributes:
        if name in _VALUED and stop > start:
            pieces += [tag[end:start], str(vocabulary.conceal(name_in_reference, tag[start:stop]))]
            end = stop
    return "".join([*pieces, tag[end:]])


def _pair(found: re.Match[str], vocabulary: Vocabulary) -> str:
    """What has a name and a value, whose value is a reference where its name is that of a secret."""
    name_in_reference = vocabulary.name_of(found["name"])
    if name_in_reference is None:
        return found[0]
    start, stop = (at - found.start() for at in found.span("value"))
    return f"{found[0][:start]}{vocabulary.conceal(name_in_reference, found['value'])}{found[0][stop:]}"


def _without_values_of_names(text: str, vocabulary: Vocabulary) -> str:
    """The same for {"name": …, "value": …}; the value may be a list or an object, and the text may end in it."""
    pieces, end = [], 0
    for found in _NAME_AND_VALUE.finditer(text):
        name_in_reference = vocabulary.name_of(found["name"]) if found.start() >= end else None
        value = _VALUE.match(text, found.end()) if name_in_reference is not None else None
        if name_in_reference is None or value is None:
            continue
        kind = value.lastgroup or "bare"
        start = value.start(kind)
        stop = _closing(text, start) if kind == "opening" else value.end(kind)
        if stop > start and text[start:stop].lower() not in _NO_VALUES:
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
