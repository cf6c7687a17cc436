"""Words that pages write from Python, in the reader's language."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from integration_monitor.server.pages.reader import Reader
from integration_monitor.server.pages.words import incident_words

SUMMARY = "amocrm is down: 12 of 20 calls of the last 15 minutes failed (60 %)"
FACTS = {
    "failed_count": 12,
    "entity_count": 2,
    "actions": ["sync_lead"],
    "entities": ["lead 1", "lead 2"],
    "error_code": "HTTP_401",
    "error_message": "Token has been revoked",
    "fault": "auth",
}


@pytest.mark.parametrize(
    ("language", "facts", "words"),
    [
        ("en", FACTS, SUMMARY),
        ("ru", FACTS, "12 вызовов с ошибкой · 2 сущности · Доступ · HTTP_401 Token has been revoked"),
        ("ru", {"failed_count": 1, "entity_count": 0, "error_code": None, "fault": None}, "1 вызов с ошибкой"),
        ("ru", {"fault": "network", "error_code": "TIMEOUT"}, "Сеть · TIMEOUT"),
        ("ru", {}, SUMMARY),
        ("ru", {"failed_count": "many", "entity_count": None, "fault": 3, "error_code": "X"}, SUMMARY),
    ],
)
def test_an_incident_is_told_in_the_readers_language_as_far_as_its_facts_reach(
    language: str, facts: dict[str, Any], words: str
) -> None:
    reader = Reader(language=language, zone=ZoneInfo("UTC"))

    assert incident_words(reader, SUMMARY, facts) == words
