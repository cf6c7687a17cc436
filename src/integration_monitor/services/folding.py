"""Actions for routes that nobody described: identifiers in a path are folded, so that an action never grows with them."""

import re
from functools import lru_cache

# Deeper paths differ in their tails only, and an action should be readable in a table.
SEGMENTS_MAX = 8
ACTION_CHARS_MAX = 120
# Longer segments are slugs, tokens or file names, hardly ever names of a resource.
_SEGMENT_CHARS_MAX = 32
# Longer runs of letters without a separator are tokens more often than words ("internationalization" has 20).
_WORD_CHARS_MAX = 22
# A slug such as a headline has more words than a resource's name.
_WORDS_MAX = 4
# Below this many letters a word on the average is no word: random letters in both cases look like many short ones.
_WORD_CHARS_AVERAGE_MIN = 2.5
# A short one is a name or at least one of few.
_RANDOM_CHARS_MIN = 8

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_VERSION = re.compile(r"v\d{1,3}(?:[._]\d{1,3}){0,2}(?:alpha|beta|rc)?\d?|\d{1,2}(?:\.\d{1,2}){1,2}", re.IGNORECASE)
_WORDS = re.compile(r"[A-Za-z][A-Za-z_.$~-]*")
_PARTS = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+|[A-Z]")
_HEXADECIMAL = re.compile(r"[a-f]{8,}", re.IGNORECASE)
# Names with a digit that are no identifiers.
_NAMES_WITH_DIGITS = frozenset(
    {"2fa", "3ds", "3ds2", "b2b", "b2c", "base64", "h2h", "i18n", "ipv4", "ipv6", "k8s", "md5", "mp3", "mp4"}
    | {"oauth1", "oauth2", "p2p", "s3", "sha256", "web3"}
)


def folded_action(method: str, path: str) -> str:
    """`GET /v1/orders/{id}` for a request to /v1/orders/77; at most ACTION_CHARS_MAX long."""
    return f"{method if method in _METHODS else 'OTHER'} {folded_path(path)}"[:ACTION_CHARS_MAX]


def folded_path(path: str) -> str:
    """The path with every segment that looks like an identifier as `{id}`, and without what follows the eighth."""
    segments = [segment for segment in path.split("/") if segment]
    # Numbers are the most frequent identifiers, and never the same: the others are remembered.
    folded = ["{id}" if segment.isdecimal() else folded_segment(segment) for segment in segments[:SEGMENTS_MAX]]
    return "/" + "/".join([*folded, "…"] if len(segments) > SEGMENTS_MAX else folded)


@lru_cache(maxsize=4096)
def folded_segment(segment: str) -> str:
    """The segment itself where it reads as a name or a version, else `{id}`; both parts of `name:verb` are looked at."""
    if ":" in segment:
        name, _, verb = segment.partition(":")
        return f"{folded_segment(name)}:{folded_segment(verb)}" if ":" not in verb else "{id}"
    return segment if _is_name(segment) else "{id}"


def folded_name(text: str) -> str:
    """A name that an application gave, such as an action or a code, with `{id}` in place of the identifiers in it.

    Up to four digits stay: they are years, versions, statuses and numbers of steps, of which there are few.
    """
    if not _FOLDED_AT_ALL.search(text):
        return text
    text = _COMPOSED.sub("{id}", text)
    return _NAME_WORD.sub(lambda found: "{id}" if _is_random(found[0]) else _DIGITS.sub("{id}", found[0]), text)


def holds_identifier(code: str) -> bool:
    """Whether a vendor's code would grow with identifiers. Five and six digits may be a code's own: ORA-00942, AADSTS50011."""
    if _WINDOWS_CODE.fullmatch(code):
        return False
    return _IDENTIFIER.search(code) is not None or any(map(_is_random, _NAME_WORD.findall(code)))


# Nearly no name has any of these.
_FOLDED_AT_ALL = re.compile(r"[0-9]{2}|[A-Za-z0-9]{8}|@")
# UUIDs, addresses, dates and times.
_COMPOSED = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
    r"|(?:19|20)[0-9]{2}[-/.][0-9]{2}[-/.][0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:\.[0-9]{1,9})?Z?)?",
    re.IGNORECASE,
)
_NAME_WORD = re.compile(r"[A-Za-z0-9]+")
_DIGITS = re.compile(r"[0-9]{5,}")
_IDENTIFIER = re.compile(
    r"[0-9]{7}|[0-9a-f]{16}|[0-9a-f]{8}-[0-9a-f]{4}-|(?:19|20)[0-9]{2}-?[0-9]{2}-?[0-9]{2}(?![0-9])", re.IGNORECASE
)
_WINDOWS_CODE = re.compile(r"0x[0-9A-Fa-f]{8}")
_HASH = re.compile(r"(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{8,}", re.IGNORECASE)
# Where letters become digits, or digits letters.
_CHANGE = re.compile(r"(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")
_RANDOM_WORD_CHARS_MIN = 10
_RANDOM_CHANGES_MIN = 3
_RANDOM_LETTERS_MIN = 16
# So long a word without a separator has a digit in its middle where it is a token, or where the digit belongs to a name.
_LONG_WORD_CHARS_MIN = 24
_INNER_DIGIT = re.compile(r"(?<=.{3})[0-9](?=.{3})")
_NAME_WITH_DIGIT = re.compile("|".join([*sorted(_NAMES_WITH_DIGITS, key=len, reverse=True), "v[0-9]"]), re.IGNORECASE)


def _is_random(word: str) -> bool:
    """Whether a word of letters and digits is a digest or a token."""
    if _HASH.fullmatch(word) or len(word) > _SEGMENT_CHARS_MAX:
        return True
    if len(word) >= _LONG_WORD_CHARS_MIN and _INNER_DIGIT.search(_NAME_WITH_DIGIT.sub("name", word)):
        return True
    if len(word) >= _RANDOM_WORD_CHARS_MIN and len(_CHANGE.findall(word)) >= _RANDOM_CHANGES_MIN:
        return True
    if len(word) < _RANDOM_LETTERS_MIN:
        return False
    parts = _PARTS.findall(word)
    return not parts or len(word) / len(parts) < _WORD_CHARS_AVERAGE_MIN


def _is_name(segment: str) -> bool:
    if len(segment) > _SEGMENT_CHARS_MAX:
        return False
    if _VERSION.fullmatch(segment) or segment.lower() in _NAMES_WITH_DIGITS:
        return True
    if not _WORDS.fullmatch(segment) or _HEXADECIMAL.fullmatch(segment):
        return False
    words = [word for word in re.split(r"[_.$~-]", segment) if word]
    if not words or len(words) > _WORDS_MAX or max(map(len, words)) > _WORD_CHARS_MAX:
        return False
    parts = _PARTS.findall(segment)
    return len(segment) < _RANDOM_CHARS_MIN or sum(map(len, parts)) / len(parts) >= _WORD_CHARS_AVERAGE_MIN
