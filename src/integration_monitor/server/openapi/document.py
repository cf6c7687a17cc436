"""Completes the document that Litestar made of the handlers. Pure: a document goes in, another comes out."""

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from integration_monitor.server.openapi import otlp, refusals, rest

Document = dict[str, Any]
Operation = dict[str, Any]

#: operationId → where examples of its request and its answers stand; see `examples_of`.
EXAMPLES: Final = Path(__file__).with_name("examples.json")

_PROBLEM: Final = "application/problem+json"
_TEXT: Final = {"schema": {"type": "string"}}
# An endpoint may answer in more than one type; Litestar knows one.
_FURTHER_CONTENT: Final[Mapping[str, Mapping[str, Any]]] = {
    "export": {"text/csv": _TEXT},
    "report": {"text/html": _TEXT},
    "metrics": {"application/openmetrics-text": _TEXT},
}
# What an answer leads to.
_LINKS: Final[Mapping[str, Mapping[str, Any]]] = {
    operation: {
        "log": {
            "operationId": "log",
            "parameters": {"record_id": "$response.body#/data/0/id"},
            "description": "The first record of the page, alone.",
        },
        "log_curl": {
            "operationId": "log_curl",
            "parameters": {"record_id": "$response.body#/data/0/id"},
            "description": "The command that repeats its call.",
        },
    }
    for operation in ("logs", "failures", "entity")
} | {
    "incidents": {
        "acknowledge_incident": {
            "operationId": "acknowledge_incident",
            "parameters": {"incident_id": "$response.body#/data/0/id"},
            "description": "To look after the first incident of the page.",
        }
    }
}
# Whoever starts and stops servers has no token.
_OPEN: Final = frozenset({"healthz", "readyz"})
# Headers have the same example wherever they are read.
_HEADERS: Final[Mapping[str, str]] = {"accept-language": "ru", "last-event-id": "0"}


def completed(document: Document) -> Document:
    """The document with everything that clients are promised."""
    whole: Document = _as_unions(copy.deepcopy(document))
    whole["paths"] |= copy.deepcopy({**rest.paths(), **otlp.paths()})
    examples = msgspec.json.decode(EXAMPLES.read_bytes())
    for operation in operations(whole):
        name = operation["operationId"]
        for parameter in operation.get("parameters", []):
            _say_what_is_sent(parameter)
        success = next(operation["responses"][status] for status in operation["responses"] if status.startswith("2"))
        if name in _FURTHER_CONTENT:
            success["content"] |= _FURTHER_CONTENT[name]
        if name in _LINKS:
            success["links"] = _LINKS[name]
        if name in _OPEN:
            operation["security"] = []
        _add_refusals(operation)
        _add_examples(operation, examples.get(name, {}))
    return whole


def operations(document: Document) -> Iterator[Operation]:
    """All of them."""
    for item in document["paths"].values():
        yield from item.values()


def _as_unions(part: Any) -> Any:
    """A union is `anyOf`: a value may well be of two of its types. Litestar writes `oneOf`, which forbids that."""
    if isinstance(part, dict):
        return {"anyOf" if name == "oneOf" else name: _as_unions(one) for name, one in part.items()}
    return [_as_unions(one) for one in part] if isinstance(part, list) else part


def _say_what_is_sent(parameter: dict[str, Any]) -> None:
    """None is a parameter that is left out: in an address there is no null, and the word would be a text."""
    if parameter["in"] not in {"query", "path"}:
        return
    schema = parameter["schema"]
    for part in schema.pop("anyOf", []):
        if part != {"type": "null"}:
            schema |= part
    if isinstance(schema.get("type"), list):
        [schema["type"]] = [kind for kind in schema["type"] if kind != "null"]
    if "enum" in schema:
        schema["enum"] = [value for value in schema["enum"] if value is not None]
    # Litestar says both of every parameter, and neither holds of one.
    parameter.pop("allowEmptyValue", None)
    parameter.pop("deprecated", None)


def _add_refusals(operation: Operation) -> None:
    for status, response in operation["responses"].items():
        response["headers"] = {**response.get("headers", {}), **refusals.HEADERS.get(status, {})}
        content = response.get("content", {}).get(_PROBLEM)
        told = refusals.example(status, has_body="requestBody" in operation)
        if content is not None and told is not None:
            content["examples"] = told


def _add_examples(operation: Operation, examples: Mapping[str, Any]) -> None:
    """`{"parameters": {name: value}, "request": {content type: {name: value}}, "answers": {status: {content type: {name: value}}}}`."""
    for parameter in operation.get("parameters", []):
        if parameter["name"].lower() in _HEADERS:
            parameter["example"] = _HEADERS[parameter["name"].lower()]
        if parameter["name"] in examples.get("parameters", {}):
            parameter.pop("example", None)
            parameter["examples"] = {parameter["name"]: {"value": examples["parameters"][parameter["name"]]}}
    for content_type, named in examples.get("request", {}).items():
        operation["requestBody"]["content"][content_type]["examples"] = _named(named)
    for status, by_type in examples.get("answers", {}).items():
        for content_type, named in by_type.items():
            operation["responses"][status]["content"][content_type]["examples"] = _named(named)


def _named(values: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: {"value": value} for name, value in values.items()}
