"""Both languages and the reader's time zone, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.acceptance.conftest import OpenPage

PAGES = ("/", "/errors", "/logs?status=failed&service=telegram", "/service?service=telegram", "/entity", "/system")
# Names of the product and of programs, and what vendors say; whatever else is Latin would be a text that was forgotten.
NO_WORDS_OF_OURS = (
    r"Integration Monitor|English|EN|RU|p50|p95|p99|PostgreSQL|Python|curl|UTC|GMT|[a-z0-9]+[_.-][a-z0-9_.-]+|[A-Z]+_[A-Z0-9_]+|TIMEOUT"
    r"|amocrm|resend|telegram|mobizon|whapi|litestar|psycopg|msgspec|babel|jinja2|lead|user|Bad gateway|ReadTimeout.*|Forbidden.*"
    r"|Too Many Requests.*|Invalid `to`.*|the `email@example.com`.*|Unauthorized|Enter|Esc|[a-z/?]"
)


def test_browser_s_preference_comes_first_and_the_switch_is_remembered(visit: OpenPage) -> None:
    watched = visit(locale="ru-RU")
    page = watched.page
    expect(page.get_by_role("heading", level=1)).to_contain_text("mobizon не работает")

    page.get_by_role("button", name="English").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("mobizon is down")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.goto("/errors?window=7d")
    expect(page.get_by_role("heading", level=1)).to_have_text("Errors")
    page.get_by_role("button", name="Русский").click()
    expect(page).to_have_url(re.compile(r"/errors\?window=7d$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Ошибки")
    assert watched.troubles == []


@pytest.mark.parametrize("address", PAGES)
def test_russian_page_says_nothing_in_english(address: str, visit: OpenPage) -> None:
    page = visit(address, locale="ru-RU").page

    said = page.locator("body").inner_text()
    labels = page.locator("[aria-label], [title], [placeholder]").evaluate_all(
        "all => all.flatMap((each) => [each.ariaLabel, each.title, each.placeholder]).filter(Boolean)"
    )

    latin = [line for line in [*said.splitlines(), *labels] if re.search("[A-Za-z]", re.sub(NO_WORDS_OF_OURS, "", line))]
    assert [line for line in latin if not re.search("[А-Яа-я]", line)] == []


def test_numbers_dates_and_plurals_are_those_of_the_language(visit: OpenPage) -> None:
    page = visit("/system", locale="ru-RU").page

    expect(page.locator("tbody tr", has_text="web-1")).to_contain_text("120\u00a0400")
    expect(page.locator("main")).to_contain_text("90 дней")
    expect(page.locator("main")).to_contain_text(
        re.compile(r"\d+ (января|февраля|марта|апреля|мая|июня|июля|августа|сентября|октября|ноября|декабря)")
    )


def test_times_are_those_of_the_reader(visit: OpenPage) -> None:
    far = visit("/system", timezone_id="Asia/Almaty").page
    utc = visit("/system", timezone_id="UTC").page

    expect(far.locator(".facts time").first).to_contain_text(re.compile(r"\+0500$"))
    expect(utc.locator(".facts time").first).to_contain_text(re.compile(r"(UTC|\+0000)$"))
    expect(far.locator(".refreshed")).to_have_attribute("title", "Times are those of Asia/Almaty")


def test_without_the_script_times_are_in_utc(visit: OpenPage) -> None:
    page = visit("/system", java_script_enabled=False, timezone_id="Asia/Almaty").page

    expect(page.locator(".refreshed")).to_have_attribute("title", "Times are those of UTC")


def test_switch_leads_to_no_other_site(visit: OpenPage) -> None:
    page = visit().page

    for address in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/a\r\nb: c"):
        answer = page.context.request.post("/language", form={"language": "ru", "next": address}, max_redirects=0)
        assert answer.headers["location"] == "/", address
