"""Every call accounted for: what the programs noted, beside what is in the table."""

import dataclasses
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import psycopg

from integration_monitor.store.postgres.completeness import list_gaps
from integration_monitor.writer.depot import OWN_SERVICE
from tests.crash.noting import KEY_BYTES, LINE_BYTES

UNFINISHED = frozenset({"pending", "retrying"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Note:
    """When a call was noted, in seconds since the epoch, and how long it took, in milliseconds."""

    at: float
    took_ms: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Account:
    """What became of calls, by their keys."""

    #: calls that were begun
    tried: frozenset[str]
    #: calls that came back to the program
    returned: frozenset[str]
    #: calls that are in the table
    written: frozenset[str]
    #: calls that came back and are not in the table
    lost: frozenset[str]
    #: calls that are in the table more than once
    duplicated: frozenset[str]
    #: in the table, and nobody made them
    unexpected: frozenset[str]
    #: in the table as broken off
    abandoned: frozenset[str]
    #: in the table as still in flight
    open: frozenset[str]
    #: what calls raised, a line each
    raised: tuple[str, ...]
    #: items that the processes which ended in order took and cannot tell where they are
    missing_count: int
    #: what the slowest call took, in milliseconds
    slowest_ms: float

    @property
    def in_flight(self) -> frozenset[str]:
        """Calls that never came back."""
        return self.tried - self.returned

    @property
    def is_exact(self) -> bool:
        """Whether every call that came back is in the table once, and nothing else is there but calls that were made."""
        return self.is_exact_but_for_losses and not self.lost and self.missing_count == 0

    @property
    def is_exact_but_for_losses(self) -> bool:
        """Whether what is in the table is there once and has ended, and was made; and no call raised anything."""
        return not (self.duplicated or self.unexpected or self.open or self.raised)


def read_notes(folder: Path, name: str, *, after_count: int = 0) -> dict[str, Note]:
    """The calls `tried` or `returned`, in their order, but for the first `after_count`. A line that a kill has cut is none."""
    path = folder / name
    text = path.read_bytes()[after_count * LINE_BYTES :] if path.exists() else b""
    lines = (text[start : start + LINE_BYTES].decode() for start in range(0, len(text) - LINE_BYTES + 1, LINE_BYTES))
    notes = {}
    for line in lines:
        at, took_ms = line[KEY_BYTES:].split()
        key = line[:KEY_BYTES].strip()
        assert key not in notes, f"{key} was noted twice: a key is for one call"
        notes[key] = Note(at=float(at), took_ms=float(took_ms))
    return notes


def count_notes(folder: Path, name: str) -> int:
    """How many calls are noted."""
    path = folder / name
    return path.stat().st_size // LINE_BYTES if path.exists() else 0


def rows_of(database_url: str, *, since: float = 0.0) -> list[tuple[str, str, str | None]]:
    """(key, status, error_code) of all rows but those that the product writes about itself.

    A call over HTTP has its key at the end of its URL, a direct record as its id.

    since:
        Only of calls that began then or later, in seconds since the epoch.
    """
    with psycopg.connect(database_url) as connection:
        return connection.execute(
            "select coalesce(substring(request_payload ->> 'url' from '[^/]+$'), id::text), status, error_code"
            " from public.integration_logs where service_name <> %s and created_at >= to_timestamp(%s)",
            [OWN_SERVICE, since],
        ).fetchall()


def account_for(database_url: str, folders: Iterable[Path]) -> Account:
    """The account of the programs whose notes lie in these folders and whose records went to this database."""
    tried: dict[str, Note] = {}
    returned: dict[str, Note] = {}
    raised: list[str] = []
    for folder in folders:
        tried |= read_notes(folder, "tried")
        returned |= read_notes(folder, "returned")
        raised += (folder / "raised").read_text("utf-8").splitlines() if (folder / "raised").exists() else []
    rows = rows_of(database_url)
    counts = Counter(key for key, _status, _code in rows)
    return Account(
        tried=frozenset(tried),
        returned=frozenset(returned),
        written=frozenset(counts) & frozenset(tried),
        lost=frozenset(returned) - frozenset(counts),
        duplicated=frozenset(key for key, count in counts.items() if count > 1),
        unexpected=frozenset(counts) - frozenset(tried),
        abandoned=frozenset(key for key, _status, code in rows if code == "ABANDONED"),
        open=frozenset(key for key, status, _code in rows if status in UNFINISHED),
        raised=tuple(raised),
        missing_count=sum(gap.missing for gap in list_gaps(database_url)),
        slowest_ms=max((note.took_ms for note in returned.values()), default=0.0),
    )
