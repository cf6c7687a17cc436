"""Bodies that wait are read in one turn of the thread; each gets what is its own; nothing that is kept uncopied needs cleaning."""

import asyncio
import json
from typing import Any

import pytest

from integration_monitor import settings
from integration_monitor.server.ingest.items import read_items
from integration_monitor.server.ingest.recording import Recorded, Recording
from integration_monitor.server.refusals import BodyRefused

JSON = "application/json"
RECORD: dict[str, Any] = {"service_name": "amocrm", "action": "sync_lead", "status": "success"}


def read(*bodies: bytes, content_type: str = JSON) -> list[Recorded | BaseException]:
    """What becomes of bodies that come at once."""

    async def main() -> list[Recorded | BaseException]:
        recording = Recording(settings.load({}, environment={}))
        try:
            waiting = (recording.records(body, content_type, None) for body in bodies)
            return await asyncio.gather(*waiting, return_exceptions=True)
        finally:
            recording.close()

    return asyncio.run(main())


def body(**fields: object) -> bytes:
    return json.dumps({**RECORD, **fields}).encode()


def actions(recorded: Recorded | BaseException) -> list[str]:
    assert isinstance(recorded, Recorded)
    return [record.action for _line, record in recorded.records]


def test_each_of_many_bodies_gets_its_own() -> None:
    # Of different sizes, so that they share turns and fill them.
    sent = [f"call_{'abc'[number % 3] * (number % 5 + 1)}" for number in range(300)]

    told = read(*(body(action=action, error_message="x" * (number % 7 * 3_000)) for number, action in enumerate(sent)))

    assert [action for one in told for action in actions(one)] == sent


def test_body_that_is_refused_hurts_no_other() -> None:
    before, broken, after = read(body(action="before"), b"{", body(action="after"))

    assert actions(before) == ["before"]
    assert isinstance(broken, BodyRefused)
    assert actions(after) == ["after"]


def test_request_that_was_given_up_does_not_stop_the_others() -> None:
    async def main() -> Recorded:
        recording = Recording(settings.load({}, environment={}))
        gone, staying = (asyncio.create_task(recording.records(body(action=name), JSON, None)) for name in ("gone", "staying"))
        await asyncio.sleep(0)
        gone.cancel()
        try:
            await staying
            return await recording.records(body(action="later"), JSON, None)
        finally:
            recording.close()

    assert actions(asyncio.run(main())) == ["later"]


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [
        (b'{"a": {"b": ["text"]}}', True),
        (b'{"a": "\\u0000"}', False),
        (b'{"a": "\\ud800"}', False),
        (b'{"a": NaN}', False),
        (b'{"a": "\xff"}', False),
        (b'{"a": ' + b"[" * 300 + b"]" * 300 + b"}", False),
    ],
)
def test_what_needs_cleaning_is_not_plain(text: bytes, is_plain: bool) -> None:
    for content_type in (JSON, "application/x-ndjson"):
        items, refused = read_items(text, content_type)

        assert [item.is_plain for item in items] == [is_plain]
        assert not refused


def test_what_cannot_be_kept_is_cleaned_and_secrets_are_gone_either_way() -> None:
    plain = body(request_payload={"headers": {"authorization": "Bearer PLANTED-secret-of-a-test"}})
    strange = body(request_payload={"headers": {"authorization": "Bearer PLANTED-secret-of-a-test"}, "body": "\0"})

    told = read(plain, strange)

    payloads = [record.request_payload for one in told if isinstance(one, Recorded) for _line, record in one.records]
    assert len(payloads) == 2
    assert "PLANTED" not in json.dumps(payloads)
    assert payloads[1]["body"] == "\N{REPLACEMENT CHARACTER}"
