"""What the settings say about alerts: quiet hours, whom messages go to, and what is refused without showing a URL."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from integration_monitor.alerts import quiet
from integration_monitor.alerts.plan import Plan, plan
from integration_monitor.errors import SettingsError
from integration_monitor.settings import load

TOKEN = "PLANTEDtoken4f8e21c07b9a"


def made(**arguments: object) -> Plan:
    return plan(load(arguments, environment={}))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "zone", "now", "ends"),
    [
        ("22:00-07:00", "UTC", "2026-11-22T21:59", None),
        ("22:00-07:00", "UTC", "2026-11-22T22:00", "2026-11-23T07:00"),
        ("22:00-07:00", "UTC", "2026-11-23T06:59", "2026-11-23T07:00"),
        ("22:00-07:00", "UTC", "2026-11-23T07:00", None),
        ("13:00-14:00", "UTC", "2026-11-22T13:30", "2026-11-22T14:00"),
        ("22:00-07:00", "Asia/Almaty", "2026-11-22T17:00", "2026-11-23T02:00"),
        ("22:00-07:00", "Asia/Almaty", "2026-11-22T03:00", None),
        # The night in which clocks in Berlin go back: an hour longer by UTC, and still until seven.
        ("22:00-07:00", "Europe/Berlin", "2026-10-24T20:30", "2026-10-25T06:00"),
    ],
)
def test_quiet_hours_are_by_the_clock_on_the_wall(hours: str, zone: str, now: str, ends: str | None) -> None:
    assert quiet.parse(hours, ZoneInfo(zone)).ends_at(at(now)) == (at(ends) if ends else None)


@pytest.mark.parametrize("text", ["", "22-7", "22:00", "25:00-07:00", "22:00-07:60", "07:00-07:00", "٢٢:00-07:00"])
def test_quiet_hours_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="alerts_quiet_hours"):
        quiet.parse(text, ZoneInfo("UTC"))


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", ""])
def test_a_time_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(SettingsError, match="alerts_time_zone"):
        made(alerts_time_zone=zone)


@pytest.mark.parametrize("name", ["alerts_urls", "alerts_routes"])
@pytest.mark.parametrize("url", [f"nosuchservice://{TOKEN}", TOKEN, f"tgram://{TOKEN}"])
def test_a_url_that_cannot_be_used_is_refused_and_not_shown(name: str, url: str) -> None:
    with pytest.raises(SettingsError, match=name) as refusal:
        made(**{name: [url] if name == "alerts_urls" else {"telegram": url}})

    assert TOKEN not in str(refusal.value)


def test_a_service_with_a_route_goes_there_alone() -> None:
    given = made(
        alerts_urls=["json://a.test"], alerts_routes={"amocrm": "json://b.test json://c.test", "writers": "json://d.test"}
    )

    assert [target.url for target in given.targets_of("amocrm")] == ["json://b.test", "json://c.test"]
    assert [target.url for target in given.targets_of("telegram")] == ["json://a.test"]
    assert [target.url for target in given.targets_of("")] == ["json://d.test"]


def test_settings_come_from_the_environment_too() -> None:
    environment = {
        "INTEGRATION_MONITOR_ALERTS_URLS": f"json://a.test/{TOKEN},jsons://b.test?x=1",
        "INTEGRATION_MONITOR_ALERTS_ROUTES": "amocrm=json://c.test?method=PUT",
    }

    given = plan(load(environment=environment))

    assert [target.url for target in given.everyone] == [f"json://a.test/{TOKEN}", "jsons://b.test?x=1"]
    assert [target.url for target in given.targets_of("amocrm")] == ["json://c.test?method=PUT"]


def test_a_target_shows_its_scheme_and_no_secret() -> None:
    [target] = made(alerts_urls=[f"json://user:{TOKEN}@a.test/{TOKEN}"]).everyone

    assert target.name.startswith("json:")
    assert TOKEN not in target.name + repr(target)


def test_the_same_url_twice_is_one_target() -> None:
    assert len(made(alerts_urls=["json://a.test", "json://a.test"]).everyone) == 1
