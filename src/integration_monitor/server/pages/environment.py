"""The templates' surroundings: escaping, named filters, and the reader's language."""

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from integration_monitor.server.pages.formats import FILTERS, reader_in

TEMPLATES: Final = Path(__file__).parents[1] / "templates"


def environment() -> Environment:
    """The one environment of the application. Everything is escaped, and a name that is not given is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.policies["ext.i18n.trimmed"] = True
    made.filters.update(FILTERS)
    # The extension brings this method.
    made.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.globals["language_in"] = _language
    return made


@pass_context
def _gettext(context: Context, text: str) -> str:
    return reader_in(context).gettext(text)


@pass_context
def _ngettext(context: Context, one: str, many: str, number: int) -> str:
    return reader_in(context).ngettext(one, many, number)


@pass_context
def _language(context: Context) -> str:
    """The language of the page, for its `lang`."""
    return reader_in(context).language
