"""Who reads a page: their language and their time zone, and the words of both.

Texts stand in the templates in English; `locale/<language>.po` has what the other languages say for them. The catalogues are read when
the first page is asked for, as they are: nothing is compiled when the package is built.
"""

import dataclasses
import functools
import gettext
import io
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from integration_monitor.server.languages import DEFAULT_LANGUAGE, LANGUAGES, preferred_language

LANGUAGE_COOKIE: Final = "integration_monitor_language"
#: written by frontend/src/zone.js: an IANA name, such as `Asia/Almaty`
ZONE_COOKIE: Final = "integration_monitor_zone"
CATALOGUES: Final = Path(__file__).parents[1] / "locale"

# The longest IANA name has 32 characters; whatever is longer is no zone, and is not looked for among files.
_ZONE_CHARACTERS_MAX: Final = 64


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """Somebody who reads a page."""

    #: a key of `LANGUAGES`
    language: str
    #: in which moments are told
    zone: ZoneInfo

    def gettext(self, text: str) -> str:
        """A text of ours in the reader's language; an unknown one stays English."""
        return _catalogue(self.language).gettext(text)

    def ngettext(self, one: str, many: str, number: int) -> str:
        """The same in the right number, which in Russian is one of three."""
        return _catalogue(self.language).ngettext(one, many, number)


def reader_of(request: Any) -> Reader:
    """The reader who sent a request: the switch kept in a cookie, else what the browser prefers; UTC where no zone is known."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    language = chosen if chosen in LANGUAGES else preferred_language(request.headers.get("accept-language", ""))
    return Reader(language=language, zone=_zone(request.cookies.get(ZONE_COOKIE)))


@functools.lru_cache(maxsize=256)
def _zone(name: str | None) -> ZoneInfo:
    if name and len(name) <= _ZONE_CHARACTERS_MAX:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # unknown; or the name of a folder, or a way out of it
            pass
    return ZoneInfo("UTC")


@functools.cache
def _catalogue(language: str) -> gettext.NullTranslations:
    path = CATALOGUES / f"{language}.po"
    if language == DEFAULT_LANGUAGE:
        return gettext.NullTranslations()
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
