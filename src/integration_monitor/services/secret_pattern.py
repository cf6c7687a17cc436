"""Regular expressions that a description in TOML may hold: a small part of the language, in which none can take long.

Python's expressions can try exponentially many ways to fit a text, and hold the interpreter meanwhile. Here the number of comparisons is
known from the pattern: a repetition is of one character, not of a group; nothing may follow one without an upper bound, which
therefore never has to give back what it took; and what all the rest may try at one place of a text is counted.
"""

import dataclasses
import re
from collections.abc import Iterator

PATTERN_CHARS_MAX = 300
# Measured: up to 8 ns a comparison, so at the worst a quarter of a second for a hostile text of 64 KiB. Those we ship need less than 120.
STEPS_MAX = 500

_TOKEN = re.compile(
    r"(?P<repeat>(?:[*+?]|\{(?P<least>\d{1,3})(?P<comma>,(?P<most>\d{1,3})?)?\})[+?]?)"
    r"|(?P<open>\((?:\?(?:P<[a-z_]{1,20}>|:|=|!|<=|<!)|(?!\?)))"
    r"|(?P<close>\))"
    r"|(?P<either>\|)"
    r"|(?P<place>[\^$]|\\[bB])"
    r"|(?P<character>\[\^?\]?(?:\\.|(?!--|&&|~~|\|\|)[^\]\\\[])+\]|\\[dDwWsS]|\\[^A-Za-z0-9]|[^\\()\[\]{}|*+?])",
    re.DOTALL,
)
_ASCII = tuple(map(chr, range(128)))
# Characters that stand for themselves alone, and classes of such.
_ASCII_ONLY = re.compile(
    r"\[(?!\^)(?:\\(?![A-Za-z])[\x00-\x7f]|[\x00-\x5b\x5d-\x7f])+\]|\\(?![A-Za-z])[\x00-\x7f]|[\x00-\x2d\x2f-\x7f]"
)


class PatternRefused(ValueError):
    """A pattern is outside of what a description may hold; the text says why."""


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The pattern, compiled.

    Errors:
        PatternRefused: it is too long, wrong, fits the empty text, or may take too long.
    """
    if len(pattern) > PATTERN_CHARS_MAX:
        raise PatternRefused(f"it has {len(pattern)} characters; at most {PATTERN_CHARS_MAX} are allowed")
    try:
        whole = _Scan(pattern).read()
        compiled = re.compile(pattern)
    except (re.error, OverflowError) as error:
        raise PatternRefused(f"it is no regular expression: {error}") from error
    if whole.least == 0:
        raise PatternRefused("it fits the empty text, so it would fit everywhere")
    if whole.steps > STEPS_MAX:
        raise PatternRefused(
            f"it takes up to {whole.steps} steps at each place of a text; at most {STEPS_MAX} are allowed. Fewer are needed where what "
            "follows a repetition begins with a character that is not among the repeated ones"
        )
    return compiled


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """What a part of a pattern may cost at one place of a text."""

    #: fewest characters that it takes
    least: int = 0
    #: in how many ways it may fit: what follows is tried as often
    ways: int = 1
    #: comparisons of all of them
    steps: int = 0
    #: whether it may end with a repetition without an upper bound
    is_endless: bool = False
    #: the characters that it may begin with; None where that is not known, or where it may be empty
    first: frozenset[str] | None = None
    #: where it ends with a repetition: its characters, and in how many ways that fits
    last: frozenset[str] | None = None
    last_ways: int = 1

    def then(self, other: "_Part") -> "_Part":
        """Both, one behind the other."""
        ways, steps = self.ways, self.steps
        if self.last is not None and other.first is not None and self.last.isdisjoint(other.first):
            # Of all lengths of the repetition only one can be the right one: each of the others fails at once.
            steps += ways
            ways //= self.last_ways
        return _Part(
            least=self.least + other.least,
            ways=ways * other.ways,
            steps=steps + ways * other.steps,
            is_endless=other.is_endless,
            first=self.first if self.least else None if self.steps else other.first,
            last=other.last,
            last_ways=other.last_ways,
        )

    def either(self, other: "_Part") -> "_Part":
        """One of both."""
        is_known = self.first is not None and other.first is not None
        # By the first character at most one of them fits.
        is_told = is_known and (self.first or frozenset()).isdisjoint(other.first or ())
        return _Part(
            least=min(self.least, other.least),
            ways=max(self.ways, other.ways) if is_told else self.ways + other.ways,
            steps=self.steps + other.steps,
            is_endless=self.is_endless or other.is_endless,
            first=(self.first or frozenset()) | (other.first or frozenset()) if is_known else None,
        )


@dataclasses.dataclass(kw_only=True, slots=True)
class _Group:
    """A group that is being read; the whole pattern is one, too."""

    #: whether it only looks, and takes nothing
    is_look: bool = False
    #: the alternatives that have ended
    before: _Part | None = None
    #: the present one, without its last part, which may still be repeated
    now: _Part = dataclasses.field(default_factory=_Part)
    last: _Part = dataclasses.field(default_factory=_Part)

    def follow(self, part: _Part) -> None:
        self.now, self.last = self.now.then(self.last), part

    def whole(self) -> _Part:
        alternative = self.now.then(self.last)
        return alternative if self.before is None else self.before.either(alternative)


class _Scan:
    """One reading of a pattern, from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._groups = [_Group()]
        # What the last token was, since only a character and a group may be repeated.
        self._previous = ""

    def read(self) -> _Part:
        """The cost of the whole.

        Errors:
            PatternRefused: something in it is not allowed.
        """
        for found in self._tokens():
            kind = found.lastgroup or ""
            if kind in ("character", "open", "place") and self._is_behind_endless():
                raise PatternRefused(f"something follows a repetition without an upper bound, at character {found.start() + 1}")
            self._read(kind, found)
            self._previous = kind
        if len(self._groups) > 1:
            raise PatternRefused("it is no regular expression: a group is not closed")
        return self._groups[0].whole()

    def _tokens(self) -> Iterator[re.Match[str]]:
        at = 0
        while at < len(self._pattern):
            found = _TOKEN.match(self._pattern, at)
            if found is None:
                raise PatternRefused(f"{self._pattern[at : at + 12]!r} at character {at + 1} is not allowed")
            yield found
            at = found.end()

    def _is_behind_endless(self) -> bool:
        return any(group.last.is_endless or group.now.is_endless for group in self._groups)

    def _read(self, kind: str, found: re.Match[str]) -> None:
        group = self._groups[-1]
        if kind == "character":
            group.follow(_Part(least=1, steps=1, first=_characters(found[0])))
        elif kind == "place":
            group.follow(_Part(steps=1))
        elif kind == "repeat":
            group.last = self._repeated(group.last, found)
        elif kind == "open":
            self._groups.append(_Group(is_look=found[0][2:] in ("=", "!", "<=", "<!")))
        elif kind == "either":
            group.before, group.now, group.last = group.whole(), _Part(), _Part()
        else:
            self._close(found)

    def _close(self, found: re.Match[str]) -> None:
        if len(self._groups) == 1:
            raise PatternRefused(f"it is no regular expression: no group is open, at character {found.start() + 1}")
        closed = self._groups.pop()
        part = closed.whole()
        if closed.is_look:
            # It would look to the end of the text from each place anew.
            if part.is_endless:
                raise PatternRefused(f"a look ahead has no upper bound, at character {found.start() + 1}")
            part = _Part(steps=part.steps)
        self._groups[-1].follow(part)

    def _repeated(self, part: _Part, found: re.Match[str]) -> _Part:
        text, at = found["repeat"], found.start() + 1
        if self._previous == "close" and text != "?":
            raise PatternRefused(f"a group is repeated with {text!r}, at character {at}: only `?` may follow a group")
        if self._previous not in ("character", "close"):
            raise PatternRefused(f"{text!r} repeats nothing, at character {at}")
        if self._previous == "close":
            return _Part(ways=part.ways + 1, steps=part.steps + 1, is_endless=part.is_endless)
        least = int(found["least"] or 0) if found["least"] else int(text[0] == "+")
        most = int(found["most"]) if found["most"] else least if found["least"] else 1
        is_endless = text[0] in "*+" or bool(found["comma"] and not found["most"])
        ways = 1 if is_endless else max(most - least, 0) + 1
        return _Part(
            least=least,
            ways=ways,
            steps=max(least, 1) if is_endless else most,
            is_endless=is_endless,
            first=part.first if least else None,
            last=part.first if ways > 1 else None,
            last_ways=ways,
        )


def _characters(token: str) -> frozenset[str] | None:
    """What a character of a pattern stands for, as far as ASCII; another text, where it may be something beyond."""
    pattern = re.compile(token, re.DOTALL)
    beyond = () if _ASCII_ONLY.fullmatch(token) else ("beyond",)
    return frozenset((*filter(pattern.fullmatch, _ASCII), *beyond))
