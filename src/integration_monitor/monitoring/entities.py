"""What was done for one entity, over all services, in the order of time."""

from integration_monitor.monitoring import cursor
from integration_monitor.monitoring.page import Page
from integration_monitor.monitoring.questions import Questions
from integration_monitor.record import IntegrationLog
from integration_monitor.store.answers import LogFilter, RecordPosition


async def timeline(questions: Questions, asked: LogFilter, *, limit: int, before: str | None = None) -> Page[IntegrationLog]:
    """Records about the entity that `asked` names, oldest first; equal times by id upwards.

    Errors:
        CursorError: `before` is not a cursor of this question.
    """
    position = None if before is None else cursor.decode(before, RecordPosition)
    # One record more than asked for tells whether there is a next page.
    rows = await questions.entity_timeline(asked, after=position, limit=limit + 1)
    if len(rows) <= limit:
        return Page(data=rows)
    last = rows[limit - 1]
    return Page(data=rows[:limit], next=cursor.encode(RecordPosition(created_at=last.created_at, id=last.id)))
