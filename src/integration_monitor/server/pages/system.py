"""`/system`: the monitor itself: who writes, what was lost, how much is kept, and whether the figures are right."""

import importlib.metadata
import platform
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from litestar import Request, get
from litestar.response import Template

from integration_monitor.server.auth import CallerGiven, requires
from integration_monitor.server.caller import Caller
from integration_monitor.server.pages.asking import may_see_system, page_questions
from integration_monitor.server.pages.context.shared import Frame
from integration_monitor.server.pages.context.system import SystemPage, Version, WriterLine
from integration_monitor.server.pages.frame import frame
from integration_monitor.server.pages.window import floor, window_of
from integration_monitor.store.page_answers import System, WriterRow

WRITERS_MAX: Final = 50
# What was lost a month ago is history.
LOOKED_AT: Final = timedelta(days=7)
#: A process that was silent for so long is taken for dead, and what it left unfinished is closed.
SILENT_FOR: Final = timedelta(minutes=10)
# An hour that is over, and whose last records have come out of most queues.
_CHECK: Final = timedelta(hours=1)
_CHECK_DELAY: Final = timedelta(minutes=5)
_LIBRARIES: Final = ("integration-monitor", "litestar", "psycopg", "msgspec", "jinja2", "babel")


@get("/system", name="system", guards=[requires("statistics")], include_in_schema=False)
async def system_page(request: Request[Caller, Any, Any], caller: CallerGiven) -> Template:
    """The page, or why the reader may not see it."""
    window = window_of(request.query_params)
    around = frame(request, "system", window, parameters={}, has_windows=False)
    until = floor(window.asked_at - _CHECK_DELAY, _CHECK)
    answer = None
    if may_see_system(caller):
        answer = await page_questions(request).system(
            writers_since=window.asked_at - LOOKED_AT, writers_max=WRITERS_MAX, check_since=until - _CHECK, check_until=until
        )
    return Template("system.html", context={"page": page(around, answer, window.asked_at, until)})


def page(around: Frame, answer: System | None, now: datetime, check_until: datetime) -> SystemPage:
    """What the template shows; `answer` is None where the reader may not ask."""
    writers = [writer_line(row, now) for row in answer.writers] if answer else []
    return SystemPage(
        frame=around,
        writers=writers if answer else None,
        writers_more=answer.writers[0].writer_count - len(writers) if answer and answer.writers else 0,
        live_count=sum(line.state == "alive" for line in writers),
        spooled_count=sum(line.row.spooled for line in writers),
        gap_count=sum(line.gap_count for line in writers),
        losses=answer.losses if answer else None,
        partitions=answer.partitions if answer else None,
        partitions_bytes=sum(each.total_bytes for each in answer.partitions) if answer else 0,
        facts=answer.facts if answer else None,
        settings=answer.settings if answer else None,
        is_equal=answer.check.is_equal if answer and (answer.check.record_count or answer.check.summed_count) else None,
        compared_count=answer.check.record_count if answer else 0,
        compared_since=check_until - _CHECK,
        compared_until=check_until,
        versions=versions(answer),
    )


def writer_line(row: WriterRow, now: datetime) -> WriterLine:
    """A process, and how it is."""
    silence = now - row.heartbeat_at
    state = "ended" if row.ended_at else "silent" if silence > SILENT_FOR else "alive"
    return WriterLine(
        row=row,
        state=state,
        # What a living process has open is under way.
        gap_count=max(row.open_count, 0) if state != "alive" else 0,
    )


def versions(answer: System | None) -> Sequence[Version]:
    """What runs here, and the database's where the reader may know it."""
    found = [Version(name="Python", version=platform.python_version())]
    found += [Version(name=name, version=importlib.metadata.version(name)) for name in _LIBRARIES]
    if answer:
        found.append(Version(name="PostgreSQL", version=answer.facts.server_version))
    if answer and answer.settings:
        found.append(Version(name="schema", version=answer.settings.migration))
    return found
