"""One file of the spool: a SQLite database in WAL mode. Entries are appended, read in order, and go with the file."""

import contextlib
import os
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from integration_monitor.batch import Report
from integration_monitor.errors import SpoolDamaged, SpoolError
from integration_monitor.writer.entry import Entry, Kind, checksum

try:
    import sqlite3
except ImportError:  # Pythons are built without it where its headers were missing
    sqlite3 = None  # type: ignore[assignment]

SUFFIX = ".sqlite"
# The files that SQLite keeps beside a database, the write-ahead log and its index.
COMPANIONS = ("", "-wal", "-shm")

# Written into the file, so that a later version knows what it has before it.
VERSION = 1

# Our own threads wait for each other by the locks below; another process reads the file at most.
BUSY_TIMEOUT_S = 1.0

# Beside the body: the id, the times, SQLite's own.
ENTRY_OVERHEAD_BYTES = 64

# What went wrong with the disk, and not with what is on it: PERM, BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN, AUTH.
# Source: https://www.sqlite.org/rescode.html
_DISK_ERRORS = frozenset({3, 5, 6, 7, 8, 10, 13, 14, 23})
# The lowest byte of an extended error code is the code.
_CODE_MASK = 0xFF

_SCHEMA = """
create table entry (
    seq       integer primary key,
    kind      integer not null,
    record_id blob    not null,
    at_ms     integer not null,
    crc       integer not null,
    body      blob    not null
);
create table state (
    one           integer primary key check (one = 1),
    -- entries up to this one are in the store, or counted as lost
    delivered_seq integer not null,
    -- the last entry that the report knows of
    reported_seq  integer not null,
    -- what the writer told about itself, as MessagePack
    report        blob    not null
);
insert into state values (1, 0, 0, x'');
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Extent:
    """How many entries wait in a segment, and of which time."""

    records_count: int = 0
    #: milliseconds since the epoch; None where nothing waits
    first_at_ms: int | None = None
    last_at_ms: int | None = None


class Segment:
    """A segment, opened when it is first used. Appending is for any thread, one at a time; reading for the worker's.

    Two connections, so that the application's thread does not wait for a long read. Each has a lock, by which a fork knows that nobody
    is inside SQLite: its inner locks would stay closed in the child for ever.
    """

    def __init__(self, path: Path, *, write_lock: "threading.RLock", read_lock: "threading.RLock") -> None:
        self.path = path
        self._write_lock = write_lock
        self._read_lock = read_lock
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        #: what was appended by this object, near enough
        self.bytes_appended = 0
        #: the last entry that was appended by this object
        self.last_seq = 0

    def create(self) -> None:
        """Makes the file.

        Errors:
            SpoolError: the disk is full or read-only.
        """
        with self._write_lock, _translated(self.path):
            # SQLite gives its companions the mode of the database.
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
            self._write_connection().executescript(f"begin; {_SCHEMA} pragma user_version = {VERSION}; commit;")

    def append(self, entries: Sequence[Entry], report: Report | None = None) -> None:
        """Adds entries, all or none.

        report:
            What the writer tells about itself with them; None leaves what it told before.

        Errors:
            SpoolError: the disk is full or read-only.
            SpoolDamaged: the file cannot be added to any more.
        """
        rows = [(entry.kind, entry.record_id.bytes, entry.at_ms, checksum(entry.body), entry.body) for entry in entries]
        with self._write_lock, _translated(self.path):
            connection = self._write_connection()
            if len(rows) == 1 and report is None:
                # Without a transaction of its own a statement is one: the shortest way, on the application's thread.
                self.last_seq = connection.execute(_INSERT, rows[0]).lastrowid or 0
            else:
                with _transaction(connection):
                    connection.executemany(_INSERT, rows)
                    (self.last_seq,) = connection.execute("select coalesce(max(seq), 0) from entry").fetchone()
                    if report is not None:
                        connection.execute(
                            "update state set reported_seq = ?, report = ?", (self.last_seq, msgspec.msgpack.encode(report))
                        )
            self.bytes_appended += sum(len(entry.body) + ENTRY_OVERHEAD_BYTES for entry in entries)

    def read(self, *, records_max: int, bytes_max: int, after_seq: int | None = None) -> list[tuple[int, Entry | None]]:
        """The next entries that wait, as (seq, entry), in order. None stands for an entry that was damaged.

        after_seq:
            Where to go on; behind what is delivered, if not given.

        Errors:
            SpoolError: the disk cannot be read.
            SpoolDamaged: the file makes no sense from here on.
        """
        found: list[tuple[int, Entry | None]] = []
        with self._read_lock, _translated(self.path):
            connection = self._read_connection()
            if after_seq is None:
                (after_seq,) = connection.execute("select delivered_seq from state").fetchone()
            size_bytes = 0
            cursor = connection.execute(
                "select seq, kind, record_id, at_ms, crc, body from entry where seq > ? order by seq limit ?",
                (after_seq, records_max),
            )
            try:
                for seq, kind, record_id, at_ms, crc, body in cursor:
                    found.append((seq, _entry(kind, record_id, at_ms, crc, body)))
                    size_bytes += len(body)
                    if size_bytes >= bytes_max:
                        break
            except sqlite3.DatabaseError:
                # What came before the damage is good.
                if not found:
                    raise
            finally:
                cursor.close()
        return found

    def advance(self, delivered_seq: int, report: Report | None) -> None:
        """Entries up to this one need not be kept any more. Errors as of `append`."""
        with self._write_lock, _translated(self.path):
            connection = self._write_connection()
            if report is None:
                connection.execute("update state set delivered_seq = ?", (delivered_seq,))
            else:
                values = (delivered_seq, self.last_seq or delivered_seq, msgspec.msgpack.encode(report))
                connection.execute("update state set delivered_seq = ?, reported_seq = ?, report = ?", values)

    def note(self, report: Report) -> None:
        """Keeps what the writer tells about itself. Errors as of `append`."""
        with self._write_lock, _translated(self.path):
            self._write_connection().execute(
                "update state set reported_seq = max(reported_seq, ?), report = ?",
                (self.last_seq, msgspec.msgpack.encode(report)),
            )

    def extent(self) -> Extent:
        """How much waits. Errors as of `read`."""
        with self._read_lock, _translated(self.path):
            # In one go: a cursor that lives on is in SQLite once more when it ends, and a fork may come then.
            records_count, first_at_ms, last_at_ms = (
                self._read_connection()
                .execute(
                    "select count(*), min(at_ms), max(at_ms) from entry where kind < ? and seq > (select delivered_seq from state)",
                    (Kind.BEGUN,),
                )
                .fetchone()
            )
        return Extent(records_count=records_count, first_at_ms=first_at_ms, last_at_ms=last_at_ms)

    def begun(self) -> list[tuple[Kind, uuid.UUID, bytes]]:
        """Entries of calls that had begun, delivered or not, and of their ends: (kind, id, body), in order. Errors as of `read`."""
        with self._read_lock, _translated(self.path):
            connection = self._read_connection()
            rows = connection.execute(
                # Without calls that had begun, which only journal mode knows, the ends need not be read.
                "select kind, record_id, case when kind = ?1 then body else x'' end from entry "
                "where exists (select 1 from entry where kind = ?1) order by seq",
                (Kind.BEGUN,),
            ).fetchall()
        return [(Kind(kind), uuid.UUID(bytes=record_id), body) for kind, record_id, body in rows]

    def report(self) -> tuple[Report | None, int]:
        """What the writer told last, and how many records it took since then. Errors as of `read`."""
        with self._read_lock, _translated(self.path):
            packed, unreported_count = (
                self._read_connection()
                .execute(
                    "select report, (select count(*) from entry where seq > reported_seq and kind < ?) from state", (Kind.BEGUN,)
                )
                .fetchone()
            )
        try:
            return (msgspec.msgpack.decode(packed, type=Report) if packed else None), unreported_count
        except msgspec.MsgspecError as error:
            raise SpoolDamaged(f"{self.path}: its report is damaged") from error

    def log_bytes(self) -> int:
        """Size of the write-ahead log. In small transactions it takes several times what is in it."""
        with contextlib.suppress(OSError):
            return Path(f"{self.path}-wal").stat().st_size
        return 0

    def checkpoint(self, *, is_complete: bool) -> None:
        """Moves the write-ahead log into the database. Waits for the disk, and keeps nobody from appending. Errors as of `read`.

        is_complete:
            Whether nothing more will be appended, so that the log can be emptied.
        """
        with self._read_lock, _translated(self.path):
            self._read_connection().execute(
                "pragma wal_checkpoint(truncate)" if is_complete else "pragma wal_checkpoint(passive)"
            )

    def close(self) -> None:
        with self._write_lock, self._read_lock:
            for connection in (self._reader, self._writer):
                if connection is not None:
                    with contextlib.suppress(sqlite3.Error):
                        connection.close()
            self._reader = self._writer = None

    def remove(self) -> None:
        """Removes the file with all that is in it."""
        self.close()
        for companion in reversed(COMPANIONS):
            with contextlib.suppress(OSError):
                Path(f"{self.path}{companion}").unlink()

    def _write_connection(self) -> "sqlite3.Connection":
        if self._writer is None:
            self._writer = _connect(self.path)
        return self._writer

    def _read_connection(self) -> "sqlite3.Connection":
        if self._reader is None:
            self._reader = _connect(self.path)
        return self._reader


_INSERT = "insert into entry (kind, record_id, at_ms, crc, body) values (?, ?, ?, ?, ?)"


def _connect(path: Path) -> "sqlite3.Connection":
    if sqlite3 is None:
        raise SpoolError("this Python was built without SQLite, so there is no spool")
    connection = sqlite3.connect(
        # `rw`: a file that was removed is not made again, without its tables.
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )
    # NORMAL waits for the disk at checkpoints alone: what a process has appended outlives it, however it dies. A new file is not waited for.
    for pragma in ("synchronous = off", "journal_mode = wal", "synchronous = normal", "wal_autocheckpoint = 0"):
        connection.execute(f"pragma {pragma}")
    return connection


def _entry(kind: int, record_id: object, at_ms: object, crc: object, body: object) -> Entry | None:
    """The entry of a row; None where the row was damaged in a way that SQLite does not notice."""
    if not isinstance(body, bytes) or not isinstance(record_id, bytes) or not isinstance(at_ms, int) or checksum(body) != crc:
        return None
    try:
        return Entry(kind=Kind(kind), record_id=uuid.UUID(bytes=record_id), at_ms=at_ms, body=body)
    except ValueError:
        return None


@contextlib.contextmanager
def _transaction(connection: "sqlite3.Connection") -> Iterator[None]:
    connection.execute("begin immediate")
    try:
        yield
    except BaseException:
        # SQLite has rolled back by itself after some errors.
        if connection.in_transaction:
            connection.execute("rollback")
        raise
    connection.execute("commit")


def is_gone(path: Path) -> bool:
    """Whether somebody has removed it; not where that cannot be told."""
    try:
        path.stat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


class _translated:  # noqa: N801 -- used like a function; as a class it costs a third, on the application's thread
    """Errors of SQLite and of the system as ours."""

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if sqlite3 is not None and isinstance(error, sqlite3.Error):
            code = getattr(error, "sqlite_errorcode", None)
            if isinstance(error, sqlite3.DatabaseError) and (code is None or code & _CODE_MASK not in _DISK_ERRORS):
                raise SpoolDamaged(f"{self._path} is damaged: {error}") from error
            raise SpoolError(f"{self._path} cannot be used: {error}") from error
        if isinstance(error, OSError):
            raise SpoolError(f"{self._path} cannot be used: {error.strerror}") from error
