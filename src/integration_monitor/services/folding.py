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
