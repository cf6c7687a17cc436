"""httpx2 has httpx's seam; what that records is in test_capture_httpx.py."""

import asyncio
import subprocess
import sys

import httpx2

import integration_monitor as im

URL = "https://api.example.com/v1/leads"


def answer(_request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, json={"id": 1})


def test_its_calls_are_recorded_under_its_name() -> None:
    async def call_async() -> None:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as client:
            await client.post(URL, json={"name": "Boris"})

    with im.testing.capture() as records:
        with httpx2.Client(transport=httpx2.MockTransport(answer)) as client:
            response = client.post(URL, json={"name": "Anna"})
        asyncio.run(call_async())

    assert response.json() == {"id": 1}
    assert [one.request_payload["body"] for one in records] == [{"name": "Anna"}, {"name": "Boris"}]
    assert [one.response_payload["body"] for one in records] == [{"id": 1}, {"id": 1}]


ALIASED = """
import httpx2
httpx2.alias_httpx()
import integration_monitor as im
with im.testing.capture() as records:
    import httpx
    assert httpx is httpx2
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    httpx.Client(transport=transport).get("https://api.example.com/v1")
    assert len(records) == 1, records
assert not hasattr(httpx2.Client.send, "__wrapped__")
"""


def test_as_an_alias_of_httpx_it_is_recorded_once() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", ALIASED], check=True, timeout=60)
