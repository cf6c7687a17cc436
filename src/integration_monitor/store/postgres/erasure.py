"""Takes a person out of the records: payloads are emptied, what is counted stays.

Step by step, each in a transaction of its own that waits a second for nobody's row longer: writers go on, and what was broken off
may be begun again.
"""

import functools
import hashlib
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Final, LiteralString

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from integration_monitor.errors import PermissionRefused, SettingsError, StoreUnavailable
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


Connection = psycopg.Connection[tuple[Any, ...]]


class Subject(msgspec.Struct, kw_only=True, frozen=True):
    """Whom the records are to forget."""

    #: what the audit says of it: never the value itself
    told: str
    query: LiteralString
    parameters: dict[str, Any]
    #: a regular expression for PostgreSQL; None for an entity, of which all is emptied
    pattern: str | None = None
    #: the same for what incidents and their messages say
    incident_pattern: str


class Erasure(msgspec.Struct, kw_only=True, frozen=True):
    """How far it is."""

    #: records looked at
    read_count: int
    #: records that are the person's
    found_count: int
    #: records emptied by now
    erased_count: int
    #: incidents that name the person, or whose messages do; looked at last
    incident_count: int = 0


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
        incident_pattern=_of_entity(entity_type, entity_id, mapped),
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
        inner = "".join(map(_written, known))
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
        incident_pattern=pattern,
    )


def erase(database_url: str, subject: Subject, *, actor: str, is_dry: bool) -> Iterator[Erasure]:
    """Empties the payloads of the subject's records and writes to the audit that it began and that it is done. Gives how far it is, after each step.

    is_dry:
        Nothing is written, and `erased_count` stays 0.

    Errors:
        StoreUnavailable: the database cannot be reached, or somebody holds a record for long. What was emptied stays empty.
        PermissionRefused: the login may not read or write records, or not all of them.
        StoreError: the database was never migrated.
    """
    with connect(database_url) as connection:
        _require_all(connection)
        if not is_dry:
            _audit(connection, actor, "erasure_begun", subject, {})
        done = Erasure(read_count=0, found_count=0, erased_count=0)
        place = {"after_at": FIRST_AT, "after_id": FIRST_ID}
        is_over = False
        while not is_over:
            step = _patiently(connection, functools.partial(_step, subject=subject, place=place, is_dry=is_dry))
            done = Erasure(
                read_count=done.read_count + step["read_count"],
                found_count=done.found_count + len(step["ids"]),
                erased_count=done.erased_count + step["erased_count"],
            )
            place = {"after_at": step["last_at"], "after_id": step["last_id"]}
            is_over = step["read_count"] < RECORDS_MAX
            if is_over:
                incidents = _patiently(connection, functools.partial(_incidents, subject=subject, is_dry=is_dry))
                done = msgspec.structs.replace(done, incident_count=incidents["erased_count"])
                if not is_dry:
                    counts = {"records": done.erased_count, "incidents": done.incident_count}
                    _audit(connection, actor, "erasure_done", subject, counts)
            yield done


def _of_entity(entity_type: str, entity_id: str, mapped: uuid.UUID) -> str:
    """An entity as incidents name it, in JSON or in plain words. Source: incidents_harm.sql."""
    ids = "|".join(
        "".join(map(_written, text)) for text in (json.dumps(entity_id, ensure_ascii=False)[1:-1], entity_id, str(mapped))
    )
    return rf"(?<![[:alnum:]]){''.join(map(_written, entity_type))} (?:{ids})(?![[:alnum:]])"


def _written(char: str) -> str:
    """A character as it is, or as a URL has it: %2B for +."""
    if char.isascii() and char.isalnum():
        return char
    plain = char if char.isalnum() else f"\\{char}"
    escaped = "".join(f"%{byte:02x}" for byte in char.encode())
    return f"(?:{plain}|{escaped})"


def _require_all(connection: Connection) -> None:
    """Errors: PermissionRefused: row level security hides records from the login. It would say that nothing was found, and leave them."""
    try:
        login, is_allowed = connection.execute(sql.query("erasure_allowed")).fetchone() or ("", False)
    except psycopg.Error as error:
        raise translate(error) from error
    if not is_allowed:
        raise PermissionRefused(
            f"{login} may not see and change every record of public.integration_logs: erase as the owner of the table, or as a member of service_role"
        )


def _patiently(connection: Connection, work: Callable[[psycopg.Cursor[dict[str, Any]]], dict[str, Any]]) -> dict[str, Any]:
    """What `work` gives, done in a transaction, again and again while somebody holds what it wants."""
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
                cursor.execute(
                    sql.query("transaction_bound"),
                    {"statement_timeout": str(STEP_TIMEOUT_MS), "lock_timeout": str(LOCK_TIMEOUT_MS)},
                )
                cursor.execute(sql.query("times_bound"), {"time_zone": "UTC"})
                return work(cursor)
        except psycopg.Error as error:
            translated = translate(error)
            if not isinstance(translated, StoreUnavailable) or connection.closed or attempt == ATTEMPTS_MAX:
                raise translated from error
            time.sleep(ATTEMPT_PAUSE_S)
    raise AssertionError("the last attempt returns or raises")


def _step(cursor: psycopg.Cursor[dict[str, Any]], *, subject: Subject, place: dict[str, Any], is_dry: bool) -> dict[str, Any]:
    step = _one(cursor.execute(subject.query, {**subject.parameters, **place, "records_max": RECORDS_MAX}))
    erased_count = 0
    if step["ids"] and not is_dry:
        cursor.execute(sql.query("erasure_empty"), {"ids": step["ids"], "times": step["times"], "pattern": subject.pattern})
        erased_count = cursor.rowcount
    return {**step, "erased_count": erased_count}


def _incidents(cursor: psycopg.Cursor[dict[str, Any]], *, subject: Subject, is_dry: bool) -> dict[str, Any]:
    return _one(cursor.execute(sql.query("erasure_incidents"), {"pattern": subject.incident_pattern, "is_dry": is_dry}))


def _one(cursor: psycopg.Cursor[dict[str, Any]]) -> dict[str, Any]:
    row = cursor.fetchone()
    if row is None:
        raise AssertionError("a count is one row")
    return row


def _audit(connection: Connection, actor: str, act: str, subject: Subject, details: dict[str, int]) -> None:
    try:
        connection.execute(
            sql.query("audit_add"), {"actor": actor, "act": act, "subject": subject.told, "details": Jsonb(details)}
        )
    except psycopg.Error as error:
        raise translate(error) from error
