"""The pages about one service and about the monitor itself, in a real browser."""

from playwright.sync_api import expect

from tests.acceptance.conftest import OpenPage


def test_service_page_begins_with_the_one_that_is_worst_off(visit: OpenPage) -> None:
    watched = visit("/service")
    page = watched.page
    expect(page.get_by_role("heading", level=1)).to_contain_text("mobizon")

    page.get_by_role("navigation", name="Services").get_by_role("link", name="telegram").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("telegram")
    assert "service=telegram" in page.url
    assert watched.troubles == []


def test_service_page_tells_actions_codes_durations_and_probes(visit: OpenPage) -> None:
    watched = visit("/service?service=telegram")
    page = watched.page

    for name in ("calls", "errors", "durations"):
        expect(page.locator(f"#chart-{name} [data-points]")).to_be_visible()
    expect(page.locator(".figures-table").first).to_contain_text("send_message")
    expect(page.locator(".figures-table").last).to_contain_text("validation_error")
    expect(page.locator(".probe-mark")).to_have_count(12)
    expect(page.locator(".probe-bad")).to_have_count(2)
    cells = page.locator(".heat tbody td").evaluate_all("all => all.map((each) => [Number(each.textContent), each.className])")
    assert sum(count for count, _ in cells) > 100
    assert all((count == 0) == (shade == "heat-0") for count, shade in cells)
    page.locator(".probe-bad").first.click()
    expect(page.locator("#panel")).to_contain_text("Unauthorized")
    assert watched.troubles == []


def test_budget_is_told_as_the_vendor_told_it(visit: OpenPage) -> None:
    page = visit("/service?service=resend").page

    expect(page.locator(".tiles")).to_contain_text("of 1,000 left")
    expect(page.locator("#chart-budgets [data-points]")).to_be_visible()


def test_reader_of_statistics_sees_figures_of_a_service_and_no_records(visit: OpenPage) -> None:
    page = visit("/service?service=telegram", role="integration_monitor_statistics").page

    expect(page.locator("#chart-calls [data-points]")).to_be_visible()
    expect(page.locator("#list")).to_contain_text("Your token reads statistics only.")
    assert page.locator(".log").count() == 0
    assert "blocked by the user" not in page.content()


def test_system_page_tells_writers_losses_and_what_is_kept(visit: OpenPage) -> None:
    watched = visit("/system")
    page = watched.page

    expect(page.locator("tbody tr", has_text="web-1")).to_contain_text("alive")
    silent = page.locator("tbody tr", has_text="worker-7")
    expect(silent).to_contain_text("silent")
    expect(silent.locator("td").last).to_have_text("38")
    expect(page.locator("tbody tr", has_text="queue_full")).to_contain_text("140")
    expect(page.locator("tbody tr", has_text="dead_lettered")).to_contain_text("12")
    expect(page.locator("tbody tr", has_text="integration_logs_default")).to_be_visible()
    expect(page.locator(".tiles")).to_contain_text("agree")
    expect(page.locator("main")).to_contain_text("90 days")
    expect(page.locator("main")).to_contain_text("PostgreSQL")
    assert watched.troubles == []


def test_system_page_is_for_those_whom_the_database_lets_read_it(visit: OpenPage) -> None:
    refused = visit("/system", role="authenticated").page
    allowed = visit("/system", role="integration_monitor_statistics").page

    expect(refused.locator("main")).to_contain_text("Your role may not read this.")
    assert "web-1" not in refused.content()
    expect(allowed.locator("tbody tr", has_text="web-1")).to_be_visible()
    expect(allowed.locator("main")).to_contain_text("only the service role may ask")
