"""The ways in and out for people: a pasted token or a one-time link becomes a session, and a session ends."""

from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from integration_monitor.server.attempts import address_of
from integration_monitor.server.auth import entrance_of
from integration_monitor.server.caller import Caller
from integration_monitor.server.entrance import Entrance
from integration_monitor.server.problems import describe
from integration_monitor.server.refusals import LinkRefused, NotAllowed, NotSignedIn, TooManyAttempts

Answer = Response[Any]


@get("/sign-in", name="sign_in", include_in_schema=False, sync_to_thread=False)
def show_sign_in() -> Template:
    """The page that asks for a token."""
    return Template("sign_in.html", context={"problem": None})


@post("/sign-in", include_in_schema=False)
async def sign_in(request: Request[Any, Any, Any]) -> Answer:
    """Begins a session with a pasted token. It ends no later than the token."""
    entrance = entrance_of(request.app.state)
    try:
        caller, until = await _token_holder(request, entrance)
    except (NotSignedIn, NotAllowed, TooManyAttempts) as error:
        return _refuse(error)
    return _welcome(request, await entrance.session_cookie(caller, request, until=until))


@get("/sign-in/{link:str}", include_in_schema=False)
async def use_link(request: Request[Any, Any, Any], link: FromPath[str]) -> Answer:
    """Begins a session with a one-time link."""
    entrance = entrance_of(request.app.state)
    if _is_prefetch(request):
        return _refuse(LinkRefused("The link was asked for before anybody opened it; open it now."))
    try:
        with entrance.sign_in_attempts.counted(address_of(request)):
            caller = await entrance.link_holder(link)
    except (NotSignedIn, TooManyAttempts) as error:
        return _refuse(error)
    return _welcome(request, await entrance.session_cookie(caller, request))


@post("/sign-out", name="sign_out", include_in_schema=False, sync_to_thread=False)
def sign_out(request: Request[Any, Any, Any]) -> Answer:
    """Ends the session in this browser."""
    cookie = entrance_of(request.app.state).ended_cookie(request)
    return Redirect(f"{request.scope.get('root_path', '')}/sign-in", status_code=303, cookies=[cookie])


def _welcome(request: Request[Any, Any, Any], cookie: Any) -> Answer:
    return Redirect(f"{request.scope.get('root_path', '')}/", status_code=303, cookies=[cookie])


def _refuse(error: NotSignedIn | NotAllowed | TooManyAttempts) -> Answer:
    """The page again, with what was wrong. Why somebody is refused does not change the status: they are not signed in."""
    headers = {"retry-after": str(error.retry_after_s)} if isinstance(error, TooManyAttempts) else {}
    status = error.status if isinstance(error, TooManyAttempts) else HTTPStatus.UNAUTHORIZED
    return Template("sign_in.html", context={"problem": describe(error)}, status_code=status, headers=headers)


async def _token_holder(request: Request[Any, Any, Any], entrance: Entrance) -> tuple[Caller, datetime]:
    """Who holds the pasted token, and until when. A right one opens, whatever was refused to the address: nobody closes the page for a neighbour.

    Errors:
        NotSignedIn, NotAllowed, KeysUnavailable
        TooManyAttempts: it would be one of the first two, and was too often of late.
    """
    try:
        return await entrance.token_holder(await _pasted_token(request))
    except (NotSignedIn, NotAllowed):
        entrance.sign_in_attempts.note(address_of(request))
        raise


def _is_prefetch(request: Request[Any, Any, Any]) -> bool:
    """Whether a browser fetches what its user may open next: that must not use a link up. Refused, it asks again when it is opened.

    Source: https://fetch.spec.whatwg.org/#sec-purpose-header; the other two are what older browsers send.
    """
    purposes = (request.headers.get(name, "") for name in ("sec-purpose", "purpose", "x-moz"))
    return any(purpose.lower().startswith("prefetch") for purpose in purposes)


async def _pasted_token(request: Request[Any, Any, Any]) -> str:
    """The field `token` of the form; empty where there is none, or it is in an encoding that is none."""
    try:
        form = await request.form()
    except (LookupError, ValueError):
        return ""
    token = form.get("token", "")
    return token.strip() if isinstance(token, str) else ""


route_handlers: Final[list[ControllerRouterHandler]] = [show_sign_in, sign_in, use_link, sign_out]
