"""One kind of failures whole: the same figures however the window is divided, under the rights of whoever asks."""

import asyncio
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from integration_monitor import record
from integration_monitor.monitoring import error_groups, error_story
from integration_monitor.monitoring.error_groups import GroupsPage
from integration_monitor.monitoring.error_story import ErrorStory
from integration_monitor.store.answers import ErrorGroup, LogFilter, Role
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.questions import PostgresQuestions
from tests.integration.conftest import AddLog, Bearer, Client
from tests.integration.test_api_errors import assert_problem

ERRORS = "/api/admin/integrations/monitoring/errors"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
KIND = {"service_name": "amocrm", "action": "sync_lead", "status": "failed", "error_code": "HTTP_401"}


def test_a_story_tells_what_the_list_tells_of_a_group_and_more(
    each_database_url: str, add_log_to: Callable[[str], AddLog]
) -> None:
    add_log = add_log_to(each_database_url)
    at = datetime.now(UTC).replace(minute=30, second=0, microsecond=0)
    ages = [hours * HOUR for hours in (1, 2, 2, 30, 60, 200, 600)]
    ids = [
        add_log(
            **KIND,
            created_at=at - age,
            error_message=f"Token {number} has been revoked",
            related_entity_type="lead",
            related_entity_id=record.entity_uuid("lead", number % 2),
            request_payload={"entity": {"type": "lead", "id": number % 2}},
            response_payload={"fault": "auth", "retry": "safe" if number else "after"},
        )
        for number, age in enumerate(ages)
    ]
    add_log(**KIND, created_at=at - 3 * HOUR, error_message="Token 7 has been revoked", response_payload={"fault": "vendor"})
    for other in ({"error_message": "Other words"}, {"action": "get_lead"}, {"status": "success"}, {"error_code": None}):
        add_log(**{**KIND, "error_message": "Token 1 has been revoked", "created_at": at - HOUR, **other})

    group, story = ask(each_database_url, asked(days=30))

    same = set(group.__struct_fields__) & set(story.__struct_fields__)
    assert {name: getattr(story, name) for name in same} == {name: getattr(group, name) for name in same}
    assert (story.count, story.entity_count, story.without_entity_count, story.fault) == (8, 2, 1, "auth")
    assert not story.is_entity_count_least
    assert [(bucket.at, bucket.count) for bucket in story.timeline] == [
        (at - age - 30 * MINUTE, 2 if age == 2 * HOUR else 1) for age in sorted({*ages, 3 * HOUR}, reverse=True)
    ]
    assert [(each.entity_type, each.entity_id, each.count) for each in story.entities] == [("lead", "0", 4), ("lead", "1", 3)]
    assert story.entities[0].last_at == at - HOUR
    assert [example.id for example in story.examples] == [ids[0], ids[5], ids[6]]
    assert story.since < at - 29 * DAY


def test_conditions_spare_reading_and_change_nothing(database_url: str, add_log: AddLog) -> None:
    for age in (MINUTE, 3 * DAY):
        add_log(**KIND, age=age, error_message="Token has been revoked")

    _, whole = ask(database_url, asked(days=30))
    _, narrowed = ask(database_url, asked(days=30, service="amocrm", action="sync_lead", error_code="HTTP_401"))

    assert whole.timeline == narrowed.timeline
    assert [example.id for example in whole.examples] == [example.id for example in narrowed.examples]


def test_a_story_that_takes_long_ends_where_its_time_ran_out_and_says_so(database_url: str, add_log: AddLog) -> None:
    for age in (MINUTE, 20 * DAY):
        add_log(**KIND, age=age, error_message="Token has been revoked")

    group, story = ask(database_url, asked(days=30), search_budget_s=0)

    assert (group.count, story.count) == (1, 1)
    assert datetime.now(UTC) - 2 * DAY < story.since < datetime.now(UTC) - DAY / 2
    assert story.first_seen_at > story.since


@pytest.mark.parametrize(("search_budget_s", "counts", "days"), [(0, [1, 1], 1), (60, [2, 1, 1], 30)])
def test_groups_that_take_long_are_those_since_a_time_that_is_told(
    database_url: str, add_log: AddLog, search_budget_s: float, counts: list[int], days: int
) -> None:
    lead = {"related_entity_type": "lead", "related_entity_id": uuid.UUID(int=1)}
    for age in (MINUTE, 20 * DAY):
        add_log(**KIND, **lead, age=age, error_message="Token has been revoked")
    add_log(**{**KIND, "action": "get_lead"}, age=2 * MINUTE)
    add_log(**{**KIND, "action": "old"}, age=20 * DAY)
    of = asked(days=30)

    pages = asyncio.run(all_pages(database_url, of, search_budget_s=search_budget_s))

    assert [page.data[0].count for page in pages] == counts
    assert {page.data[0].entity_count for page in pages if page.data[0].action == "sync_lead"} == {1}
    # Pages that follow read what the first one has read.
    assert {page.read_since for page in pages} == {pages[0].read_since}
    assert abs(of.until - pages[0].read_since - days * DAY) < MINUTE


def test_a_reader_who_needs_all_groups_waits_for_them(database_url: str, add_log: AddLog) -> None:
    for age in (MINUTE, 20 * DAY):
        add_log(**KIND, age=age, error_message="Token has been revoked")

    [page] = asyncio.run(all_pages(database_url, asked(days=30), search_budget_s=0, is_whole=True))

    assert [group.count for group in page.data] == [2]


def test_groups_are_told_of_what_was_read_when_reading_more_is_cut_off(database_url: str, add_log: AddLog) -> None:
    add_log(**KIND, age=MINUTE, error_message="Token has been revoked")
    with psycopg.connect(database_url, autocommit=True) as connection:
        # Whoever reads an old failure waits for longer than anybody has time.
        connection.execute(
            "create function slow(at timestamptz) returns boolean language plpgsql as $$"
            " begin if at < now() - interval '10 days' then perform pg_sleep(600); end if; return true; end $$"
        )
        connection.execute("drop policy integration_logs_read_authenticated on public.integration_logs")
        connection.execute("create policy slowly on public.integration_logs for select to authenticated using (slow(created_at))")
    add_log(**KIND, age=20 * DAY, error_message="Token has been revoked")
    of = asked(days=30)

    [page] = asyncio.run(all_pages(database_url, of, search_budget_s=1, role="authenticated"))

    assert [group.count for group in page.data] == [1]
    assert page.read_since == of.until - DAY


def test_one_failure_is_one_example_and_two_are_two(database_url: str, add_log: AddLog) -> None:
    latest = add_log(**KIND, age=MINUTE, error_message="Token has been revoked")
    _, alone = ask(database_url, asked(days=30))
    first = add_log(**KIND, age=10 * DAY, error_message="Token has been revoked")

    _, both = ask(database_url, asked(days=30))

    assert [each.id for each in alone.examples] == [latest]
    assert [each.id for each in both.examples] == [latest, first]


def test_who_sees_less_is_told_less(database_url: str, add_log: AddLog) -> None:
    for number in range(4):
        add_log(**KIND, age=MINUTE, duration_ms=100 * number, error_message="Token has been revoked")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("drop policy integration_logs_read_authenticated on public.integration_logs")
        connection.execute(
            "create policy narrow on public.integration_logs for select to authenticated using (duration_ms < 200)"
        )

    stories = [ask(database_url, asked(days=1), role=role)[1] for role in ("service_role", "authenticated")]

    assert [story.count for story in stories] == [4, 2]


def test_what_hurts_more_customers_comes_first_and_recipients_of_their_own_doing_last(
    client: Client, add_log: AddLog, bearer: Bearer
) -> None:
    def fail(action: str, entities: list[int | None], fault: str) -> None:
        for entity in entities:
            about = {"related_entity_type": "lead", "related_entity_id": uuid.UUID(int=entity)} if entity else {}
            add_log(**{**KIND, "action": action}, **about, age=MINUTE, response_payload={"fault": fault})

    fail("one_customer_often", [1] * 9, "vendor")
    fail("three_customers", [1, 2, 3], "ours")
    fail("four_of_whom_nobody_is_known", [None] * 4, "network")
    fail("five_who_blocked_the_bot", [1, 2, 3, 4, 5], "recipient")
    fail("one_customer", [7], "auth")

    rows = client.get(ERRORS, headers=bearer()).json()["data"]

    assert [(row["action"], row["hurt_count"]) for row in rows] == [
        ("four_of_whom_nobody_is_known", 4),
        ("three_customers", 3),
        ("one_customer_often", 1),
        ("one_customer", 1),
        ("five_who_blocked_the_bot", 5),
    ]
    pages: list[Any] = []
    following = None
    while following is not None or not pages:
        given = {"limit": 2} | ({"before": following} if following else {})
        answer = client.get(ERRORS, params=given, headers=bearer()).json()
        pages += answer["data"]
        following = answer["next"]
    assert pages == rows


@pytest.mark.parametrize(
    ("languages", "meaning"),
    [
        ("", "The access token has expired, was revoked, or belongs to another account."),
        ("fr, ru;q=0.5", "Токен доступа истёк, отозван или относится к другому аккаунту."),
        ("ru;q=0, en", "The access token has expired, was revoked, or belongs to another account."),
    ],
)
def test_the_api_explains_in_the_language_asked_for(
    client: Client, add_log: AddLog, bearer: Bearer, languages: str, meaning: str
) -> None:
    record_id = add_log(**KIND, age=MINUTE, error_message="Token has been revoked")
    headers = {**bearer(), "accept-language": languages}

    [group] = client.get(ERRORS, headers=headers).json()["data"]
    story = client.get(f"{ERRORS}/{group['key']}", headers=headers).json()
    log = client.get(f"{ERRORS.removesuffix('errors')}logs/{record_id}", headers=headers).json()

    assert {each["meaning"] for each in (group, story, log)} == {meaning}
    assert len({each["remedy"] for each in (group, story, log)}) == 1
    assert (story["count"], story["step_s"], len(story["timeline"])) == (1, 3600, 1)


def test_what_did_not_fail_means_nothing(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    record_id = add_log(status="success")

    log = client.get(f"{ERRORS.removesuffix('errors')}logs/{record_id}", headers=bearer()).json()

    assert (log["meaning"], log["remedy"]) == (None, None)


@pytest.mark.parametrize("key", ["0123456789abcdef01234567", "nothing", "é"])
def test_a_kind_that_did_not_happen_is_not_found(client: Client, add_log: AddLog, bearer: Bearer, key: str) -> None:
    add_log(**KIND, age=MINUTE)

    assert_problem(client.get(f"{ERRORS}/{key}", headers=bearer()), 404, "group_missing")


def test_a_story_is_of_a_month_at_most(client_without_database: Client, bearer: Bearer) -> None:
    since = (datetime.now(UTC) - 40 * DAY).isoformat()

    answer = client_without_database.get(f"{ERRORS}/0123456789abcdef01234567", params={"from": since}, headers=bearer())

    assert assert_problem(answer, 400, "bad_parameter")["parameter"] == "from"


def test_a_users_own_description_explains(
    make_client: Callable[..., Client], add_log: AddLog, bearer: Bearer, tmp_path: Any
) -> None:
    (tmp_path / "bank.toml").write_text(
        'name = "bank"\nhosts = ["api.bank.example"]\n[[errors]]\ncodes = ["E1"]\nmeans = "The bank is closed."\n', "utf-8"
    )
    add_log(**{**KIND, "service_name": "bank", "error_code": "E1"}, age=MINUTE)

    [group] = make_client(services_dir=str(tmp_path)).get(ERRORS, headers=bearer()).json()["data"]

    assert (group["meaning"], group["remedy"]) == ("The bank is closed.", None)


def asked(*, days: int, **conditions: Any) -> LogFilter:
    now = datetime.now(UTC)
    return LogFilter(since=now - days * DAY, until=now, **conditions)


def ask(
    database_url: str, of: LogFilter, *, role: Role = "service_role", search_budget_s: float = 60
) -> tuple[ErrorGroup, ErrorStory]:
    """The first group of the window, and its story by hours."""

    async def answered() -> tuple[ErrorGroup, ErrorStory]:
        connections = Connections(database_url)
        await connections.open()
        try:
            questions = PostgresQuestions(connections, role, search_budget_s=search_budget_s)
            group = (await error_groups.grouped(questions, of)).data[0]
            story = await error_story.story(questions, of, group.key, step=HOUR)
        finally:
            await connections.close()
        assert story is not None
        return group, story

    return asyncio.run(answered())


async def all_pages(
    database_url: str, of: LogFilter, *, search_budget_s: float, role: Role = "service_role", is_whole: bool = False
) -> list[GroupsPage]:
    """The pages of the window's groups, each of one group."""
    connections = Connections(database_url)
    await connections.open()
    try:
        questions = PostgresQuestions(connections, role, search_budget_s=search_budget_s)
        pages = [await error_groups.grouped(questions, of, limit=1, is_whole=is_whole)]
        while following := pages[-1].next:
            pages.append(await error_groups.grouped(questions, of, limit=1, before=following))
    finally:
        await connections.close()
    return pages
