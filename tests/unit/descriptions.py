"""Descriptions in TOML for tests, as files and as the services that they make."""

import itertools
import re
from collections.abc import Mapping
from pathlib import Path

from integration_monitor.services.description import Match, Service
from integration_monitor.services.description_file import build, parse_text
from integration_monitor.services.exchange import Exchange, Meaning
from integration_monitor.services.registry import Registry
from tests.unit.exchanges import REGISTRY

_NUMBERS = itertools.count()
_FIRST_TABLE = re.compile(r"^\s*\[", re.MULTILINE)
_NAME = re.compile(r"^\s*name\s*=", re.MULTILINE)
_HOSTS = re.compile(r"^\s*hosts\s*=", re.MULTILINE)


def described(text: str, bases: Mapping[str, Service] | None = None) -> Service:
    """The service of a text; without a name and hosts of its own it is `shop` at api.shop.test."""
    return build(parse_text(completed(text).encode(), file="shop.toml"), bases or {}, file="shop.toml")


def completed(text: str) -> str:
    """The text with a name and a host, where its root keys have none."""
    root = _FIRST_TABLE.split(text)[0]
    head = "" if _NAME.search(root) else 'name = "shop"\n'
    return head + ("" if _HOSTS.search(root) else 'hosts = ["api.shop.test"]\n') + text


def write(folder: Path, text: str, *, name: str = "shop.toml") -> Path:
    path = folder / name
    path.write_text(completed(text), "utf-8")
    return path


def registry_of(text: str, folder: Path) -> Registry:
    """A registry with one description in a folder of its own."""
    own = folder / f"services-{next(_NUMBERS)}"
    own.mkdir()
    write(own, text)
    return Registry(services_dir=str(own))


def read(service: Service, exchange: Exchange, action: str = "call") -> Meaning:
    """What a service says of an exchange, whatever its route."""
    return REGISTRY.understand(exchange, Match(service=service, route=None, action=action, placeholders={}))
