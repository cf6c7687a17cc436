"""Records that fit a search, newest first; one of them; all of them, page by page."""

import uuid
from collections.abc import AsyncIterator, Sequence

from integration_monitor.monitoring import cursor
from integration_monitor.monitoring.page import Page
from integration_monitor.monitoring.questions import Questions
from integration_monitor.record import IntegrationLog
from integration_monitor.store.answers import LogFilter, LogsFound, RecordPosition

LIMIT_DEFAULT = 100
# A record may hold two bodies of 64 KiB: a thousand of them are about what one answer should weigh at worst.
LIMIT_MAX = 1_000
# A text is looked for in each payload of the window: a week of a million calls a day is what one request can still wait for, part by part.
TEXT_DAYS_MAX = 7
# What is held in memory at a time while everything is read.
_BATCH = 500


async def search(
    questions: Questions, asked: LogFilter, *, limit: int = LIMIT_DEFAULT, before: str | None = None
) -> Page[IntegrationLog]:
    """Records that fit, newest first; equal times by id downwards.

    A page may hold fewer than `limit` records, or none, while `next` says that there is more to look at: a search that takes long is
    answered in parts.

    Errors:
        CursorError: `before` is not a cursor of this question.
    """
    position = None if before is None else cursor.decode(before, RecordPosition)
    # One record more than asked for tells whether there is a next page.
    found = await questions.logs_search(asked, before=position, limit=limit + 1)
    following = _following(found, limit)
    return Page(data=found.logs[:limit], next=None if following is None else cursor.encode(following))


async def one(questions: Questions, record_id: uuid.UUID, *, service: str | None = None) -> IntegrationLog | None:
    """One record by its id; None where there is none, or it is not of the service."""
    return await questions.logs_one(record_id, service=service)


async def everything(questions: Questions, asked: LogFilter) -> AsyncIterator[Sequence[IntegrationLog]]:
    """All records that fit, newest first, some hundred at a time; the first of these may be empty.

    Each part is a transaction of its own: nothing is held open at the store however long the reader takes, and memory stays flat.
    Records that are written meanwhile, and are newer than what was read, are left out.
    """
    position: RecordPosition | None = None
    while True:
        found = await questions.logs_search(asked, before=position, limit=_BATCH)
        yield found.logs
        position = found.stopped_at
        if position is None and len(found.logs) == _BATCH:
            position = _position(found.logs[-1])
        if position is None:
            return


def _following(found: LogsFound, limit: int) -> RecordPosition | None:
    return _position(found.logs[limit - 1]) if len(found.logs) > limit else found.stopped_at


def _position(log: IntegrationLog) -> RecordPosition:
    return RecordPosition(created_at=log.created_at, id=log.id)
