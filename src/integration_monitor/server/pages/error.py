"""`/errors/{key}`: one kind of failures: since when, whom it hurts, what the vendor says and means, and three examples."""

import re
from typing import Any, Final

from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Template

from integration_monitor.monitoring import error_story
from integration_monitor.monitoring.error_story import ErrorStory
from integration_monitor.server.auth import AskedQuestions, CallerGiven, requires
from integration_monitor.server.caller import Caller
from integration_monitor.server.explaining import explanation
from integration_monitor.server.pages import drawings
from integration_monitor.server.pages.colours import tones
from integration_monitor.server.pages.context.errors import ErrorPage, ErrorStoryShown, ErrorWords, ExampleRow, HurtRow
from integration_monitor.server.pages.drawings import Series, Zoom, joined
from integration_monitor.server.pages.filters import conditions, filters_of
from integration_monitor.server.pages.frame import frame
from integration_monitor.server.pages.reader import Reader, reader_of
from integration_monitor.server.pages.window import Window, address_time, window_of
from integration_monitor.server.pages.words import fault_word
from integration_monitor.server.refusals import GroupMissing, shown
from integration_monitor.store.answers import ErrorGroup

# They name the group, too, and spare the reading of all other failures.
_FILTERS: Final = ("service", "action", "error_code")
_KEY: Final = re.compile(r"[0-9a-f]{24}")
_PLACES: Final = {1: ("only",), 2: ("last", "first"), 3: ("last", "middle", "first")}


@get("/errors/{key:str}", name="error", guards=[requires("statistics")], include_in_schema=False)
async def error_page(
    request: Request[Caller, Any, Any], caller: CallerGiven, questions: AskedQuestions, key: FromPath[str]
) -> Template:
    """One group of the page of errors.

    Errors:
        GroupMissing: the key is none.
    """
    if not _KEY.fullmatch(key):
        raise GroupMissing(f"{shown(key)} is no key of a kind of failures.")
    reader = reader_of(request)
    window = window_of(request.query_params, reader.zone)
    filters = filters_of(request.query_params, _FILTERS)
    path = request.app.route_reverse("error", key=key)
    around = frame(request, "errors", window, parameters=filters.values, path=path)
    may_see = caller.may("records")
    story = await error_story.story(questions, filters.asked(window), key, step=window.step) if may_see else None
    page = ErrorPage(
        frame=around,
        is_refused=not may_see,
        errors_href=joined(request.app.route_reverse("errors"), window.query),
        story=None if story is None else _shown(request, reader, window, story, path=path, address=around.address),
    )
    return Template("error.html", context={"page": page})


def words_of(request: Any, reader: Reader, failure: Any) -> ErrorWords | None:
    """What a failure means, in the reader's language."""
    found = explanation(request.app.state, failure, reader.language)
    return None if found is None else ErrorWords(means=found.means, remedy=found.remedy)


def error_href(request: Any, window: Window, group: ErrorGroup) -> str:
    """The address of one group."""
    named = conditions(service=group.service_name, action=group.action, error_code=group.error_code)
    return joined(request.app.route_reverse("error", key=group.key), {**named, **window.query})


def _shown(  # noqa: PLR0913  # what the page is made of
    request: Any, reader: Reader, window: Window, story: ErrorStory, *, path: str, address: str
) -> ErrorStoryShown:
    named = conditions(service=story.service_name, action=story.action, error_code=story.error_code)
    logs = joined(request.app.route_reverse("logs"), {"status": "failed", **named})
    counts = {bucket.at.timestamp(): bucket.count for bucket in story.timeline}
    series = Series(
        name=fault_word(reader, story.fault),
        tone=f"fault-{story.fault}",
        values=[counts.get(bucket.timestamp(), 0) for bucket in window.buckets],
        query={},
    )
    span = {"from": address_time(window.since), "to": address_time(window.until)}
    return ErrorStoryShown(
        service_name=story.service_name,
        tone=tones([story.service_name])[story.service_name],
        action=story.action,
        error_code=story.error_code,
        fault=story.fault,
        message=story.examples[0].message,
        explanation=words_of(request, reader, story),
        count=story.count,
        entity_count=story.entity_count,
        is_entity_count_least=story.is_entity_count_least,
        without_entity_count=story.without_entity_count,
        safe_count=story.retry_safe_count + story.retry_after_count,
        first_seen_at=story.first_seen_at,
        last_seen_at=story.last_seen_at,
        read_from=story.since if story.since > window.since else None,
        timeline=drawings.over_time(
            reader,
            "timeline",
            window,
            [series],
            kind="bars",
            unit="count",
            zoom=Zoom(page=joined(path, named), logs=logs),
        ),
        entities=_entities(request, story),
        examples=[
            ExampleRow(
                place=place,
                id=each.id,
                created_at=each.created_at,
                message=each.message,
                href=joined(address, {"record": str(each.id)}),
            )
            for place, each in zip(_PLACES[len(story.examples)], story.examples, strict=True)
        ],
        href=joined(logs, window.query),
        shared_href=joined(path, {**named, **span}),
    )


def _entities(request: Any, story: ErrorStory) -> list[HurtRow]:
    entity_page = request.app.route_reverse("entity")
    return [
        HurtRow(
            entity_type=each.entity_type,
            entity_id=each.entity_id,
            count=each.count,
            last_at=each.last_at,
            entity_href=joined(entity_page, {"type": each.entity_type, "id": each.entity_id}) if each.entity_type else None,
        )
        for each in story.entities
    ]
