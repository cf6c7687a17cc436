"""Real SDKs, unmodified, in programs that know nothing of us, under `integration-monitor run`: what the SDK told, and what was recorded.

Each program prints what the application got, as it would have without us; the rows tell what the vendor said.
"""

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from integration_monitor.simulators.server import SimulatedVendors
from tests.acceptance.programs import Shell
from tests.acceptance.stand_ins import standing_in

BOT_TOKEN = "123456789:AAPLANTEDtoken_f3Kq81LmZx07VwTb52Rn"
SECRETS = {
    "RESEND_KEY": "re_PLANTEDkey_4f8e21c07b9a6d35",
    "TELEGRAM_TOKEN": BOT_TOKEN,
    "AMOCRM_TOKEN": "PLANTEDamocrm.4f8e21c07b9a6d35.8c1e2d",
    "OPENAI_KEY": "sk-PLANTED4f8e21c07b9a6d35aabbccdd",
    "STRIPE_KEY": "sk_test_PLANTED4f8e21c07b9a6d35",
    "SLACK_TOKEN": "xoxb-PLANTED-4f8e21c07b9a6d35",
    "AWS_KEY": "PLANTED4f8e21c07b9a6d35aabbccddeeff001122",
}
# A shorter piece of a secret helps nobody.
FRAGMENT_CHARS = 12


class Applications:
    """Programs in a shell of their own, with the vendors' addresses and secrets in the environment, and the table."""

    def __init__(self, shell: Shell, database_url: str) -> None:
        self._shell = shell
        self._database_url = database_url

    def run(self, program: str) -> Any:
        """What the program printed as JSON."""
        (self._shell.folder / "app.py").write_text("import json, os\n" + textwrap.dedent(program), "utf-8")
        done = self._shell.run("integration-monitor run -- python app.py")
        assert done.returncode == 0, done.stderr
        assert "integration-monitor" not in done.stderr
        return json.loads(done.stdout)

    def rows(self) -> list[dict[str, Any]]:
        """What was recorded, oldest first; no row holds a piece of a secret."""
        query = "select *, logs::text as whole from public.integration_logs as logs order by created_at, id"
        with psycopg.connect(self._database_url, row_factory=dict_row) as connection:
            rows = connection.execute(query).fetchall()
        pieces = {
            secret[at : at + FRAGMENT_CHARS] for secret in SECRETS.values() for at in range(len(secret) - FRAGMENT_CHARS + 1)
        }
        assert [piece for row in rows for piece in pieces if piece in row["whole"]] == []
        return rows


@pytest.fixture
def applications(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Applications]:
    with SimulatedVendors() as vendors, standing_in() as hosts:
        for name, secret in SECRETS.items():
            monkeypatch.setenv(f"APP_{name}", secret)
        for name, url in (vendors.base_urls | {name: f"http://{host}" for name, host in hosts.items()}).items():
            monkeypatch.setenv(f"APP_{name.upper()}_URL", url)
        described = vendors.service_hosts | {host: name for name, host in hosts.items() if name != "s3"}
        service_hosts = ",".join(f"{host}={name}" for host, name in described.items())
        # A batch waits for longer than any test: the rows are there because the process has ended.
        yield Applications(
            Shell(tmp_path, database_url=database_url, service_hosts=service_hosts, batch_age_s="600"), database_url
        )


def brief(row: dict[str, Any]) -> tuple[Any, ...]:
    fault = (row["response_payload"] or {}).get("fault")
    return row["service_name"], row["action"], row["status"], row["error_code"], fault


def test_resend(applications: Applications) -> None:
    told = applications.run(
        """
        import asyncio, resend
        resend.api_key, resend.api_url = os.environ["APP_RESEND_KEY"], os.environ["APP_RESEND_URL"]
        params = {"from": "a@example.com", "to": ["delivered@resend.dev"], "subject": "Hi", "html": "<p>Hi</p>"}
        ids = [resend.Emails.send(params)["id"], asyncio.run(resend.Emails.send_async(params))["id"]]
        print(json.dumps(ids))
        """
    )

    assert len(set(told)) == 2
    assert [brief(row) for row in applications.rows()] == [("resend", "send_email", "success", None, None)] * 2
    assert [row["response_payload"]["body"]["id"] for row in applications.rows()] == told


def test_python_telegram_bot(applications: Applications) -> None:
    told = applications.run(
        """
        import asyncio, telegram
        async def main():
            url = os.environ["APP_TELEGRAM_URL"]
            async with telegram.Bot(os.environ["APP_TELEGRAM_TOKEN"], base_url=url + "/bot") as bot:
                message = await bot.send_message(chat_id=111, text="Hi")
                return [message.text]
        print(json.dumps(asyncio.run(main())))
        """
    )

    assert told == ["Hi"]
    *_, row = applications.rows()
    assert brief(row) == ("telegram", "send_message", "success", None, None)
    assert (row["related_entity_type"], row["request_payload"]["entity"]["id"]) == ("chat", "111")


def test_aiogram(applications: Applications) -> None:
    told = applications.run(
        """
        import asyncio
        from aiogram import Bot
        from aiogram.client.session.aiohttp import AiohttpSession
        from aiogram.client.telegram import TelegramAPIServer
        async def main():
            session = AiohttpSession(api=TelegramAPIServer.from_base(os.environ["APP_TELEGRAM_URL"]))
            async with Bot(os.environ["APP_TELEGRAM_TOKEN"], session=session) as bot:
                return [(await bot.send_message(chat_id=111, text="Hi")).text]
        print(json.dumps(asyncio.run(main())))
        """
    )

    assert told == ["Hi"]
    [row] = applications.rows()
    assert brief(row) == ("telegram", "send_message", "success", None, None)
    assert row["request_payload"]["entity"] == {"type": "chat", "id": "111"}


AMOCRM = """
import requests
from amocrm.v2 import Lead, tokens
from amocrm.v2.interaction import _session

class ToTheStandIn(requests.adapters.HTTPAdapter):
    # The SDK knows no other host than amoCRM's; the way there is the session's affair.
    def get_connection_with_tls_context(self, request, verify, proxies=None, cert=None):
        return self.poolmanager.connection_from_url(os.environ["APP_AMOCRM_URL"])

_session.mount("https://", ToTheStandIn())

class Token(tokens.TokenManager):
    def __init__(self):
        self.subdomain = "shop"
    def get_access_token(self):
        return os.environ["APP_AMOCRM_TOKEN"]

from amocrm.v2.entity.lead import LeadsInteraction
leads = LeadsInteraction(token_manager=Token())
"""


def test_amocrm_api(applications: Applications) -> None:
    told = applications.run(
        AMOCRM
        + textwrap.dedent(
            """
            made, status = leads.request("post", "leads", data=[{"name": "Anna", "price": 100}])
            print(json.dumps([status, len(made["_embedded"]["leads"])]))
            """
        )
    )

    assert told == [200, 1]
    [row] = applications.rows()
    assert brief(row) == ("amocrm", "create_leads", "success", None, None)
    assert row["request_payload"]["url"] == "https://shop.amocrm.ru/api/v4/leads"
    assert row["related_entity_type"] == "lead"


def test_openai(applications: Applications) -> None:
    told = applications.run(
        """
        import openai
        client = openai.OpenAI(base_url=os.environ["APP_OPENAI_URL"] + "/v1", api_key=os.environ["APP_OPENAI_KEY"], max_retries=0)
        def ask(text, **options):
            return client.chat.completions.create(model="gpt-test", messages=[{"role": "user", "content": text}], **options)
        whole = ask("hi").choices[0].message.content
        streamed = [event.choices[0].delta.content for event in ask("hi", stream=True)]
        try:
            ask("limit")
        except openai.RateLimitError as error:
            code = error.code
        print(json.dumps([whole, streamed, code]))
        """
    )

    assert told == ["Hello", ["Hel", "lo", None], "rate_limit_exceeded"]
    whole, streamed, limited = applications.rows()
    assert brief(whole) == ("openai", "create_chat_completion", "success", None, None)
    assert brief(streamed) == ("openai", "create_chat_completion", "success", None, None)
    assert streamed["response_payload"]["body"].endswith("data: [DONE]\n\n")
    assert streamed["duration_ms"] - streamed["response_payload"]["ttfb_ms"] >= 200
    assert brief(limited) == ("openai", "create_chat_completion", "failed", "rate_limit_exceeded", "limit")


def test_openai_asynchronously(applications: Applications) -> None:
    told = applications.run(
        """
        import asyncio, openai
        async def main():
            url = os.environ["APP_OPENAI_URL"] + "/v1"
            async with openai.AsyncOpenAI(base_url=url, api_key=os.environ["APP_OPENAI_KEY"]) as client:
                messages = [{"role": "user", "content": "hi"}]
                stream = await client.chat.completions.create(model="gpt-test", messages=messages, stream=True)
                return [event.choices[0].delta.content async for event in stream]
        print(json.dumps(asyncio.run(main())))
        """
    )

    assert told == ["Hel", "lo", None]
    [row] = applications.rows()
    assert brief(row) == ("openai", "create_chat_completion", "success", None, None)
    assert row["response_payload"]["body"].endswith("data: [DONE]\n\n")


def test_stripe(applications: Applications) -> None:
    told = applications.run(
        """
        import asyncio, stripe
        client = stripe.StripeClient(
            os.environ["APP_STRIPE_KEY"], base_addresses={"api": os.environ["APP_STRIPE_URL"]}, max_network_retries=0
        )
        def pay(amount):
            return client.v1.payment_intents.create({"amount": amount, "currency": "usd"})
        intent = pay(2000)
        try:
            pay(1)
        except stripe.CardError as error:
            code = error.code
        print(json.dumps([intent.id, code]))
        """
    )

    assert told == ["pi_FAKE1", "card_declined"]
    paid, declined = applications.rows()
    assert brief(paid) == ("stripe", "create_payment_intent", "success", None, None)
    assert paid["request_payload"]["body"] == {"amount": "2000", "currency": "usd"}
    assert (declined["service_name"], declined["status"]) == ("stripe", "failed")
    assert declined["response_payload"]["fault"] == "recipient"
    assert "insufficient funds" in declined["error_message"]


SLACK_EXPECTED = [
    ("slack", "post_message", "success", None),
    ("slack", "post_message", "failed", "channel_not_found"),
]


def test_slack_sdk(applications: Applications) -> None:
    told = applications.run(
        """
        from slack_sdk import WebClient
        from slack_sdk.errors import SlackApiError
        client = WebClient(os.environ["APP_SLACK_TOKEN"], base_url=os.environ["APP_SLACK_URL"] + "/api/")
        sent = client.chat_postMessage(channel="C1", text="Hi")["ok"]
        try:
            client.chat_postMessage(channel="gone", text="Hi")
        except SlackApiError as error:
            code = error.response["error"]
        print(json.dumps([sent, code]))
        """
    )

    assert told == [True, "channel_not_found"]
    assert [brief(row)[:4] for row in applications.rows()] == SLACK_EXPECTED


def test_slack_sdk_asynchronously(applications: Applications) -> None:
    told = applications.run(
        """
        import asyncio
        from slack_sdk.errors import SlackApiError
        from slack_sdk.web.async_client import AsyncWebClient
        async def main():
            client = AsyncWebClient(os.environ["APP_SLACK_TOKEN"], base_url=os.environ["APP_SLACK_URL"] + "/api/")
            sent = (await client.chat_postMessage(channel="C1", text="Hi"))["ok"]
            try:
                await client.chat_postMessage(channel="gone", text="Hi")
            except SlackApiError as error:
                return [sent, error.response["error"]]
        print(json.dumps(asyncio.run(main())))
        """
    )

    assert told == [True, "channel_not_found"]
    assert [brief(row)[:4] for row in applications.rows()] == SLACK_EXPECTED


def test_boto3(applications: Applications) -> None:
    told = applications.run(
        """
        import boto3
        from botocore.exceptions import ClientError
        client = boto3.client(
            "s3", endpoint_url=os.environ["APP_S3_URL"], region_name="eu-central-1",
            aws_access_key_id="AKIAFAKEFAKEFAKEFAKE", aws_secret_access_key=os.environ["APP_AWS_KEY"],
        )
        client.put_object(Bucket="invoices", Key="2026/1.txt", Body=b"contents")
        body = client.get_object(Bucket="invoices", Key="2026/1.txt")["Body"].read().decode()
        try:
            client.get_object(Bucket="invoices", Key="missing")
        except ClientError as error:
            code = error.response["Error"]["Code"]
        print(json.dumps([body, code]))
        """
    )

    assert told == ["contents", "NoSuchKey"]
    put, got, missing = applications.rows()
    assert [(row["service_name"], row["status"]) for row in (put, got)] == [("127.0.0.1", "success")] * 2
    assert [row["request_payload"]["method"] for row in (put, got, missing)] == ["PUT", "GET", "GET"]
    assert got["response_payload"]["body"] == "contents"
    assert (missing["status"], missing["error_code"]) == ("failed", "HTTP_404")
    assert "NoSuchKey" in missing["response_payload"]["body"]
