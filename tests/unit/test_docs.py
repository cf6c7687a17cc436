"""The documents tell of everything there is, and of nothing that is not."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from litestar.params import QueryParameter

from integration_monitor import settings
from integration_monitor.cli.application import build
from integration_monitor.monitoring.health import State
from integration_monitor.record import Fault, NoAnswerCode, Status
from integration_monitor.server import api, incidents
from integration_monitor.services.exchange import Retry
from integration_monitor.services.sources import built_in
from tests.unit import settings_page

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "integration_monitor"
READMES = ("README.md", "README.ru.md")
DOCUMENTS = sorted(str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
ARCHITECTURE_LINES_MAX = 200

LINK = re.compile(r"\]\((?P<target>[^)\s#]+)(?:#[^)\s]*)?\)")
CODE = re.compile(r"`([^`]+)`")
OWN_CODE = re.compile(r"[A-Z]+(?:_[A-Z]+)*")
ENDPOINT = re.compile(r"`(?P<method>[A-Z]+) (?P<path>/\S+)`")
# Given by the database and not by Python: store/postgres/migrations/0012_create_writer_reports.sql.
PROMISED_CODES = {"ABANDONED"}


def read(document: str) -> str:
    return (ROOT / document).read_text("utf-8")


def section(document: str, title: str) -> str:
    """What stands under a heading, to the next one of the same level."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^\1 |\Z)", read(document), re.MULTILINE | re.DOTALL)
    assert found is not None, f"{document} has no section {title!r}"
    return found[2]


def table(text: str) -> dict[str, list[str]]:
    """The rows of the first table in a text, by the first thing in backticks in their first cell, without heading."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return {CODE.search(row[0])[1]: row for row in rows if CODE.search(row[0])}  # type: ignore[index]


def test_every_setting_is_in_its_reference() -> None:
    page = read("docs/reference/settings.md")

    assert page == settings_page.page(), "write it anew: python -m tests.unit.settings_page"
    assert list(table(page)) == list(settings.names())


def test_every_command_and_option_is_in_its_reference() -> None:
    described = table(read("docs/reference/commands.md"))

    assert {name: CODE.findall(row[1]) for name, row in described.items()} == dict(commands(typer.main.get_command(build())))


def commands(command: Any, name: str = "") -> Iterator[tuple[str, list[str]]]:
    """(command, its arguments and options) of every command, those of groups with the name of their group."""
    for part, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{name} {part}".strip())
    if not hasattr(command, "commands"):
        yield name, [option for parameter in command.params for option in parameter.opts]


def endpoints() -> dict[str, set[str]]:
    """`GET /api/…` → its parameters."""
    found = {}
    for handler in [*api.router.routes, *incidents.router.routes]:
        for route_handler in getattr(handler, "route_handlers", []):
            parameters = {
                field.kwarg_definition.name or name
                for name, field in route_handler.parsed_fn_signature.parameters.items()
                if isinstance(field.kwarg_definition, QueryParameter)
            }
            found.update({f"{method} {handler.path_format}": parameters for method in route_handler.http_methods - {"OPTIONS"}})
    return found


@pytest.mark.parametrize("document", READMES)
def test_every_endpoint_and_parameter_is_in_the_readme(document: str) -> None:
    described = {name: row for name, row in table(read(document)).items() if ENDPOINT.fullmatch(f"`{name}`")}

    assert {name: set(CODE.findall(row[1])) for name, row in described.items()} == endpoints()


def own_codes() -> Iterator[str]:
    """The error codes that are ours and no vendor's: those without an answer, and what the readings of services say."""
    yield from get_args(NoAnswerCode)
    for path in sorted((PACKAGE / "services").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "failure":
                for part in ast.walk(node.args[0]):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str) and OWN_CODE.fullmatch(part.value):
                        yield part.value


def test_glossary_lists_exactly_our_error_codes() -> None:
    assert set(table(section("docs/glossary.md", "Error codes"))) == set(own_codes()) | PROMISED_CODES


def test_glossary_lists_exactly_the_faults() -> None:
    assert list(table(section("docs/glossary.md", "Faults"))) == list(get_args(Fault))


def test_glossary_has_the_words_of_records() -> None:
    words = {
        *get_args(Status),
        *get_args(State),
        *get_args(Retry.__annotations__["advice"]),
        *(service.name for service in built_in()),
    }

    assert words - set(CODE.findall(read("docs/glossary.md"))) == set()


def test_architecture_stays_short() -> None:
    assert len(read("docs/ARCHITECTURE.md").splitlines()) <= ARCHITECTURE_LINES_MAX


def test_code_map_names_what_is_there_and_forgets_nothing() -> None:
    named = set(table(section("docs/ARCHITECTURE.md", "Code map")))

    folders = {f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    modules = {path.name for path in PACKAGE.glob("[a-z]*.py")}
    assert sorted(name for name in named if not is_there(name)) == []
    # A part of a folder may stand for it: `store/postgres/`.
    assert sorted((folders | modules) - {f"{name.partition('/')[0]}/" if "/" in name else name for name in named}) == []


def test_every_file_that_architecture_names_is_there() -> None:
    words = CODE.findall(re.sub(r"^```.*?^```$", "", read("docs/ARCHITECTURE.md"), flags=re.MULTILINE | re.DOTALL))

    named = {word for word in words if re.fullmatch(r"[\w.]+/[\w./]*|[\w/]+\.(?:py|md)", word)}
    assert named != set()
    assert sorted(name for name in named if not is_there(name)) == []


def is_there(name: str) -> bool:
    """From the root, or from anywhere in the package."""
    return (ROOT / name).exists() or next(PACKAGE.rglob(name.rstrip("/")), None) is not None


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    folder = (ROOT / document).parent
    targets = [found["target"] for found in LINK.finditer(read(document)) if "://" not in found["target"]]

    assert [target for target in targets if not (folder / target).exists()] == []


def test_both_readmes_have_the_same_links() -> None:
    english, russian = ([found["target"] for found in LINK.finditer(read(document))] for document in READMES)

    assert [target.replace("README.ru.md", "README.md") for target in english] == russian
