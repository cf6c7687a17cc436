"""What vendors say of their rate limits, as records keep it in response_payload.rate_limit."""

from collections.abc import Sequence
from datetime import datetime

from integration_monitor.record import IntegrationLog
from integration_monitor.server.pages.context.service import Budget
from integration_monitor.server.pages.drawings import Series
from integration_monitor.server.pages.reader import Reader
from integration_monitor.server.pages.window import Window, floor


def budget(records: Sequence[IntegrationLog]) -> Budget | None:
    """The budget as the newest of the records tells it; None where none does. Records are newest first."""
    return next((found for each in records if (found := budget_of(each))), None)


def budget_of(record: IntegrationLog) -> Budget | None:
    """The budget that one record tells; None where it tells none, or another writer put something else there."""
    told = record.response_payload.get("rate_limit") if isinstance(record.response_payload, dict) else None
    if not isinstance(told, dict):
        return None
    remaining, limit = told.get("remaining"), told.get("limit")
    if not isinstance(remaining, int) or isinstance(remaining, bool):
        return None
    allowed = limit if isinstance(limit, int) and not isinstance(limit, bool) and limit > 0 else None
    return Budget(
        at=record.created_at,
        remaining=remaining,
        limit=allowed,
        left_percent=min(max(100 * remaining / allowed, 0), 100) if allowed else None,
        reset_at=_time(told.get("reset_at")),
    )


def budget_series(reader: Reader, window: Window, records: Sequence[IntegrationLog]) -> Sequence[Series]:
    """The least that was left in each bucket, by the records that tell it."""
    least: dict[float, float] = {}
    for record in records:
        told = budget_of(record)
        if told:
            bucket = floor(record.created_at, window.step).timestamp()
            least[bucket] = min(told.remaining, least.get(bucket, told.remaining))
    values = [least.get(bucket.timestamp()) for bucket in window.buckets]
    return [Series(name=reader.gettext("Calls left"), tone="p95", values=values)] if least else []


def _time(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at if at and at.tzinfo else None
