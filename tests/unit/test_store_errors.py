"""Driver errors, translated: what may be tried again, what may not."""

import psycopg
import pytest

from integration_monitor.errors import PermissionRefused, RecordsRefused, StoreError, StoreUnavailable
from integration_monitor.store.postgres.errors import translate


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [
        ("08006", StoreUnavailable),  # connection_failure
        ("25006", StoreUnavailable),  # read_only_sql_transaction
        ("40001", StoreUnavailable),  # serialization_failure
        ("40P01", StoreUnavailable),  # deadlock_detected
        ("53100", StoreUnavailable),  # disk_full
        ("53300", StoreUnavailable),  # too_many_connections
        ("55P03", StoreUnavailable),  # lock_not_available
        ("57014", StoreUnavailable),  # query_canceled, by statement_timeout
        ("57P01", StoreUnavailable),  # admin_shutdown
        ("57P03", StoreUnavailable),  # cannot_connect_now
        ("58030", StoreUnavailable),  # io_error
        ("22P05", RecordsRefused),  # untranslatable_character
        ("23502", RecordsRefused),  # not_null_violation
        ("23505", RecordsRefused),  # unique_violation
        ("23514", RecordsRefused),  # check_violation
        ("54000", RecordsRefused),  # program_limit_exceeded, by a value too long for an index
        ("54001", RecordsRefused),  # statement_too_complex, by JSON too deep
        ("42501", PermissionRefused),  # insufficient_privilege
        ("42P01", StoreError),  # undefined_table
        ("42703", StoreError),  # undefined_column
        ("3F000", StoreError),  # invalid_schema_name
        ("XX000", StoreError),  # internal_error
    ],
)
def test_the_sqlstate_decides(sqlstate: str, kind: type[StoreError]) -> None:
    translated = translate(psycopg.errors.lookup(sqlstate)("what the server said"))

    assert type(translated) is kind
    assert translated.sqlstate == sqlstate
    assert str(translated).startswith("what the server said")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (psycopg.OperationalError("connection failed"), StoreUnavailable),
        (psycopg.errors.ConnectionTimeout("connection timeout expired"), StoreUnavailable),
        (psycopg.InterfaceError("the connection is closed"), StoreUnavailable),
        (psycopg.DataError("cannot be sent"), RecordsRefused),
        (psycopg.ProgrammingError("a defect"), StoreError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_the_drivers_own_errors_are_told_apart(error: psycopg.Error, kind: type[StoreError]) -> None:
    assert type(translate(error)) is kind


def test_a_missing_object_says_what_to_run() -> None:
    assert "integration-monitor migrate" in str(translate(psycopg.errors.UndefinedTable("no such table")))


def test_the_message_is_one_line() -> None:
    translated = translate(psycopg.OperationalError("connection failed\n\tIs the server running?"))

    assert str(translated) == "connection failed"


def test_an_error_without_words_is_named() -> None:
    assert str(translate(psycopg.OperationalError())) == "OperationalError"
