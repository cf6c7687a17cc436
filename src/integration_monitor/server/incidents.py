"""The JSON endpoints of incidents: what was wrong, who was told, and who looks after it."""

import uuid
from typing import Annotated, Final, Literal

from litestar import Request, Router, get, post
from litestar.datastructures import State
from litestar.openapi.spec import Example
from litestar.params import PathParameter, QueryParameter

from integration_monitor import record
from integration_monitor.monitoring import cursor
from integration_monitor.monitoring.page import Page
from integration_monitor.server.api import PATH
from integration_monitor.server.api.parameters import PROBLEMS, PROBLEMS_OF_ONE, Before, Service, refuse_unknown_parameters
from integration_monitor.server.auth import CallerGiven, requires
from integration_monitor.server.caller import Caller
from integration_monitor.server.refusals import IncidentMissing
from integration_monitor.store.incidents import Acknowledgement, Incident, IncidentPosition
from integration_monitor.store.postgres.incidents import PostgresIncidents

LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 1_000


@get(
    "/incidents",
    guards=[requires("records"), refuse_unknown_parameters],
    operation_id="incidents",
    summary="Incidents, and who was told of them",
    responses=PROBLEMS,
)
async def list_incidents(  # noqa: PLR0913, PLR0917 - one parameter of the endpoint each
    request: Request[Caller, str, State],
    caller: CallerGiven,
    service: Service = None,
    incident_state: Annotated[
        Literal["open", "ended"] | None,
        QueryParameter(
            name="state", description="Only incidents that are open, or only those that ended.", examples=[Example(value="open")]
        ),
    ] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX, description="Incidents of a page.")] = LIMIT_DEFAULT,
    before: Before = None,
) -> Page[Incident]:
    """What was wrong for long enough to be told, newest first: state of a service, silence, probes, writers."""
    position = None if before is None else cursor.decode(before, IncidentPosition)
    rows = await _incidents(request).list(
        caller.role,
        service=service,
        is_open=None if incident_state is None else incident_state == "open",
        before=position,
        # One more than asked for tells whether there is a next page.
        limit=limit + 1,
    )
    if len(rows) <= limit:
        return Page(data=rows)
    last = rows[limit - 1]
    return Page(data=rows[:limit], next=cursor.encode(IncidentPosition(began_at=last.began_at, id=last.id)))


@post(
    "/incidents/{incident_id:uuid}/acknowledge",
    name="acknowledge_incident",
    guards=[requires("acknowledge"), refuse_unknown_parameters],
    operation_id="acknowledge_incident",
    summary="Say that you look after an incident",
    status_code=200,
    responses=PROBLEMS_OF_ONE,
)
async def acknowledge(
    request: Request[Caller, str, State],
    caller: CallerGiven,
    incident_id: Annotated[uuid.UUID, PathParameter(description="The incident's id.")],
) -> Acknowledgement:
    """Whoever said so first is kept, with a row in the audit. It changes nothing else: the end is told all the same."""
    found = await _incidents(request).acknowledge(caller.role, incident_id, actor=caller.name, now=record.now())
    if found is None:
        raise IncidentMissing(f"There is no incident {incident_id}.")
    return found


def _incidents(request: Request[Caller, str, State]) -> PostgresIncidents:
    return PostgresIncidents(request.app.state.connections)


router: Final = Router(PATH, route_handlers=[list_incidents, acknowledge], tags=["incidents"])
