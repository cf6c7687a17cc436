"""The writing side: batches of records into `public.integration_logs`."""

import contextlib
import dataclasses
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import msgspec
import psycopg

from integration_monitor.batch import Batch, Report
from integration_monitor.errors import RecordsRefused, StoreError, StoreUnavailable
from integration_monitor.record import IntegrationLog
from integration_monitor.store.postgres import sql
from integration_monitor.store.postgres.acceptable import acceptable
from integration_monitor.store.postgres.connection import BoundedConnection, connect_bounded
from integration_monitor.store.postgres.encoding import (
    COPY_BEGIN,
    COPY_END,
    EncodedArray,
    EncodedArrayDumper,
    Row,
    arrays,
    copy_rows,
    encode,
    tells_its_time,
)
from integration_monitor.store.postgres.errors import translate

# A batch of a thousand records takes some 50 ms. Whatever happens to server or network, the writer's thread goes on after this.
BATCH_DEADLINE_S = 10.0
# A little less, so that a server that is merely slow gives up by itself, and does not go on with what nobody waits for.
WRITE_TIMEOUT_MS = 9_000
# Somebody holds the table; the records wait better in our queue than in the server's.
WRITE_LOCK_TIMEOUT_MS = 5_000
# Meanwhile the writer's thread writes nothing. So it maintains in turns of half a second, until nothing is left to do.
MAINTAIN_DEADLINE_S = 2.0
MAINTAIN_TIMEOUT_MS = 1_500
MAINTAIN_INTERVAL_S = 10.0

# Statistics are also added up by servers and by maintenance; where neither runs, processes that write do it, with a bound on what their
# batches wait for: some 0.1 s a minute.
ADD_UP_INTERVAL_S = 60.0
ADD_UP_CHANGES_MAX = 5_000
ADD_UP_DEADLINE_S = 2.0
ADD_UP_TIMEOUT_MS = 1_500

# How long it is believed what the login may do: a migration, or a grant, is noticed after this.
FACTS_AGE_S = 60.0
# Rows sent at once: the server stores some while we encode the next.
COPY_RECORDS = 128
# Each takes a place in the server's lock table; beyond this many ids are looked up without one, as the trigger does.
ID_LOCKS_MAX = 500

_UNFINISHED = frozenset({"pending", "retrying"})
_UNIQUE_VIOLATION = "23505"
# COPY is not for a role to which row level security applies.
_FEATURE_NOT_SUPPORTED = "0A000"

Encode: TypeAlias = Callable[[IntegrationLog], Row]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the login may do in this database."""

    #: whether COPY is allowed; else records are inserted
    may_copy: bool
    #: whether the product's schema takes reports; the older table comes without it
    may_report: bool
    #: whether there are statistics that it may add up
    may_add_up: bool


class PostgresSink:
    """Writes through one connection, made at the first use and made again when it is lost. For one thread."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._connection: BoundedConnection | None = None
        self._facts: Facts | None = None
        self._facts_until = 0.0
        self._add_up_at = time.monotonic() + ADD_UP_INTERVAL_S
        # When the next turn of a maintenance is due; None where nothing is left to do.
        self._maintain_at: float | None = None
        self._process_id = os.getpid()
        self._while_waiting: Callable[[], None] | None = None

    def while_waiting(self, do: Callable[[], None]) -> None:
        """From now on this is called some ten times a second while the server is silent. It raises nothing."""
        self._while_waiting = do

    def write(self, batch: Batch) -> None:
        """Stores the batch, all or none. The same batch may come again.

        A record that is there already, by its id, is skipped. One that PostgreSQL refuses is made acceptable, see `acceptable.py`.

        Errors:
            StoreUnavailable: the database cannot be reached, or not within BATCH_DEADLINE_S: nothing is known to be stored.
            RecordsRefused: it will not take one of the records, however often it is sent.
            PermissionRefused: the login may not write.
            StoreError: anything else, such as a database that was never migrated.
        """
        if not (batch.records or batch.finished or batch.report):
            return
        encode_record, is_copied = _encode_or_repair, True
        while True:
            try:
                with self._transaction(BATCH_DEADLINE_S, WRITE_TIMEOUT_MS) as connection:
                    _write(
                        connection, batch, facts=self._learn_facts(connection), encode_record=encode_record, is_copied=is_copied
                    )
            except StoreError as error:
                if is_copied and error.sqlstate in {_UNIQUE_VIOLATION, _FEATURE_NOT_SUPPORTED}:
                    is_copied = False  # some of it is there already, or the rights have changed
                elif isinstance(error, RecordsRefused) and encode_record is not _repair:
                    encode_record = _repair
                else:
                    raise
            else:
                break
        self._add_up()
        if self._maintain_at is not None and time.monotonic() >= self._maintain_at:
            # The batch is written, whatever becomes of this.
            with contextlib.suppress(StoreError):
                self.maintain()

    def maintain(self) -> None:
        """Makes partitions ahead, applies the retention, closes what dead processes left: for half a second, and as long after later
        batches, until nothing is left to do.

        Errors:
            StoreUnavailable: it took longer than MAINTAIN_DEADLINE_S; what it had done is undone.
            Others as for `write`.
        """
        self._maintain_at = None
        with self._transaction(MAINTAIN_DEADLINE_S, MAINTAIN_TIMEOUT_MS) as connection:
            is_done = connection.execute(sql.query("logs_maintain_turn")).fetchone() == (True,)
        if not is_done:
            self._maintain_at = time.monotonic() + MAINTAIN_INTERVAL_S

    def close(self) -> None:
        """Gives the connection back. The sink can be used again."""
        connection, self._connection = self._connection, None
        self._facts = None
        if connection is not None:
            connection.close()

    def _add_up(self) -> None:
        """Adds up statistics once a minute, in a transaction of its own: the batch is written, whatever becomes of this."""
        if self._facts is None or not self._facts.may_add_up or time.monotonic() < self._add_up_at:
            return
        self._add_up_at = time.monotonic() + ADD_UP_INTERVAL_S
        # Views are right all the same, and whoever comes next has it to do.
        with contextlib.suppress(StoreError), self._transaction(ADD_UP_DEADLINE_S, ADD_UP_TIMEOUT_MS) as connection:
            connection.execute(sql.query("statistics_add_up"), {"changes_max": ADD_UP_CHANGES_MAX})

    @contextlib.contextmanager
    def _transaction(self, deadline_s: float, statement_timeout_ms: int) -> Iterator[BoundedConnection]:
        """One transaction, committed at the end of the block."""
        deadline_at = time.monotonic() + deadline_s
        connection = self._connected(deadline_s)
        connection.deadline_at = deadline_at
        connection.while_waiting = self._while_waiting
        try:
            with connection.transaction():
                connection.execute(
                    sql.query("transaction_bound"),
                    {"statement_timeout": str(statement_timeout_ms), "lock_timeout": str(WRITE_LOCK_TIMEOUT_MS)},
                )
                yield connection
        except psycopg.Error as error:
            translated = translate(error)
            if connection.is_overdue:
                translated = StoreUnavailable(f"the database did not answer within {deadline_s:.0f} s")
            if isinstance(translated, StoreUnavailable):
                # Whatever it was, the next attempt starts afresh.
                self.close()
            raise translated from error
        except BaseException as error:
            if not isinstance(error, Exception):
                # The thread is ended in the middle of a command: whoever comes next finds no connection that waits for its rest.
                self.close()
            raise

    def _connected(self, timeout_s: float) -> BoundedConnection:
        if self._process_id != os.getpid():
            # After a fork the connection is the parent's: it is dropped here, and not closed.
            self._connection, self._facts, self._process_id = None, None, os.getpid()
        if self._connection is None or self._connection.closed:
            self._facts = None
            self._connection = connect_bounded(self._database_url, timeout_s=timeout_s)
            self._connection.adapters.register_dumper(EncodedArray, EncodedArrayDumper)
        return self._connection

    def _learn_facts(self, connection: BoundedConnection) -> Facts:
        if self._facts is None or time.monotonic() >= self._facts_until:
            # Without such a table the first record will say so.
            may_copy, may_report, may_add_up = connection.execute(sql.query("session_facts")).fetchone() or (False, False, False)
            self._facts = Facts(may_copy=may_copy, may_report=may_report, may_add_up=may_add_up)
            self._facts_until = time.monotonic() + FACTS_AGE_S
        return self._facts


def _write(connection: BoundedConnection, batch: Batch, *, facts: Facts, encode_record: Encode, is_copied: bool) -> None:
    """The whole batch, in the connection's transaction.

    Each part is in the order of the ids, and the parts always come in the same order: so writers never wait for each other in a circle.
    """
    dated: list[IntegrationLog] = []
    others: list[IntegrationLog] = []
    for record in _by_id(batch.records):
        (dated if tells_its_time(record) else others).append(record)
    if dated and is_copied and facts.may_copy:
        _copy(connection, dated, encode_record)
    elif dated:
        _insert(connection, dated, encode_record)
    if others:
        _insert_looked_up(connection, others, encode_record)
    if batch.finished:
        _finish(connection, _by_id(batch.finished), facts=facts, encode_record=encode_record)
    if batch.report is not None and facts.may_report:
        _report(connection, batch.report, [*batch.records, *batch.finished])


def _copy(connection: BoundedConnection, records: Sequence[IntegrationLog], encode_record: Encode) -> None:
    with connection.cursor() as cursor, cursor.copy(sql.query("logs_copy")) as copy:
        copy.write(COPY_BEGIN)
        for start in range(0, len(records), COPY_RECORDS):
            copy.write(copy_rows(map(encode_record, records[start : start + COPY_RECORDS])))
        copy.write(COPY_END)


def _insert(
    connection: BoundedConnection, records: Sequence[IntegrationLog], encode_record: Encode, *, is_looked_up: bool = False
) -> None:
    connection.execute(sql.query("logs_insert"), {**arrays([*map(encode_record, records)]), "is_looked_up": is_looked_up})


def _insert_looked_up(connection: BoundedConnection, records: Sequence[IntegrationLog], encode_record: Encode) -> None:
    """Inserts records whose id does not tell their time: the key alone would let the same id in twice."""
    first = {record.id: record for record in reversed(records)}
    once = _by_id(first.values())
    connection.execute(sql.query("logs_lock"), {"ids": [record.id for record in once[:ID_LOCKS_MAX]]})
    # A statement of its own: it sees what was committed until the locks were had.
    _insert(connection, once, encode_record, is_looked_up=True)


def _finish(connection: BoundedConnection, records: Sequence[IntegrationLog], *, facts: Facts, encode_record: Encode) -> None:
    """Updates the records that are there unfinished, and inserts those that are not there at all."""
    if facts.may_report:
        connection.execute(sql.query("logs_reopen"), {"ids": [record.id for record in records]})
    missing = _update(connection, records, encode_record)
    if missing:
        _insert_looked_up(connection, missing, encode_record)
        # The insert waits for whoever writes the same record at that moment, such as a session of ours that was given up in the middle
        # of its commit. What comes of that may be unfinished.
        _update(connection, missing, encode_record)


def _update(connection: BoundedConnection, records: Sequence[IntegrationLog], encode_record: Encode) -> list[IntegrationLog]:
    """Finishes the records that are there unfinished; gives the others."""
    times = [record.created_at for record in records]
    rows = connection.execute(
        sql.query("logs_finish"), {**arrays([*map(encode_record, records)]), "since": min(times), "until": max(times)}
    ).fetchall()
    updated = {identifier for (identifier,) in rows}
    return [record for record in records if record.id not in updated]


def _report(connection: BoundedConnection, report: Report, records: Iterable[IntegrationLog]) -> None:
    opened = [record for record in records if record.status in _UNFINISHED]
    connection.execute(
        sql.query("writers_report"),
        {
            "report": msgspec.json.encode(report).decode(),
            "opened_ids": [record.id for record in opened],
            "opened_at": [record.created_at for record in opened],
        },
    )


def _by_id(records: Iterable[IntegrationLog]) -> list[IntegrationLog]:
    return sorted(records, key=lambda record: record.id.int)


def _encode_or_repair(record: IntegrationLog) -> Row:
    """The record as it is, if it can be encoded."""
    try:
        return encode(record)
    except Exception:  # noqa: BLE001 -- whatever it is, the slow way tells
        return _repair(record)


def _repair(record: IntegrationLog) -> Row:
    """The record as PostgreSQL can hold it.

    Errors:
        RecordsRefused: a field is of a type that no rule knows.
    """
    try:
        return encode(acceptable(record))
    except Exception as error:
        raise RecordsRefused(f"a record cannot be encoded: {type(error).__name__}") from error
