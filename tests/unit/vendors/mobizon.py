"""Mobizon: every code that its documents tell of, and what it means."""

import dataclasses

from integration_monitor.record import Fault, Json
from tests.unit.exchanges import Case
from tests.unit.vendors.vendor import Vendor, nginx, timed_out, unreachable

API = "https://api.mobizon.kz/service"
QUERY = "?output=json&api=v1&apiKey=kz0000000000000000000000000000000000FAKE"
SEND = f"POST {API}/message/sendsmsmessage{QUERY}"
BALANCE = f"POST {API}/user/getownbalance{QUERY}"
ADD = f"POST {API}/campaign/addrecipients{QUERY}"
CLEAR_TEXT = "sent without encryption: the key can be read on the way"


def refused(
    code: int,
    message: str,
    fault: Fault,
    retry: str = "no",
    *,
    data: Json = None,
    told: str | None = None,
    call: str = SEND,
) -> Case:
    return Case(
        name=f"code {code}",
        call=call,
        answer={"code": code, "data": data, "message": message},
        code=str(code),
        message=told or message,
        fault=fault,
        retry=retry,
    )


def items(code: int, item_codes: list[int], told: str, fault: Fault, retry: str = "no") -> Case:
    """Codes 98 and 99: `data` says of each recipient what became of it."""
    return Case(
        name=f"code {code}",
        call=ADD,
        request={"id": "5"},
        answer={"code": code, "data": [{"recipient": "77000000001", "code": one} for one in item_codes], "message": ""},
        code=str(code),
        message=told,
        fault=fault,
        retry=retry,
        note="repeat only the failed items" if code == 98 else None,
        entity=("campaign", "5"),
        action="add_campaign_recipients",
    )


DONE = [
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
        action="send_sms",
    ),
    Case(
        name="campaign waits for a moderator",
        call=f"POST {API}/campaign/send",
        request={"id": 5},
        answer={"code": 0, "data": 1},
        entity=("campaign", "5"),
        note="accepted, waits for a moderator",
    ),
    Case(
        name="goes on in the background",
        call=ADD,
        request={"id": "5"},
        answer={"code": 100, "data": 7001, "message": ""},
        entity=("task", "7001"),
        note="accepted, goes on in the background",
        action="add_campaign_recipients",
    ),
    Case(
        name="the task in the background is done",
        call=f"POST {API}/taskqueue/getstatus",
        request={"id": 7001},
        answer={"code": 0, "data": {"progress": 100, "status": 2}},
        entity=("task", "7001"),
        action="get_task_status",
    ),
    Case(
        name="the task in the background was rejected",
        call=f"POST {API}/taskqueue/getstatus",
        request={"id": 7001},
        answer={"code": 0, "data": {"progress": 100, "status": 3}},
        entity=("task", "7001"),
        note="the task was rejected",
        action="get_task_status",
    ),
    Case(
        name="campaign created",
        call=f"POST {API}/campaign/create",
        answer={"code": 0, "data": 100200300},
        entity=("campaign", "100200300"),
        action="create_campaign",
    ),
    Case(
        name="status of one message; unknown ids are left out",
        call=f"POST {API}/message/getsmsstatus",
        request={"ids": "400500600"},
        answer={"code": 0, "data": []},
        entity=("sms", "400500600"),
        action="get_sms_status",
    ),
    Case(
        name="status of several messages",
        call=f"POST {API}/message/getsmsstatus",
        request={"ids": "1,2"},
        answer={"code": 0, "data": [{"id": 1}, {"id": 2}]},
        action="get_sms_status",
    ),
    Case(name="code as text", call=BALANCE, answer={"code": "0", "data": {}}, action="test_connection"),
    Case(name="XML", call=SEND, answer='<?xml version="1.0"?><response><code>0</code><data/></response>'),
    Case(name="answer of which only the beginning was seen", call=BALANCE, answer='{"code":0,"data":{"items":[{"id":1'),
]

REFUSED = [
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
    refused(30, "Request limit exceeded", "limit", "after"),
    refused(999, "", "vendor", "ambiguous", told="general service error"),
    refused(999, "", "vendor", "safe", told="general service error", call=BALANCE),
    refused(77, "New trouble", "unclassified", "ambiguous"),
]

BALANCES = [
    refused(1, "Insufficient balance", "auth"),
    refused(15, "Insufficient balance", "auth"),
    refused(999, "Недостаточно средств", "auth", "ambiguous"),
]

ITEM_CODES: list[tuple[int, str, Fault]] = [
    (1, "empty", "recipient"),
    (2, "no number in it", "recipient"),
    (4, "duplicate", "recipient"),
    (5, "on the stop list", "recipient"),
    (6, "country not allowed", "recipient"),
    (7, "operator or country unknown", "recipient"),
    (8, "operator not served", "recipient"),
    (30, "contact card not found", "ours"),
    (31, "card has no mobile", "recipient"),
    (32, "contact not found", "ours"),
]
ITEMS = [
    items(98, [0, 3], "only part of the items done (1 done, 1 failed: wrong format)", "recipient"),
    items(98, [0, 20], "only part of the items done (1 done, 1 failed: placeholders missing)", "ours"),
    items(99, [20, 3], "none of the items done (0 done, 2 failed: placeholders missing, wrong format)", "ours"),
    items(99, [99], "none of the items done (0 done, 1 failed: system error)", "vendor", "after"),
    items(99, [51], "none of the items done (0 done, 1 failed: short link not possible for the moment)", "vendor", "after"),
    *(items(99, [code], f"none of the items done (0 done, 1 failed: {words})", fault) for code, words, fault in ITEM_CODES),
    dataclasses.replace(refused(98, "Not all done", "ours"), note="repeat only the failed items"),
]

FORMS = [
    Case(
        name="error as XML",
        call=SEND,
        answer="<response><code>8</code><data/><message>failed.api.auth</message></response>",
        code="8",
        message="failed.api.auth",
        fault="auth",
        retry="no",
    ),
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
        name="page of the proxy",
        call=SEND,
        status=502,
        answer=nginx("502 Bad Gateway"),
        code="HTTP_502",
        message="502 Bad Gateway",
        fault="vendor",
        retry="ambiguous",
    ),
    Case(
        name="done, but under 500",
        call=SEND,
        status=500,
        answer={"code": 0, "data": None},
        code="HTTP_500",
        message="Internal Server Error",
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
        name="without TLS",
        call=BALANCE.replace("https:", "http:"),
        answer={"code": 0, "data": {"balance": "10", "currency": "KZT"}},
        note=CLEAR_TEXT,
    ),
    Case(
        name="refused, without TLS",
        call=BALANCE.replace("https:", "http:"),
        answer={"code": 8, "data": [], "message": "failed.api.auth"},
        code="8",
        message="failed.api.auth",
        fault="auth",
        retry="no",
        note=CLEAR_TEXT,
    ),
    timed_out(SEND, "ambiguous", action="send_sms"),
    timed_out(SEND.replace("POST", "GET"), "ambiguous", action="send_sms"),
    timed_out(BALANCE, "safe", action="test_connection"),
    timed_out(f"POST {API}/message/getsmsstatus", "safe", action="get_sms_status"),
    timed_out(f"POST {API}/contactcard/getlist", "safe", action="getlist_contactcard"),
    timed_out(f"GET {API}/contactcard/create", "ambiguous", action="create_contactcard"),
    unreachable(SEND, action="send_sms"),
]

VENDOR = Vendor(
    title="Mobizon",
    service_names=("mobizon",),
    summary="HTTP says 200 to nearly everything: `code` of the envelope decides. 0 is done, 100 accepted for work in the background (the task's id is the entity, "
    "so that `get_task_status` of the same task tells what became of it), a message that waits for a moderator is accepted as well. GET and POST "
    "are the same, modules and methods are not case sensitive. There is no idempotency key: a send that may have happened is `ambiguous`. "
    "Methods of other modules are named `{module}_{method}`, those of contacts and stop lists `{method}_{module}`.",
    answers={
        "mobizon/mobizon-api-docs `message/api/*.md`, `campaign/api/*.md`, `taskqueue/api/getStatus.md`": DONE,
        "mobizon/mobizon-api-docs `_other/apiCode.md`; npm mobizon 1.0.1 for `failed.api.auth`": REFUSED,
        "not documented: an empty balance is expected in the words": BALANCES,
        "mobizon/mobizon-api-docs `campaign/api/addRecipients.md`": ITEMS,
        "mobizon/mobizon-php `src/MobizonApi.php`; npm mobizon-node 0.3.6; other HTTP statuses are not documented": FORMS,
    },
)
