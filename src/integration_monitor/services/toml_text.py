"""Writes TOML, of which Python's standard library only reads: what a generated description needs, in one line an entry."""

import json
import re
from collections.abc import Mapping, Sequence

from integration_monitor.record import Json

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def document(values: Mapping[str, Json], *, comment: str = "") -> str:
    """A document of root keys and tables. Lists of tables have one line an entry.

    comment:
        Goes before everything else, each line as a comment.
    """
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    tables = {name: value for name, value in values.items() if isinstance(value, Mapping)}
    for name, value in values.items():
        if name not in tables:
            lines += _entry(name, value)
    for name, table in tables.items():
        lines += ["", f"[{_key(name)}]"]
        for key, value in table.items():
            lines += _entry(key, value)
    return "\n".join(lines) + "\n"


def inline(value: Json) -> str:
    """A value in one line: text, number, boolean, list or table."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        # JSON's strings are TOML's basic strings, but for DEL, which must be escaped here.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {inline(one)}" for key, one in value.items()) + " }" if value else "{}"
    return f"[{', '.join(inline(one) for one in value)}]"


def _entry(name: str, value: Json) -> list[str]:
    if isinstance(value, Sequence) and not isinstance(value, str) and any(isinstance(one, Mapping) for one in value):
        return ["", f"{_key(name)} = [", *(f"  {inline(one)}," for one in value), "]"]
    return [f"{_key(name)} = {inline(value)}"]


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else inline(name)
