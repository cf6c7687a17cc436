"""The running server, as a process of its own: no secret in what it prints, and whose address is counted behind a proxy."""

import httpx
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from typer.testing import CliRunner

from integration_monitor.cli.application import build
from integration_monitor.server.attempts import ATTEMPTS_MAX
from tests.acceptance.test_serve import STATS, serving
from tests.integration.issuer import SigningKey

SECRET = "PLANTED-shared-secret-of-more-than-32-bytes"
DATABASE_PASSWORD = "PLANTED-database-password"
PROJECT_KEY = "sb_secret_PLANTEDPLANTEDPLANTED"


def test_no_secret_is_printed_whatever_goes_wrong(database_url: str) -> None:
    runner = CliRunner()
    key = runner.invoke(build(), ["keys", "create", "shop", "--scope", "read", "--database-url", database_url]).stdout.strip()
    token = runner.invoke(
        build(), ["token", "--role", "service_role"], env={"INTEGRATION_MONITOR_JWT_SECRET": SECRET}
    ).stdout.strip()
    given = conninfo_to_dict(database_url)
    url = f"postgresql://{given['user']}:{DATABASE_PASSWORD}@/{given['dbname']}?host={given['host']}&port={given['port']}"
    planted = [
        SECRET,
        DATABASE_PASSWORD,
        PROJECT_KEY,
        key,
        token,
        token.rpartition(".")[2],
        "PLANTED-alert-token",
        "PLANTED-vendor-token",
    ]

    with (
        serving(
            database_url=url,
            jwt_secret=SECRET,
            alerts_urls="json://user:PLANTED-alert-token@127.0.0.1:1/",
            telegram_bot_token="1:PLANTED-vendor-token",
            probe_urls="telegram=http://127.0.0.1:1",
            probe_interval_s="0",
            jwks="http://127.0.0.1:1/jwks.json",
        ) as server,
        httpx.Client(timeout=30) as client,
    ):
        address = server.wait_for(r"listens on (http://127\.0\.0\.1:\d+)$")
        link = server.wait_for(r"Sign in .*: (http\S+)$")
        named = SigningKey("PLANTED-key").token()
        credentials = [named, token, key, PROJECT_KEY, f"{token}x", f"im_{SECRET}"]
        for path in (STATS, "/rest/v1/integration_logs", "/", f"/sign-in/{token}"):
            for credential in credentials:
                client.get(f"{address}{path}", headers={"authorization": f"Bearer {credential}", "apikey": credential})
                client.get(f"{address}{path}", headers={"cookie": f"integration_monitor_session={credential}"})
        for credential in credentials:
            client.post(f"{address}/sign-in", data={"token": credential})
        with psycopg.connect(database_url) as connection:
            connection.execute("insert into public.integration_logs (service_name, action, status) values ('a', 'b', 'failed')")
            connection.execute(
                "alter policy integration_logs_service_role_all on public.integration_logs using (1 / (random() * 0)::integer = 1)"
            )
        broken = [
            client.get(f"{address}{path}", headers={"authorization": f"Bearer {token}"}).status_code
            for path in ("/api/admin/integrations/monitoring/failures", "/api/admin/integrations/monitoring/logs")
        ]
        client.post(
            f"{address}/api/ingest",
            headers={"authorization": f"Bearer {token}"},
            json={"service_name": "a", "action": "b", "status": "success", "request_payload": {"api_key": key}},
        )
        server.stop()

    assert broken == [500, 500]
    assert "Traceback" in server.output
    assert "the keys of `jwks` cannot be read" in server.output
    printed = server.output.replace(link, "")
    for secret in planted:
        assert secret not in printed
    assert link.rpartition("/")[2] not in printed


@pytest.mark.parametrize(("arguments", "is_believed"), [((), False), (("--proxy-headers",), True)])
def test_address_behind_a_proxy_is_counted_where_the_proxy_is_believed(
    database_url: str, arguments: tuple[str, ...], is_believed: bool
) -> None:
    def guess(number: int) -> int:
        headers = {"apikey": "im_FAKE", "x-forwarded-for": f"192.0.2.{number}"}
        return client.get(f"{address}{STATS}", headers=headers).status_code

    with serving("--database-url", database_url, *arguments) as server, httpx.Client(timeout=30) as client:
        address = server.wait_for(r"listens on (http://127\.0\.0\.1:\d+)$")
        one = [guess(1) for _ in range(ATTEMPTS_MAX + 1)]
        other = guess(2)
        server.stop()

    assert one == [401] * ATTEMPTS_MAX + [429]
    assert other == (401 if is_believed else 429)
