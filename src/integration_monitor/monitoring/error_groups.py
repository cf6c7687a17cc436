"""Failures of one kind together: by service, action, error code and shape of their message, the most hurtful first.

What hurts more: first what somebody can do something about, then what is the recipients' own; of these what hurt more entities, where a
failure about no entity counts as one; then what failed more often (docs/decisions/0029-what-an-error-means.md).
"""

from datetime import datetime, timedelta

import msgspec

from integration_monitor.monitoring import cursor
from integration_monitor.monitoring.page import Page
from integration_monitor.monitoring.questions import Questions
from integration_monitor.store.answers import ErrorGroup, ErrorGroupPosition, LogFilter

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
# Each failure is read, as far back as two seconds reach.
DAYS_MAX = 31


class GroupsPage(Page[ErrorGroup], kw_only=True, frozen=True):
    """Groups of failures, and what was read for them. Each figure is exact over that."""

    #: from when on failures were read: later than was asked for where all would have taken too long
    read_since: datetime


async def grouped(
    questions: Questions, asked: LogFilter, *, limit: int = LIMIT_DEFAULT, before: str | None = None, is_whole: bool = False
) -> GroupsPage:
    """Groups of failures, most hurtful first, equal ones by key. Pages are of one window: what the first page has read.

    is_whole:
        Reads the whole window, however long it takes.

    Errors:
        CursorError: `before` is not a cursor of this question.
    """
    position = None if before is None else cursor.decode(before, ErrorGroupPosition)
    if position is not None:
        if position.until - position.since > timedelta(days=DAYS_MAX):
            raise cursor.CursorError
        asked = msgspec.structs.replace(asked, since=position.since, until=position.until)
    # One row more than asked for tells whether there is a next page. What the first page has read, the next one reads in the same time.
    found = await questions.error_groups(asked, after=position, limit=limit + 1, is_whole=is_whole or position is not None)
    rows = found.groups
    if len(rows) <= limit:
        return GroupsPage(data=rows, read_since=found.since)
    last = rows[limit - 1]
    following = ErrorGroupPosition(
        since=found.since,
        until=asked.until,
        is_excused=last.fault == "recipient",
        hurt_count=last.hurt_count,
        count=last.count,
        key=last.key,
    )
    return GroupsPage(data=rows[:limit], next=cursor.encode(following), read_since=found.since)
