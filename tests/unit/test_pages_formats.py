"""The named filters: units, languages, and texts that cannot act."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from integration_monitor.server.pages import formats
from integration_monitor.server.pages.reader import Reader

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
ENGLISH = Reader(language="en", zone=ZoneInfo("UTC"))
RUSSIAN = Reader(language="ru", zone=ZoneInfo("Asia/Almaty"))
SPACE = "\u00a0"


@pytest.mark.parametrize(
    ("passed", "english", "russian"),
    [
        (timedelta(seconds=-90), "just now", "только что"),
        (timedelta(seconds=9), "just now", "только что"),
        (timedelta(seconds=42), "42 sec. ago", "42 сек. назад"),
        (timedelta(minutes=59, seconds=59), "59 min. ago", "59 мин. назад"),
        (timedelta(hours=23, minutes=59), "23 hr. ago", "23 ч назад"),
        (timedelta(days=3), "3 days ago", "3 дн. назад"),
    ],
)
def test_age_is_told_in_its_largest_unit(passed: timedelta, english: str, russian: str) -> None:
    told = [formats.age(reader, NOW - passed, NOW).replace(SPACE, " ") for reader in (ENGLISH, RUSSIAN)]

    assert told == [english, russian]


@pytest.mark.parametrize(
    ("milliseconds", "english", "russian"),
    [
        (None, "–", "–"),
        (0, "0 ms", "0 мс"),
        (999.4, "999 ms", "999 мс"),
        (999.6, "1 s", "1 с"),
        (1_239, "1.24 s", "1,24 с"),
        (59_960, "1 min", "1 мин"),
        (125_000, "2 min 5 s", "2 мин 5 с"),
        (12_000_000, "3 h 20 min", "3 ч 20 мин"),
        (200 * 3_600_000, "8 d 8 h", "8 д 8 ч"),
    ],
)
def test_duration_has_the_unit_that_suits_it(milliseconds: float | None, english: str, russian: str) -> None:
    assert [formats.duration(reader, milliseconds) for reader in (ENGLISH, RUSSIAN)] == [english, russian]


@pytest.mark.parametrize(
    ("rate", "english"),
    [(None, "–"), (0, "0%"), (0.01, "< 0.1%"), (3.14, "3.1%"), (99.95, "> 99.9%"), (100, "100%")],
)
def test_share_that_is_small_is_not_called_nought_nor_a_large_one_all(rate: float | None, english: str) -> None:
    assert formats.percent(ENGLISH, rate) == english


def test_share_is_written_as_the_language_writes_it() -> None:
    assert formats.percent(RUSSIAN, 3.14) == f"3,1{SPACE}%"


@pytest.mark.parametrize(("change", "told"), [(None, "–"), (0.04, "±0"), (1.25, "+1.2"), (-0.4, "−0.4")])
def test_change_has_its_sign(change: float | None, told: str) -> None:
    assert formats.points(ENGLISH, change) == told


@pytest.mark.parametrize(
    ("number", "english", "russian"),
    [
        (99_999, "99,999", f"99{SPACE}999"),
        (120_499, "120K", "120 тыс."),
        (1_259_000, "1.25M", "1,25 млн"),
        (19_990_000_000, "19.9B", "19,9 млрд"),
    ],
)
def test_number_for_a_narrow_place_is_rounded_down(number: int, english: str, russian: str) -> None:
    assert [formats.count_short(reader, number) for reader in (ENGLISH, RUSSIAN)] == [english, russian]


@pytest.mark.parametrize(
    ("count", "english", "russian"),
    [(None, "–", "–"), (0, "0 B", "0 Б"), (900, "900 B", "900 Б"), (1_536, "1.5 kB", "1,5 КБ"), (1 << 30, "1 GB", "1 ГБ")],
)
def test_size_has_the_unit_that_suits_it(count: int | None, english: str, russian: str) -> None:
    assert [formats.size(reader, count) for reader in (ENGLISH, RUSSIAN)] == [english, russian]


def test_moment_is_told_in_the_reader_s_zone_and_language() -> None:
    at = datetime(2020, 3, 1, 20, 4, 5, tzinfo=UTC)

    assert formats.moment(ENGLISH, at) == "1 Mar 20:04:05"
    assert formats.moment(RUSSIAN, at) == "2 мар. 02:04:05"
    assert formats.moment(RUSSIAN, at, "full") == "2 марта 2020, 02:04:05.000 +0600"


def test_day_of_a_chart_is_the_day_that_is_counted() -> None:
    at = datetime(2020, 3, 1, 20, tzinfo=UTC)

    assert formats.moment(RUSSIAN, at, "day") == "1 мар."


def test_moment_of_today_is_told_without_its_day() -> None:
    at = datetime.now(UTC).replace(hour=12, minute=0, second=0)

    assert formats.moment(ENGLISH, at) == "12:00:00"


def test_visible_shows_what_would_act_unseen() -> None:
    assert formats.visible("a\u202eb\x1bc\u2066d") == "a\\u202eb\\u001bc\\u2066d"
    assert formats.visible("👩‍👩‍👧‍👦 שלום\n\t") == "👩‍👩‍👧‍👦 שלום\n\t"


def test_json_stays_json_when_the_invisible_is_shown() -> None:
    value = {"a": ["\u202e", {"b": None}], "c": 1.5}

    assert msgspec.json.decode(formats.json_text(value)) == value


def test_excerpt_is_one_line_of_bounded_length() -> None:
    assert formats.excerpt("two\r\n  lines") == "two lines"
    assert formats.excerpt("x" * 1_000_000, 10) == "xxxxxxxxx…"
    assert len(formats.excerpt(" a" * 1_000_000)) <= formats.EXCERPT_CHARACTERS_MAX


def test_prose_sets_off_what_is_typed_and_escapes_the_rest() -> None:
    assert formats.prose("run `a --b` <now>") == "run <code>a --b</code> &lt;now&gt;"
