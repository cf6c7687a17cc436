"""A command that repeats a call says to a real shell what the record says, whatever stands in it."""

import itertools
import subprocess
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration_monitor.monitoring import curl
from integration_monitor.record import IntegrationLog

# In place of curl: prints its arguments, each ended by a NUL, and nothing else is run.
STAND_IN = "curl() { printf '%s\\0' \"$@\"; }\n"
AT = datetime(2026, 11, 22, tzinfo=UTC)
HOSTILE = (
    "'; touch /tmp/planted; '",
    "$(touch /tmp/planted)",
    "`touch /tmp/planted`",
    '"; exit 3; "',
    "a\nrm -rf x",
    "\\'\\",
    "!!",
    "${PATH}",
    "${a.b:}$(id)}",
    "# not a comment",
    "@/etc/passwd",
    "-o/tmp/planted",
    "<(id)",
    "\u2028\u202e",
)


def command(**request: Any) -> str | None:
    log = IntegrationLog(
        id=uuid.UUID(int=1),
        service_name="a",
        action="b",
        status="failed",
        request_payload={"method": "POST", "url": "https://api.example.com/x", "headers": {}, "body": None, **request},
        created_at=AT,
        updated_at=AT,
    )
    return curl.command(log)


def arguments(text: str | None, **environment: str) -> list[str]:
    """What a shell gives to curl."""
    assert text is not None
    # As bytes: Python would make every end of a line the same.
    run = subprocess.run(["/bin/bash", "-c", STAND_IN + text], env=environment, capture_output=True, check=True)
    assert run.stderr == b""
    return run.stdout.decode().split("\0")[:-1]


def values(given: list[str], option: str) -> list[str]:
    return [value for name, value in itertools.pairwise(given) if name == option]


def test_a_call_is_told_whole() -> None:
    text = command(
        url="https://api.example.com/v4/leads?page=1&limit=2",
        headers={
            "authorization": "Bearer ${amocrm.access_token}",
            "content-type": "application/json",
            "host": "x",
            "x-empty": "",
        },
        body=[{"name": "Иван's", "price": 5}],
    )

    assert arguments(text, AMOCRM_ACCESS_TOKEN="FAKE$(id)") == [
        *("--globoff", "--proto", "=http,https", "--compressed"),
        *("--request", "POST", "--url", "https://api.example.com/v4/leads?page=1&limit=2"),
        *("--header", "authorization: Bearer FAKE$(id)", "--header", "content-type: application/json", "--header", "x-empty;"),
        *("--data-raw", '[{"name":"Иван\'s","price":5}]'),
    ]


def test_a_variable_that_is_not_set_ends_the_command() -> None:
    text = command(url="https://api.example.com/${mobizon.api_key}")

    run = subprocess.run(["/bin/bash", "-c", STAND_IN + str(text)], env={}, capture_output=True, text=True, check=False)

    assert run.returncode != 0
    assert run.stdout == ""
    assert "MOBIZON_API_KEY" in run.stderr


def test_different_secrets_are_different_variables() -> None:
    text = command(url="https://api.example.com/${a.key:1}/${a.key:2}/${a.key:1}/${a_key}/${1.x}")

    names = {"A_KEY": "one", "A_KEY_2": "two", "A_KEY_3": "three", "_1_X": "four"}
    assert values(arguments(text, **names), "--url") == ["https://api.example.com/one/two/one/three/four"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    found = arguments(
        command(
            url="https://api.example.com/" + text.replace("\n", ""),
            headers={"x-text": text, text: "value"},
            body={"text": text, text: 1},
        ),
        A_B="FAKE",
    )
    # That one is a reference, and no more of it than its braces.
    told = text.replace("${a.b:}", "FAKE")

    assert values(found, "--url") == ["https://api.example.com/" + told.replace("\n", "")]
    assert [value for value in values(found, "--header") if value != f"{told}: value"] == (
        [] if "\n" in told else [f"x-text: {told}"]
    )
    assert len(values(found, "--data-raw")) == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40))
def test_any_text_is_one_word(text: str) -> None:
    # A reference needs a variable; the rest of the tests have them.
    text = text.replace("${", "$ {")

    assert values(arguments(command(body=text)), "--data-raw") == ([text] if text else [])


@pytest.mark.parametrize("text", HOSTILE)
def test_forms_are_encoded_as_they_were(text: str) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    found = arguments(
        command(headers=form, body={"a b": [text, "&="], "key": "${mobizon.api_key}"}), A_B="FAKE", MOBIZON_API_KEY="FAKE"
    )

    [encoded] = values(found, "--data-raw")
    assert parse_qsl(encoded) == [("a b", text.replace("${a.b:}", "FAKE")), ("a b", "&="), ("key", "FAKE")]


def test_parts_of_a_form_are_text_but_files_are_variables() -> None:
    found = arguments(
        command(
            headers={"content-type": "multipart/form-data; boundary=x"},
            body={"chat_id": 5, "caption": "@file", "photo": {"binary": True, "size": 9, "sha256": "x"}},
        ),
        FILE_3="/tmp/photo.png",
    )

    assert values(found, "--form-string") == ["chat_id=5", "caption=@file"]
    assert values(found, "--form") == ["photo=@/tmp/photo.png"]
    assert values(found, "--header") == []


@pytest.mark.parametrize("mark", ["binary", "truncated", "withheld"])
def test_a_body_that_was_not_kept_is_a_file(mark: str) -> None:
    found = arguments(command(body={mark: True, "size": 9}), BODY_FILE="/tmp/body")

    assert values(found, "--data-binary") == ["@/tmp/body"]
    # A field of that name is no mark.
    assert values(arguments(command(body={mark: "yes"})), "--data-raw") == [f'{{"{mark}":"yes"}}']


@pytest.mark.parametrize(
    "request_payload",
    [
        {"url": "file:///etc/passwd"},
        {"url": "-o/tmp/planted"},
        {"url": "https://a\nb"},
        {"url": None},
        {"url": 5},
        {"method": "GET; id"},
        {"method": None},
        {"method": ""},
    ],
)
def test_what_is_no_call_has_no_command(request_payload: dict[str, Any]) -> None:
    assert command(**request_payload) is None


def test_a_head_request_waits_for_no_body() -> None:
    assert "--head" in arguments(command(method="HEAD"))
