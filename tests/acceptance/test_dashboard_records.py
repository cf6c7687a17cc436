"""Lists of records in a real browser: conditions, paging, the record beside the list, kinds of failures, one customer's timeline."""

import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect

from integration_monitor.record import entity_uuid, now
from tests.acceptance import invented
from tests.acceptance.conftest import OpenPage, Write


def test_each_condition_is_a_chip_that_can_be_taken_away(visit: OpenPage) -> None:
    watched = visit("/logs")
    page = watched.page

    page.get_by_label("Service").select_option("telegram")
    page.get_by_label("Status").select_option("failed")
    page.get_by_placeholder("Text in the error or in a payload").fill("blocked")
    page.get_by_text("More conditions").click()
    page.get_by_label("At least").fill("1")
    page.get_by_role("button", name="Search").click()

    expect(page.locator(".chip")).to_have_count(4)
    expect(page.locator(".log").first).to_contain_text("blocked")
    assert "service=telegram" in page.url
    page.get_by_role("link", name="Without Text").click()
    expect(page.locator(".chip")).to_have_count(3)
    expect(page.get_by_role("combobox", name="Service")).to_have_value("telegram")
    assert watched.troubles == []


@pytest.mark.parametrize(
    ("label", "value", "parameter", "place", "shown"),
    [
        ("Service", "telegram", "service=telegram", ".log-service", "telegram"),
        ("Action", "send_message", "action=send_message", ".log-action", "send_message"),
        ("Status", "failed", "status=failed", ".log .status", "Failed"),
        ("Error code", "429", "error_code=429", ".log .code", "429"),
        ("Fault", "limit", "fault=limit", ".log-fault", "Limit"),
        ("Text", "blocked", "q=blocked", ".log .message-text", "Forbidden: bot was blocked by the user"),
    ],
)
def test_each_filter_leaves_only_what_fits(  # noqa: PLR0917  # one column of the table each
    label: str, value: str, parameter: str, place: str, shown: str, visit: OpenPage
) -> None:
    watched = visit("/logs")
    page = watched.page
    page.get_by_text("More conditions").click()
    field = page.locator(".filters").get_by_label(label)

    if label in {"Service", "Status", "Fault"}:
        field.select_option(value)
    else:
        field.first.fill(value)
    page.get_by_role("button", name="Search").click()

    expect(page.locator(".chip")).to_have_count(1)
    assert parameter in page.url
    assert {text.strip() for text in page.locator(place).all_inner_texts()} == {shown}
    assert watched.troubles == []


def test_durations_are_bounded_on_both_sides(visit: OpenPage) -> None:
    page = visit("/logs").page
    page.get_by_text("More conditions").click()

    page.get_by_label("At least").fill("100")
    page.get_by_label("At most").fill("120")
    page.get_by_role("button", name="Search").click()

    expect(page.locator(".chip")).to_have_count(2)
    durations = page.locator(".log-duration").all_inner_texts()
    assert durations
    assert all(100 <= int(text.removesuffix("ms").strip()) <= 120 for text in durations)


def test_records_are_found_by_what_they_were_about(visit: OpenPage) -> None:
    page = visit("/logs").page
    page.get_by_text("More conditions").click()

    page.get_by_label("Entity type").fill("user")
    page.get_by_role("button", name="Search").click()

    expect(page.locator(".chip")).to_have_count(1)
    assert {text.split()[0] for text in page.locator(".log-about").all_inner_texts()} == {"user"}


def test_window_bounds_the_list_and_keeps_its_conditions(visit: OpenPage) -> None:
    page = visit("/logs?service=telegram&status=failed").page

    page.get_by_role("link", name="Last hour").click()

    expect(page.locator(".chip")).to_have_count(2)
    assert "window=1h" in page.url
    moments = page.locator(".log-time time").evaluate_all("all => all.map((each) => each.dateTime)")
    assert all(now() - datetime.fromisoformat(moment) < timedelta(hours=1, minutes=2) for moment in moments)


def test_what_nothing_fits_is_said_in_words(visit: OpenPage) -> None:
    page = visit("/logs?service=telegram&action=nothing_of_that_kind").page

    expect(page.locator("#list")).to_contain_text("No records fit.")


def test_impossible_condition_is_refused_by_name(visit: OpenPage) -> None:
    page = visit("/logs?min_ms=fast").page

    expect(page.locator("main")).to_contain_text("min_ms")
    expect(page.get_by_text("400")).to_be_visible()


def test_older_records_are_reached_page_by_page_and_none_is_shown_twice(visit: OpenPage) -> None:
    page = visit("/logs?service=telegram").page
    seen: list[str] = []

    for _ in range(3):
        seen += page.locator(".log").evaluate_all("rows => rows.map((row) => row.id)")
        page.get_by_role("link", name="Older", exact=True).click()
    page.get_by_role("link", name="To the newest").click()

    assert len(seen) == len(set(seen)) == 150
    expect(page.locator(".log").first).to_have_id(seen[0])


def test_record_beside_the_list_stands_in_the_address(visit: OpenPage) -> None:
    watched = visit("/logs?status=failed&service=telegram&action=send_message")
    page = watched.page

    page.locator(".log").nth(1).click()
    expect(page.locator("#panel .tree").first).to_contain_text("Your lesson begins at 18:00")
    shared = page.url
    page.goto(shared)

    expect(page.locator("#panel .tree").first).to_contain_text("Your lesson begins at 18:00")
    expect(page.locator(".log[aria-current]")).to_have_count(1)
    page.get_by_role("button", name="Close").first.click()
    expect(page.locator("#panel")).to_be_hidden()
    assert "record=" not in page.url
    assert watched.troubles == []


def test_the_way_back_leads_from_a_record_to_its_list(visit: OpenPage) -> None:
    watched = visit("/logs?status=failed&service=telegram&action=send_message", viewport={"width": 375, "height": 800})
    page = watched.page
    page.locator(".log .log-service").first.click()
    expect(page.locator("#panel .tree")).to_have_count(2)

    page.go_back()
    expect(page.locator("#panel")).to_be_hidden()
    expect(page.locator(".log").first).to_be_visible()
    page.go_forward()

    expect(page.locator("#panel .tree")).to_have_count(2)
    assert watched.troubles == []


def test_record_and_its_list_are_in_sight_together(visit: OpenPage) -> None:
    page = visit("/logs?status=failed&service=telegram&action=send_message").page
    page.locator(".log .log-service").first.click()
    expect(page.locator("#panel .tree")).to_have_count(2)

    assert page.locator("#panel .tree").first.evaluate("tree => tree.getBoundingClientRect().top") < 450
    assert page.locator(".log").first.evaluate("row => row.getBoundingClientRect().top") < 400
    expect(page.get_by_placeholder("Text in the error or in a payload")).to_be_visible()
    expect(page.locator("#live")).to_have_text(re.compile(r"Live"))
    expect(page.locator("#panel")).not_to_contain_text("Repeated")


def test_payload_is_searched_and_copied(visit: OpenPage) -> None:
    watched = visit("/logs?status=failed&service=telegram&action=send_message", permissions=["clipboard-read", "clipboard-write"])
    page = watched.page
    page.locator(".log").first.click()
    expect(page.locator("#panel .tree")).to_have_count(2)

    page.get_by_placeholder("Search in the payloads").fill("chat_id")

    expect(page.locator("#payload-found")).to_have_text("1")
    assert page.evaluate("CSS.highlights.get('found').size") == 1
    page.get_by_placeholder("Search in the payloads").fill("nowhere at all")
    expect(page.locator("#payload-found")).to_have_text("not found")
    page.locator("[data-copy]").first.click()
    expect(page.locator("[data-copy]").first).to_have_text("Copied")
    assert '"chat_id": 5512' in page.evaluate("navigator.clipboard.readText()")
    page.get_by_text("Repeat with curl").click()
    expect(page.locator(".curl pre")).to_contain_text("curl --globoff")
    assert watched.troubles == []


def test_record_that_is_gone_is_said_so(visit: OpenPage) -> None:
    page = visit("/logs?record=01890000-0000-7000-8000-000000000000").page

    expect(page.locator("#panel")).to_contain_text("This record is no longer stored.")


def test_attempts_of_an_operation_are_listed(write: Write, signed_in: OpenPage) -> None:
    attempts = [{"status": "failed", "error_code": "HTTP_502", "duration_ms": 80}, {"status": "success", "duration_ms": 90}]
    write([invented.failure(retry_count=1, response_payload={"attempts": attempts, "fault": "vendor"})])
    page = signed_in().page

    page.locator(".log").click()

    expect(page.locator(".attempts li")).to_have_text([re.compile(r"1\s+HTTP_502\s+80 ms"), re.compile(r"2\s+success\s+90 ms")])


def test_kinds_of_failures_come_most_hurtful_first_with_an_example(visit: OpenPage) -> None:
    watched = visit("/errors")
    page = watched.page
    expect(page.locator("#chart-errors [data-points]")).to_be_visible()

    expect(page.locator(".group").first).to_be_visible()
    counts = page.locator(".group-count strong").evaluate_all("all => all.map((each) => Number(each.textContent))")
    faults = page.locator(".group .tag").all_inner_texts()
    page.locator(".group").first.get_by_role("link", name="Example").click()

    assert len(counts) > 3
    # Of these failures nobody knows whom they hurt, so that each counts; recipients of their own doing come last.
    ranks = [(fault == "Recipient", -count) for fault, count in zip(faults, counts, strict=True)]
    assert ranks == sorted(ranks)
    expect(page.locator("#panel .tree").first).to_be_visible()
    expect(page.locator(".group").first).to_contain_text("Safe to repeat")
    page.get_by_role("button", name="Close").first.click()
    page.locator(".group").first.get_by_role("link", name="All records").click()
    expect(page.locator(".log")).to_have_count(counts[0])
    assert watched.troubles == []


def test_kinds_are_narrowed_by_whose_doing_they_are(visit: OpenPage) -> None:
    page = visit("/errors").page

    page.get_by_label("Fault").select_option("limit")
    page.get_by_role("button", name="Search").click()

    expect(page.locator(".group .tag").first).to_have_text("Limit")
    assert set(page.locator(".group .tag").all_inner_texts()) == {"Limit"}


def test_one_customer_is_followed_over_all_services(write: Write, signed_in: OpenPage) -> None:
    about = {"related_entity_type": "lead", "related_entity_id": entity_uuid("lead", 30_001)}
    given = {"method": "POST", "url": "https://example.com/", "entity": {"type": "lead", "id": 30_001}}
    at = now() - timedelta(hours=1)
    write(
        [
            invented.record(service_name="amocrm", created_at=at, request_payload=given, **about),
            invented.record(service_name="resend", created_at=at + timedelta(minutes=1), request_payload=given, **about),
            invented.failure(created_at=at + timedelta(minutes=2), **{"request_payload": given, **about}),
            invented.record(service_name="mobizon"),
        ]
    )
    watched = signed_in()
    page = watched.page

    page.locator(".log-about a").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("lead 30001")
    expect(page.locator(".log .log-service")).to_have_text(["amocrm", "resend", "telegram"])
    page.get_by_label("Entity id").fill("nobody")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#list")).to_contain_text("Nothing is on record about it.")
    assert watched.troubles == []
