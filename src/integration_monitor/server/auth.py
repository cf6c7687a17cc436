"""Guards and dependencies: who asks, may they, and the questions asked for them."""

from typing import Any, Final, TypeAlias

from litestar.connection import ASGIConnection, Request
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter, SkipValidation
from litestar.types import Guard

from integration_monitor.monitoring.questions import Questions
from integration_monitor.server.caller import Caller, Right
from integration_monitor.server.entrance import Entrance
from integration_monitor.server.refusals import NotAllowed
from integration_monitor.server.sharing import SharedQuestions
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.questions import PostgresQuestions

#: A handler's parameter `caller`: whoever sent the request. Its route must be guarded by `requires`.
CallerGiven: TypeAlias = NamedDependency[SkipValidation[Caller]]
#: A handler's parameter `shared`: for questions that many ask at the same time.
SharedGiven: TypeAlias = NamedDependency[SkipValidation[SharedQuestions]]
#: A handler's parameter `questions`: bound to the caller's database role. Its route must be guarded by `requires`.
AskedQuestions: TypeAlias = NamedDependency[SkipValidation[Questions]]

# The query parameter that narrows an answer to one service, by whichever endpoint.
_SERVICE: Final = "service"


def requires(right: Right) -> Guard:
    """A guard that lets only callers with this right pass. It asks no question of the database.

    Errors:
        NotSignedIn, TokenRefused, NotAllowed, TooManyAttempts; StoreUnavailable, KeysUnavailable where a key must be read first.
    """

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        caller = await entrance_of(connection.app.state).caller(connection)
        if not caller.may(right):
            raise NotAllowed(_refusal(caller, right))
        if caller.service is not None and right != "ingest":
            _narrow(connection, handler, caller.service)
        connection.scope["user"] = caller

    return guard


def _refusal(caller: Caller, right: Right) -> str:
    what = {"ingest": "send records", "acknowledge": "acknowledge incidents"}.get(right, f"read {right}")
    return f"The key `{caller.name}` may not {what}." if caller.via == "key" else f"The role `{caller.role}` may not {what}."


def _narrow(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler, service: str) -> None:
    """Holds a key to its one service: whatever it asks must be narrowed to that service by the endpoint itself.

    Errors:
        NotAllowed: the endpoint cannot be narrowed, or was not.
    """
    field = handler.parsed_fn_signature.parameters.get(_SERVICE)
    if field is None or not isinstance(field.kwarg_definition, QueryParameter):
        raise NotAllowed(
            f"The key is for the service `{service}`, and this endpoint cannot be narrowed to one.",
            hint="Use a key without a service, or an endpoint that has the parameter `service`.",
        )
    if connection.query_params.getall(_SERVICE, []) != [service]:
        raise NotAllowed(f"The key is for the service `{service}` alone.", hint=f"Add `service={service}` to the request.")


def provide_caller(request: Request[Caller, Any, Any]) -> Caller:
    """The caller that the guard found."""
    return request.user


def provide_questions(request: Request[Caller, Any, Any]) -> Questions:
    """The store's questions, under the database role of the caller that the guard found."""
    connections: Connections = request.app.state.connections
    return PostgresQuestions(connections, request.user.role)


def provide_shared(request: Request[Caller, Any, Any]) -> SharedQuestions:
    """What lets those who wait share one answer."""
    shared: SharedQuestions = request.app.state.shared
    return shared


def entrance_of(state: State) -> Entrance:
    """The entrance of this application."""
    entrance: Entrance = state.entrance
    return entrance
