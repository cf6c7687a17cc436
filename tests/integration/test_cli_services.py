"""The commands of described services: what they print, and their exit codes."""

import dataclasses
import json
import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import integration_monitor as im
from integration_monitor.cli import main
from integration_monitor.errors import ServiceDescriptionError
from integration_monitor.services import sources


@dataclasses.dataclass(frozen=True, kw_only=True)
class Done:
    """What a command printed, and its exit code."""

    returncode: object
    stdout: str
    stderr: str

    @property
    def facts(self) -> dict[str, str]:
        """The table of two columns that was printed."""
        rows = (line.split("  ", 1) for line in self.stdout.splitlines() if "  " in line.strip())
        return {row[0].strip(): row[1].strip() for row in rows}


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `integration-monitor services …`; keyword arguments are environment variables."""

    def run(*arguments: str, **environment: str) -> Done:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["integration-monitor", "services", *arguments])
            for name, value in {"COLUMNS": "300", **environment}.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as caught:
                main()
        printed = capsys.readouterr()
        return Done(returncode=caught.value.code or 0, stdout=printed.out, stderr=printed.err)

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one description."""
    folder = tmp_path / "services"
    folder.mkdir()
    text = """
        name = "shop"
        hosts = ["api.shop.test"]
        routes = [
            { methods = ["POST"], path = "/v1/orders/{id}", action = "pay_order", entities = [{ type = "order", source = "path", field = "id" }], when = { field = "mode", is = "live" }, secrets = { pin = "pin" }, withheld = ["response"] },
            { path = "/v1/poll", action = "poll", is_recorded = false },
        ]
        [secrets.names]
        x-shop = "shop_key"
        [outcome]
        failed_when = [{ field = "ok", is = false }]
        error_codes = ["why"]
        rules = [{ codes = ["BUSY"], fault = "limit", note = "later" }]
        [probe]
        url = "https://api.shop.test/v1/me"
        headers = { x-shop = "${key}" }
        credentials = { key = "SHOP_KEY" }
    """
    (folder / "shop.toml").write_text(text, "utf-8")
    return folder


def test_list_names_every_service_with_its_source(run: Run, folder: Path) -> None:
    done = run("list", INTEGRATION_MONITOR_SERVICES_DIR=str(folder))

    rows = {line.split()[0]: line for line in done.stdout.splitlines()[1:]}
    assert done.returncode == 0
    assert list(rows) == [*(service.name for service in sources.built_in()), "shop"]
    assert "built in" in rows["slack"]
    assert "*.slack.com" in rows["slack"]
    assert rows["shop"].split() == ["shop", "2", str(folder / "shop.toml"), "api.shop.test"]


def test_show_tells_hosts_routes_secrets_and_probe(run: Run, folder: Path) -> None:
    done = run("show", "shop", "--services-dir", str(folder))

    assert done.returncode == 0
    assert done.facts["hosts"] == "api.shop.test"
    assert done.facts["secrets by name"] == "x-shop → ${shop.shop_key}"
    assert done.facts["probe"] == "GET https://api.shop.test/v1/me, needs SHOP_KEY"
    assert re.sub(r"\s+", " ", done.facts["POST"]) == (
        "/v1/orders/{id} pay_order order when mode is live; response not stored; secret: pin"
    )
    assert "only failures are recorded" in done.facts["any"]


@pytest.mark.parametrize("name", [service.name for service in sources.built_in()])
def test_show_knows_every_service(name: str, run: Run) -> None:
    done = run("show", name)

    assert done.returncode == 0
    assert done.facts["service"] == name


def test_show_prints_the_file_of_a_service(run: Run, folder: Path) -> None:
    ours = run("show", "stripe", "--toml")
    theirs = run("show", "shop", "--toml", "--services-dir", str(folder))
    in_python = run("show", "telegram", "--toml")

    assert tomllib.loads(ours.stdout)["name"] == "stripe"
    assert theirs.stdout == (folder / "shop.toml").read_text("utf-8")
    assert (in_python.returncode, in_python.stdout) == (2, "")
    assert "is described in Python" in in_python.stderr


def test_show_of_an_unknown_service_is_wrong_usage(run: Run) -> None:
    done = run("show", "shopp")

    assert done.returncode == 2
    assert "there is no service 'shopp'" in done.stderr


def test_call_is_explained(run: Run, folder: Path) -> None:
    done = run(
        *("test", "https://api.shop.test/v1/orders/7?token=FAKEPLANTED000", "--method", "post", "--status", "200"),
        *("--request-body", '{"mode": "live", "pin": "FAKEPLANTED111"}', "--request-header", "X-Shop: FAKEPLANTED222"),
        *("--body", '{"ok": false, "why": "BUSY", "message": "come back"}', "--header", "Retry-After: 5"),
        *("--services-dir", str(folder)),
    )

    assert done.returncode == 0
    assert done.facts == {
        "service": "shop: its host is one of the service's",
        "route": "POST /v1/orders/{id}",
        "action": "pay_order",
        "entity": "order 7",
        "outcome": "failed",
        "error_code": "BUSY",
        "error_message": "come back",
        "fault": "limit",
        "retry": "after, after 5.0 s",
        "note": "later",
        "recorded": "yes",
        "url stored": "https://api.shop.test/v1/orders/7?token=${shop.token}",
        "request headers stored": '{"x-shop":"${shop.shop_key}"}',
        "request stored": '{"mode":"live","pin":"${shop.pin}"}',
        "answer stored": '{"withheld":true}',
    }


def test_call_to_a_host_that_nobody_described_is_explained(run: Run) -> None:
    done = run("test", "https://api.example.org/v1/orders/77")

    assert done.facts == {
        "service": "api.example.org: nobody described its host",
        "route": "none that is described: the action is made of method and path",
        "action": "GET /v1/orders/{id}",
        "entity": "none",
        "outcome": "success",
        "recorded": "yes",
        "url stored": "https://api.example.org/v1/orders/77",
    }


def test_call_to_a_host_of_the_settings_is_explained(run: Run) -> None:
    done = run(
        *("test", "http://127.0.0.1:9001/emails", "--method", "POST", "--header", "ratelimit-limit: 5"),
        INTEGRATION_MONITOR_SERVICE_HOSTS="127.0.0.1:9001=resend",
    )

    assert done.facts["service"] == "resend: the setting `service_hosts` names its host"
    assert done.facts["entity"] == "none; looked for email in response id"
    assert json.loads(done.facts["rate_limit"])["limit"] == 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["test", "api.shop.test/v1"], "is not of the form https://host/path"),
        (["test", "https://api.shop.test:port/"], "Port could not be cast"),
        (["test", "https://a.test/", "--header", "nothing"], "is not of the form Name: value"),
        (["test", "https://a.test/", "--status", "99"], "greater than or equal to 100"),
        (["import", "/nowhere.yaml", "--name", "shop"], "does not exist"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], words: str, run: Run) -> None:
    done = run(*arguments)

    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.parametrize("command", [["list"], ["show", "shop"], ["test", "https://a.test/"]])
def test_description_that_cannot_be_used_ends_a_command(command: list[str], run: Run, folder: Path) -> None:
    (folder / "shop.toml").write_text("name = 'shop'\nhosts = 5\n", "utf-8")

    done = run(*command, "--services-dir", str(folder))

    assert done.returncode == 1
    assert done.stderr.startswith(f"integration-monitor: {folder / 'shop.toml'}: hosts: ")
    assert len(done.stderr.splitlines()) == 1


def test_description_that_cannot_be_used_stops_instrument_and_serve(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "shop.toml"
    path.write_text("name = 'shop'\nhosts = 5\n", "utf-8")
    monkeypatch.setenv("INTEGRATION_MONITOR_SERVICES_DIR", str(folder))
    monkeypatch.setattr(sys, "argv", ["integration-monitor", "serve", "--database-url", "postgresql://nobody@127.0.0.1:1/none"])

    with pytest.raises(ServiceDescriptionError, match="hosts") as refused:
        im.instrument("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(SystemExit) as ended:
        main()

    assert (refused.value.file, refused.value.key) == (str(path), "hosts")
    assert im.stats() == im.Stats()
    assert ended.value.code == 1
    assert f"{path}: hosts: " in capsys.readouterr().err


API = {
    "openapi": "3.1.0",
    "info": {"title": "Shop API", "version": "7"},
    "servers": [{"url": "https://api.shop.test/v1"}],
    "paths": {"/orders/{id}": {"get": {"operationId": "getOrder"}}},
}
API_YAML = """
openapi: 3.0.3
servers: [{url: "https://api.shop.test/v1"}]
paths:
  /orders/{id}:
    get: {operationId: getOrder, responses: {200: {description: yes}}}
  /orders/{id}.json:
    get: {operationId: getOrderAsJson}
"""


def test_document_in_json_becomes_a_file_that_describes(run: Run, tmp_path: Path) -> None:
    source, target = tmp_path / "api.json", tmp_path / "services" / "shop.toml"
    target.parent.mkdir()
    source.write_text(json.dumps(API), "utf-8")

    done = run("import", str(source), "--name", "shop", "--output", str(target))
    explained = run("test", "https://api.shop.test/v1/orders/9", "--services-dir", str(target.parent))

    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"routes: 1, written to {target}\n")
    assert (explained.facts["action"], explained.facts["entity"]) == ("get_order", "order 9")


def test_document_in_yaml_is_printed_and_what_is_left_out_told(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "api.yaml"
    source.write_text(API_YAML, "utf-8")

    done = run("import", str(source), "--name", "shop", "--host", "proxy.internal")

    assert done.returncode == 0
    assert tomllib.loads(done.stdout)["hosts"] == ["proxy.internal", "api.shop.test"]
    assert done.stderr == "left out: GET /v1/orders/{id}: another route takes the same requests\nroutes: 1\n"


@pytest.mark.parametrize(
    ("content", "arguments", "words"),
    [
        ("a: [", ["--name", "shop"], "neither JSON nor YAML"),
        ("just words", ["--name", "shop"], "no OpenAPI 3 document"),
        (API_YAML, ["--name", "Shop!"], "name: 'Shop!': it must be a name in lower case"),
        (API_YAML, ["--name", "shop", "--host", "https://x"], "hosts[0]: 'https://x': it must be a host"),
        (API_YAML, ["--name", "shop", "--output", "/nowhere/shop.toml"], "cannot be written"),
    ],
)
def test_document_that_cannot_be_imported_is_refused(
    content: str, arguments: list[str], words: str, run: Run, tmp_path: Path
) -> None:
    source = tmp_path / "api.yaml"
    source.write_text(content, "utf-8")

    done = run("import", str(source), *arguments)

    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr


def test_yaml_without_its_library_names_the_extra(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    source = tmp_path / "api.yaml"
    source.write_text(API_YAML, "utf-8")

    done = run("import", str(source), "--name", "shop")

    assert done.returncode == 1
    assert 'pip install "integration-monitor[server]"' in done.stderr
