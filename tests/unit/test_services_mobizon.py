"""Mobizon: every code that its sources tell of, and what it means."""

import pytest

from integration_monitor.record import Fault, Json, NoAnswer
from tests.unit.exchanges import Case, check, understand

API = "https://api.mobizon.kz/service"
QUERY = "?output=json&api=v1&apiKey=kz0000000000000000000000000000000000FAKE"
SEND = f"POST {API}/message/sendsmsmessage{QUERY}"
BALANCE = f"POST {API}/user/getownbalance{QUERY}"


def refused(
    code: int, message: str, fault: Fault, retry: str = "no", *, data: Json = None, told: str | None = None, call: str = SEND
) -> Case:
    return Case(
        name=f"{code} {message} {data} {call.partition('?')[0]}",
        call=call,
        answer={"code": code, "data": data, "message": message},
        code=str(code),
        message=told or message,
        fault=fault,
        retry=retry,
    )


CASES = [
    Case(
        name="sent",
        call=SEND,
        answer={"code": 0, "data": {"campaignId": "1", "messageId": "400500600", "status": 2}, "message": ""},
        entity=("sms", "400500600"),
        action="send_sms",
    ),
    Case(
        name="waits for a moderator",
        call=SEND,
        answer={"code": 0, "data": {"messageId": 7, "status": 1}},
        entity=("sms", "7"),
        note="accepted, waits for a moderator",
    ),
    Case(
        name="in the background",
        call=f"POST {API}/campaign/addrecipients",
        request={"id": "5"},
        answer={"code": 100, "data": 7001, "message": ""},
        entity=("task", "7001"),
        note="accepted, goes on in the background",
        action="add_campaign_recipients",
    ),
    Case(name="code as text", call=BALANCE, answer={"code": "0", "data": {}}, action="test_connection"),
    Case(name="XML", call=SEND, answer='<?xml version="1.0"?><response><code>0</code><data/></response>'),
    Case(
        name="XML error",
        call=SEND,
        answer="<response><code>8</code><data/><message>failed.api.auth</message></response>",
        code="8",
        message="failed.api.auth",
        fault="auth",
        retry="no",
    ),
    Case(name="answer that was cut", call=BALANCE, answer='{"code":0,"data":{"items":[{"id":1'),
    refused(1, "Check the data", "recipient", data={"recipient": "wrong number format"}, told="recipient: wrong number format"),
    refused(1, "Check the data", "ours", data={"text": ["too long", "empty"]}, told="text: too long, empty"),
    refused(1, "Check the data", "ours", data=[]),
    refused(2, "Not found", "ours"),
    refused(3, "Application error", "vendor", "ambiguous"),
    refused(3, "Application error", "vendor", "safe", call=BALANCE),
    refused(4, "Wrong module", "ours"),
    refused(5, "Wrong method", "ours"),
    refused(6, "Wrong format", "ours"),
    refused(8, "failed.api.auth", "auth", data=[]),
    refused(9, "No access", "auth"),
    refused(10, "Not saved", "vendor", "ambiguous"),
    refused(10, "Not saved", "vendor", "after", call=BALANCE),
    refused(11, "Required parameters missing", "ours"),
    refused(12, "Check the data", "ours", data={"ids": "at most 100"}, told="ids: at most 100"),
    refused(13, "Wrong server", "auth", data="api.mobizon.uz", told="Wrong server: api.mobizon.uz"),
    refused(14, "Blocked", "auth"),
    refused(15, "Could not be done", "unclassified"),
    refused(15, "Insufficient balance", "auth"),
    refused(30, "Request limit exceeded", "limit", "after"),
    refused(999, "", "vendor", "ambiguous", told="general service error"),
    refused(999, "Недостаточно средств", "auth", "ambiguous"),
    refused(77, "New trouble", "unclassified", "ambiguous"),
    refused(
        98,
        "Not all recipients were added",
        "recipient",
        data=[{"code": 0, "messageId": 1}, {"code": 3, "number": "123"}],
        told="Not all recipients were added (1 done, 1 failed: wrong format)",
    ),
    refused(
        99,
        "",
        "ours",
        data=[{"code": 20}, {"code": 3}],
        told="none of the items done (0 done, 2 failed: placeholders missing, wrong format)",
    ),
    refused(99, "", "vendor", "after", data=[{"code": 99}], told="none of the items done (0 done, 1 failed: system error)"),
    Case(
        name="envelope under 429",
        call=SEND,
        status=429,
        answer={"code": 30, "data": None, "message": "Request limit exceeded"},
        answer_headers={"retry-after": "4"},
        code="30",
        message="Request limit exceeded",
        fault="limit",
        retry="after",
        after_s=4,
    ),
    Case(
        name="page",
        call=SEND,
        status=502,
        answer="<html><head><title>502 Bad Gateway</title></head></html>",
        code="HTTP_502",
        message="502 Bad Gateway",
        fault="vendor",
        retry="ambiguous",
    ),
    Case(
        name="no envelope",
        call=SEND,
        answer="OK",
        code="INVALID_RESPONSE",
        message="the answer has no integer code",
        fault="vendor",
        retry="ambiguous",
    ),
    Case(
        name="code that is none",
        call=BALANCE,
        answer={"code": True},
        code="INVALID_RESPONSE",
        message="the answer has no integer code",
        fault="vendor",
        retry="safe",
    ),
    Case(
        name="done under 500",
        call=SEND,
        status=500,
        answer={"code": 0, "data": None},
        code="HTTP_500",
        message="Internal Server Error",
        fault="vendor",
        retry="ambiguous",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_answer_is_understood(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("call", "request_body", "action", "entity"),
    [
        (f"GET {API}/Message/SendSmsMessage?recipient=77000000001&text=x", None, "send_sms", None),
        (f"POST {API}/message/getSMSStatus", {"ids": "400500600"}, "get_sms_status", ("sms", "400500600")),
        (f"POST {API}/message/getSMSStatus", {"ids": [400500600]}, "get_sms_status", ("sms", "400500600")),
        (f"GET {API}/campaign/getinfo?id=5", None, "get_campaign_info", ("campaign", "5")),
        (f"POST {API}/campaign/send", {"id": 5}, "send_campaign", ("campaign", "5")),
        (f"POST {API}/taskqueue/getstatus", {"id": 7001}, "get_task_status", ("task", "7001")),
        (f"POST {API}/link/create", None, "create_short_link", None),
        (f"POST {API}/contactcard/create", None, "create_contactcard", None),
        (f"POST {API}/template/list", None, "template_list", None),
        (f"POST {API}/123/456", None, "POST /service/{id}/{id}", None),
        ("POST https://api.mobizon.com.br/service/user/getownbalance", None, "test_connection", None),
    ],
)
def test_module_and_method_are_the_action(call: str, request_body: Json, action: str, entity: tuple[str, str] | None) -> None:
    meaning = understand(call, request=request_body, answer={"code": 0, "data": {}})

    assert (meaning.service_name, meaning.action, meaning.entity) == ("mobizon", action, entity)


def test_created_campaign_is_the_entity() -> None:
    meaning = understand(f"POST {API}/campaign/create", answer={"code": 0, "data": 100200300})

    assert meaning.entity == ("campaign", "100200300")


@pytest.mark.parametrize(
    ("call", "advice"),
    [
        (f"GET {API}/message/sendsmsmessage", "ambiguous"),
        (f"POST {API}/message/getsmsstatus", "safe"),
        (f"POST {API}/contactcard/getlist", "safe"),
        (f"GET {API}/contactcard/create", "ambiguous"),
    ],
)
def test_method_and_not_http_tells_what_may_be_repeated(call: str, advice: str) -> None:
    outcome = understand(call, no_answer=NoAnswer(code="TIMEOUT", message="")).outcome

    assert outcome.retry is not None
    assert outcome.retry.advice == advice
