"""One group of failures whole: since when and how often, whom it hurts, and three examples."""

import itertools
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from integration_monitor.monitoring.questions import Questions
from integration_monitor.record import Fault
from integration_monitor.store.answers import EntityOfGroup, ErrorGroupFound, ErrorGroupPart, ExampleOfGroup, LogFilter

#: Entities that are told by name; more is no list that anybody reads.
ENTITIES_TOLD_MAX: Final = 20
# Of a stretch of time so many are told apart: beyond it their number is a least one.
_ENTITIES_MAX: Final = 1_000
# Widths of a bucket; the first with which a window has at most so many buckets is taken.
_STEPS: Final = (*(timedelta(minutes=each) for each in (1, 5, 15)), *(timedelta(hours=each) for each in (1, 3, 6, 12, 24)))
_BUCKETS_MAX: Final = 62


class StoryBucket(msgspec.Struct, kw_only=True, frozen=True):
    """How often it happened in a bucket."""

    at: Annotated[datetime, Meta(description="Beginning of the bucket, UTC.")]
    count: Annotated[int, Meta(description="Failures.")]


class StoryEntity(msgspec.Struct, kw_only=True, frozen=True):
    """Whom it hurt."""

    entity_type: Annotated[str | None, Meta(description="Such as `lead`.")]
    entity_id: Annotated[str, Meta(description="The vendor's own id where the record tells it, else the UUID of the record.")]
    count: Annotated[int, Meta(description="Failures about it.")]
    last_at: Annotated[datetime, Meta(description="When the last of them began, UTC.")]


class StoryExample(msgspec.Struct, kw_only=True, frozen=True):
    """One of the failures."""

    id: Annotated[uuid.UUID, Meta(description="`logs/{id}` shows it whole.")]
    created_at: Annotated[datetime, Meta(description="When it began, UTC.")]
    message: Annotated[str, Meta(description="Its words, up to 500 characters.")]


class ErrorStory(msgspec.Struct, kw_only=True, frozen=True):
    """One group of failures in a window."""

    key: Annotated[str, Meta(description="Names the group, as in `errors`.")]
    service_name: Annotated[str, Meta(description="The service that was called.")]
    action: Annotated[str, Meta(description="What was wanted of the service.")]
    error_code: Annotated[str | None, Meta(description="The error code; null where the records have none.")]
    shape: Annotated[str, Meta(description="The message without what differs from call to call.")]
    fault: Annotated[Fault, Meta(description="Whose doing it is; of several the most frequent.")]
    count: Annotated[int, Meta(description="Failures.")]
    entity_count: Annotated[int, Meta(description="Different entities that they were about.")]
    is_entity_count_least: Annotated[bool, Meta(description="Whether there may be more entities than that.")]
    without_entity_count: Annotated[int, Meta(description="Failures about none.")]
    retry_safe_count: Annotated[int, Meta(description="Those that are safe to repeat at once.")]
    retry_after_count: Annotated[int, Meta(description="Those that are safe to repeat after a while.")]
    first_seen_at: Annotated[datetime, Meta(description="When the first of them began, within the window, UTC.")]
    last_seen_at: Annotated[datetime, Meta(description="When the last of them began, UTC.")]
    step_s: Annotated[float, Meta(description="Width of a bucket in seconds.")]
    timeline: Annotated[Sequence[StoryBucket], Meta(description="Oldest first; buckets without a failure are left out.")]
    entities: Annotated[Sequence[StoryEntity], Meta(description=f"Most failures first, {ENTITIES_TOLD_MAX} at most.")]
    examples: Annotated[
        Sequence[StoryExample], Meta(description="The last, one from the middle, and the first; fewer where there are fewer.")
    ]
    since: Annotated[
        datetime,
        Meta(description="From when on failures were read: later than was asked for, where that would have taken too long."),
    ] = msgspec.field(name="from")
    until: Annotated[datetime, Meta(description="Until when.")] = msgspec.field(name="to")


async def story(questions: Questions, asked: LogFilter, key: str, *, step: timedelta) -> ErrorStory | None:
    """One group by its key; None where the window holds no such failure.

    asked:
        Service, action and error code spare the reading of all other failures.
    """
    found = await questions.error_group(asked, key=key, step=step, entities_max=_ENTITIES_MAX)
    parts = [part for part in found.parts if part.count]
    if not parts:
        return None
    entities = _entities(parts)
    told = entities[:ENTITIES_TOLD_MAX]
    given = await questions.entities_given(told) if told else {}
    return _story(
        key,
        found,
        parts,
        step=step,
        until=asked.until,
        entities=entities,
        told=[
            StoryEntity(entity_type=each.type, entity_id=given.get(each.id, str(each.id)), count=each.count, last_at=each.last_at)
            for each in told
        ],
    )


def step_of(since: datetime, until: datetime) -> timedelta:
    """The width of a bucket that suits a window: some sixty buckets tell when something began."""
    return next((step for step in _STEPS if (until - since) / step <= _BUCKETS_MAX), _STEPS[-1])


def _story(  # noqa: PLR0913  # what a story is made of
    key: str,
    found: ErrorGroupFound,
    parts: Sequence[ErrorGroupPart],
    *,
    step: timedelta,
    until: datetime,
    entities: Sequence[EntityOfGroup],
    told: Sequence[StoryEntity],
) -> ErrorStory:
    newest = parts[0]
    buckets: Counter[datetime] = Counter()
    faults: Counter[Fault] = Counter()
    for part in parts:
        buckets.update({bucket.at: bucket.count for bucket in part.buckets})
        faults.update(part.faults)
    return ErrorStory(
        key=key,
        service_name=newest.service_name or "",
        action=newest.action or "",
        error_code=newest.error_code,
        shape=newest.shape or "",
        # As `mode()` of the list of groups: of equally frequent ones the first by name.
        fault=min(faults, key=lambda fault: (-faults[fault], fault)),
        count=sum(part.count for part in parts),
        entity_count=len(entities),
        is_entity_count_least=any(len(part.entities) == _ENTITIES_MAX for part in parts),
        without_entity_count=sum(part.without_entity_count for part in parts),
        retry_safe_count=sum(part.retry_safe_count for part in parts),
        retry_after_count=sum(part.retry_after_count for part in parts),
        first_seen_at=min(part.first_seen_at for part in parts if part.first_seen_at is not None),
        last_seen_at=max(part.last_seen_at for part in parts if part.last_seen_at is not None),
        step_s=step.total_seconds(),
        timeline=[StoryBucket(at=at, count=count) for at, count in sorted(buckets.items())],
        entities=told,
        examples=_examples(parts),
        since=found.since,
        until=until,
    )


def _entities(parts: Sequence[ErrorGroupPart]) -> Sequence[EntityOfGroup]:
    """Those of all stretches, most failures first; the newest stretch comes first and tells the last failure."""
    found: dict[tuple[str | None, uuid.UUID], EntityOfGroup] = {}
    for each in itertools.chain.from_iterable(part.entities for part in parts):
        known = found.get((each.type, each.id))
        found[each.type, each.id] = each if known is None else msgspec.structs.replace(known, count=known.count + each.count)
    return sorted(found.values(), key=lambda each: (-each.count, -each.last_at.timestamp(), each.id))


def _examples(parts: Sequence[ErrorGroupPart]) -> Sequence[StoryExample]:
    """The last failure, the first, and of the others the one that is nearest to the middle of the time between."""
    candidates = [example for part in parts for example in part.examples]
    last, first = candidates[0], candidates[-1]
    middle = first.created_at + (last.created_at - first.created_at) / 2

    def distance(each: ExampleOfGroup) -> timedelta:
        return abs(each.created_at - middle)

    between = [min(candidates[1:-1], key=distance)] if len(candidates) > 2 else []  # noqa: PLR2004  # the two ends
    return [
        StoryExample(id=each.id, created_at=each.created_at, message=each.message)
        for each in ([last, *between, first] if last.id != first.id else [last])
    ]
