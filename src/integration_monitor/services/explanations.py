"""What error codes mean, asked by service: for whoever looks at failures. The SDK half never reads these files.

What a description says itself comes first, then the file of the folder `explained` for the service, then the one for the service that it
extends, and last the file for any service: this product's own codes, and HTTP statuses.
"""

import functools
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Final

import msgspec

from integration_monitor.services.description import Service
from integration_monitor.services.error_lines import ErrorLine, Explanation

# No name of a service begins with an underscore.
_ANY_SERVICE: Final = "_any_service"


class _File(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    errors: list[ErrorLine]


class Explanations:
    """What the error codes of some services mean.

    services:
        The described ones by their names. A service that is not among them is explained by the files alone.
    """

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._services = services
        self._lines: dict[str, Sequence[ErrorLine]] = {}

    def explain(
        self, service_name: str, error_code: str | None, message: str | None, *, language: str = "en"
    ) -> Explanation | None:
        """What a failure means; None where nobody said it.

        language:
            `en` or `ru`; English is told where a description says nothing in another.
        """
        if not error_code:
            return None
        lines = (*self.lines(service_name), *of_any_service())
        found = next((line for line in lines if line.applies(error_code, message or "")), None)
        return None if found is None else found.in_language(language)

    def lines(self, service_name: str) -> Sequence[ErrorLine]:
        """What is said of a service's own codes, in the order in which it counts."""
        service = self._services.get(service_name)
        if service is None:
            return _built_in().get(service_name, ())
        if service_name not in self._lines:
            built_in = _built_in()
            extended = built_in.get(service.extends, ()) if service.extends else ()
            self._lines[service_name] = (*service.errors, *built_in.get(service_name, ()), *extended)
        return self._lines[service_name]


def of_any_service() -> Sequence[ErrorLine]:
    """What is said of codes that no vendor gave."""
    return _built_in()[_ANY_SERVICE]


@functools.cache
def _built_in() -> Mapping[str, Sequence[ErrorLine]]:
    """The files of the folder `explained`: name of the service → its lines."""
    files = (resources.files(__package__) / "explained").iterdir()
    return {
        file.name.removesuffix(".toml"): msgspec.convert(tomllib.loads(file.read_text("utf-8")), _File).errors
        for file in files
        if file.name.endswith(".toml")
    }
