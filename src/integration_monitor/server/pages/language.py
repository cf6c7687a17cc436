"""`/language`: the switch, kept in a cookie."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, post
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.params import BodyKwarg
from litestar.response import Redirect

from integration_monitor.server.languages import LANGUAGES
from integration_monitor.server.pages.reader import LANGUAGE_COOKIE

_YEAR_S: Final = 365 * 24 * 3600


class LanguageForm(msgspec.Struct, kw_only=True, frozen=True):
    """What the switch sends."""

    #: a key of `LANGUAGES`
    language: str = ""
    #: the address of the page that it stood on
    next: str = "/"


@post("/language", name="language", include_in_schema=False, sync_to_thread=False)
def language(
    request: Request[Any, Any, Any], data: Annotated[LanguageForm, BodyKwarg(media_type=RequestEncodingType.URL_ENCODED)]
) -> Redirect:
    """Keeps the language and leads back."""
    cookies = []
    if data.language in LANGUAGES:
        is_secure = request.scope["scheme"] == "https"
        cookies = [Cookie(LANGUAGE_COOKIE, value=data.language, max_age=_YEAR_S, path="/", secure=is_secure, samesite="lax")]
    return Redirect(_own(data.next), status_code=303, cookies=cookies)


def _own(address: str) -> str:
    """An address of ours; whatever could lead elsewhere, or break the header, leads to the overview."""
    is_own = address.startswith("/") and not address.startswith("//") and address.isprintable() and "\\" not in address
    return address if is_own and address.isascii() else "/"
