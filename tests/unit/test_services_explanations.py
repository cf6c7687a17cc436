"""What error codes mean: for every code of the vendors' tables and of ours, in both languages, and for users' own files."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from integration_monitor.record import NoAnswerCode
from integration_monitor.services.description_file import read_file
from integration_monitor.services.error_lines import ErrorLine
from integration_monitor.services.explanations import Explanations, of_any_service
from integration_monitor.services.sources import built_in
from tests.unit.exchanges import Case
from tests.unit.services_page import VENDORS

SERVICES = {service.name: service for service in built_in()}
EXPLANATIONS = Explanations(SERVICES)
OURS = (
    *get_args(NoAnswerCode),
    *("ABANDONED", "PARTIAL_FAILURE", "BATCH_REJECTED", "NOT_SENT"),
    *(f"HTTP_{status}" for status in (301, 400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 415, 418, 422, 424, 429, 451)),
    *(f"HTTP_{status}" for status in (500, 502, 503, 504, 520, 599)),
)
# The tables invent them to show what becomes of a code that nobody knows: to explain them would be to invent, too.
UNKNOWN = {
    ("amocrm", "299"),
    ("amocrm", "A"),
    ("amocrm", "Wrong"),
    ("resend", "brand_new_error"),
    ("mobizon", "77"),
    ("whapi", "HIBERNATING"),
    ("slack", "something_new"),
    ("openai", "a_limit_that_is_new"),
}
TOLD: list[tuple[str, Case]] = [
    (vendor.service_names[0], case)
    for vendor in VENDORS
    for case in vendor.cases
    if case.code is not None and (vendor.service_names[0], case.code) not in UNKNOWN
]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_code_of_the_vendors_tables_has_a_meaning_and_a_remedy(language: str) -> None:
    found = {
        (service, case.code): EXPLANATIONS.explain(service, case.code, case.message, language=language) for service, case in TOLD
    }

    assert len(found) > 190
    assert {key for key, explanation in found.items() if explanation is None or not explanation.remedy} == set()
    texts = [text for each in found.values() if each for text in (each.means, each.remedy or "")]
    assert [text for text in texts if has_cyrillic(text) != (language == "ru")] == []


@pytest.mark.parametrize("code", OURS)
def test_every_code_of_ours_has_a_meaning_for_a_host_that_nobody_described(code: str) -> None:
    english, russian = (EXPLANATIONS.explain("api.example.com", code, "", language=language) for language in ("en", "ru"))

    assert english is not None
    assert russian is not None
    assert english.remedy
    assert russian.remedy
    assert english.means != russian.means


@pytest.mark.parametrize(("service", "code"), sorted(UNKNOWN))
def test_a_code_that_nobody_knows_is_not_explained(service: str, code: str) -> None:
    assert EXPLANATIONS.explain(service, code, "Words") is None


def test_every_line_says_two_whole_sentences_in_both_languages() -> None:
    for name, line in lines():
        assert line.ru is not None, name
        for text in (line.means, line.remedy, line.ru.means, line.ru.remedy):
            assert text is not None, (name, line.codes)
            assert text.endswith("."), text
            assert text[0].isupper() or text.startswith("amoCRM"), text


def test_no_line_stands_behind_one_that_says_everything() -> None:
    for name in (*SERVICES, None):
        said: set[str] = set()
        for line in EXPLANATIONS.lines(name) if name else of_any_service():
            assert not said.issuperset(line.codes), (name, line.codes)
            said |= set(line.codes) if not line.messages else set()


@pytest.mark.parametrize(
    ("service", "code", "message", "words"),
    [
        ("telegram", "403", "Forbidden: bot was blocked by the user", "has blocked the bot"),
        ("telegram", "403", "Forbidden: the group chat was deleted", "cannot be reached"),
        ("telegram", "400", "Bad Request: CHAT NOT FOUND", "no chat with this id"),
        ("whapi", "404", "Channel not found", "token is wrong"),
        ("whapi", "404", "specified chat not found", "does not exist"),
        ("amocrm", "HTTP_403", "403 Forbidden", "blocked the account"),
        ("resend", "validation_error", "API key is invalid", "key is wrong"),
        ("resend", "HTTP_502", "502 Bad Gateway", "gateway answered"),
        ("mobizon", "999", "Недостаточно средств", "balance is not enough"),
    ],
)
def test_the_vendors_words_tell_errors_of_one_code_apart(service: str, code: str, message: str, words: str) -> None:
    explanation = EXPLANATIONS.explain(service, code, message)

    assert explanation is not None
    assert words in explanation.means


def test_a_record_without_a_code_is_not_explained() -> None:
    assert EXPLANATIONS.explain("telegram", None, "words") is None
    assert EXPLANATIONS.explain("telegram", "", None) is None


def test_what_a_users_file_says_comes_before_what_is_built_in(tmp_path: Path) -> None:
    path = tmp_path / "bank.toml"
    path.write_text(
        'name = "bank"\nextends = "stripe"\nhosts = ["api.bank.example"]\n'
        '[[errors]]\ncodes = ["card_*"]\nmessages = ["limit"]\nmeans = "The bank\'s own limit."\n'
        '[[errors]]\ncodes = ["E1"]\nmeans = "Closed."\nremedy = "Call."\nru.means = "Закрыто."\nru.remedy = "Позвоните."\n',
        "utf-8",
    )
    told = Explanations({**SERVICES, "bank": read_file(path, SERVICES)})

    own, inherited, general = (
        told.explain("bank", code, message, language="ru")
        for code, message in (("card_declined", "Over the LIMIT"), ("card_declined", "No"), ("TIMEOUT", ""))
    )

    assert own is not None
    # Nothing is said in Russian, and of a remedy nothing at all.
    assert (own.means, own.remedy) == ("The bank's own limit.", None)
    assert inherited == EXPLANATIONS.explain("stripe", "card_declined", "No", language="ru")
    assert general == EXPLANATIONS.explain("stripe", "TIMEOUT", "", language="ru")
    russian = told.explain("bank", "E1", "", language="ru")
    assert russian is not None
    assert (russian.means, russian.remedy) == ("Закрыто.", "Позвоните.")


def test_an_application_reads_none_of_it() -> None:
    program = (
        "import sys\n"
        "from integration_monitor.services.registry import Registry\n"
        "Registry()\n"
        "print('integration_monitor.services.explanations' in sys.modules)"
    )

    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert printed == "False\n"


def lines() -> list[tuple[str, ErrorLine]]:
    found = [(name, line) for name in SERVICES for line in EXPLANATIONS.lines(name)]
    return [*found, *(("any service", line) for line in of_any_service())]


def has_cyrillic(text: str) -> bool:
    return any("а" <= char <= "я" for char in text.lower())
