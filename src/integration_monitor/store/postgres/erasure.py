"""Takes a person out of the records: payloads are emptied, what is counted stays.

Step by step, each in a transaction of its own that waits a second for nobody's row longer: writers go on, and what was broken off
may be begun again.
"""

import hashlib
import re
import time
import uuid
from collections.abc import Iterator
from typing import Any, Final, LiteralString

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from integration_monitor.errors import SettingsError, StoreUnavailable
from integration_monitor.record import entity_uuid
from integration_monitor.store.postgres import sql
from integration_monitor.store.postgres.connection import connect
from integration_monitor.store.postgres.errors import translate

# So many payloads, of 64 KiB at most, are looked through in some seconds.
RECORDS_MAX: Final = 1_000
STEP_TIMEOUT_MS: Final = 120_000
LOCK_TIMEOUT_MS: Final = 1_000
# A record that is being finished is free again within moments.
ATTEMPTS_MAX: Final = 10
ATTEMPT_PAUSE_S: Final = 0.5
# Before all records there are.
FIRST_AT: Final = "-infinity"
FIRST_ID: Final = uuid.UUID(int=0)
# The shortest numbers that are dialled from abroad have seven digits; fewer would be found in any payload.
PHONE_DIGITS_MIN: Final = 7
# Of a digest, so that the audit can be compared with a value that somebody names, and tells nobody which value it was: thousands share it.
FINGERPRINT_DIGITS: Final = 4

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_PHONE = re.compile(r"\+?[\d\s().-]+")
# What may stand between the digits of a number that is written for people, also in a URL.
_SEPARATORS: Final = r"(?:[-\s().]|%2[089DdEe])*"
# In a URL a character may stand before the value as %22.
_AFTER_ESCAPE: Final = r"(?<=%[0-9A-Fa-f]{2})"


class Subject(msgspec.Struct, kw_only=True, frozen=True):
    """Whom the records are to forget."""

    #: what the audit says of it: never the value itself
    told: str
    query: LiteralString
    parameters: dict[str, Any]
    #: a regular expression for PostgreSQL; None for an entity, of which all is emptied
    pattern: str | None = None


class Erasure(msgspec.Struct, kw_only=True, frozen=True):
    """How far it is."""

    #: records looked at
    read_count: int
    #: records that are the person's
    found_count: int
    #: records emptied by now
    erased_count: int


def entity_subject(text: str) -> Subject:
    """An entity as `type:id`, such as `lead:123`: all its records.

    Errors:
        SettingsError: it has another form.
    """
    entity_type, _, entity_id = text.partition(":")
    if not entity_type or not entity_id:
        raise SettingsError(f"entity {text!r} is not of the form type:id, such as lead:123", name="entity")
    mapped = entity_uuid(entity_type, entity_id)
    return Subject(
        told=f"entity {entity_type} {mapped}",
        query=sql.query("erasure_entity"),
        parameters={"entity_type": entity_type, "entity_id": mapped},
    )


def value_subject(text: str) -> Subject:
    """A phone number, however it is written, or an e-mail address: the records that have it in a payload or in the error message.

    Errors:
        SettingsError: it is neither.
    """
    value = text.strip()
    digits = re.sub(r"\D", "", value)
    if _EMAIL.fullmatch(value):
        kind, known = "e-mail address", value.lower()
        inner = "".join("(?:@|%40)" if char == "@" else _literal(char) for char in known)
        pattern = rf"(?:(?<![[:alnum:]._+-])|{_AFTER_ESCAPE}){inner}(?![[:alnum:]-]|\.[[:alnum:]])"
    elif _PHONE.fullmatch(value) and len(digits) >= PHONE_DIGITS_MIN:
        kind, known = "phone number", digits
        pattern = rf"(?:(?<!\d)|{_AFTER_ESCAPE}){_SEPARATORS.join(digits)}(?!\d)"
    else:
        raise SettingsError("the value is neither an e-mail address nor a phone number of at least seven digits", name="value")
    fingerprint = hashlib.sha256(known.encode()).hexdigest()[:FINGERPRINT_DIGITS]
    return Subject(
        told=f"{kind} with fingerprint {fingerprint}",
        query=sql.query("erasure_value"),
        parameters={"pattern": pattern},
        pattern=pattern,
    )


def erase(database_url: str, subject: Subject, *, actor: str, is_dry: bool) -> Iterator[Erasure]:
    """Empties the payloads of the subject's records and writes to the audit that it began and that it is done. Gives how far it is, after each step.

    is_dry:
        Nothing is written, and `erased_count` stays 0.

    Errors:
        StoreUnavailable: the database cannot be reached, or somebody holds a record for long. What was emptied stays empty.
        PermissionRefused: the login may not read or write records.
        StoreError: the database was never migrated.
    """
    with connect(database_url) as connection:
        if not is_dry:
            _audit(connection, actor, "erasure_begun", subject, {})
        done = Erasure(read_count=0, found_count=0, erased_count=0)
        place = {"after_at": FIRST_AT, "after_id": FIRST_ID}
        is_over = False
        while not is_over:
            step = _patiently(connection, subject, place, is_dry=is_dry)
            done = Erasure(
                read_count=done.read_count + step["read_count"],
                found_count=done.found_count + len(step["ids"]),
                erased_count=done.erased_count + step["erased_count"],
            )
            place = {"after_at": step["last_at"], "after_id": step["last_id"]}
            is_over = step["read_count"] < RECORDS_MAX
            if is_over and not is_dry:
                _audit(connection, actor, "erasure_done", subject, {"records": done.erased_count})
            yield done


def _literal(char: str) -> str:
    return char if char.isalnum() else f"\\{char}"


def _patiently(
    connection: psycopg.Connection[tuple[Any, ...]], subject: Subject, place: dict[str, Any], *, is_dry: bool
) -> dict[str, Any]:
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            return _step(connection, subject, place, is_dry=is_dry)
        except psycopg.Error as error:
            translated = translate(error)
            if not isinstance(translated, StoreUnavailable) or connection.closed or attempt == ATTEMPTS_MAX:
                raise translated from error
            time.sleep(ATTEMPT_PAUSE_S)
    raise AssertionError("the last attempt returns or raises")


def _step(
    connection: psycopg.Connection[tuple[Any, ...]], subject: Subject, place: dict[str, Any], *, is_dry: bool
) -> dict[str, Any]:
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            sql.query("transaction_bound"), {"statement_timeout": str(STEP_TIMEOUT_MS), "lock_timeout": str(LOCK_TIMEOUT_MS)}
        )
        cursor.execute(sql.query("times_bound"), {"time_zone": "UTC"})
        cursor.execute(subject.query, {**subject.parameters, **place, "records_max": RECORDS_MAX})
        step = cursor.fetchone()
        if step is None:
            raise AssertionError("a count is one row")
        erased_count = 0
        if step["ids"] and not is_dry:
            cursor.execute(sql.query("erasure_empty"), {"ids": step["ids"], "times": step["times"], "pattern": subject.pattern})
            erased_count = cursor.rowcount
        return {**step, "erased_count": erased_count}


def _audit(
    connection: psycopg.Connection[tuple[Any, ...]], actor: str, act: str, subject: Subject, details: dict[str, int]
) -> None:
    try:
        connection.execute(
            sql.query("audit_add"), {"actor": actor, "act": act, "subject": subject.told, "details": Jsonb(details)}
        )
    except psycopg.Error as error:
        raise translate(error) from error
