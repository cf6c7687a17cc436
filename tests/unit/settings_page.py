"""docs/reference/settings.md, made of the settings table: `python -m tests.unit.settings_page` writes it anew."""

from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from integration_monitor.settings import CONFIG_VARIABLE, Settings, variable

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
INTRODUCTION = f"""# Settings

Each one is looked for in the arguments of `instrument()` or of a command, then in the environment, then in the TOML file that
`{CONFIG_VARIABLE}` names. An empty variable counts as not set. Pairs are written `a=b,c=d` in a variable, and as a table in the file.

This page is made of the table in `src/integration_monitor/settings.py`: `python -m tests.unit.settings_page` writes it anew.

| setting | variable | kind | default | unit | what it is |
|---|---|---|---|---|---|
"""
KINDS = {str: "text", int: "whole number", float: "number", dict: "pairs", list: "list", bool: "yes or no"}


def page() -> str:
    return INTRODUCTION + "".join(f"| {' | '.join(cells)} |\n" for cells in _rows())


def _rows() -> Iterator[tuple[str, ...]]:
    """(setting, variable, kind, default, unit, help), each with its Markdown."""
    hints = get_type_hints(Settings, include_extras=True)
    for field in msgspec.structs.fields(Settings):
        kind, *metas = get_args(hints[field.name])
        notes = [meta for meta in metas if isinstance(meta, Meta)]
        described = next(note for note in notes if note.description)
        assert described.description is not None
        unit = next((note.extra["unit"] for note in notes if note.extra and "unit" in note.extra), "")
        yield f"`{field.name}`", f"`{variable(field.name)}`", _kind(kind), _default(field), unit, described.description


def _kind(kind: Any) -> str:
    """In words; `text` for `str | None`."""
    if get_origin(kind) in {Union, UnionType}:
        [kind] = [one for one in get_args(kind) if one is not NoneType]
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(f"`{word}`" for word in get_args(kind))
    return KINDS[get_origin(kind) or kind]


def _default(field: msgspec.structs.FieldInfo) -> str:
    default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return "" if default in (None, {}, []) else f"`{default}`"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
