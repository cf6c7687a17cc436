"""Where descriptions come from: this package, installed packages and the user's folder; and what counts when they meet."""

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from integration_monitor.errors import ServiceDescriptionError, SettingsError
from integration_monitor.recorder import Recorder
from integration_monitor.services import sources
from integration_monitor.services.registry import Registry
from integration_monitor.services.sources import BUILT_IN, describe_all
from integration_monitor.settings import load
from tests.unit.descriptions import write
from tests.unit.exchanges import exchange

Install = Callable[..., str]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a distribution with one module and one entry point, and gives what a description calls its source."""
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def install(code: str, *, name: str = "acme-monitor", value: str = "acme_monitor:SERVICE") -> str:
        module = name.replace("-", "_")
        (site / f"{module}.py").write_text(textwrap.dedent(code), "utf-8")
        info = site / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
        (info / "entry_points.txt").write_text(f"[integration_monitor.services]\nacme = {value}\n", "utf-8")
        monkeypatch.delitem(sys.modules, module, raising=False)
        return f"entry point acme = {value} of {name}"

    return install


ACME = """
    from integration_monitor.services.description import Service, route
    from integration_monitor.services.undescribed import read

    SERVICE = Service(name="acme", hosts=("api.acme.test",), routes=(route("POST", "/v1/sends", "send"),), read=read)

    def make():
        return SERVICE
"""


def test_built_in_services_are_all_there() -> None:
    described = describe_all()

    assert sorted(described) == [
        *("amocrm", "mobizon", "openai", "resend", "slack", "stripe", "telegram", "whapi", "whapi_partner"),
    ]
    assert {one.source for one in described.values()} == {BUILT_IN}


def test_every_file_of_ours_is_named_as_its_service() -> None:
    names = {name.removesuffix(".toml") for name in sources.built_in_files()}

    assert names == {"stripe", "slack", "openai"}
    assert names <= {service.name for service in sources.built_in()}


@pytest.mark.parametrize("value", ["acme_monitor:SERVICE", "acme_monitor:make"])
def test_installed_package_gives_a_service(value: str, install: Install) -> None:
    source = install(ACME, value=value)

    registry = Registry()

    meaning = registry.understand(exchange("POST https://api.acme.test/v1/sends", answer={}))
    assert (meaning.service_name, meaning.action) == ("acme", "send")
    assert describe_all()["acme"].source == source


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("SERVICE = 5", "it must give a Service, or a function that makes one, and gives int"),
        ("raise RuntimeError('broken inside')", "cannot be loaded: RuntimeError: broken inside"),
        ("OTHER = 5", "cannot be loaded: AttributeError"),
    ],
)
def test_package_that_gives_none_is_refused_by_its_entry_point(code: str, reason: str, install: Install) -> None:
    source = install(code)

    with pytest.raises(ServiceDescriptionError, match=reason) as refused:
        Registry()

    assert (refused.value.file, refused.value.key) == (source, None)


def test_two_packages_with_one_name_are_refused(install: Install) -> None:
    install(ACME)
    second = install(ACME, name="acme-again", value="acme_again:SERVICE")

    with pytest.raises(ServiceDescriptionError, match="gives a service 'acme', too") as refused:
        describe_all()

    assert refused.value.key == "name"
    assert second.partition(" = ")[0] == "entry point acme"


def test_file_of_the_users_counts_before_a_package_and_before_us(install: Install, tmp_path: Path) -> None:
    install(ACME)
    folder = tmp_path / "services"
    folder.mkdir()
    mine = write(folder, 'name = "acme"\nhosts = ["api.acme.test"]', name="a.toml")
    write(folder, 'name = "resend"\nhosts = ["mail.internal"]', name="b.toml")
    write(folder, 'name = "payments"\nhosts = ["api.stripe.com"]', name="c.toml")

    described = describe_all(str(folder))
    registry = Registry(services_dir=str(folder))

    assert described["acme"].source == str(mine)
    assert described["acme"].service.routes == ()
    found = {
        host: registry.find(exchange(f"GET https://{host}/")).name
        for host in ("api.acme.test", "mail.internal", "api.resend.com", "api.stripe.com", "files.stripe.com")
    }
    # One of the same name is replaced with all that it had; a single host goes over to the user's.
    assert list(found.values()) == ["acme", "resend", "api.resend.com", "payments", "stripe"]


def test_file_extends_a_service_of_ours_of_a_package_and_of_another_file(install: Install, tmp_path: Path) -> None:
    install(ACME)
    folder = tmp_path / "services"
    folder.mkdir()
    # In the order of their names, the base comes last.
    write(folder, 'name = "shop_eu"\nextends = "shop"\nhosts = ["eu.shop.test"]', name="a.toml")
    write(folder, 'name = "acme"\nextends = "acme"\nhosts = ["acme.internal"]', name="b.toml")
    write(folder, 'name = "router"\nextends = "openai"\nhosts = ["api.router.test"]', name="c.toml")
    write(folder, 'routes = [{ path = "/v1/orders", action = "orders" }]', name="d.toml")

    registry = Registry(services_dir=str(folder))

    meanings = {
        call: registry.understand(exchange(f"POST https://{call}", answer={"error": {"message": "no", "code": "server_error"}}))
        for call in (
            "eu.shop.test/v1/orders",
            "acme.internal/v1/sends",
            "api.acme.test/v1/sends",
            "api.router.test/v1/chat/completions",
        )
    }
    assert [(one.service_name, one.action, one.outcome.error_code) for one in meanings.values()] == [
        ("shop_eu", "orders", None),
        ("acme", "send", None),
        ("acme", "send", None),
        ("router", "create_chat_completion", "server_error"),
    ]


def test_path_of_the_users_counts_before_ours(tmp_path: Path) -> None:
    write(tmp_path, "name = 'bots'\nhosts = []\npath_pattern = '/bot[0-9]{1,20}:'")
    address = "http://10.0.0.5:8081/bot123456789:AAFAKEfakeFAKEfakeFAKEfakeFAKEfake000/getMe"

    assert Registry().find(exchange(f"POST {address}")).name == "telegram"
    assert Registry(services_dir=str(tmp_path)).find(exchange(f"POST {address}")).name == "bots"


@pytest.mark.parametrize(
    ("second", "key", "reason"),
    [
        ('name = "shop"\nhosts = ["other.test"]', "name", "a.toml describes 'shop', too"),
        ('name = "other"\nhosts = ["other.test", "api.shop.test"]', "hosts[1]", "'api.shop.test' is a host of .*a.toml, too"),
    ],
)
def test_two_files_that_say_the_same_of_different_things_are_refused(second: str, key: str, reason: str, tmp_path: Path) -> None:
    write(tmp_path, "", name="a.toml")
    path = write(tmp_path, second, name="b.toml")

    with pytest.raises(ServiceDescriptionError, match=reason) as refused:
        Registry(services_dir=str(tmp_path))

    assert (refused.value.file, refused.value.key) == (str(path), key)


def test_folder_that_is_not_there_is_refused() -> None:
    with pytest.raises(ServiceDescriptionError, match="cannot be read: No such file") as refused:
        Registry(services_dir="/nowhere/services")

    assert refused.value.file == "/nowhere/services"


def test_lenient_registry_leaves_out_what_is_wrong_and_tells_each(install: Install, tmp_path: Path) -> None:
    source = install("SERVICE = 5")
    folder = tmp_path / "services"
    folder.mkdir()
    write(folder, "", name="a.toml")
    write(folder, "hosts = 5", name="b.toml")
    write(folder, "name = \n", name="c.toml")
    write(folder, 'name = "d"\nextends = "nobody"', name="d.toml")
    (folder / "readme.md").write_text("not a description", "utf-8")
    told: list[ServiceDescriptionError] = []

    registry = Registry(services_dir=str(folder), on_description_error=told.append)

    assert [(Path(error.file).name, error.key) for error in told] == [
        (source, None),
        ("b.toml", "hosts"),
        ("c.toml", None),
        ("d.toml", "extends"),
    ]
    assert registry.named("shop").hosts == ("api.shop.test",)
    assert registry.find(exchange("GET https://api.resend.com/")).name == "resend"


def test_lenient_registry_does_without_a_folder() -> None:
    told: list[ServiceDescriptionError] = []

    registry = Registry(services_dir="/nowhere", on_description_error=told.append)

    assert [error.file for error in told] == ["/nowhere"]
    assert registry.named("stripe").hosts != ()


def test_recorder_reads_the_folder_of_its_settings(tmp_path: Path) -> None:
    path = write(tmp_path, "hosts = 5")
    settings = load(environment={"INTEGRATION_MONITOR_SERVICES_DIR": str(tmp_path)})
    told: list[ServiceDescriptionError] = []

    with pytest.raises(ServiceDescriptionError, match="hosts"):
        Recorder(settings)
    Recorder(settings, on_description_error=told.append)

    assert [error.file for error in told] == [str(path)]


def test_service_of_the_users_can_stand_for_a_host_of_the_settings(tmp_path: Path) -> None:
    write(tmp_path, "")

    registry = Registry({"127.0.0.1:9001": "shop"}, services_dir=str(tmp_path))

    assert registry.find(exchange("GET http://127.0.0.1:9001/")).name == "shop"
    with pytest.raises(SettingsError, match=r"known are .*shop"):
        Registry({"127.0.0.1:9001": "shops"}, services_dir=str(tmp_path))


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://127.0.0.1:9001/", "settings"),
        ("https://api.stripe.com/v1/charges", "host"),
        ("https://example.amocrm.ru/api/v4/leads", "host"),
        ("http://10.0.0.5/bot123456789:AAFAKEfakeFAKEfakeFAKEfakeFAKEfake000/getMe", "path"),
        ("https://api.example.org/", "undescribed"),
    ],
)
def test_registry_says_by_what_it_knew_a_service(address: str, reason: str) -> None:
    assert Registry({"127.0.0.1:9001": "resend"}).reason(exchange(f"GET {address}")) == reason
