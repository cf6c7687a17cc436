"""Mobizon: every code that its documents tell of, and which action a call is."""

import pytest

from integration_monitor.record import Json
from tests.unit.exchanges import Case, check, understand
from tests.unit.vendors.mobizon import API, VENDOR


@pytest.mark.parametrize("case", VENDOR.cases, ids=str)
def test_answer_is_understood(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("call", "request_body", "action", "entity"),
    [
        (f"GET {API}/Message/SendSmsMessage?recipient=77000000001&text=x", None, "send_sms", None),
        (f"POST {API}/message/getSMSStatus", {"ids": "400500600"}, "get_sms_status", ("sms", "400500600")),
        (f"POST {API}/message/getSMSStatus", {"ids[]": "400500600"}, "get_sms_status", ("sms", "400500600")),
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
