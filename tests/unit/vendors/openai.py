"""OpenAI: answers, errors inside of streams, and what they mean."""

from integration_monitor.record import Fault, Json
from tests.unit.exchanges import Case
from tests.unit.vendors.vendor import Vendor, page_under_200, redirected, timed_out, unreachable

API = "https://api.openai.com/v1"
CHAT = f"POST {API}/chat/completions"
RESPONSE = f"POST {API}/responses"
STREAM = {"content-type": "text/event-stream; charset=utf-8"}


def refused(
    status: int,
    kind: str,
    code: str | None,
    message: str,
    fault: Fault,
    *,
    retry: str = "no",
    told: str | None = None,
    **parts: Json,
) -> Case:
    error = {"message": message, "type": kind, "param": parts.pop("param", None), "code": code}
    given = {"name": code or kind, "call": CHAT, **parts}
    return Case(
        status=status,
        answer={"error": error},
        code=code or kind,
        message=told or message,
        fault=fault,
        retry=retry,
        **given,
    )


def streamed(name: str, call: str, *events: str, **expected: Json) -> Case:
    """A stream of events, each as it is sent."""
    return Case(name=name, call=call, answer="".join(f"{event}\n\n" for event in events), answer_headers=STREAM, **expected)


CHUNK = 'data: {"id":"chatcmpl-FAKE1","object":"chat.completion.chunk","choices":[{"delta":{"content":"an error"}}]}'
CREATED = 'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_FAKE1","status":"in_progress","error":null}}'

NO_MONEY = "no credit left, or a spending limit is reached: waiting does not help"

DONE = [
    Case(
        name="a completion",
        call=CHAT,
        answer={"id": "chatcmpl-FAKE1", "choices": []},
        entity=("chat_completion", "chatcmpl-FAKE1"),
        action="create_chat_completion",
    ),
    Case(
        name="a response",
        call=RESPONSE,
        answer={"id": "resp_FAKE1", "status": "completed", "error": None},
        entity=("response", "resp_FAKE1"),
        action="create_response",
    ),
    Case(
        name="a look at a response that failed",
        call=f"GET {API}/responses/resp_FAKE1",
        answer={"id": "resp_FAKE1", "status": "failed", "error": {"code": "server_error", "message": "The model failed."}},
        entity=("response", "resp_FAKE1"),
        action="get_response",
    ),
    streamed("a stream to its end", CHAT, CHUNK, CHUNK, "data: [DONE]", action="create_chat_completion"),
    streamed("a stream of a response", RESPONSE, CREATED, action="create_response"),
]
REFUSED = [
    refused(
        400,
        "invalid_request_error",
        "context_length_exceeded",
        "This model's maximum context length is 8192 tokens.",
        "ours",
        param="messages",
        told="This model's maximum context length is 8192 tokens. (param: messages)",
    ),
    refused(400, "invalid_request_error", None, "Missing required parameter.", "ours"),
    refused(404, "invalid_request_error", "model_not_found", "The model `none` does not exist.", "ours"),
]
ACCOUNT = [
    refused(401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided.", "auth"),
    refused(
        403, "request_forbidden", "unsupported_country_region_territory", "Country, region, or territory not supported", "auth"
    ),
    refused(
        429,
        "insufficient_quota",
        "insufficient_quota",
        "You exceeded your current quota.",
        "auth",
        note=NO_MONEY,
    ),
]
BILLING = [
    *(
        refused(429, "insufficient_quota", code, "You exceeded your current quota.", "auth", note=NO_MONEY)
        for code in (
            *("credit_balance_exhausted", "organization_spend_limit_exceeded", "project_spend_limit_exceeded"),
            *("organization_usage_limit_exceeded", "a_limit_that_is_new"),
        )
    ),
]
LIMITS = [
    refused(429, "rate_limit_error", "slow_down", "Slow down.", "limit", retry="after"),
    refused(
        429,
        "requests",
        "rate_limit_exceeded",
        "Rate limit reached for requests per min.",
        "limit",
        retry="after",
        answer_headers={
            "retry-after": "1",
            "retry-after-ms": "450",
            "x-ratelimit-limit-requests": "60",
            "x-ratelimit-remaining-requests": "59",
            "x-ratelimit-reset-requests": "1s",
            "x-ratelimit-limit-tokens": "150000",
            "x-ratelimit-remaining-tokens": "10",
            "x-ratelimit-reset-tokens": "6m0s",
        },
        after_s=0.45,
        rate_limit=(150000, 10),
    ),
]
VENDORS_FAULT = [
    refused(503, "service_unavailable_error", "server_is_overloaded", "The server is overloaded.", "vendor", retry="safe"),
    refused(500, "server_error", None, "The server had an error while processing your request.", "vendor", retry="safe"),
    refused(503, "server_error", None, "The engine is currently overloaded.", "vendor", retry="ambiguous", call=RESPONSE),
    timed_out(CHAT, "safe"),
    timed_out(RESPONSE, "ambiguous"),
    unreachable(RESPONSE),
]
STREAMS = [
    streamed(
        "an error inside of a stream",
        CHAT,
        CHUNK,
        'data: {"error":{"message":"The server had an error.","type":"server_error","param":null,"code":null}}',
        code="server_error",
        message="The server had an error.",
        fault="vendor",
        retry="safe",
    ),
    streamed(
        "an error event",
        RESPONSE,
        CREATED,
        'event: error\ndata: {"type":"error","code":"rate_limit_exceeded","message":"Rate limit reached.","param":null}',
        code="rate_limit_exceeded",
        message="Rate limit reached.",
        fault="limit",
        retry="after",
    ),
    streamed(
        "a response that failed in its stream",
        RESPONSE,
        CREATED,
        'event: response.failed\ndata: {"type":"response.failed","response":{"id":"resp_FAKE1","status":"failed",'
        '"error":{"code":"server_error","message":"The model failed."}}}',
        code="server_error",
        message="The model failed.",
        fault="vendor",
        retry="ambiguous",
    ),
    Case(
        name="a response that failed",
        call=RESPONSE,
        answer={"id": "resp_FAKE1", "status": "failed", "error": {"code": "invalid_image_url", "message": "No image there."}},
        code="invalid_image_url",
        message="No image there.",
        fault="ours",
        retry="no",
        entity=("response", "resp_FAKE1"),
    ),
]

PROXIES = [
    page_under_200(CHAT, "safe"),
    page_under_200(RESPONSE, "ambiguous"),
    redirected(CHAT),
    Case(
        name="a transcription that looks like a page",
        call="POST https://api.openai.com/v1/audio/transcriptions",
        answer="<applause> Thank you.",
        action="create_transcription",
    ),
]

VENDOR = Vendor(
    title="OpenAI",
    service_names=("openai",),
    summary=(
        "An error may come inside of a stream that began with status 200, or in a response whose status is `failed`. What only makes text, images "
        "or numbers may be repeated, as the vendor's own libraries do; a response may use tools, and is not. Described in `described/openai.toml`."
    ),
    answers={
        "the page Error codes for statuses and causes; the codes beside them are from public reports": [
            *(*DONE, *REFUSED, *ACCOUNT, *VENDORS_FAULT),
        ],
        "Microsoft's page on `insufficient_quota`, which quotes the page Error codes; the last row is invented": BILLING,
        "the page Rate limits for headers, the library openai 3.54 for `retry-after-ms`": LIMITS,
        "the library openai 3.54: events and codes of failed responses": STREAMS,
        "nothing of OpenAI's: what may stand between": PROXIES,
    },
)
