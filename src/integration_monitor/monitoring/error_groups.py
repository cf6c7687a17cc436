"""Failures of one kind together: by service, action, error code and shape of their message, the most hurtful first.

What hurts more: first what somebody can do something about, then what is the recipients' own; of these what hurt more entities, where a
failure about no entity counts as one; then what failed more often (docs/decisions/0029-what-an-error-means.md).
"""

from datetime import timedelta

import msgspec

from integration_monitor.monitoring import cursor
from integration_monitor.monitoring.page import Page
from integration_monitor.monitoring.questions import Questions
from integration_monitor.store.answers import ErrorGroup, ErrorGroupPosition, LogFilter

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
# Each failure of the window is read: a month of a million calls a day, of which two percent fail, takes some seconds.
DAYS_MAX = 31


async def grouped(
    questions: Questions, asked: LogFilter, *, limit: int = LIMIT_DEFAULT, before: str | None = None
) -> Page[ErrorGroup]:
    """Groups of failures, most hurtful first, equal ones by key. Pages are of one window: the first page's.

    Errors:
        CursorError: `before` is not a cursor of this question.
    """
    position = None if before is None else cursor.decode(before, ErrorGroupPosition)
    if position is not None:
        if position.until - position.since > timedelta(days=DAYS_MAX):
            raise cursor.CursorError
        asked = msgspec.structs.replace(asked, since=position.since, until=position.until)
    # One row more than asked for tells whether there is a next page.
    rows = await questions.error_groups(asked, after=position, limit=limit + 1)
    if len(rows) <= limit:
        return Page(data=rows)
    last = rows[limit - 1]
    following = ErrorGroupPosition(
        since=asked.since,
        until=asked.until,
        is_excused=last.fault == "recipient",
        hurt_count=last.hurt_count,
        count=last.count,
        key=last.key,
    )
    return Page(data=rows[:limit], next=cursor.encode(following))
