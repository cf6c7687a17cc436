"""The dashboard's pages: a question's answer goes in, HTML leaves.

    overview   `/`                  logs     `/logs`
    errors     `/errors`            record   `/logs/{id}`, one record beside a list
    service    `/service`           entity   `/entity`
    system     `/system`            language the switch
    error      `/errors/{key}`, one kind of failures

    window       the span of time that a page shows, as its address says it
    filters      what a list of records is narrowed to, likewise
    frame        what stands around every page
    reader       the reader's language and time zone; locale/ has the catalogues
    environment  the templates' surroundings
    formats      their named filters
    words        the few words of ours that no template writes
    context/     what the templates are given, field by field
    asking       the questions that only pages ask
    figures      statistics as figures
    drawings     figures as charts, the tables behind them, and sparklines
    log_rows     records as rows
    tail         the rows of new records, as they arrive
    colours      which service has which colour

Texts stand in the templates. The browser asks for the page again by itself and merges the answer into it
(frontend/src/morph.js): one page, one handler, one template, and no second rendering in the browser.
"""

from typing import Final

from litestar.types import ControllerRouterHandler

from integration_monitor.server.pages.entity import entity_page
from integration_monitor.server.pages.environment import environment
from integration_monitor.server.pages.error import error_page
from integration_monitor.server.pages.errors import errors_page
from integration_monitor.server.pages.language import language
from integration_monitor.server.pages.logs import logs_page
from integration_monitor.server.pages.overview import overview
from integration_monitor.server.pages.record import record
from integration_monitor.server.pages.service import service_page
from integration_monitor.server.pages.system import system_page
from integration_monitor.server.pages.tail import tail

__all__ = ["environment", "route_handlers"]

route_handlers: Final[list[ControllerRouterHandler]] = [
    overview,
    errors_page,
    error_page,
    logs_page,
    tail,
    record,
    service_page,
    entity_page,
    system_page,
    language,
]
