"""Proves that statistics say what the records say: counts the records of a day again, and compares."""

from datetime import date, datetime

import msgspec
import psycopg
from psycopg.rows import dict_row

from integration_monitor.store.postgres import sql
from integration_monitor.store.postgres.connection import connect
from integration_monitor.store.postgres.errors import translate

# A day of the largest tables is some hundred thousand records.
RECOUNT_TIMEOUT_MS = 300_000
RECOUNT_LOCK_TIMEOUT_MS = 5_000


class Difference(msgspec.Struct, kw_only=True, frozen=True):
    """Sums of which the records say something else."""

    #: minute, hour or day
    tier: str
    #: beginning of it, UTC
    bucket: datetime
    service_name: str
    action: str
    status: str
    #: empty where there is none
    error_code: str
    fault: str
    #: by the records: their number, of those with a duration, their sum, shortest and longest in milliseconds; None where there is no record
    counted: list[int | None] | None
    #: the same by the statistics
    shown: list[int | None] | None
    #: whether the histograms of durations differ, though the sums may not
    is_histogram_other: bool


def list_differences(database_url: str, day: date) -> list[Difference]:
    """What is wrong with the statistics of a UTC day whose records all remain, by tier and time. Source: statistics_differences.sql.

    Errors:
        StoreUnavailable: the database cannot be reached, or not in time.
        PermissionRefused: the login may not read records and statistics.
        StoreError: the database was never migrated.
    """
    with connect(database_url) as connection:
        try:
            with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
                cursor.execute(
                    sql.query("transaction_bound"),
                    {"statement_timeout": str(RECOUNT_TIMEOUT_MS), "lock_timeout": str(RECOUNT_LOCK_TIMEOUT_MS)},
                )
                cursor.execute(sql.query("times_bound"), {"time_zone": "UTC"})
                cursor.execute(sql.query("statistics_differences"), {"day": f"{day.isoformat()} 00:00:00+00"})
                return msgspec.convert(cursor.fetchall(), list[Difference])
        except psycopg.Error as error:
            raise translate(error) from error
