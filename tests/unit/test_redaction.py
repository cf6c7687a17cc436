"""Secrets by name, by shape, by place and by value; and what must not be taken for one."""

import copy
import json
import time
from urllib.parse import quote

import pytest

from integration_monitor.record import Json
from integration_monitor.recorder import Recorder
from integration_monitor.redaction import WITHHELD, Redactor, names
from integration_monitor.redaction.scan import DEPTH_MAX
from integration_monitor.redaction.vocabulary import SECRETS_MAX, URLS_MAX
from integration_monitor.services import undescribed
from integration_monitor.services.description import Service
from integration_monitor.settings import Settings
from tests.unit.exchanges import REGISTRY, exchange
from tests.unit.test_recorder import attempt, operation

HOST = "api.example.org"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlMDAwMDAw"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA0000\n1111\n-----END RSA PRIVATE KEY-----"


@pytest.fixture
def service() -> Service:
    return REGISTRY.find(exchange(f"GET https://{HOST}/"))


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(known_secrets={"monitor.jwt_secret": "correct-horse-battery"})


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-API-Key", "x_api_key", "api-key"),
        *("apikey", "apiKey", "token", "accessToken", "access_token", "refresh-token", "client_secret", "CLIENT-SECRET"),
        *("password", "passwd", "userPassword", "secret", "signing_secret", "private_key", "privateKey", "X-Auth-Token"),
        *("password_confirmation", "passwordRepeat", "password_hash", "db_pass", "smtpPass", "userpwd", "passcode", "otp_code"),
        *("AccountKey", "SecretString", "secret_value", "apiKeyV2", "private_key_pem"),
        *("bot_token", "params[api_key]", "data[0][password]", "x-amz-security-token", "aws_secret_access_key", "credentials"),
    ],
)
def test_secret_is_known_by_name(redactor: Redactor, service: Service, name: str) -> None:
    secret = "hunter2hunter2"

    parts = [
        redactor.body({name: secret}, service, direction="request"),
        redactor.body({"deep": [{"deeper": {name: {"nested": secret}}}]}, service, direction="response"),
        Redactor().text(f'{{"{name}": "{secret}"', service),
        redactor.headers({name: secret}, service),
        redactor.url(f"https://{HOST}/x?a=1&{name}={secret}#y", service),
    ]

    assert secret not in json.dumps(parts)
    assert "${api.example.org." in json.dumps(parts[0])


@pytest.mark.parametrize("name", ["%74oken", "%2574oken", "\uff34oken", "\u017fecret", "api_\u212aey"])
def test_field_whose_name_is_encoded_or_looks_alike_is_known(redactor: Redactor, service: Service, name: str) -> None:
    assert redactor.body({name: "hunter2"}, service, direction="request") != {name: "hunter2"}


@pytest.mark.parametrize(
    "name",
    [
        *("tokens_used", "max_tokens", "token_type", "total_tokens", "prompt_tokens", "next_page_token", "tokenizer", "key"),
        *(
            "idempotency-key",
            "public_key",
            "secretary",
            "passport",
            "author",
            "keyboard",
            "monkey",
            "compass",
            "hash",
            "value_v2",
            "X-Client-UUID",
            "expires_in",
        ),
        *("ratelimit-remaining", "x-request-id", "authorized_at", "cookie_policy", "password_changed_at", "secret_santa"),
    ],
)
def test_harmless_name_stays(redactor: Redactor, service: Service, name: str) -> None:
    body = {name: "just-a-value-17", "n": {name: 42}}

    assert redactor.body(body, service, direction="request") is body
    assert redactor.headers({name: "just-a-value-17"}, service) == {name.lower(): "just-a-value-17"}


def test_value_that_can_be_no_secret_stays(redactor: Redactor, service: Service) -> None:
    body = {"token": None, "secret": True, "password": "", "token_type": "Bearer", "api_key": 12345678}

    cleaned = redactor.body(body, service, direction="response")

    assert cleaned == {**body, "api_key": "${api.example.org.api_key}"}


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("bot123456789:AAFAKEfakeFAKEfakeFAKEfakeFAKEfake000", "bot${telegram.token:123456789}"),
        ("see re_FAKE1234_0000000000000000.", "see ${resend.api_key}."),
        ("whsec_FAKEfake0000+/=", "${resend.signing_secret}"),
        (f"token {JWT}!", "token ${api.example.org.jwt}!"),
        (f"key:\n{PEM}\nend", "key:\n${api.example.org.private_key}\nend"),
        (PEM[:60], "${api.example.org.private_key}"),
        ("postgresql://user:pa@ss@db:5432/x", "postgresql://${api.example.org.credentials}@db:5432/x"),
        ("socks5://login:password@proxy:1080", "socks5://${api.example.org.credentials}@proxy:1080"),
        ("got Bearer abc123def456ghi", "got Bearer ${api.example.org.authorization}"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ${api.example.org.authorization}"),
        ("sk_live_FAKE000000000000000000", "${api.example.org.token}"),
        ("password=abc&x=1", "password=${api.example.org.password}&x=1"),
        ("{'Authorization': 'Token abcdefgh1', 'x': 1}", "{'Authorization': 'Token ${api.example.org.authorization}', 'x': 1}"),
        ("[(b'x-api-key', b'abcdefgh1')]", "[(b'x-api-key', b'${api.example.org.api_key}')]"),
        ("Cookie: a=b; c=d\nHost: x", "Cookie: ${api.example.org.cookie}\nHost: x"),
        (r"{\"password\": \"a1b2c3\"}", r"{\"password\": \"${api.example.org.password}\"}"),
        ("params%5BapiKey%5D=abc", "params%5BapiKey%5D=${api.example.org.api_key}"),
        ("GET https://x/y?token=abc%20d failed", "GET https://x/y?token=${api.example.org.token} failed"),
        ("our own correct-horse-battery", "our own ${monitor.jwt_secret}"),
    ],
)
def test_secret_in_a_text_is_replaced(redactor: Redactor, service: Service, text: str, cleaned: str) -> None:
    assert redactor.text(text, service) == cleaned
    assert redactor.text(cleaned, service) == cleaned
    assert redactor.body({"note": text}, service, direction="request") == {"note": cleaned}


@pytest.mark.parametrize(
    "text",
    [
        "Unauthorized: invalid token specified",
        "password: required",
        "The token is missing",
        "a bearer of bad news",
        "Basic plan",
        "store_id=5 and core_memory=2",
        "2026-03-01T10:00:05 https://example.org/a:b/c?d=e mailto:anna@customer.test",
        "secret santa: tomorrow",
        "token=None",
        "https://medium.com/@someone/a-story",
        "<p style='color:red'>Сегодня в 10:00</p>",
    ],
)
def test_harmless_text_stays(redactor: Redactor, service: Service, text: str) -> None:
    assert redactor.text(text, service) == text


def test_headers_keep_the_scheme(redactor: Redactor, service: Service) -> None:
    cleaned = redactor.headers({"authorization": "Bearer abc", "proxy-authorization": "abc", "accept": "*/*"}, service)

    assert cleaned == {
        "authorization": "Bearer ${api.example.org.authorization}",
        "proxy-authorization": "${api.example.org.proxy_authorization}",
        "accept": "*/*",
    }


@pytest.mark.parametrize(
    ("url", "cleaned"),
    [
        ("https://u:p@h.org/x", "https://${api.example.org.credentials}@h.org/x"),
        ("https://ghp_000000000000@h.org/x", "https://${api.example.org.credentials}@h.org/x"),
        ("https://h.org/x?api%4Bey=abc", "https://h.org/x?api%4Bey=${api.example.org.api_key}"),
        ("https://h.org/x?q=a+b&token=a+b", "https://h.org/x?q=a+b&token=${api.example.org.token}"),
        ("https://h.org/cb#access_token=abc&state=1", "https://h.org/cb#access_token=${api.example.org.access_token}&state=1"),
        (
            "https://h.org/go?to=https%3A%2F%2Fx.org%2F%3Ftoken%3Dabc",
            "https://h.org/go?to=https://x.org/?token=${api.example.org.token}",
        ),
        (
            "https://h.org/bot123456789%3AAAFAKEfakeFAKEfakeFAKEfakeFAKEfake000/x",
            "https://h.org/bot${telegram.token:123456789}/x",
        ),
        ("https://h.org/a%20b/c?d=%D0%B0", "https://h.org/a%20b/c?d=%D0%B0"),
        ("not a url at all", "not a url at all"),
    ],
)
def test_url_is_cleaned_everywhere(redactor: Redactor, service: Service, url: str, cleaned: str) -> None:
    assert redactor.url(url, service) == cleaned


def test_json_inside_strings_is_opened(redactor: Redactor, service: Service) -> None:
    inner = json.dumps({"a": json.dumps({"password": "hunter2hunter2"}), "b": 1})
    escaped = '{"\\u0070assword": "hunter2hunter2"}'
    repeated = '{"x": "re_FAKE1234_0000000000000000", "x": 1}'

    cleaned = redactor.body([inner, escaped, repeated, "{not json}"], service, direction="request")

    text = json.dumps(cleaned)
    assert "hunter2" not in text
    assert "re_FAKE" not in text
    assert json.loads(cleaned[0])["b"] == 1
    assert cleaned[3] == "{not json}"


def test_pair_of_name_and_value_is_one(redactor: Redactor, service: Service) -> None:
    body = {"headers": [{"name": "X-Api-Key", "value": "abc"}, {"name": "Accept", "value": "abc"}]}

    cleaned = redactor.body(body, service, direction="request")

    assert [one["value"] for one in cleaned["headers"]] == ["${api.example.org.api_key}", "abc"]


@pytest.mark.parametrize(
    "pair",
    [
        {"name": "The key of the shop", "key": "shop_api_key", "value": "abc"},
        {"Name": "/shop/db/password", "Type": "String", "Value": "abc"},
        {"Key": "DB_PASSWORD", "Value": "abc"},
    ],
)
@pytest.mark.parametrize("others_count", [0, 20])
def test_name_of_a_value_may_be_written_in_several_ways(pair: dict[str, str], others_count: int) -> None:
    body = {"pairs": [pair], **{f"field_{number}": "x" for number in range(others_count)}}
    recorder = Recorder(Settings(), registry=REGISTRY)

    for _ in range(10):
        record = recorder(operation(attempt(f"https://{HOST}/", request=body, answer={"text": json.dumps(body)})))

        assert record is not None
        assert "abc" not in json.dumps([record.request_payload, record.response_payload])


def test_password_that_begins_like_a_reference_is_taken_out(redactor: Redactor, service: Service) -> None:
    cleaned = redactor.body({"password": "${a}hunter2", "${a}token": "hunter2"}, service, direction="request")

    assert "hunter2" not in json.dumps(cleaned)


def test_number_that_the_settings_know_is_found_as_a_number(service: Service) -> None:
    redactor = Redactor(known_secrets={"shop.pin": "900100200300"})

    cleaned = redactor.body({"a": [900100200300, 900100200301, 10**5000]}, service, direction="request")

    assert cleaned == {"a": ["${shop.pin}", 900100200301, 10**5000]}


@pytest.mark.parametrize(
    "text",
    ['{"a": NaN, "\\u0074oken": "hunter2"}', '{"a": 1}\n{"\\u0074oken": "hunter2"}', 'data: {"\\u0070assword": "hunter2"}'],
)
def test_escapes_do_not_hide_a_name_in_what_is_nearly_json(redactor: Redactor, service: Service, text: str) -> None:
    assert "hunter2" not in redactor.body(text, service, direction="response")
    assert redactor.body(text.replace("oken", "ape").replace("assword", "ape"), service, direction="response").count("\\u00") == 1


def test_secret_as_a_key_is_replaced_each_time(redactor: Redactor, service: Service) -> None:
    body = {"re_FAKE1234_0000000000000000": 1}

    for _ in range(2):
        assert redactor.body(body, service, direction="request") == {"${resend.api_key}": 1}


def test_input_is_never_changed(redactor: Redactor, service: Service) -> None:
    body = {"a": [{"token": "abc", "b": "\0"}], "c": ("x", {"password": "y"})}
    headers = {"authorization": "Bearer abc"}
    before = copy.deepcopy((body, headers))

    redactor.body(body, service, direction="request")
    redactor.headers(headers, service)

    assert (body, headers) == before


def test_what_postgresql_cannot_store_is_replaced(redactor: Redactor, service: Service) -> None:
    body = {"nul\0": "a\0b", "half": "\ud83d", "pair": "😀", "list": ["\udc00"]}

    cleaned = redactor.body(body, service, direction="request")

    assert cleaned == {"nul\ufffd": "a\ufffdb", "half": "\ufffd", "pair": "😀", "list": ["\ufffd"]}
    assert redactor.text("a\0b", service) == "a\ufffdb"
    assert redactor.url("https://h/\0", service) == "https://h/\ufffd"
    assert redactor.headers({"x": "\ud83d"}, service) == {"x": "\ufffd"}


@pytest.mark.parametrize("depth", [DEPTH_MAX + 1, 50_000])
def test_hostile_nesting_is_cut(redactor: Redactor, service: Service, depth: int) -> None:
    body: Json = {"token": "abcdefgh1"}
    for _ in range(depth):
        body = [body]

    cleaned = redactor.body(body, service, direction="request")
    in_a_string = redactor.body({"x": "[" * depth + '{"token":"abcdefgh1"}' + "]" * depth}, service, direction="request")

    assert "abcdefgh1" not in json.dumps(cleaned)
    assert "nested deeper" in json.dumps(cleaned)
    assert "abcdefgh1" not in json.dumps(in_a_string)


def test_objects_that_are_no_json_become_text(redactor: Redactor, service: Service) -> None:
    class Secretive:
        def __str__(self) -> str:
            return "Secretive(password='hunter2hunter2')"

    cleaned = redactor.body({"a": Secretive(), "b": (1, 2), 3: b"x"}, service, direction="request")

    assert cleaned == {"a": "Secretive(password='${api.example.org.password}')", "b": [1, 2], "3": "b'x'"}


def test_secret_seen_in_a_header_is_found_elsewhere(redactor: Redactor, service: Service) -> None:
    redactor.headers({"authorization": "Bearer FAKEFAKEFAKEFAKEFAKEFAKEFAKE0000"}, service)

    assert redactor.text("no channel FAKEFAKEFAKEFAKEFAKEFAKEFAKE0000!", service) == (
        "no channel ${api.example.org.authorization}!"
    )
    assert redactor.url("https://h.org/FAKEFAKEFAKEFAKEFAKEFAKEFAKE0000/x", service) == (
        "https://h.org/${api.example.org.authorization}/x"
    )


def test_url_that_was_seen_before_its_secret_is_cleaned_afterwards(redactor: Redactor, service: Service) -> None:
    url = "https://h.org/FAKEFAKEFAKEFAKEFAKEFAKEFAKE0000/x"

    before = redactor.url(url, service)
    redactor.headers({"x-api-key": "FAKEFAKEFAKEFAKEFAKEFAKEFAKE0000"}, service)

    assert before == url
    assert redactor.url(url, service) == "https://h.org/${api.example.org.api_key}/x"


def test_short_password_is_not_taken_for_a_word_elsewhere(redactor: Redactor, service: Service) -> None:
    redactor.body({"password": "hello"}, service, direction="request")

    assert redactor.text("hello world", service) == "hello world"


def test_what_is_remembered_is_bounded(redactor: Redactor, service: Service) -> None:
    for number in range(URLS_MAX + 50):
        redactor.headers({"authorization": f"Bearer secret-number-{number:06}"}, service)
        redactor.url(f"https://h.org/{number}", service)

    memory = redactor.vocabulary(service).memory
    assert len(memory.secrets) <= SECRETS_MAX
    assert len(memory.urls) <= URLS_MAX


@pytest.mark.parametrize(
    "text",
    ["…, 123456789:AAFAKEfakeFAKE", '{"a": "eyJhbGciOiJIUzI1NiJ9.eyJz', "key re_FAKE12", "x FAKEFAKEFAKEFAKEFAKEFAKE"],
)
def test_secret_that_was_cut_at_the_end_is_taken_out(redactor: Redactor, service: Service, text: str) -> None:
    cleaned = redactor.body(text, service, direction="response", is_cut=True)

    assert "FAKEfake" not in cleaned
    assert "FAKEFAKE" not in cleaned
    assert "eyJ" not in cleaned
    assert cleaned.endswith("…")


def test_no_secret_name_escapes_the_test_for_words() -> None:
    for name in (*names._EXACT, *names._ENDINGS):
        assert any(word in name for word in names.WORDS), name


def test_withheld_body_is_the_same_for_all() -> None:
    match = REGISTRY.match(exchange("GET https://gate.whapi.cloud/users/login"))

    cleaned = Redactor().body({"base64": "QR"}, match.service, direction="response", route=match.route)

    assert cleaned == WITHHELD


@pytest.mark.parametrize(
    "text",
    [
        "Bearer+!" * 100_000,
        "Bearer " * 100_000,
        "eyJ" * 100_000,
        "%25" * 100_000,
        'token="' * 100_000,
        '"token":[' * 100_000,
        "://a@" * 100_000,
    ],
)
def test_hostile_text_is_searched_in_linear_time(redactor: Redactor, service: Service, text: str) -> None:
    # A search of quadratic time takes minutes, and holds the interpreter's lock as long.
    began_at = time.process_time()

    redactor.body(text, service, direction="response")

    assert time.process_time() - began_at < 10


@pytest.mark.parametrize("times", [1, 2, 3])
def test_secret_in_an_encoded_url_is_gone_from_every_part(redactor: Redactor, service: Service, times: int) -> None:
    inner = "https://y.org/?password=hunter2-hunter2"
    for _ in range(times):
        inner = quote(inner, safe="")
    url = f"https://x.org/?next={inner}&page=2"

    parts = [
        redactor.headers({"location": url}, service),
        redactor.text(f"Max retries exceeded with url: {url} (Caused by ReadTimeout)", service),
        redactor.body({"link": url}, service, direction="response"),
        redactor.body(url, service, direction="response"),
        redactor.url(url, service),
    ]

    for part in parts:
        assert "hunter2" not in json.dumps(part)
        assert "page=2" in json.dumps(part)


def test_known_secret_is_found_where_it_is_encoded(redactor: Redactor, service: Service) -> None:
    redactor.headers({"authorization": "Bearer s3cr3t/pa+ss=word"}, service)

    assert "s3cr3t" not in redactor.text(f"see /x/{quote('s3cr3t/pa+ss=word', safe='')}", service)


def test_percent_signs_are_left_as_they_are(redactor: Redactor, service: Service) -> None:
    text = "width:100%; 100%25 off, see https://x.org/a%20b?q=%D0%9F&c=a+b"

    assert redactor.text(text, service) == text
    assert redactor.text(f"{text} password=hunter2-hunter2", service) == f"{text} password=${{{HOST}.password}}"


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "tokens": 1, "access_tokens": ["FAKEFAKE", "FAKEFAKE"], "b": "x',
        '{"a": 1, "secret": {"value": "FAKEFAKE", "in": [1, {"x": "FAKEFAKE"}]}, "b": "x',
        '{"a": "{\\"secret\\": [\\"FAKEFAKE\\"]}", "b": "x',
        "{'secret': ['FAKEFAKE'",
    ],
)
def test_list_or_object_under_a_secret_name_is_gone_from_cut_json(redactor: Redactor, service: Service, text: str) -> None:
    cleaned = redactor.body(text, service, direction="response", is_cut=True)

    assert "FAKEFAKE" not in cleaned
    assert cleaned.startswith(text[:5])


def test_brackets_in_a_sentence_are_words(redactor: Redactor, service: Service) -> None:
    text = 'Invalid token: {"detail": "expired"}'

    assert redactor.text(text, service) == text


def test_end_of_a_form_that_was_cut_is_taken_out(redactor: Redactor, service: Service) -> None:
    form: Json = {"a": "123456789:AAFAKEfakeFAKE", "b": "text 123456789:AAFAKEfakeFAKE"}

    cleaned = redactor.body(form, service, direction="request", is_cut=True)

    assert cleaned == {"a": "123456789:AAFAKEfakeFAKE", "b": "text …"}
    assert redactor.body({"b": ["1", "sk_live_FAKE"]}, service, direction="request", is_cut=True) == {"b": ["1", "…"]}


def test_what_is_clean_stays_as_it_is_whatever_the_service_is_called(redactor: Redactor) -> None:
    service = undescribed.describe("My bank")

    cleaned = redactor.text("password=hunter2-hunter2 Bearer 0123456789abcdef", service)

    assert cleaned == "password=${My_bank.password} Bearer ${My_bank.authorization}"
    assert redactor.text(cleaned, service) == cleaned


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<r><password>hunter2</password><id>7</id></r>", "<r><password>${R}</password><id>7</id></r>"),
        ('<s:Password a="1">\n hunter2 </s:Password>', '<s:Password a="1">\n ${R}</s:Password>'),
        ("<password><![CDATA[hunter2]]></password>", "<password><![CDATA[${R}]]></password>"),
        ("<password><![CDATA[a<b]hunter2]]></password>", "<password><![CDATA[${R}]]></password>"),
        ("<password>a]hunter2</password>", "<password>${R}</password>"),
        ("<password>hunter2</password><password>hunt", "<password>${R}</password><password>${R}"),
        ("<p>token</p><b>password</b> <password></password>", "<p>token</p><b>password</b> <password></password>"),
    ],
)
def test_secret_in_xml_is_known_by_its_element(redactor: Redactor, service: Service, text: str, expected: str) -> None:
    expected = expected.replace("${R}", f"${{{HOST}.password}}")

    assert redactor.body(text, service, direction="response") == expected
    assert redactor.body({"xml": text}, service, direction="response") == {"xml": expected}


@pytest.mark.parametrize(
    "number",
    [
        *(
            "4111111111111111",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
        ),
        *("3782 822463 10005", "30569309025904", "6011111111111117", "3530111333300000", "6200000000000005", "2200000000000004"),
    ],
)
def test_number_of_a_card_is_replaced_in_texts_and_never_in_ids(redactor: Redactor, service: Service, number: str) -> None:
    body = {"note": f"paid with {number}.", "order_id": number, "ids": [number], "number": int(number) if number.isdigit() else 0}

    cleaned = redactor.body(body, service, direction="request")

    assert cleaned == {**body, "note": f"paid with ${{{HOST}.card_number}}."}
    assert number.replace(" ", "%20") not in redactor.url(f"https://{HOST}/pay?card={number.replace(' ', '%20')}", service)
    assert redactor.headers({"x-note": number, "x-request-id": number}, service) == {
        "x-note": f"${{{HOST}.card_number}}",
        "x-request-id": number,
    }


@pytest.mark.parametrize(
    "text",
    [
        *(
            "4111111111111112",
            "1772359200123456",
            "a4111111111111111",
            "0.4111111111111111",
            "41111111111111111111",
            "9111111111111111",
        ),
        *("4111 1111 1111-1111", "2026-11-22 4111", "+77010000001", "4f9c1f0e-6b0d-4d7e-9a55-411111111111"),
    ],
)
def test_other_long_numbers_stay(redactor: Redactor, service: Service, text: str) -> None:
    assert redactor.text(text, service) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (
            '{"a": [{"name":"token","value":"abc"},{"name":"b","value":"ok"}], "x',
            '"value":"${R}"},{"name":"b","value":"ok"}], "x',
        ),
        ('{"a": [{"value":"abc","name":"token"}, {"value":"ok","name":"b"}', '{"value":"${R}","name":"token"}, {"value":"ok"'),
        ('{"a": {"name": "token", "value": ["abc", "abc"], "c":"d', '"value": ${R}, "c":"d'),
        ('{\\"name\\":\\"token\\",\\"value\\":\\"abc\\"}', '\\"value\\":\\"${R}\\"}'),
        ('<input type="text" name="token" value="abc"><input name="b" value="ok">', 'value="${R}"><input name="b" value="ok">'),
        ('<meta content="abc" name="csrf-token"><p>ok', '<meta content="${api.example.org.csrf_token}" name="csrf-token"><p>ok'),
        ("<INPUT VALUE=abc NAME=token>", "<INPUT VALUE=${R} NAME=token>"),
        ('<input name="token" value="abc', '<input name="token" value="${R}'),
        (
            '--X\r\nContent-Disposition: form-data; name="token"\r\nContent-Type: text/plain\r\n\r\nabc\r\n--X--',
            "text/plain\r\n\r\n${R}\r\n--X--",
        ),
    ],
)
def test_secret_whose_name_stands_beside_it_is_replaced(redactor: Redactor, service: Service, text: str, cleaned: str) -> None:
    expected = cleaned.replace("${R}", f"${{{HOST}.token}}")

    assert expected in redactor.text(text, service)
    assert expected in redactor.body({"page": text}, service, direction="response")["page"]
    assert "abc" not in redactor.body(text, service, direction="response")


def test_value_whose_name_was_cut_off_is_taken_out(redactor: Redactor, service: Service) -> None:
    cleaned = redactor.body('{"a": [{"value": "FAKE FAKE", "na', service, direction="response", is_cut=True)

    assert cleaned == '{"a": [{"value": …'


def test_escapes_do_not_hide_where_a_secret_begins_in_json_that_was_cut(redactor: Redactor, service: Service) -> None:
    text = '{"a": "\\nre_FAKE1234_00000000 \\u00e9re_FAKE1234_00000000 \\ud83d\\ude00 \\/ \\" end", "b": "'

    cleaned = redactor.body(text, service, direction="response", is_cut=True)

    assert "FAKE1234" not in cleaned
    assert '😀 / \\" end' in cleaned


@pytest.mark.parametrize(
    "text",
    [
        *(
            '"value":"',
            '"name":"token","value":["',
            "<a ",
            '<input name="token" value="',
            "form-data; name=",
            "4111 ",
            "4111111111111111",
        ),
        *("\\" * 8, "\\u00", 'form-data; name="token"\r\na\r\n', "a@b.", "+7 ", "(701) ", "re_-", "_", "-----BEGIN "),
    ],
)
def test_hostile_text_of_any_kind_is_searched_in_linear_time(redactor: Redactor, service: Service, text: str) -> None:
    began_at = time.process_time()

    redactor.body(text * (1_000_000 // len(text)), service, direction="response", is_cut=True)

    assert time.process_time() - began_at < 10


def test_backslashes_behind_a_secret_are_searched_in_linear_time(redactor: Redactor, service: Service) -> None:
    began_at = time.process_time()

    redactor.body('token=\\"' + "\\" * 1_000_000, service, direction="response")

    assert time.process_time() - began_at < 10
