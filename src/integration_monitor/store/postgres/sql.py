"""Loads the .sql files beside this module: a statement is source code, and Python never glues one together."""

import functools
import re
from importlib import resources
from typing import LiteralString

_HEADER = re.compile(r"\A(?:\s*--[^\n]*\n)+")


@functools.cache
def query(name: str) -> LiteralString:
    """The statement of `queries/<name>.sql`: without its header, and stamped with its path, so that the server's logs name the file."""
    text = (resources.files(__package__) / "queries" / f"{name}.sql").read_text("utf-8")
    return f"/* integration_monitor queries/{name}.sql */ {_HEADER.sub('', text).strip()}"


@functools.cache
def migrations() -> tuple[tuple[str, LiteralString], ...]:
    """(name without ending, text) of each file in migrations/, in order. The text is the file's, to the byte: its checksum is kept."""
    files = sorted((resources.files(__package__) / "migrations").iterdir(), key=lambda file: file.name)
    return tuple(
        (file.name.removesuffix(".sql"), file.read_bytes().decode("utf-8")) for file in files if file.name.endswith(".sql")
    )
