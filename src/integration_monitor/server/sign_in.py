"""The ways in and out for people: a pasted token or a one-time link becomes a session, and a session ends."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import BodyKwarg, FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from integration_monitor.server.auth import entrance_of
from integration_monitor.server.problems import describe
from integration_monitor.server.refusals import NotAllowed, NotSignedIn

Answer = Response[Any]


class SignInForm(msgspec.Struct, kw_only=True, frozen=True):
    """What the sign-in page sends."""

    #: a token as the API takes it, pasted
    token: str = ""


@get("/sign-in", name="sign_in", include_in_schema=False, sync_to_thread=False)
def show_sign_in() -> Template:
    """The page that asks for a token."""
    return Template("sign_in.html", context={"problem": None})


@post("/sign-in", include_in_schema=False)
async def sign_in(
    request: Request[Any, Any, Any], data: Annotated[SignInForm, BodyKwarg(media_type=RequestEncodingType.URL_ENCODED)]
) -> Answer:
    """Begins a session with a pasted token. It ends no later than the token."""
    entrance = entrance_of(request.app.state)
    try:
        caller, until = await entrance.token_holder(data.token.strip())
    except (NotSignedIn, NotAllowed) as error:
        return _refuse(error)
    return _welcome(request, await entrance.session_cookie(caller, request, until=until))


@get("/sign-in/{link:str}", include_in_schema=False)
async def use_link(request: Request[Any, Any, Any], link: FromPath[str]) -> Answer:
    """Begins a session with a one-time link."""
    entrance = entrance_of(request.app.state)
    try:
        caller = await entrance.link_holder(link)
    except NotSignedIn as error:
        return _refuse(error)
    return _welcome(request, await entrance.session_cookie(caller, request))


@post("/sign-out", name="sign_out", include_in_schema=False, sync_to_thread=False)
def sign_out(request: Request[Any, Any, Any]) -> Answer:
    """Ends the session in this browser."""
    cookie = entrance_of(request.app.state).ended_cookie(request)
    return Redirect(f"{request.scope.get('root_path', '')}/sign-in", status_code=303, cookies=[cookie])


def _welcome(request: Request[Any, Any, Any], cookie: Any) -> Answer:
    return Redirect(f"{request.scope.get('root_path', '')}/", status_code=303, cookies=[cookie])


def _refuse(error: NotSignedIn | NotAllowed) -> Answer:
    """The page again, with what was wrong. Why somebody is refused does not change the status: they are not signed in."""
    return Template("sign_in.html", context={"problem": describe(error)}, status_code=401)


route_handlers: Final[list[ControllerRouterHandler]] = [show_sign_in, sign_in, use_link, sign_out]
