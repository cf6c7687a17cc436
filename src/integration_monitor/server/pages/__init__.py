"""The dashboard's pages: a question's answer goes in, HTML leaves.

    dashboard  `/`: handler, and what it asks
    failure    one failure's payloads, fetched when its row is opened
    context    what the templates are given, field by field
    drawings   a timeline becomes charts, the tables behind them, and sparklines
    colours    which service has which colour
    formats    the named filters of the templates

Texts stand in the templates. The browser asks for `/` again by itself and merges the answer into the page
(frontend/src/morph.js): one page, one handler, one template, and no second rendering in the browser.
"""

from typing import Final

from litestar.types import ControllerRouterHandler

from integration_monitor.server.pages import dashboard, failure
from integration_monitor.server.pages.formats import FILTERS as filters  # noqa: N811  # the name that create_app takes

__all__ = ["filters", "route_handlers"]

route_handlers: Final[list[ControllerRouterHandler]] = [dashboard.dashboard, failure.failure]
