"""Records as the five vendors would leave them, invented for the pages: the same every time, only the clock moves on."""

import random
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from integration_monitor.record import IntegrationLog, now

# service → (action, calls an hour, share that fails, milliseconds)
SERVICES = {
    "amocrm": ("sync_lead", 9, 0.02, 210),
    "mobizon": ("send_sms", 4, 0.75, 2_400),
    "resend": ("send_email", 6, 0.03, 260),
    "telegram": ("send_message", 14, 0.12, 95),
    "whapi": ("send_text", 0, 0.0, 330),
}
FAILURES = (
    ("HTTP_502", "Bad gateway", "vendor"),
    ("TIMEOUT", "ReadTimeout: no answer within 10 s", "network"),
    ("429", "Too Many Requests: retry after 27", "limit"),
    ("403", "Forbidden: bot was blocked by the user", "recipient"),
    ("validation_error", "Invalid `to` field. The address needs to follow the `email@example.com` format.", "ours"),
)
#: what a hostile vendor, or somebody who writes to one, could send in any field
HOSTILE = (
    "<script>window.hit = 1</script>",
    '"><img src=x onerror="window.hit = 1">',
    "javascript:window.hit=1",
    '<b style="position:fixed;inset:0;background:red">big</b>',
    "</template></pre></table></main><h1>outside</h1>",
    "\u202egnp.exe\u202c \u2066evil\u2069 \u200f",
    "שלום עולם " * 12,
    "👩‍👩‍👧‍👦🔥" * 40,
    "{{ 7 * 7 }} ${7*7} {a|b} %s",
    "x" * 1_000_000,
    "e\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308" * 30,
    "line\r\nbreak\ttab\x1b[31m",
)


def record(**fields: Any) -> IntegrationLog:
    """One record; what is not given is a success of amoCRM of just now."""
    at = fields.pop("created_at", None) or now()
    given = {
        "id": uuid.uuid4(),
        "service_name": "amocrm",
        "action": "sync_lead",
        "status": "success",
        "duration_ms": 150,
        **fields,
    }
    return IntegrationLog(**given, created_at=at, updated_at=at)


def failure(**fields: Any) -> IntegrationLog:
    """One failed record, with payloads."""
    return record(
        **{
            "service_name": "telegram",
            "action": "send_message",
            "status": "failed",
            "error_code": "403",
            "error_message": "Forbidden: bot was blocked by the user",
            "related_entity_type": "user",
            "request_payload": {
                "method": "POST",
                "url": "https://api.telegram.org/bot${telegram.token:123456789}/sendMessage",
                "headers": {"content-type": "application/json"},
                "body": {"chat_id": 5512, "text": "Your lesson begins at 18:00"},
                "entity": {"type": "user", "id": "5512"},
            },
            "response_payload": {
                "status_code": 403,
                "headers": {"content-type": "application/json"},
                "body": {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"},
                "ttfb_ms": 80,
                "fault": "recipient",
                "retry": "no",
            },
            **fields,
        }
    )


def history(hours: int = 30, *, seed: int = 7) -> Sequence[IntegrationLog]:
    """Traffic of the last hours of all services; one of them fails, one is idle since."""
    dice = random.Random(seed)
    moment = now()
    records = [record(service_name="whapi", action="send_text", created_at=moment - timedelta(hours=hours))]
    for service, (action, calls, share, usual_ms) in SERVICES.items():
        for hour in range(hours):
            for _ in range(dice.randint(calls // 2, calls + calls // 2) if calls else 0):
                at = moment - timedelta(hours=hour, seconds=dice.uniform(20, 3_590))
                common = {"service_name": service, "action": action, "created_at": at}
                duration_ms = int(usual_ms * dice.uniform(0.6, 1.9))
                # The vendor that is down has failed for six hours.
                if dice.random() < (share if hour < 6 or service != "mobizon" else 0.02):
                    code, message, fault = dice.choice(FAILURES if service != "mobizon" else FAILURES[:3])
                    response = {"status_code": 502, "body": {"message": message}, "fault": fault, "retry": "no"}
                    records.append(
                        failure(
                            **common, error_code=code, error_message=message, response_payload=response, duration_ms=duration_ms
                        )
                    )
                else:
                    records.append(record(**common, duration_ms=duration_ms))
    return records


def probes() -> Sequence[IntegrationLog]:
    """Twelve probes of a day, every sixth failed, the newest among them."""
    return [
        record(
            service_name="telegram",
            action="test_connection",
            created_at=now() - timedelta(hours=2 * index, seconds=30),
            **({"status": "failed", "error_code": "401", "error_message": "Unauthorized"} if index % 6 == 0 else {}),
        )
        for index in range(12)
    ]


def budgets() -> Sequence[IntegrationLog]:
    """Calls whose answers tell what is left of a rate limit."""
    return [
        record(
            service_name="resend",
            action="send_email",
            created_at=now() - timedelta(minutes=10 * index, seconds=20),
            response_payload={"status_code": 200, "rate_limit": {"limit": 1_000, "remaining": 400 + 10 * index}},
        )
        for index in range(20)
    ]


#: One process that lives, and one that fell silent and lost something.
WRITERS = """
insert into integration_monitor.writers
    (writer_id, host, pid, started_at, heartbeat_at, taken, written, ignored, spooled, dropped, dropped_by_reason, dead_lettered)
values
    (gen_random_uuid(), 'web-1', 4021, now() - interval '3 hours', now() - interval '2 seconds', 120400, 120390, 3, 7, 0, '{}', 0),
    (gen_random_uuid(), 'worker-7', 88, now() - interval '30 hours', now() - interval '40 minutes', 9000, 8800, 0, 0, 150,
     '{"queue_full": 140, "spool_full": 10}', 12)
"""


def hostile() -> Sequence[IntegrationLog]:
    """Failures with something hostile in every field that takes text."""
    at = [HOSTILE[index:] + HOSTILE[:index] for index in range(len(HOSTILE))]
    return [
        failure(
            # What an index must hold is bounded.
            service_name=words[0][:200],
            action=words[1][:200],
            error_code=words[2][:2_000],
            error_message=words[3],
            related_entity_type=words[4][:2_000],
            request_payload={words[5][:2_000]: words[6], "entity": {"type": words[7][:2_000], "id": words[8][:2_000]}},
            response_payload={"body": {"description": words[9]}, "fault": words[10], "retry": words[11]},
            created_at=now() - timedelta(seconds=10 * index + 5),
        )
        for index, words in enumerate(at)
    ]
