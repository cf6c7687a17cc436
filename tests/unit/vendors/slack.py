"""Slack: answers of the Web API and of incoming webhooks, and what they mean."""

from integration_monitor.record import Fault
from tests.unit.exchanges import Case
from tests.unit.vendors.vendor import Vendor, page_under_200, redirected, timed_out, unreachable

API = "https://slack.com/api"
POST = f"POST {API}/chat.postMessage"
CHANNEL = ("channel", "C0FAKE00001")
MESSAGE = {"channel": "C0FAKE00001", "text": "Order 1001 is on its way"}
HOOK_SECRET = "FAKEPLANTEDFAKEPLANTED00"
HOOK = f"POST https://hooks.slack.com/services/T0FAKE001/B0FAKE001/{HOOK_SECRET}"


def refused(error: str, fault: Fault, retry: str = "no", *, told: str | None = None, **details: str) -> Case:
    return Case(
        name=error,
        call=POST,
        request=MESSAGE,
        answer={"ok": False, "error": error, **details},
        code=error,
        message=told or error,
        fault=fault,
        retry=retry,
        entity=CHANNEL,
    )


def hook_refused(status: int, words: str, fault: Fault, retry: str = "no") -> Case:
    return Case(
        name=f"webhook: {words}",
        call=HOOK,
        request={"text": "Order 1001"},
        status=status,
        answer=words,
        code=words,
        message=words,
        fault=fault,
        retry=retry,
        entity=("webhook", "B0FAKE001"),
    )


DONE = [
    Case(
        name="posted",
        call=POST,
        request=MESSAGE,
        answer={"ok": True, "channel": "C0FAKE00001", "ts": "1772359200.000100"},
        entity=CHANNEL,
        action="post_message",
    ),
    Case(
        name="the probe",
        call=f"POST {API}/auth.test",
        answer={"ok": True, "team_id": "T0FAKE001"},
        entity=("team", "T0FAKE001"),
        action="test_connection",
    ),
    Case(
        name="a method without a description",
        call=f"POST {API}/bookmarks.add",
        answer={"ok": True},
        action="POST /api/bookmarks.add",
    ),
]
REFUSED = [
    refused("channel_not_found", "recipient"),
    refused("is_archived", "recipient"),
    refused("not_in_channel", "ours"),
    refused("msg_too_long", "ours"),
    refused("no_text", "ours"),
    refused("invalid_blocks", "ours", told="must be an object [json-pointer:/blocks/0]"),
    refused("restricted_action", "auth"),
    refused("something_new", "unclassified"),
]
# Slack says what is wrong with blocks in a field of its own.
REFUSED[5].answer["response_metadata"] = {"messages": ["must be an object [json-pointer:/blocks/0]"]}
ACCOUNT = [
    refused("invalid_auth", "auth"),
    refused("not_authed", "auth"),
    refused("token_revoked", "auth"),
    refused("account_inactive", "auth"),
    refused(
        "missing_scope",
        "auth",
        told="missing_scope (needed: chat:write, provided: users:read)",
        needed="chat:write",
        provided="users:read",
    ),
]
LIMITS = [
    Case(
        name="ratelimited",
        call=POST,
        request=MESSAGE,
        status=429,
        answer={"ok": False, "error": "ratelimited"},
        answer_headers={"retry-after": "30"},
        code="ratelimited",
        message="ratelimited",
        fault="limit",
        retry="after",
        after_s=30,
        entity=CHANNEL,
    ),
    refused("message_limit_exceeded", "limit", "after"),
]
VENDORS_FAULT = [
    refused("internal_error", "vendor", "ambiguous"),
    refused("team_added_to_org", "vendor", "ambiguous"),
    refused("request_timeout", "network", "ambiguous"),
    Case(
        name="internal_error of a question",
        call=f"POST {API}/users.list",
        answer={"ok": False, "error": "internal_error"},
        code="internal_error",
        message="internal_error",
        fault="vendor",
        retry="safe",
        action="list_users",
    ),
    timed_out(POST, "ambiguous", request=MESSAGE, entity=CHANNEL),
    timed_out(f"POST {API}/conversations.list", "safe"),
    # Any method may come as GET.
    timed_out(POST.replace("POST", "GET", 1), "ambiguous", request=MESSAGE, entity=CHANNEL),
    timed_out(f"GET {API}/conversations.list", "safe"),
    timed_out(f"POST {API}/oauth.v2.access", "ambiguous", action="get_oauth_token"),
    unreachable(POST, request=MESSAGE, entity=CHANNEL),
]
HOOKS = [
    Case(
        name="webhook: ok", call=HOOK, request={"text": "x"}, answer="ok", entity=("webhook", "B0FAKE001"), action="post_webhook"
    ),
    hook_refused(400, "invalid_payload", "ours"),
    hook_refused(400, "user_not_found", "recipient"),
    hook_refused(403, "action_prohibited", "auth"),
    hook_refused(404, "channel_not_found", "recipient"),
    hook_refused(410, "channel_is_archived", "recipient"),
    hook_refused(500, "rollup_error", "vendor", "ambiguous"),
    Case(
        name="webhook: a page in place of an answer",
        call=HOOK,
        status=503,
        answer="<html><title>Server Error</title></html>",
        code="HTTP_503",
        message="Server Error",
        fault="vendor",
        retry="ambiguous",
        entity=("webhook", "B0FAKE001"),
    ),
]
# Often reported, but on no page of the vendor's that could be read.
HOOKS_REPORTED = [
    hook_refused(400, "no_text", "ours"),
    hook_refused(403, "invalid_token", "auth"),
    hook_refused(404, "no_service", "auth"),
]

PROXIES = [
    page_under_200(POST, "ambiguous", request=MESSAGE, entity=CHANNEL),
    page_under_200(f"POST {API}/users.list", "safe"),
    page_under_200(HOOK, "ambiguous", request={"text": "x"}, entity=("webhook", "B0FAKE001")),
    redirected(POST, request=MESSAGE, entity=CHANNEL),
    Case(
        name="a file that is a page",
        call="GET https://files.slack.com/files-pri/T0FAKE001-F0FAKE001/page.html",
        answer="<html><title>Report</title></html>",
        action="download_file",
    ),
]

VENDOR = Vendor(
    title="Slack",
    service_names=("slack",),
    summary=(
        "The Web API says `ok: false` under status 200; incoming webhooks answer in plain text, and their address is a secret. There is no "
        "idempotency key: a message whose answer did not come may have been posted. Described in `described/slack.toml`."
    ),
    answers={
        "the reference of chat.postMessage, as the repository slack-ruby/slack-api-ref keeps it": [
            *(*DONE, *REFUSED, *ACCOUNT, *VENDORS_FAULT),
        ],
        "the library slack-sdk 3.47 for `ratelimited`; `message_limit_exceeded` is not confirmed": LIMITS,
        "the changelog of 2016-05-17, Improving error conditions for Incoming Webhooks": HOOKS,
        "public reports; not confirmed by the vendor's pages": HOOKS_REPORTED,
        "nothing of Slack's: what may stand between": PROXIES,
    },
)
