"""Settings: where a value comes from, and what is said when it is wrong."""

from pathlib import Path

import pytest

from integration_monitor.errors import SettingsError
from integration_monitor.settings import CONFIG_VARIABLE, Settings, load, names, variable


def test_without_anything_every_setting_has_its_default() -> None:
    assert load(environment={}) == Settings()


def test_an_argument_counts_before_the_environment_and_the_environment_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "monitor.toml"
    file.write_text("batch_records_max = 1\nattempts_max = 2\nqueue_records_max = 3\n", "utf-8")
    environment = {
        CONFIG_VARIABLE: str(file),
        "INTEGRATION_MONITOR_BATCH_RECORDS_MAX": "10",
        "INTEGRATION_MONITOR_ATTEMPTS_MAX": "20",
    }

    settings = load({"batch_records_max": 100}, environment=environment)

    assert (settings.batch_records_max, settings.attempts_max, settings.queue_records_max) == (100, 20, 3)


def test_an_argument_that_is_none_counts_as_not_given() -> None:
    settings = load({"server_port": None}, environment={"INTEGRATION_MONITOR_SERVER_PORT": "9000"})

    assert settings.server_port == 9000


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load(environment={"INTEGRATION_MONITOR_DATABASE_URL": ""}).database_url is None


@pytest.mark.parametrize("name", names())
def test_every_setting_has_a_variable_and_a_description(name: str) -> None:
    assert variable(name) == f"INTEGRATION_MONITOR_{name.upper()}"
    assert "description=" in str(Settings.__annotations__[name])


def test_pairs_are_read_from_text() -> None:
    settings = load(environment={"INTEGRATION_MONITOR_SERVICE_HOSTS": "127.0.0.1:9001=telegram, proxy.local = resend,"})

    assert settings.service_hosts == {"127.0.0.1:9001": "telegram", "proxy.local": "resend"}


def test_pairs_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "monitor.toml"
    file.write_text('[required_claims]\n"app_metadata.integration_monitor" = "reader"\n', "utf-8")

    settings = load(environment={CONFIG_VARIABLE: str(file)})

    assert settings.required_claims == {"app_metadata.integration_monitor": "reader"}


@pytest.mark.parametrize("text", ["telegram", "=telegram", "127.0.0.1=", "a=b,c"])
def test_text_that_is_no_pair_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="not of the form key=value") as caught:
        load(environment={"INTEGRATION_MONITOR_SERVICE_HOSTS": text})

    assert caught.value.name == "service_hosts"
    assert caught.value.source == "INTEGRATION_MONITOR_SERVICE_HOSTS"


def test_an_unknown_argument_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match="no setting 'batch_size'") as caught:
        load({"batch_size": 1}, environment={})

    assert caught.value.name == "batch_size"


def test_an_unknown_name_in_the_file_is_refused_by_file(tmp_path: Path) -> None:
    file = tmp_path / "monitor.toml"
    file.write_text("batch_size = 1\n", "utf-8")

    with pytest.raises(SettingsError, match="no setting 'batch_size'") as caught:
        load(environment={CONFIG_VARIABLE: str(file)})

    assert caught.value.source == str(file)


@pytest.mark.parametrize(
    ("name", "value"), [("server_port", "http"), ("server_port", "70000"), ("batch_records_max", "0"), ("batch_age_s", "-1")]
)
def test_a_wrong_value_is_refused_with_name_value_and_source(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(environment={variable(name): value})

    assert name in str(caught.value)
    assert value in str(caught.value)
    assert variable(name) in str(caught.value)


@pytest.mark.parametrize("name", ["database_url", "jwt_secret"])
def test_a_secret_is_not_repeated_in_an_error(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load({name: ["secret-value"]}, environment={})

    assert "secret-value" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"

    with pytest.raises(SettingsError, match=r"missing\.toml") as caught:
        load(environment={CONFIG_VARIABLE: str(missing)})

    assert caught.value.source == CONFIG_VARIABLE


def test_a_settings_error_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="server_port"):
        load({"server_port": "x"}, environment={})


def test_wrong_form_of_a_secret_is_not_repeated() -> None:
    with pytest.raises(SettingsError, match="secrets: a part of it is not of the form key=value") as refused:
        load(environment={"INTEGRATION_MONITOR_SECRETS": "shop.key=FAKEFAKE,PLANTEDPLANTED"})

    assert "PLANTED" not in str(refused.value)
