"""Failed records, newest first, and one of them."""

import uuid
from datetime import datetime, timedelta

from integration_monitor import record
from integration_monitor.monitoring import cursor
from integration_monitor.monitoring.page import Page
from integration_monitor.monitoring.questions import Questions
from integration_monitor.record import IntegrationLog
from integration_monitor.store.answers import RecordPosition

LIMIT_DEFAULT = 100
# A record may hold two bodies of 64 KiB: a thousand of them are about what one answer should weigh at worst.
LIMIT_MAX = 1_000
# Retention: older records are gone, or about to be.
DAYS_KEPT = 90


async def latest(
    questions: Questions,
    *,
    limit: int = LIMIT_DEFAULT,
    service: str | None = None,
    action: str | None = None,
    before: str | None = None,
) -> Page[IntegrationLog]:
    """Failed records of the last 90 days, newest first; equal times by id downwards.

    Errors:
        CursorError: `before` is not a cursor of this question.
    """
    position = None if before is None else cursor.decode(before, RecordPosition)
    since = record.now() - timedelta(days=DAYS_KEPT)
    # One record more than asked for tells whether there is a next page.
    rows = await questions.failures_latest(since=since, service=service, action=action, before=position, limit=limit + 1)
    if len(rows) <= limit:
        return Page(data=rows)
    last = rows[limit - 1]
    return Page(data=rows[:limit], next=cursor.encode(RecordPosition(created_at=last.created_at, id=last.id)))


async def one(questions: Questions, record_id: uuid.UUID, created_at: datetime) -> IntegrationLog | None:
    """The record of a failure by its key, as a list shows it; None where it is gone. A finished retry may have made it a success."""
    return await questions.failures_one(record_id=record_id, created_at=created_at)
