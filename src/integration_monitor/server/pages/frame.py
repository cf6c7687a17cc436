"""What stands around every page: navigation, the window switch, the language switch, and the address of what is shown."""

from collections.abc import Mapping
from typing import Any, Final

from integration_monitor.server.languages import LANGUAGES
from integration_monitor.server.pages.context.shared import Frame, Link
from integration_monitor.server.pages.reader import Reader, reader_of
from integration_monitor.server.pages.window import DEFAULT_KEY, WINDOWS, Window, address

#: The pages by the names of their routes, in the order in which they are looked at.
PAGES: Final = ("dashboard", "errors", "logs", "service", "entity", "system")
#: The promise is "live": a person who looks sees what is new within this time.
REFRESH_S: Final = 10
# What a form's field for a moment takes.
_FORM_TIME: Final = "%Y-%m-%dT%H:%M"


def frame(  # noqa: PLR0913  # what stands around a page
    request: Any,
    name: str,
    window: Window,
    *,
    parameters: Mapping[str, str],
    has_windows: bool = True,
    path: str | None = None,
) -> Frame:
    """The frame of a page.

    request:
        Whose cookies tell the language and the zone.
    name:
        The page, as its route is named.
    parameters:
        What the page shows besides the window, as in its address.
    path:
        Its own, where it stands below the page that is named.
    """
    reader: Reader = reader_of(request)
    path = path or request.app.route_reverse(name)
    kept = dict(parameters)
    return Frame(
        name=name,
        address=address(path, {**kept, **window.query}),
        path=path,
        kept=list(kept.items()),
        pages=[
            Link(key=key, href=address(request.app.route_reverse(key), window.query), is_current=key == name) for key in PAGES
        ],
        windows=[
            Link(
                key=key,
                href=address(path, {**kept, **({} if key == DEFAULT_KEY else {"window": key})}),
                is_current=key == window.key,
            )
            for key in (WINDOWS if has_windows else ())
        ],
        window_key=window.key,
        span=(window.since, window.until) if window.key == "any" else None,
        form_span=(
            window.since.astimezone(reader.zone).strftime(_FORM_TIME),
            window.until.astimezone(reader.zone).strftime(_FORM_TIME),
        ),
        languages=[Link(key=key, name=word, href="", is_current=key == reader.language) for key, word in LANGUAGES.items()],
        zone=reader.zone.key,
        asked_at=window.asked_at,
        refresh_s=REFRESH_S,
    )
