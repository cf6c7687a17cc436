"""Every administrative act has its row in the audit, whoever does it, and nobody takes one away."""

import json
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from integration_monitor.cli.application import build
from tests.integration.batches import fetch
from tests.integration.conftest import AddLog


def command(*arguments: str, given: str = "") -> Any:
    done = CliRunner().invoke(build(), list(arguments), input=given)
    assert done.exit_code == 0, done.output
    return done


def acts(database_url: str) -> list[tuple[Any, ...]]:
    return fetch(database_url, "select act, subject, details from integration_monitor.audit order by id")


def test_token_of_the_kept_key_is_told(database_url: str) -> None:
    token = command("token", "--role", "service_role", "--expires", "30m", "--database-url", database_url).stdout.strip()

    assert acts(database_url) == [("token_issued", "service_role", {"lifetime_s": 1800})]
    assert token not in str(fetch(database_url, "select row_to_json(a)::text from integration_monitor.audit as a"))


def test_upgrade_is_told_once(empty_database_url: str) -> None:
    command("migrate", "--database-url", empty_database_url)
    command("migrate", "--database-url", empty_database_url)

    [(act, subject, details)] = acts(empty_database_url)
    assert (act, subject) == ("migrated", details["migrations"][-1])
    assert "0001_create_history" in details["migrations"]


def test_change_of_how_long_records_are_kept_is_told_with_what_was_before(database_url: str) -> None:
    fetch(database_url, "update integration_monitor.settings set retention = retention")
    fetch(database_url, "update integration_monitor.settings set retention = interval '30 days'")

    [(act, subject, details)] = acts(database_url)
    assert (act, subject) == ("settings_changed", "integration_monitor.settings")
    assert (details["before"]["retention"], details["after"]["retention"]) == ("90 days", "30 days")
    [(actor,)] = fetch(database_url, "select actor from integration_monitor.audit")
    assert actor == fetch(database_url, "select session_user || ', SQL'")[0][0]


def test_service_role_changes_a_setting_and_is_told_too(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("set role service_role")
        connection.execute("update integration_monitor.settings set retention = interval '40 days'")

    assert [act for act, _subject, _details in acts(database_url)] == ["settings_changed"]


def test_command_lists_acts_newest_first(database_url: str, add_log: AddLog) -> None:
    add_log(related_entity_type="lead")
    command("keys", "create", "[bold]shop", "--scope", "read", "--database-url", database_url)
    command("keys", "revoke", "[bold]shop", "--database-url", database_url)
    command("erase", "--entity", "lead:123", "--database-url", database_url)

    told = json.loads(command("audit", "--json", "--database-url", database_url).stdout)
    latest = json.loads(command("audit", "--json", "--limit", "1", "--database-url", database_url).stdout)
    table = command("audit", "--database-url", database_url).stdout

    assert [act["act"] for act in told] == ["erasure_done", "erasure_begun", "key_revoked", "key_created"]
    assert all(act["actor"].endswith("command line") for act in told)
    assert latest == told[:1]
    assert "key_revoked" in table


def test_name_that_somebody_gave_themselves_steers_no_terminal(database_url: str) -> None:
    fetch(
        database_url,
        "insert into integration_monitor.audit (actor, act, subject) values (E'\\u001b[2Jme\\u009b31m', 'a', E'b\\nc')",
    )

    table = command("audit", "--database-url", database_url).stdout

    assert "me" in table
    assert not {"\x1b", "\x9b"} & set(table)


@pytest.mark.parametrize("role", ["anon", "authenticated", "integration_monitor_writer", "integration_monitor_statistics"])
def test_others_neither_read_nor_write_the_audit(database_url: str, role: str) -> None:
    for statement in (
        "select * from integration_monitor.audit",
        "insert into integration_monitor.audit (actor, act, subject) values ('a', 'b', 'c')",
        "select integration_monitor.audit_settings()",
        "update integration_monitor.settings set retention = interval '1 day'",
    ):
        with psycopg.connect(database_url) as connection:
            connection.execute(f"set role {role}".encode())
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())
