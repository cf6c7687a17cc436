"""Regular expressions that a description in TOML may hold: a small part of the language, in which none can take long.

Python's expressions can try exponentially many ways to fit a text, and hold the interpreter meanwhile. Here the number of ways is
known from the pattern: a repetition is of one character, not of a group; nothing may follow one without an upper bound;
and the product of what the others may vary by is limited. What is left costs at most WAYS_MAX tries at each place of a text.
"""

import re

PATTERN_CHARS_MAX = 300
# Two repetitions of up to thirty characters each, or one of up to a thousand.
WAYS_MAX = 1000

_TOKEN = re.compile(
    r"(?P<repeat>(?:[*+?]|\{(?P<least>\d{1,3})(?P<comma>,(?P<most>\d{1,3})?)?\})(?P<manner>[+?]?))"
    r"|(?P<open>\((?:\?(?:P<[a-z_]{1,20}>|:|=|!|<=|<!)|(?!\?)))"
    r"|(?P<close>\))"
    r"|(?P<either>\|)"
    r"|(?P<character>\[\^?\]?(?:\\.|(?!--|&&|~~|\|\|)[^\]\\\[])+\]|\\[dDwWsSbB]|\\[^A-Za-z0-9]|[^\\()\[\]{}|*+?])"
)


class PatternRefused(ValueError):
    """A pattern is outside of what a description may hold; the text says why."""


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The pattern, compiled.

    Errors:
        PatternRefused: it is too long, wrong, or may take too long.
    """
    if len(pattern) > PATTERN_CHARS_MAX:
        raise PatternRefused(f"it has {len(pattern)} characters; at most {PATTERN_CHARS_MAX} are allowed")
    _Scan(pattern).check()
    try:
        return re.compile(pattern)
    except (re.error, OverflowError) as error:
        raise PatternRefused(f"it is no regular expression: {error}") from error


class _Scan:
    """One reading of a pattern, from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._ways = 1
        #: whether a repetition without upper bound came before, so that nothing may follow it
        self._is_endless = False
        #: the same of the finished alternatives of each group around
        self._groups: list[bool] = []
        #: what the last token was, since only a character may be repeated
        self._previous = ""

    def check(self) -> None:
        at = 0
        while at < len(self._pattern):
            found = _TOKEN.match(self._pattern, at)
            if found is None:
                raise PatternRefused(f"{self._pattern[at : at + 12]!r} at character {at + 1} is not allowed")
            kind = found.lastgroup or ""
            if self._is_endless and kind in ("character", "open"):
                raise PatternRefused(f"something follows a repetition without an upper bound, at character {at + 1}")
            self._read(kind, found)
            self._previous = kind
            at = found.end()
        if self._ways > WAYS_MAX:
            raise PatternRefused(f"its repetitions vary in {self._ways} ways together; at most {WAYS_MAX} are allowed")

    def _read(self, kind: str, found: re.Match[str]) -> None:
        if kind == "repeat":
            self._check_repeat(found)
        elif kind == "open":
            self._groups.append(False)
        elif kind == "close" and self._groups:
            self._is_endless = self._groups.pop() or self._is_endless
        elif kind == "either":
            self._ways += 1
            if self._groups:
                self._groups[-1] = self._groups[-1] or self._is_endless
            self._is_endless = False

    def _check_repeat(self, found: re.Match[str]) -> None:
        text = found["repeat"]
        if self._previous == "close" and text != "?":
            raise PatternRefused(
                f"a group is repeated with {text!r}, at character {found.start() + 1}: only `?` may follow a group"
            )
        if self._previous not in ("character", "close"):
            raise PatternRefused(f"{text!r} repeats nothing, at character {found.start() + 1}")
        if text[0] in "*+" or (found["comma"] and not found["most"]):
            self._is_endless = True
        elif text[0] == "?":
            self._ways *= 2
        elif found["most"]:
            self._ways *= max(int(found["most"]) - int(found["least"]), 0) + 1
