from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration_monitor.server.pages import formats

MOMENT = datetime(2026, 11, 2, 10, 4, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-30, "just now"),
        (0, "just now"),
        (9, "just now"),
        (10, "10 s ago"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (3_599, "59 min ago"),
        (3_600, "1 h ago"),
        (86_399, "23 h ago"),
        (86_400, "1 day ago"),
        (40 * 86_400, "40 days ago"),
    ],
)
def test_age_is_told_in_its_largest_unit(seconds: int, words: str) -> None:
    assert formats.age(MOMENT - timedelta(seconds=seconds), MOMENT) == words


def test_clock_tells_its_zone() -> None:
    assert formats.clock(MOMENT) == "2 Nov 10:04:31 UTC"
    assert formats.clock(datetime.fromisoformat("2026-11-02T15:04:31+05:00")) == "2 Nov 10:04:31 UTC"


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (None, "–"),
        (0, "0 ms"),
        (339.6, "340 ms"),
        (999, "999 ms"),
        (999.7, "1 s"),
        (1_000, "1 s"),
        (1_236, "1.24 s"),
        (59_940, "59.9 s"),
        (59_990, "1 min"),
        (60_000, "1 min"),
        (125_000, "2 min 5 s"),
        (3_599_900, "1 h"),
        (7_200_000, "2 h"),
        (12_059_000, "3 h 20 min"),
        (90_000_000, "1 d 1 h"),
        (2**31 - 1, "24 d 20 h"),
    ],
)
def test_duration_has_the_unit_that_suits_it(milliseconds: float | None, words: str) -> None:
    assert formats.duration(milliseconds) == words


@pytest.mark.parametrize(
    ("rate", "words"),
    [(None, "–"), (0, "0%"), (0.04, "< 0.1%"), (3.14, "3.1%"), (50, "50%"), (99.99, "> 99.9%"), (100, "100%")],
)
def test_percent_calls_little_not_zero_and_most_not_all(rate: float | None, words: str) -> None:
    assert formats.percent(rate) == words


def test_count_has_its_noun_in_the_right_number() -> None:
    assert [formats.count(number, "call") for number in (0, 1, 1_204)] == ["0 calls", "1 call", "1,204 calls"]
    assert formats.count(12_345) == "12,345"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (99_999, "99,999"),
        (100_000, "100K"),
        (999_999, "999K"),
        (1_259_999, "1.25M"),
        (12_900_000, "12.9M"),
        (5 * 10**12, "5,000B"),
    ],
)
def test_short_count_keeps_three_digits(number: int, text: str) -> None:
    assert formats.count_short(number) == text


def test_characters_that_act_unseen_become_visible() -> None:
    assert formats.visible("a\u202eb\u2066c\x1bd\ufeffe\u2028") == r"a\u202eb\u2066c\u001bd\ufeffe\u2028"


def test_languages_emoji_tabs_and_line_ends_stay_as_they_are() -> None:
    text = "Привет שלום مرحبا 👩‍👩‍👧 zero\u200dwidth\tjoin\nline"

    assert formats.visible(text) == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_json_text_is_still_the_same_json(value: object) -> None:
    assert msgspec.json.decode(formats.json_text(value)) == value


def test_excerpt_is_one_line_of_bounded_length() -> None:
    assert formats.excerpt("two\r\n  lines") == "two lines"
    assert formats.excerpt("x" * 1_000_000, 10) == "xxxxxxxxx…"
    assert len(formats.excerpt(" a" * 1_000_000)) <= formats.EXCERPT_CHARACTERS_MAX


def test_prose_sets_off_what_is_typed_and_escapes_the_rest() -> None:
    assert formats.prose("run `a --b` <now>") == "run <code>a --b</code> &lt;now&gt;"
