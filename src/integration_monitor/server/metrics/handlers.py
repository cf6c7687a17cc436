"""The endpoint /metrics."""

from typing import Any, Final

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import CollectorRegistry

from integration_monitor.errors import StoreError
from integration_monitor.server.api.parameters import PROBLEMS, refuse_unknown_parameters
from integration_monitor.server.auth import CallerGiven, requires
from integration_monitor.server.caller import Caller
from integration_monitor.server.metrics.own import OwnFigures
from integration_monitor.server.metrics.totals import DatabaseTotals
from integration_monitor.server.refusals import NotAllowed
from integration_monitor.store.answers import Role
from integration_monitor.store.postgres.metric_questions import PostgresMetricQuestions
from integration_monitor.store.postgres.pool import Connections

PATH: Final = "/metrics"


@get(
    PATH,
    guards=[requires("statistics"), refuse_unknown_parameters],
    operation_id="metrics",
    summary="Figures for Prometheus",
    tags=["operation"],
    responses={
        200: ResponseSpec(
            str, generate_examples=False, media_type="text/plain", description="Text of Prometheus, or OpenMetrics."
        ),
        **{status: PROBLEMS[status] for status in (400, 401, 403, 503)},
    },
)
async def metrics(request: Request[Caller, Any, Any], caller: CallerGiven, state: State) -> Response[bytes]:
    """Calls, failures and durations by service and action since ever, from the sums in the database and so the same from every server; what became of
    what each process took; and the figures of the process that answers. While the database is away, the last alone.
    """
    await _check(PostgresMetricQuestions(state.connections), caller.role)
    totals: DatabaseTotals = state.totals
    own: OwnFigures = state.own_figures
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    both = CollectorRegistry()
    both.register(await totals.collector())
    both.register(own.registry)
    return Response(encode(both), media_type=content_type)


async def _check(questions: PostgresMetricQuestions, role: Role) -> None:
    """Totals tell of every record.

    Errors:
        NotAllowed: the role sees only some of them.
    """
    try:
        is_whole = await questions.sees_all(role)
    except StoreError:
        # There will be no totals either.
        return
    if not is_whole:
        raise NotAllowed(f"The role `{role}` sees some of the records, and these figures are of all.")


def figures_of(connections: Connections) -> DatabaseTotals:
    """The totals of one application."""
    return DatabaseTotals(PostgresMetricQuestions(connections))
