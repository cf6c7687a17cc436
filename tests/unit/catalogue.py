"""The texts that pages say, and the catalogues of other languages: `python -m tests.unit.catalogue` brings these up to date.

New texts are added without a translation, and those that no page says any more are taken out; a test refuses both.
"""

from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

import integration_monitor.server
from integration_monitor.server import problems, refusals
from integration_monitor.server.languages import LANGUAGES
from integration_monitor.server.pages.reader import CATALOGUES
from integration_monitor.server.problems import Problem
from integration_monitor.server.refusals import Refusal

SERVER = Path(integration_monitor.server.__file__).parent
METHODS = [("templates/**.html", "jinja2"), ("pages/**.py", "python")]
OPTIONS = {"templates/**.html": {"trimmed": "true", "encoding": "utf-8"}}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}


def said() -> Catalog:
    """Every text that pages say, in English."""
    catalogue = Catalog()
    found = extract_from_dir(SERVER, METHODS, OPTIONS, keywords=KEYWORDS)
    for file, line, text, _, _ in sorted(found, key=lambda each: (each[0], each[1])):
        catalogue.add(text, locations=[(Path(file).as_posix(), line)])
    for text in sorted(set(words_of_problems())):
        catalogue.add(text, locations=[("problems.py", 0)])
    return catalogue


def words_of_problems() -> Iterator[str]:
    """What a page for a refused request says, as far as it is always the same."""
    for kind in vars(refusals).values():
        if isinstance(kind, type) and issubclass(kind, Refusal) and kind is not Refusal:
            yield kind.title
    for problem in vars(problems).values():
        if isinstance(problem, Problem):
            yield from (problem.title, problem.detail, problem.hint)


def translated(language: str) -> Catalog:
    """The catalogue of a language as it is."""
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def main() -> None:
    for language in LANGUAGES:
        path = CATALOGUES / f"{language}.po"
        if language != "en":
            catalogue = translated(language) if path.exists() else Catalog(locale=language)
            catalogue.update(said(), no_fuzzy_matching=True)
            with path.open("wb") as file:
                write_po(file, catalogue, width=130, no_location=True, ignore_obsolete=True, omit_header=False)


if __name__ == "__main__":
    main()
