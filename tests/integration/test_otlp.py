"""`POST /v1/traces`: which spans become records, what they say, and what is answered in both encodings."""

import gzip
import json
from typing import Any

import pytest
from google.protobuf import json_format
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

from integration_monitor.record import now
from tests.integration.batches import stored
from tests.integration.conftest import Bearer, Client

PATH = "/v1/traces"
TRACE = "0af7651916cd43dd8448eb211c80319c"
TOKEN = "123456789:FAKE-PLANTED-TELEGRAM-TOKEN-00000000"
STARTED_MS = int(now().timestamp() * 1000) - 1000
NEW = {"http.request.method": "POST", "url.full": "https://api.resend.com/emails", "http.response.status_code": 200}
OLD = {"http.method": "POST", "http.url": "https://api.resend.com/emails", "http.status_code": 200}


def span(attributes: dict[str, Any], *, number: int = 1, **fields: Any) -> dict[str, Any]:
    """A client span of 250 ms, in OTLP's JSON."""
    started_ns = STARTED_MS * 1_000_000
    return {
        "traceId": TRACE,
        "spanId": f"{number:016x}",
        "name": "POST",
        "kind": 3,
        "startTimeUnixNano": str(started_ns),
        "endTimeUnixNano": str(started_ns + 250_000_000),
        "attributes": [{"key": name, "value": attribute(value)} for name, value in attributes.items()],
        **fields,
    }


def attribute(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"arrayValue": {"values": [attribute(one) for one in value]}}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}


def body(*spans: dict[str, Any]) -> bytes:
    return json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {"name": "test"}, "spans": spans}]}]}).encode()


def protobuf(*spans: dict[str, Any]) -> bytes:
    """The same in protobuf, whose ids are bytes."""
    request = json_format.Parse(body(*spans), ExportTraceServiceRequest())
    for one, given in zip(request.resource_spans[0].scope_spans[0].spans, spans, strict=True):
        one.trace_id, one.span_id = bytes.fromhex(given["traceId"]), bytes.fromhex(given["spanId"])
    return request.SerializeToString()


@pytest.fixture
def send(client: Client, bearer: Bearer) -> Any:
    def post(content: bytes, content_type: str = "application/json", role: str = "service_role", **headers: str) -> Any:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.post(PATH, content=content, headers={**bearer(role), "content-type": content_type, **given})

    return post


def test_client_spans_of_old_and_new_conventions_become_the_same_record(send: Any, database_url: str) -> None:
    parts = {"http.method": "POST", "http.scheme": "https", "http.host": "api.resend.com", "http.target": "/emails"}

    answer = send(body(span(NEW, number=1), span(OLD, number=2), span({**parts, "http.status_code": 200}, number=3)))

    assert (answer.status_code, answer.headers["content-type"], answer.json()) == (200, "application/json", {})
    records = stored(database_url)
    assert len(records) == 3
    for record in records:
        assert (record.service_name, record.action, record.status, record.duration_ms) == ("resend", "send_email", "success", 250)
        assert record.created_at.timestamp() * 1000 == pytest.approx(STARTED_MS, abs=0.5)
        assert record.request_payload is not None
        assert (record.request_payload["url"], record.request_payload["trace_id"]) == ("https://api.resend.com/emails", TRACE)
        assert record.response_payload is not None
        assert record.response_payload["status_code"] == 200
        # Resend tells failures by the status.
        assert "evidence" not in record.response_payload


def test_span_that_is_sent_again_is_stored_once_in_whatever_encoding(send: Any, database_url: str) -> None:
    one = span(NEW)
    for content, content_type, packed in (
        (body(one), "application/json", False),
        (protobuf(one), "application/x-protobuf", False),
        (gzip.compress(protobuf(one)), "application/x-protobuf", True),
        (gzip.compress(body(one)), "application/json", True),
    ):
        answer = send(content, content_type, **({"content_encoding": "gzip"} if packed else {}))

        assert (answer.status_code, answer.headers["content-type"]) == (200, content_type)
        if content_type == "application/x-protobuf":
            assert ExportTraceServiceResponse.FromString(answer.content) == ExportTraceServiceResponse()

    assert len(stored(database_url)) == 1


def test_success_of_a_service_that_tells_by_its_body_is_unverified(send: Any, database_url: str) -> None:
    hosts = {
        "telegram": f"https://api.telegram.org/bot{TOKEN}/sendMessage",
        "mobizon": "https://api.mobizon.kz/service/message/sendsmsmessage",
        "whapi": "https://gate.whapi.cloud/messages/text",
        "amocrm": "https://shop.amocrm.ru/api/v4/leads",
        "slack": "https://slack.com/api/chat.postMessage",
        "api.example.com": "https://api.example.com/things",
    }
    spans = [span({**NEW, "url.full": url}, number=number) for number, url in enumerate(hosts.values(), 1)]
    failed = span({**NEW, "url.full": hosts["telegram"], "http.response.status_code": 502}, number=20)

    assert send(body(*spans, failed)).json() == {}

    records = stored(database_url)
    told = {one.service_name: one.response_payload.get("evidence") for one in records if one.status == "success"}
    assert told == dict.fromkeys(hosts, "http_status") | {"api.example.com": None}
    [failure] = [one for one in records if one.status == "failed"]
    assert (failure.error_code, failure.response_payload["fault"], failure.response_payload["evidence"]) == (
        "HTTP_502",
        "vendor",
        "http_status",
    )
    assert all("FAKE-PLANTED" not in str(one) for one in records)


def test_pages_show_what_is_unverified(send: Any, client: Client, bearer: Bearer, database_url: str) -> None:
    unverified = span({**NEW, "url.full": f"https://api.telegram.org/bot{TOKEN}/sendMessage"})
    send(body(unverified, span(NEW, number=2)))
    ids = {one.service_name: one.id for one in stored(database_url)}

    listed = client.get("/logs", headers=bearer()).text
    beside, other = (client.get(f"/logs/{ids[name]}", headers=bearer()).text for name in ("telegram", "resend"))

    assert listed.count(">unverified<") == 1
    assert "unverified: only the HTTP status was seen" in beside
    assert "unverified" not in other


def test_span_without_an_answer_tells_what_went_wrong(send: Any, database_url: str) -> None:
    asked = {name: value for name, value in NEW.items() if name != "http.response.status_code"}
    noted = {"name": "exception", "attributes": []}
    cases: list[tuple[dict[str, Any], str]] = [
        (span({**asked, "error.type": "ReadTimeout"}), "TIMEOUT"),
        (span({**asked, "error.type": "ENOTFOUND"}), "DNS_FAILURE"),
        (span({**asked, "error.type": "requests.exceptions.SSLError"}), "TLS_ERROR"),
        (span({**asked, "error.type": "CancelledError"}), "CANCELLED"),
        (span({**asked, "error.type": "ConnectError"}), "CONNECTION_FAILED"),
        (span(asked, status={"code": 2, "message": "connect ECONNREFUSED"}), "CONNECTION_FAILED"),
        (
            span(
                asked,
                events=[{**noted, "attributes": [{"key": "exception.type", "value": attribute("httpx.ConnectTimeout")}]}],
            ),
            "TIMEOUT",
        ),
    ]
    for number, (one, _code) in enumerate(cases, 1):
        one["spanId"] = f"{number:016x}"
        one["startTimeUnixNano"] = str((STARTED_MS + number) * 1_000_000)

    assert send(body(*(one for one, _code in cases))).json() == {}

    records = stored(database_url)
    assert [one.error_code for one in records] == [code for _one, code in cases]
    assert {(one.status, "evidence" in (one.response_payload or {})) for one in records} == {("failed", False)}


def test_spans_that_are_no_calls_are_left_out(send: Any, database_url: str) -> None:
    others = [span(NEW, kind=2), span(NEW, kind=1), span({"db.system": "postgresql"}), span({})]

    assert send(body(*others)).json() == {}
    assert send(body()).json() == send(b"{}").json() == {}

    assert stored(database_url) == []


def test_span_that_says_too_little_is_rejected_and_the_rest_is_stored(send: Any, database_url: str) -> None:
    nowhere = span({"http.request.method": "GET", "http.response.status_code": 200}, number=2)
    unknown = span({"http.request.method": "GET", "url.full": "https://api.resend.com/emails"}, number=3)

    answer = send(body(span(NEW), nowhere, unknown))
    packed = send(protobuf(nowhere), "application/x-protobuf")

    assert answer.status_code == 200
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "2"
    assert "url.full" in answer.json()["partialSuccess"]["errorMessage"]
    assert ExportTraceServiceResponse.FromString(packed.content).partial_success.rejected_spans == 1
    assert len(stored(database_url)) == 1


def test_attributes_of_unusual_kinds_do_no_harm(send: Any, database_url: str) -> None:
    strange: dict[str, Any] = {
        "http.request.method": "_OTHER",
        "http.request.method_original": "PURGE",
        "url.full": ["https://api.resend.com/emails"],
        "http.url": "https://api.resend.com/emails",
        "http.response.status_code": "404",
        "http.request.header.authorization": ["Bearer re_FAKE_PLANTED_000000000000"],
        "http.response.header.retry_after": ["7"],
    }

    assert send(body(span(strange))).json() == {}

    [record] = stored(database_url)
    assert record.request_payload is not None
    assert (record.request_payload["method"], record.error_code) == ("PURGE", "HTTP_404")
    assert "PLANTED" not in str(record)
    assert "retry-after" in record.response_payload["headers"]


def test_extreme_times_and_broken_addresses_do_no_harm(send: Any, database_url: str) -> None:
    ends: dict[str, Any] = {"startTimeUnixNano": str(2**64 - 1), "endTimeUnixNano": "0"}
    urls = ["http://[::1", "nonsense", "http://a:99999999/", "https://\x00/", "x" * 200_000, "http://\ud83d\ude00/"]
    spans = [span({**NEW, "url.full": url}, number=number) for number, url in enumerate(urls, 1)]
    long = span(NEW, number=50, startTimeUnixNano="0", endTimeUnixNano=str(2**64 - 1))

    answer = send(body(*spans, span(NEW, number=51, **ends), long))

    assert (answer.status_code, answer.json()) == (200, {})
    durations = sorted(one.duration_ms for one in stored(database_url) if one.duration_ms is not None)
    assert (durations[0], durations[-1], len(durations)) == (0, 2**31 - 1, len(urls) + 2)


def test_refusals_come_as_a_status_in_the_requests_encoding(send: Any, client: Client, database_url: str) -> None:
    deep = b'{"resourceSpans":' + b"[" * 100_000
    for content, content_type, status in (
        (b"{", "application/json", 400),
        (deep, "application/json", 400),
        (b"\xff\xff", "application/x-protobuf", 400),
        (body({**span(NEW), "traceId": "not hexadecimal!"}), "application/json", 400),
        (b"\x0a\x00" * 3_000_000, "application/x-protobuf", 413),
        (b"{}", "application/grpc", 415),
    ):
        answer = send(content, content_type)

        assert answer.status_code == status, answer.content[:200]
        if content_type == "application/json":
            assert answer.json()["message"]
        else:
            assert Status.FromString(answer.content).message

    assert client.post(PATH, content=b"{}", headers={"content-type": "application/json"}).json()["message"]
    assert send(b"{}", role="authenticated").status_code == 403
    assert stored(database_url) == []
