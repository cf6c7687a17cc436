"""`integration-monitor probe` against the simulators: what it says of each service, its exit code, and what it records."""

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from integration_monitor.cli import main
from integration_monitor.errors import SettingsError
from integration_monitor.probing import probe_all
from integration_monitor.settings import load, variable
from integration_monitor.simulators.server import SimulatedVendors

NOWHERE = "http://127.0.0.1:1"
RESEND_KEY_SENDING = "re_send_PLANTED_5b3f80e6c1a97"
CREDENTIALS = {
    "amocrm_host": "example.amocrm.ru",
    "amocrm_token": "eyJ0PLANTED.eyJ0PLANTED.PLANTED4f8e21c07b9a",
    "resend_api_key": "re_PLANTEDkey_4f8e21c07b9a6d35",
    "telegram_bot_token": "123456789:AAPLANTEDtoken_f3Kq81LmZx07VwTb52Rn",
    "mobizon_api_key": "kzPLANTED0000000000000000000000000000000",
    "whapi_token": "PLANTEDPLANTEDPLANTEDPLANTED0000",
}
SERVICES = ["amocrm", "resend", "telegram", "mobizon", "whapi"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Done:
    """What the command printed, and its exit code."""

    returncode: object
    stdout: str
    stderr: str

    def by_service(self) -> dict[str, dict[str, Any]]:
        return {one["service_name"]: one for one in json.loads(self.stdout)}


Probe = Callable[..., Done]


@pytest.fixture(scope="module")
def vendors() -> Iterator[SimulatedVendors]:
    with SimulatedVendors() as vendors:
        yield vendors


@pytest.fixture
def addresses(vendors: SimulatedVendors) -> dict[str, str]:
    """Settings that send the probes to the simulators."""
    return {
        "service_hosts": ",".join(f"{host}={name}" for host, name in vendors.service_hosts.items()),
        "probe_urls": ",".join(f"{name}={url}" for name, url in vendors.base_urls.items()),
    }


@pytest.fixture
def probe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database_url: str, addresses: dict[str, str]
) -> Probe:
    """Runs the command; keyword arguments are settings."""

    def probe(*arguments: str, **settings: str) -> Done:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["integration-monitor", "probe", "--database-url", database_url, *arguments])
            patch.setenv("COLUMNS", "200")
            patch.setenv("NO_PROXY", "*")
            for name, value in {**addresses, **settings}.items():
                patch.setenv(variable(name), value)
            with pytest.raises(SystemExit) as caught:
                main()
        printed = capsys.readouterr()
        return Done(returncode=caught.value.code or 0, stdout=printed.out, stderr=printed.err)

    return probe


def recorded(database_url: str) -> list[dict[str, Any]]:
    query = "select *, logs::text as whole from public.integration_logs as logs order by created_at, id"
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        return connection.execute(query).fetchall()


def leaks(text: str) -> list[str]:
    secrets = {value for name, value in {**CREDENTIALS, "sending": RESEND_KEY_SENDING}.items() if not name.endswith("host")}
    return sorted(secret for secret in secrets if secret.rpartition(":")[2] in text)


def test_services_that_can_be_used_are_healthy_and_recorded(probe: Probe, database_url: str) -> None:
    done = probe(*SERVICES, **CREDENTIALS)

    rows = recorded(database_url)
    assert done.returncode == 0
    assert [line.split()[:2] for line in done.stdout.splitlines()[1:]] == [[name, "healthy"] for name in SERVICES]
    assert [(row["service_name"], row["action"], row["status"]) for row in rows] == [
        (name, "test_connection", "success") for name in SERVICES
    ]
    assert [leaks(row["whole"]) for row in rows] == [[]] * len(SERVICES)
    assert leaks(done.stdout + done.stderr) == []


def test_probe_of_whapi_does_not_start_the_channel(probe: Probe, database_url: str) -> None:
    probe("whapi", **CREDENTIALS)

    [row] = recorded(database_url)
    assert row["request_payload"]["url"].endswith("/health?wakeup=false")


def test_services_without_credentials_do_not_fail(probe: Probe, database_url: str) -> None:
    done = probe("--json", amocrm_token=CREDENTIALS["amocrm_token"])

    found = done.by_service()
    assert done.returncode == 0
    assert {found[name]["state"] for name in SERVICES} == {"not configured"}
    assert found["amocrm"]["message"] == "set INTEGRATION_MONITOR_AMOCRM_HOST"
    assert found["whapi"]["message"] == "set INTEGRATION_MONITOR_WHAPI_TOKEN"
    assert recorded(database_url) == []


def test_key_that_may_only_send_is_told_apart(probe: Probe, database_url: str) -> None:
    done = probe("resend", "--json", resend_api_key=RESEND_KEY_SENDING)

    found = done.by_service()["resend"]
    [row] = recorded(database_url)
    assert done.returncode == 0
    assert (found["state"], found["message"]) == ("healthy", "the key is valid and allowed to send only")
    assert (row["status"], row["response_payload"]["status_code"]) == ("success", 401)


@pytest.mark.parametrize(
    ("service", "credentials", "code", "message", "fault"),
    [
        ("whapi", {"whapi_token": "UNLINKEDPLANTED00"}, "QR", "waits for a phone to be linked", "auth"),
        ("whapi", {"whapi_token": "STOPPEDPLANTED000"}, "STOP", "check the subscription", "auth"),
        ("whapi", {"whapi_token": "WRONGPLANTED00000"}, "404", "Channel not found", "auth"),
        ("telegram", {"telegram_bot_token": "401456789:AAPLANTEDtoken_c9Hs42PdYe65JuGa18Ok"}, "401", "Unauthorized", "auth"),
        ("telegram", {"telegram_bot_token": "not a token"}, "404", "Not Found", "auth"),
        ("mobizon", {"mobizon_api_key": "kzREVOKED0000000000000000000000000000000"}, "8", "failed.api.auth", "auth"),
        ("resend", {"resend_api_key": "re_revoked_PLANTED_91c2e7a04d"}, "validation_error", "API key is invalid", "auth"),
        ("amocrm", {"amocrm_token": "eyJ0.eyJ0.REVOKED"}, "HTTP_401", "Token has been revoked", "auth"),
        # What followed the redirect would take the token along.
        ("amocrm", {"amocrm_token": "eyJ0.eyJ0.MOVED"}, "HTTP_302", "redirected to example.kommo.com", "auth"),
        ("telegram", {"probe_urls": f"telegram={NOWHERE}"}, "CONNECTION_FAILED", "refused", "network"),
    ],
)
def test_service_that_cannot_be_used_fails(  # noqa: PLR0917 -- a fixture and a row of the table
    service: str, credentials: dict[str, str], code: str, message: str, fault: str, probe: Probe, database_url: str
) -> None:
    done = probe(service, "--json", **{**CREDENTIALS, **credentials})

    found = done.by_service()[service]
    [row] = recorded(database_url)
    assert done.returncode == 1
    assert (found["state"], found["error_code"], found["fault"]) == ("failed", code, fault)
    assert message in found["message"]
    assert (row["status"], row["error_code"], row["response_payload"]["fault"]) == ("failed", code, fault)


def test_service_that_cannot_be_probed_is_refused_by_name(probe: Probe) -> None:
    done = probe("whatsup")

    assert done.returncode == 1
    assert "whatsup: no service of this name can be probed" in done.stderr


def test_probes_need_no_database(addresses: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    pairs = {name: dict(pair.split("=", 1) for pair in text.split(",")) for name, text in addresses.items()}
    settings = load({**pairs, "telegram_bot_token": CREDENTIALS["telegram_bot_token"]}, environment={})

    [probed] = probe_all(settings, ["telegram"], environment={})

    assert (probed.state, probed.error_code, probed.message) == ("healthy", None, None)
    assert probed.duration_ms is not None


def test_credential_with_a_line_end_is_used_and_not_told(addresses: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    pairs = {name: dict(pair.split("=", 1) for pair in text.split(",")) for name, text in addresses.items()}
    settings = load({**pairs, "whapi_token": f"{CREDENTIALS['whapi_token']}\n"}, environment={})

    [probed] = probe_all(settings, ["whapi"], environment={})

    assert (probed.state, probed.message) == ("healthy", None)


def test_credentials_of_a_described_service_come_from_the_environment() -> None:
    settings = load({}, environment={})

    found = {one.service_name: one for one in probe_all(settings, environment={})}

    assert {one.state for one in found.values()} == {"not configured"}
    with pytest.raises(SettingsError, match="no service of this name can be probed"):
        list(probe_all(settings, ["nobody"], environment={}))
