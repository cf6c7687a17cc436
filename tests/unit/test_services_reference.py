"""docs/reference/service-description.md tells every key, and what it shows can be used."""

import dataclasses
import re
import tomllib
import types
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from integration_monitor.services.description import Service
from integration_monitor.services.description_file import DescriptionFile, build, parse_text, read_file
from integration_monitor.services.secret_pattern import PATTERN_CHARS_MAX, STEPS_MAX
from integration_monitor.services.sources import built_in
from tests.unit.descriptions import write
from tests.unit.exchanges import exchange

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "service-description.md").read_text("utf-8")
ROW = re.compile(r"^\| `([a-z_]+)` \|", re.MULTILINE)
EXAMPLES = [text for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if "entry-points" not in text]


def keys(kind: msgspec.inspect.Type) -> Iterator[str]:
    """Every key that a file may have, at any depth."""
    if isinstance(kind, msgspec.inspect.StructType):
        for field in kind.fields:
            yield field.encode_name
            yield from keys(field.type)
    elif isinstance(kind, msgspec.inspect.UnionType):
        for one in kind.types:
            yield from keys(one)
    elif isinstance(kind, msgspec.inspect.ListType | msgspec.inspect.VarTupleType):
        yield from keys(kind.item_type)


def test_page_tells_every_key_and_no_other() -> None:
    assert set(ROW.findall(PAGE)) == set(keys(msgspec.inspect.type_info(DescriptionFile)))


def test_page_tells_the_limits_of_patterns() -> None:
    assert f"at most {PATTERN_CHARS_MAX} characters" in PAGE
    assert f"at most {STEPS_MAX} steps" in PAGE


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: tomllib.loads(text)["name"])
def test_every_example_is_a_description(example: str) -> None:
    bases = {service.name: service for service in built_in()}

    service = build(parse_text(example.encode(), file="example.toml"), bases, file="example.toml")

    assert service.routes != ()


def test_example_in_python_is_a_service(tmp_path: Path) -> None:
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    write(tmp_path, EXAMPLES[0])
    module = types.ModuleType("shop_monitor")
    module.__file__ = str(tmp_path / "shop_monitor.py")

    exec(compile(code, module.__file__, "exec"), module.__dict__)

    service = module.SERVICE
    assert isinstance(service, Service)
    assert dataclasses.replace(service, read=built_in()[0].read).name == read_file(tmp_path / "shop.toml").name == "shop"
    assert service.read(exchange("GET https://api.shop.test/", answer=["error"]), "x").error_code == "LISTED"
    assert service.read(exchange("GET https://api.shop.test/", answer={"ok": True}), "x").is_success
