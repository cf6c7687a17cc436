"""Patterns of descriptions: what is allowed finds what it should, and nothing is allowed that may take long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration_monitor.services.description import SecretShape
from integration_monitor.services.secret_pattern import PATTERN_CHARS_MAX, PatternRefused, _Scan, compile_pattern
from integration_monitor.services.sources import built_in


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"key_(?:live|test)_[A-Za-z0-9]{8,}", "a key_live_FAKE0000FAKE b", "key_live_FAKE0000FAKE"),
        (r"(?<=/hooks/)(?P<id>T[A-Z0-9]{1,20})/[a-z]{4,40}", "/hooks/T1/fake", "T1/fake"),
        (r"\bsk-[\w.-]+", "say sk-FAKE.1", "sk-FAKE.1"),
        (r"^a[^/]{2}$|b?c+", "axy", "axy"),
        (r"(?:b|é{1,2})é", "ééé", "ééé"),
        (r"(?:ab)?c{3}(?!d)", "ababccc", "abccc"),
        (r"x\.\[\]y", "x.[]y", "x.[]y"),
        (r"a{2,4}?b", "aaab", "aaab"),
        (r"a++|b", "aaa", "aaa"),
    ],
)
def test_allowed_pattern_finds(pattern: str, text: str, found: str) -> None:
    match = compile_pattern(pattern).search(text)

    assert match is not None
    assert match[0] == found


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(a+)+$", "a group is repeated with '\\+', at character 5"),
        (r"(?:a|aa)*b", "a group is repeated"),
        (r"(?:ab){2,3}", "a group is repeated"),
        (r"a+b", "something follows a repetition without an upper bound, at character 3"),
        (r"(?:a+|b)c", "something follows"),
        (r"(?:b|a+)c", "something follows"),
        (r"(?:(?:a+))(?=c)", "something follows"),
        (r"a{3,}b", "something follows"),
        (r"a*a*", "something follows"),
        (r"a+$", "something follows"),
        (r"a+\b", "something follows"),
        (r"(?=a+)", "a look ahead has no upper bound, at character 6"),
        (r"(?:a?)(?![a-z]*|b)", "a look ahead has no upper bound"),
        (r"[a-z]{1,40}[a-z]{1,40}x", "takes up to 3240 steps"),
        ("a?" * 10 + "b", "takes up to 2559 steps"),
        (r"[a-z]{0,99}[a-z]{99}x", "takes up to 10099 steps"),
        (r"\d{0,40}[٠-٩]{20}x", "takes up to 901 steps"),
        (r"[a-z]{600,}", "takes up to 600 steps"),
        (r"(?<=[a-z]{600})x", "takes up to 601 steps"),
        (r"a*", "it fits the empty text"),
        (r"(?:a|b?)", "it fits the empty text"),
        (r"\b(?!a)", "it fits the empty text"),
        (r"^*a", "repeats nothing"),
        (r"(a)\1", "'\\\\\\\\1' at character 4 is not allowed"),
        (r"(?i)a", "is not allowed"),
        (r"(?P<Id>a)", "is not allowed"),
        (r"(?P<a>x)(?(a)y|z)", "is not allowed"),
        (r"[[:alpha:]]", "is not allowed"),
        (r"[a&&b]", "is not allowed"),
        (r"a**", "repeats nothing"),
        (r"*a", "repeats nothing"),
        (r"(", "no regular expression"),
        (r"a)", "no regular expression"),
        (r"[z-a]", "no regular expression"),
        (r"(?<=a{1,2})b", "no regular expression"),
        (r"a{2,1}", "no regular expression"),
        ("a" * (PATTERN_CHARS_MAX + 1), "at most 300"),
    ],
)
def test_pattern_that_may_take_long_or_is_none_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(PatternRefused, match=reason):
        compile_pattern(pattern)


@given(st.text(alphabet="ab(|)[]?*+{}1,2^-\\.:=<!P", max_size=30))
def test_pattern_is_compiled_or_refused_and_nothing_else(pattern: str) -> None:
    try:
        compiled = compile_pattern(pattern)
    except PatternRefused:
        return

    # Hostile texts are long: the search ends, whatever the pattern is.
    compiled.search("a" * 2000 + "!")


@pytest.mark.parametrize(
    "pattern",
    [
        # A separator that is no part of a repetition ends it in one way only.
        r"T[A-Z0-9]{1,30}/B[A-Z0-9]{1,30}/[a-z]{8,}",
        r"(?P<id>T[A-Z0-9]{1,30})/(?:[a-z]{1,30}\.)?[a-z]{8,}",
        r"[\w.-]{1,64}@[\w-]{1,63}\.[a-z]{2,9}",
        # Alternatives are told apart by how they begin.
        r"(?:live|test|prod)_(?:a|b|c)_(?:d|e|f)_(?:g|h|i)_(?:j|k|l)_[A-Za-z0-9]{16,}",
    ],
)
def test_usual_patterns_are_far_from_the_limit(pattern: str) -> None:
    compile_pattern(pattern)


@pytest.mark.parametrize(
    "shape", [shape for service in built_in() for shape in service.secrets.shapes], ids=lambda shape: shape.name
)
def test_built_in_shape_ends_on_a_hostile_text(shape: SecretShape) -> None:
    hostile = ("".join(shape.marks) or "a") * 20_000

    assert len(shape.pattern.sub("", hostile)) <= len(hostile)


#: (characters, least, most)
RUNS = st.tuples(st.sampled_from(["a", "b", "ab", "a!"]), st.integers(0, 3), st.integers(0, 4)).map(
    lambda run: (run[0], run[1], run[1] + run[2])
)


def comparisons(runs: list[tuple[str, int, int]], text: str) -> int:
    """How many characters a search that goes back step by step compares at the beginning of a text."""
    count = 0

    def fits(number: int, at: int) -> bool:
        nonlocal count
        if number == len(runs):
            return True
        characters, least, most = runs[number]
        taken = 0
        while taken < most:
            count += 1
            if text[at + taken : at + taken + 1] not in set(characters):
                break
            taken += 1
        return any(fits(number + 1, at + length) for length in range(taken, least - 1, -1))

    fits(0, 0)
    return count


@given(st.lists(RUNS, min_size=1, max_size=6), st.text("aab!", max_size=30))
def test_steps_of_a_pattern_are_no_fewer_than_a_search_takes(runs: list[tuple[str, int, int]], text: str) -> None:
    pattern = "".join(f"[{characters}]{{{least},{most}}}" for characters, least, most in runs)

    assert comparisons(runs, text) <= _Scan(pattern).read().steps
