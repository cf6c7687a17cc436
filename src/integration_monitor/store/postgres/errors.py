"""Driver errors, translated once, here: what the rest of the product sees of psycopg's."""

import psycopg

from integration_monitor.errors import PermissionRefused, RecordsRefused, StoreError, StoreUnavailable

# Classes of SQLSTATE that pass: connection (08), transaction rolled back by a conflict (40), resources (53), operator's
# intervention (57), system error (58). https://www.postgresql.org/docs/current/errcodes-appendix.html
_PASSING_CLASSES = frozenset({"08", "40", "53", "57", "58"})
# A read-only standby during a fail-over, and a lock that was not free in time.
_PASSING_STATES = frozenset({"25006", "55P03"})
# Values that a column cannot hold (22), constraints (23), and limits: a name too long for an index, JSON too deep (54).
_DATA_CLASSES = frozenset({"22", "23", "54"})
_PERMISSION_STATES = frozenset({"42501"})
# Schema, table, column or function is missing.
_UNMIGRATED_STATES = frozenset({"3F000", "42P01", "42703", "42883"})


def translate(error: psycopg.Error) -> StoreError:
    """Our error for one of psycopg's: raise it `from` the original.

    The message is the server's first line. It holds no values: those come in the server's detail, which is left out, since it
    quotes whole rows.
    """
    sqlstate = error.sqlstate
    message = _message(error)
    if sqlstate in _UNMIGRATED_STATES:
        message += "; has the database been migrated? Run: integration-monitor migrate"
    return _kind(error, sqlstate)(message, sqlstate=sqlstate)


def _kind(error: psycopg.Error, sqlstate: str | None) -> type[StoreError]:
    if sqlstate is None:
        # The driver's own: a value that cannot be sent, or no connection.
        if isinstance(error, psycopg.DataError):
            return RecordsRefused
        is_disconnected = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return StoreUnavailable if is_disconnected else StoreError
    if sqlstate in _PERMISSION_STATES:
        return PermissionRefused
    if sqlstate[:2] in _PASSING_CLASSES or sqlstate in _PASSING_STATES:
        return StoreUnavailable
    return RecordsRefused if sqlstate[:2] in _DATA_CLASSES else StoreError


def _message(error: psycopg.Error) -> str:
    lines = (error.diag.message_primary or str(error)).strip().splitlines()
    return lines[0] if lines else type(error).__name__
