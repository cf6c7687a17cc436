"""The stand-in company's back-end: an ordinary program that calls its vendors through their SDKs, with one line of ours.

Run as `python -m integration_monitor.demo.application`, with the simulators' addresses in the environment. It ends when its standard
input closes, so that it cannot outlive the command that started it.
"""

import asyncio
import contextlib
import json
import os
import random
import sys
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import httpx
import requests
import resend
import telegram
from telegram.request import HTTPXRequest

import integration_monitor as im
from integration_monitor.demo import calls, traffic

# Between two calls, on average. Often enough to be seen, seldom enough not to dwarf the past.
PAUSE_S = 3.0
# Patience with a vendor; the simulators can wait longer.
TIMEOUT_S = 2.0


class Company:
    """Makes the calls of `traffic`, each the way an application would."""

    def __init__(self, addresses: dict[str, str], generator: random.Random) -> None:
        self._addresses = addresses
        self._generator = generator
        self._http = httpx.AsyncClient(timeout=TIMEOUT_S)
        self._bot = telegram.Bot(
            calls.TELEGRAM_TOKEN,
            base_url=f"{addresses['telegram']}/bot",
            request=HTTPXRequest(read_timeout=TIMEOUT_S, connect_timeout=TIMEOUT_S),
        )
        resend.api_url = addresses["resend"]
        self._makers: dict[str, Callable[[traffic.Moment], Awaitable[object]]] = {
            "resend": self._resend,
            "telegram": self._telegram,
        }

    async def make(self, moment: traffic.Moment) -> None:
        """One call. What goes wrong in it is the company's everyday life: a real back-end would log it and lose the lead."""
        with contextlib.suppress(
            httpx.HTTPError, requests.RequestException, resend.exceptions.ResendError, telegram.error.TelegramError
        ):
            await self._makers.get(moment.service, self._plainly)(moment)

    async def close(self) -> None:
        await self._http.aclose()
        await self._bot.shutdown()

    async def _plainly(self, moment: traffic.Moment) -> None:
        """amoCRM, Mobizon and Whapi have no good SDK: people call them with an HTTP library."""
        steps = calls.steps(moment, self._generator)
        if moment.call != "sync_lead":
            for call in steps:
                await self._send(moment.service, call)
            return
        with im.operation("amocrm", "sync_lead", entity=("lead", self._generator.randrange(1000, 1900))):
            for call in steps:
                await self._send("amocrm", call)

    async def _send(self, service: str, call: calls.Call) -> None:
        url = self._addresses[service] + call.path
        if call.client == "httpx":
            await self._http.request(call.method, url, headers=call.headers, content=call.body or None)
        else:
            await asyncio.to_thread(
                requests.request, call.method, url, headers=call.headers, data=call.body or None, timeout=TIMEOUT_S
            )

    async def _resend(self, moment: traffic.Moment) -> None:
        resend.api_key = calls.RESEND_KEY_REVOKED if moment.ending == "revoked" else calls.RESEND_KEY
        if moment.call == "list_domains":
            await asyncio.to_thread(resend.Domains.list)
        else:
            await asyncio.to_thread(resend.Emails.send, calls.email(moment.call, moment.ending, self._generator))  # type: ignore[arg-type]

    async def _telegram(self, moment: traffic.Moment) -> None:
        if moment.call == "check_bot":
            await self._bot.get_me()
        else:
            text = calls.reminder(moment.call, self._generator)
            await self._bot.send_message(calls.chat(moment.ending, self._generator), text)


async def work(company: Company, generator: random.Random) -> None:
    """Calls until it is cancelled. The first round makes one call to each service, so that all of them show at once."""
    began = datetime.now(UTC)
    for service in traffic.HABITS:
        await company.make(traffic.draw(began, service, began, generator))
    while True:
        await asyncio.sleep(generator.expovariate(1 / PAUSE_S))
        await company.make(traffic.live(datetime.now(UTC), began, generator))


async def main() -> None:
    """Works until standard input closes."""
    generator = random.Random()  # noqa: S311 - what a demo does next is no secret
    company = Company(json.loads(os.environ[calls.ADDRESSES_VARIABLE]), generator)
    working = asyncio.create_task(work(company, generator))
    loop = asyncio.get_running_loop()
    threading.Thread(
        target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(working.cancel)), name="end of input", daemon=True
    ).start()
    with contextlib.suppress(asyncio.CancelledError):
        await working
    await company.close()


if __name__ == "__main__":
    im.instrument()
    # Ctrl-C goes to the whole terminal; the command that started us closes our input when it is ready.
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
