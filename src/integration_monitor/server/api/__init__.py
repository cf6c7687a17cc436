"""The JSON endpoints: a question's answer goes in, JSON leaves; a file or a page where that is asked for.

parameters  what the endpoints share: their parameters, the guard that knows them
statistics  `stats`, `health`
logs        `failures`, `logs`, `logs/{record_id}`, `logs/{record_id}/curl`
errors      `errors`, `errors/{key}`, `entities/{entity_type}/{entity_id}`
export      `export`
report      `report`
live        `live`
"""

from typing import Final

from litestar import Router

from integration_monitor.server.api.errors import list_errors, show_entity, show_error
from integration_monitor.server.api.export import export
from integration_monitor.server.api.live import live
from integration_monitor.server.api.logs import list_failures, list_logs, show_curl, show_log
from integration_monitor.server.api.report import show_report
from integration_monitor.server.api.statistics import list_health, stats

__all__ = ["PATH", "router"]

PATH: Final = "/api/admin/integrations/monitoring"

router: Final = Router(
    PATH,
    route_handlers=[
        stats,
        list_failures,
        list_health,
        list_logs,
        show_log,
        show_curl,
        list_errors,
        show_error,
        show_entity,
        export,
        show_report,
        live,
    ],
    tags=["monitoring"],
)
