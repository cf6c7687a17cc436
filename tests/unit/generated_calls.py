"""Calls to the five vendors and to a host that nobody described, with a secret planted somewhere; made by Hypothesis."""

import json
import string
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

from hypothesis import strategies as st

from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.record import Json, NoAnswer
from integration_monitor.recorder import Recorder

LETTERS = string.ascii_letters + string.digits
HOSTS = {
    "amocrm": "https://example.amocrm.ru/api/v4/leads",
    "resend": "https://api.resend.com/emails",
    "telegram": "https://api.telegram.org/bot1:PLANTEDPLANTEDPLANTEDPLANTEDPLANTED/sendMessage",
    "mobizon": "https://api.mobizon.kz/service/message/sendsmsmessage",
    "whapi": "https://gate.whapi.cloud/messages/text",
    "undescribed": "https://api.example.org/v1/orders",
}
#: The names under which a secret that looks like nothing is known.
NAMES = [
    *("authorization", "Authorization", "api_key", "apiKey", "X-API-KEY", "token", "access_token", "refresh-token", "authToken"),
    *("client_secret", "password", "PASSWD", "secret", "signing_secret", "private_key", "cookie", "params[apikey]", "auth"),
]
HARMLESS = ["id", "name", "text", "data", "tokens_used", "items", "html", "token_type", "0", "value", "description", "имя"]
# Around a secret stands what stands around words.
_AROUND = st.sampled_from(
    ["", " ", "\n", "\t", '"', "'", "(", ")", ",", ";", "<b>", "?a=", "&b=", "Error: ", "|", "«", "текст ", "key "]
)
_PROSE = st.sampled_from(
    [
        "",
        "Ваш заказ готов",
        "Your order is ready: see https://shop.example.org/o/7?utm_source=mail",
        "10:30, 100 % off",
        "é",
        "{",
        "[1]",
    ]
)


def of(alphabet: str, size: int) -> st.SearchStrategy[str]:
    return st.text(alphabet=alphabet, min_size=size, max_size=size)


#: Secrets that are known by how they look.
SHAPED = st.one_of(
    st.builds("{}:AA{}".format, st.integers(10**6, 10**10), of(LETTERS + "_-", 33)),
    of(LETTERS, 24).map("re_{}".format),
    of(LETTERS, 32).map("whsec_{}".format),
    st.builds("eyJ{}.eyJ{}.{}".format, of(LETTERS, 12), of(LETTERS, 20), of(LETTERS + "_-", 43)),
    of(LETTERS, 24).map("sk_live_{}".format),
    of(LETTERS, 36).map("ghp_{}".format),
)
#: Secrets that look like nothing: marked, so that none is found by chance.
NAMED = st.builds("Zq7{}".format, of(LETTERS, 17)) | st.builds("Zq7{}+/{}=".format, of(LETTERS, 9), of(LETTERS, 9))


@st.composite
def structures(draw: st.DrawFn, leaf: st.SearchStrategy[Json]) -> Json:
    """A structure that holds the leaf at some depth, perhaps as JSON inside strings."""
    value = draw(leaf)
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["dict", "list", "string", "dict", "siblings"]))
        if kind == "dict":
            value = {draw(st.sampled_from(HARMLESS)): value}
        elif kind == "siblings":
            value = {"id": draw(st.integers(0, 10**9)), draw(st.sampled_from(HARMLESS)): value, "note": draw(_PROSE)}
        elif kind == "list":
            value = [draw(_PROSE), value]
        else:
            text = json.dumps(value, ensure_ascii=draw(st.booleans()))
            value = text if len(text) < 1_000 else value
    return value


def _leaf(secret: str, name: str | None) -> st.SearchStrategy[Json]:
    """The secret in a value or as a key, where it needs no name; else behind its name."""
    if name is None:
        in_text = st.builds("{}{}{}".format, _AROUND, st.just(secret), _AROUND)
        return in_text | st.builds(lambda: {secret: 1})
    return st.sampled_from(
        [
            {name: secret},
            {name: [secret]},
            {name: {"deep": secret}},
            {"name": name, "value": secret},
            {"value": secret, "name": name},
            {"link": f"https://x.example.org/y?{name}={quote(secret, safe='')}&z=1"},
            {"dump": f"{{'{name}': '{secret}'}}"},
            {"page": f'<form><input name="{name}" value="{secret}"></form>'},
        ]
    )


def _multipart_form(fields: dict[str, str]) -> bytes:
    parts = "".join(f'--X\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items())
    return f"{parts}--X--\r\n".encode()


def _multipart_mixed(body: Json) -> bytes:
    return f"--X\r\nContent-Type: application/json\r\n\r\n{json.dumps(body)}\r\n--X--\r\n".encode()


class _Plan:
    """A call that is being made: one position after the other may be filled."""

    def __init__(self, url: str) -> None:
        self.attempt = Attempt(client="httpx", method="POST", url=url)
        self.request_headers = [(b"User-Agent", b"python-httpx/0.28.1"), (b"Date", b"Mon, 02 Mar 2026 10:00:01 GMT")]
        self.response_headers = [(b"Server", b"nginx"), (b"X-Request-Id", b"4f9c1f0e-6b0d")]
        self.attempt.status_code = 200
        self.operation = Operation(lambda _: None)
        self.operation.add(self.attempt)

    def body(self, content: bytes, content_type: str, *, is_answer: bool) -> None:
        headers = self.response_headers if is_answer else self.request_headers
        headers[:] = [pair for pair in headers if pair[0] != b"Content-Type"] + [(b"Content-Type", content_type.encode())]
        if is_answer:
            self.attempt.response_body = content
        else:
            self.attempt.request_body = content

    def finished(self) -> Operation:
        self.attempt.request_headers, self.attempt.response_headers = self.request_headers, self.response_headers
        self.attempt.duration_ms = 40
        self.operation.duration_ms = 40
        return self.operation


def _in_url(plan: _Plan, draw: st.DrawFn, secret: str, name: str | None) -> None:
    url = plan.attempt.url or ""
    encoded = quote(secret, safe="") if draw(st.booleans()) else secret.replace("+", "%2B").replace("/", "%2F")
    if name is None:
        plan.attempt.url = draw(st.sampled_from([f"{url}/{encoded}/x", f"{url}?q={encoded}", f"{url}#{encoded}"]))
    else:
        plan.attempt.url = draw(st.sampled_from([f"{url}?a=1&{quote_plus(name)}={encoded}", f"{url}?a=1#{name}={encoded}&b=2"]))


def _in_header(plan: _Plan, draw: st.DrawFn, secret: str, name: str | None) -> None:
    headers = draw(st.sampled_from([plan.request_headers, plan.response_headers]))
    if name is None:
        headers.append((b"X-Anything", f"see {secret}".encode()))
    else:
        scheme = draw(st.sampled_from(["", "Bearer ", "Token "]))
        headers.append((name.replace("[", "-").replace("]", "").encode(), f"{scheme}{secret}".encode()))


def wide(body: Json) -> Json:
    """The body among so many fields that it is not gone through field by field, where their names are known."""
    return {"items": [{"id": number, "name": f"Item {number}"} for number in range(12)], "data": body}


def warm_up(recorder: Recorder, url: str | None) -> None:
    """Makes so many calls to a host that the names of fields are known."""
    body = wide([{"text": "a", "value": 1, "note": "b"}, {name: [{"items": name}] for name in HARMLESS if name != "value"}])
    for _ in range(2):
        plan = _Plan(str(url))
        plan.body(json.dumps(body, ensure_ascii=False).encode(), "application/json", is_answer=False)
        plan.body(json.dumps(body, ensure_ascii=False).encode(), "application/json", is_answer=True)
        recorder(plan.finished())


def _in_json(plan: _Plan, draw: st.DrawFn, secret: str, name: str | None) -> None:
    body = draw(structures(_leaf(secret, name)))
    if draw(st.booleans()):
        body = wide(body)
    content = json.dumps(body, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1]))).encode()
    plan.body(content, draw(st.sampled_from(["application/json", "text/html", ""])), is_answer=draw(st.booleans()))


def _in_form(plan: _Plan, draw: st.DrawFn, secret: str, name: str | None) -> None:
    fields = {"a": "b", name or "text": secret, "c": draw(_PROSE)}
    plan.body(urlencode(fields).encode(), "application/x-www-form-urlencoded", is_answer=False)


def _in_multipart(plan: _Plan, draw: st.DrawFn, secret: str, name: str | None) -> None:
    if draw(st.booleans()):
        plan.body(_multipart_form({"a": "b", name or "text": secret}), "multipart/form-data; boundary=X", is_answer=False)
    else:
        body = draw(structures(_leaf(secret, name)))
        plan.body(_multipart_mixed(body), "multipart/mixed; boundary=X", is_answer=draw(st.booleans()))


def _told(secret: str, name: str | None) -> str:
    return (
        f"cannot do it: {secret} is not known" if name is None else f"Max retries exceeded with url: /x?{name}={secret} (timeout)"
    )


def _in_exception(plan: _Plan, draw: st.DrawFn, secret: str, name: str | None) -> None:
    told = _told(secret, name)
    if draw(st.booleans()):
        plan.attempt.status_code = None
        plan.attempt.no_answer = NoAnswer(code="TIMEOUT", message=f"ReadTimeout: {told}")
    else:
        plan.operation.error = NoAnswer(code="NOT_DONE", message=f"ValueError: {told}")


def _in_words(plan: _Plan, draw: st.DrawFn, secret: str, name: str | None) -> None:
    told = _told(secret, name)
    operation = plan.operation
    place = draw(st.sampled_from(["fail", "action", "entity", "request", "response", "vendor"]))
    if place == "fail":
        operation.fail(told, told)
    elif place == "action":
        operation.service_name, operation.action = "amocrm", told
    elif place == "entity":
        operation.entity = (told, told)
    elif place == "request":
        operation.request(draw(structures(_leaf(secret, name))))
    elif place == "response":
        operation.response(draw(structures(_leaf(secret, name))))
    else:
        plan.attempt.status_code = 400
        plan.body(json.dumps({"message": told, "description": told, "detail": told}).encode(), "application/json", is_answer=True)


def _in_cut_body(plan: _Plan, draw: st.DrawFn, secret: str, name: str | None) -> None:
    content = json.dumps({"a": draw(structures(_leaf(secret, name))), "b": "x" * 20}).encode()
    plan.attempt.response_body_bytes = len(content) + 10_000
    plan.body(content[: draw(st.integers(len(content) // 2, len(content)))], "application/json", is_answer=True)


PLACES: list[Callable[[_Plan, st.DrawFn, str, str | None], None]] = [
    *(_in_url, _in_header, _in_json, _in_form, _in_multipart, _in_exception, _in_words, _in_cut_body),
]


@st.composite
def planted_calls(draw: st.DrawFn, *, is_known: bool = False) -> tuple[str, Operation, dict[str, Any]]:
    """(secret, operation, settings): the secret is known by its look, by the name that it stands behind, or by the settings."""
    plan = _Plan(HOSTS[draw(st.sampled_from(sorted(HOSTS)))])
    settings: dict[str, Any] = {}
    name: str | None = None
    if is_known:
        secret = draw(NAMED)
        settings["secrets"] = {"shop.key": secret}
    elif draw(st.booleans()):
        secret = draw(SHAPED)
    else:
        secret, name = draw(NAMED), draw(st.sampled_from(NAMES))
    for place in draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=2, unique=True)):
        place(plan, draw, secret, name)
    return secret, plan.finished(), settings
