"""docs/services.md is what the tables say, and shows no token."""

from integration_monitor.services.registry import Registry
from tests.unit import services_page
from tests.unit.vendors import mobizon, slack, telegram


def test_page_is_what_the_tables_say() -> None:
    assert services_page.PAGE.read_text("utf-8") == services_page.page(), "write it anew: python -m tests.unit.services_page"


def test_page_names_every_action_of_the_vendors() -> None:
    page, registry = services_page.page(), Registry()

    actions = {
        route.action for vendor in services_page.VENDORS for name in vendor.service_names for route in registry.named(name).routes
    }
    assert sorted(action for action in actions if f"| `{action}` |" not in page) == []


def test_page_shows_no_token() -> None:
    page = services_page.page()

    assert telegram.TOKEN.partition(":")[2] not in page
    assert mobizon.QUERY.rpartition("=")[2] not in page
    assert slack.HOOK_SECRET not in page
