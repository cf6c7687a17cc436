"""Patterns of descriptions: what is allowed finds what it should, and nothing is allowed that may take long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration_monitor.services.secret_pattern import PATTERN_CHARS_MAX, WAYS_MAX, PatternRefused, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"key_(?:live|test)_[A-Za-z0-9]{8,}", "a key_live_FAKE0000FAKE b", "key_live_FAKE0000FAKE"),
        (r"(?<=/hooks/)(?P<id>T[A-Z0-9]{1,20})/[a-z]{4,40}", "/hooks/T1/fake", "T1/fake"),
        (r"\bsk-[\w.-]+", "say sk-FAKE.1", "sk-FAKE.1"),
        (r"^a[^/]{2}$|b?c*", "axy", "axy"),
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
        (r"[a-z]{1,40}[a-z]{1,40}x", "vary in 1600 ways"),
        ("a?" * 10, "vary in 1024 ways"),
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


def test_limit_of_ways_holds_two_names_of_thirty_characters() -> None:
    compile_pattern(r"T[A-Z0-9]{1,30}/B[A-Z0-9]{1,30}/[a-z]{8,}")

    assert WAYS_MAX >= 30 * 30
