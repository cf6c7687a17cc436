"""Who reads: language, zone, and catalogues that leave nothing untranslated."""

import string
from types import SimpleNamespace

import pytest

from integration_monitor.server.languages import LANGUAGES
from integration_monitor.server.pages.reader import CATALOGUES, Reader, reader_of
from tests.unit.catalogue import said, translated


def reader(accepted: str = "", **cookies: str) -> Reader:
    return reader_of(SimpleNamespace(headers={"accept-language": accepted}, cookies=cookies))


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("ru", "ru"),
        ("ru-KZ,en;q=0.8", "ru"),
        ("de,en;q=0.5,ru;q=0.9", "ru"),
        ("kk,fr", "en"),
        ("ru;q=0,en", "en"),
        ("ru;q=nonsense,*", "en"),
    ],
)
def test_browser_s_preference_decides(accepted: str, language: str) -> None:
    assert reader(accepted).language == language


def test_switch_counts_more_than_the_browser() -> None:
    assert reader("en", integration_monitor_language="ru").language == "ru"
    assert reader("ru", integration_monitor_language="tlh").language == "ru"


@pytest.mark.parametrize("name", ["", "Nowhere/Town", "../../etc/passwd", "/etc/localtime", "x" * 10_000, "Europe", "a\x00b"])
def test_zone_that_is_none_is_utc(name: str) -> None:
    assert reader(integration_monitor_zone=name).zone.key == "UTC"


def test_zone_is_the_browser_s() -> None:
    assert reader(integration_monitor_zone="Asia/Almaty").zone.key == "Asia/Almaty"


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_catalogue_says_everything_that_pages_say_and_nothing_else(language: str) -> None:
    wanted = {message.id for message in said() if message.id}
    catalogue = {message.id: message for message in translated(language) if message.id}

    # `python -m tests.unit.catalogue` brings it up to date.
    assert wanted - catalogue.keys() == set()
    assert catalogue.keys() - wanted == set()
    untold = [key for key, message in catalogue.items() if message.fuzzy or not all(flat(message.string))]
    assert untold == []


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_translations_name_what_their_texts_name(language: str) -> None:
    for message in translated(language):
        for text in flat(message.string) if message.id else []:
            one = flat(message.id)[-1]
            assert fields(text) == fields(one), text
            assert text.count("<") == one.count("<"), text
            assert text.count("`") == one.count("`"), text


def test_only_known_languages_have_catalogues() -> None:
    assert {path.stem for path in CATALOGUES.glob("*.po")} == set(LANGUAGES) - {"en"}


def flat(text: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [text or ""] if text is None or isinstance(text, str) else list(text)


def fields(text: str) -> set[str]:
    """The places for values in a text: `%(name)s` and `{}`."""
    named = {part.split(")")[0] for part in text.split("%(")[1:]}
    return named | {name for _, name, _, _ in string.Formatter().parse(text) if name is not None and "{" in text}
