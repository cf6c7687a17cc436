"""The settings `ignore` and `sample`: calls that are not recorded, and calls of which a share is."""

import uuid

import pytest

from integration_monitor.capture.operation import Operation
from integration_monitor.errors import SettingsError
from integration_monitor.record import IntegrationLog, new_id, now
from integration_monitor.recorder import Recorder
from integration_monitor.recorder.rules import Rules, Subject, is_in_sample
from integration_monitor.settings import Settings, load
from tests.unit.test_recorder import TELEGRAM, attempt, operation

SUBJECT = Subject("telegram", "get_updates", "api.telegram.org", 443, "/bot1:x/getUpdates")


def orders(**names: object) -> Operation:
    return operation(attempt("https://api.example.org:8443/v1/orders/7"), **names)


@pytest.mark.parametrize(
    ("pattern", "is_ignored"),
    [
        ("api.telegram.org", True),
        ("API.Telegram.org", True),
        ("api.telegram.org:443", True),
        ("api.telegram.org:80", False),
        ("*.telegram.org", True),
        ("telegram.org", False),
        ("api.telegram.org/*", True),
        ("api.telegram.org/bot*/getUpdates", True),
        ("api.telegram.org/bot*/sendMessage", False),
        ("api.telegram.org/bot", False),
        ("*/bot*", True),
        ("service:telegram", True),
        ("service:Telegram", True),
        ("service:tele*", True),
        ("service:whapi", False),
        ("service:telegram/get_updates", True),
        ("service:telegram/get_*", True),
        ("service:telegram/send_message", False),
        ("service:*/get_updates", True),
        ("telegram", False),
    ],
)
def test_pattern_tells_what_is_ignored(pattern: str, is_ignored: bool) -> None:
    assert (Rules([pattern], {}).share(SUBJECT) == 0) == is_ignored


def test_what_made_no_request_has_no_host() -> None:
    assert Rules(["*", "*/*"], {}).share(Subject("billing", "charge")) == 1
    assert Rules(["service:billing"], {}).share(Subject("billing", "charge")) == 0


def test_first_sample_that_fits_counts_and_ignoring_comes_before() -> None:
    rules = Rules(["service:telegram/get_me"], {"service:telegram/send_*": 0.5, "service:telegram": 0.1})

    assert rules.share(SUBJECT._replace(action="send_message")) == 0.5
    assert rules.share(SUBJECT) == 0.1
    assert rules.share(SUBJECT._replace(action="get_me")) == 0
    assert rules.share(Subject("whapi", "x")) == 1


@pytest.mark.parametrize(
    "pattern", ["https://api.example.org", "", "service:", "service:telegram/", "a host", "service:/x", "/path"]
)
def test_wrong_pattern_is_refused_with_a_remedy(pattern: str) -> None:
    with pytest.raises(SettingsError, match=r"ignore: .*write a host") as refused:
        Recorder(Settings(ignore=[pattern]))

    assert refused.value.name == "ignore"
    assert repr(pattern) in str(refused.value)


def test_wrong_pattern_and_share_of_a_sample_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"sample: 'service:': .*write a host"):
        Recorder(Settings(sample={"service:": 0.1}))
    with pytest.raises(SettingsError, match=r"sample: service:x=7.*between 0 .* and 1"):
        Recorder(Settings(sample={"service:x": 7.0}))


def test_environment_gives_lists_and_shares() -> None:
    environment = {
        "INTEGRATION_MONITOR_IGNORE": "service:telegram/get_updates, api.example.org/health*",
        "INTEGRATION_MONITOR_SAMPLE": "service:whapi=0.5,service:resend=1",
    }

    settings = load(environment=environment)

    assert settings.ignore == ["service:telegram/get_updates", "api.example.org/health*"]
    assert settings.sample == {"service:whapi": 0.5, "service:resend": 1}


@pytest.mark.parametrize("value", ["service:whapi=often", "service:whapi=1.5", "service:whapi"])
def test_share_that_is_none_is_refused_by_name(value: str) -> None:
    with pytest.raises(SettingsError, match="INTEGRATION_MONITOR_SAMPLE: sample: ") as refused:
        load(environment={"INTEGRATION_MONITOR_SAMPLE": value})

    assert refused.value.name == "sample"
    assert "whapi" in str(refused.value)


def test_ignored_calls_operations_and_records_of_the_application_are_none() -> None:
    recorder = Recorder(Settings(ignore=["service:telegram", "api.example.org:8443/v1/*"]))
    at = now()
    logged = IntegrationLog(id=new_id(at), service_name="telegram", action="x", status="success", created_at=at, updated_at=at)

    ignored: list[Operation | IntegrationLog] = [
        operation(attempt(f"{TELEGRAM}/getMe")),
        orders(),
        orders(service_name="crm", action="sync"),
        logged,
    ]

    assert [recorder(item) for item in ignored] == [None] * 4
    assert recorder.unfinished(orders()) is None
    assert recorder(operation(attempt("https://api.example.org/v1/orders/7"))) is not None


def test_sample_keeps_its_share_and_says_so_whatever_becomes_of_the_calls() -> None:
    recorder = Recorder(Settings(sample={"service:api.example.org": 0.25}))

    made = [recorder(operation(attempt("https://api.example.org/x", status=status))) for status in [200, 500] * 1_000]

    kept = [log for log in made if log is not None]
    # Five standard deviations of a quarter of 2,000, and of the failures among them.
    assert 403 < len(kept) < 597
    assert 0.38 < sum(log.status == "failed" for log in kept) / len(kept) < 0.62
    assert {log.request_payload["sample_rate"] for log in kept} == {0.25}


def test_beginning_and_end_of_an_operation_are_kept_alike() -> None:
    recorder = Recorder(Settings(sample={"*": 0.5}))

    for _ in range(100):
        one = attempt("https://api.example.org/x")
        made = operation(one)
        is_begun = recorder.unfinished(made) is not None
        assert (recorder(made) is not None) == is_begun


def test_whole_samples_and_empty_ones() -> None:
    assert recorder_of(1.0) is not None
    assert "sample_rate" not in recorder_of(1.0).request_payload  # type: ignore[union-attr]
    assert recorder_of(0.0) is None


def recorder_of(share: float) -> IntegrationLog | None:
    return Recorder(Settings(sample={"*": share}))(orders())


def test_records_of_the_application_are_sampled_too() -> None:
    recorder = Recorder(Settings(sample={"service:crm": 0.5}))
    at = now()
    logs = [
        IntegrationLog(id=uuid.uuid4(), service_name="crm", action="x", status="success", created_at=at, updated_at=at)
        for _ in range(200)
    ]

    kept = [log for log in map(recorder, logs) if log is not None]

    assert 50 < len(kept) < 150
    assert {log.request_payload["sample_rate"] for log in kept} == {0.5}
    assert all(is_in_sample(log.id, 0.5) for log in kept)
