"""docs/services.md, made of the service descriptions and of the vendors' tables: `python -m tests.unit.services_page` writes it anew."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from integration_monitor.record import Json
from integration_monitor.services.description import EntityPlace, Route, Service
from integration_monitor.services.error_lines import ErrorLine
from integration_monitor.services.explanations import Explanations, of_any_service
from integration_monitor.services.registry import Registry
from integration_monitor.services.telegram_methods import METHODS
from tests.unit.exchanges import Case, understand
from tests.unit.vendors import amocrm, mobizon, openai, resend, slack, stripe, telegram, whapi
from tests.unit.vendors.vendor import Vendor

PAGE = Path(__file__).parents[2] / "docs" / "services.md"
VENDORS = (
    *(amocrm.VENDOR, resend.VENDOR, telegram.VENDOR, mobizon.VENDOR, whapi.VENDOR),
    *(stripe.VENDOR, slack.VENDOR, openai.VENDOR),
)
# A body is an example: its beginning shows its shape.
ANSWER_CHARS_MAX = 140

INTRODUCTION = """# Services

What is known of each vendor: which call is which action, what it is about, and what an answer means. HTTP 200 is not success: what a record says is
the vendor's own word.

- **action** is the column `action`; **entity** becomes `related_entity_type` and `related_entity_id`, and `request_payload.entity` as it was given.
- **recorded as** is `success`, with what `response_payload.note` says, or `error_code` and `error_message`.
- **fault** and **retry** are `response_payload.fault` and `response_payload.retry`; the words are in the [glossary](glossary.md). The seconds behind
  `after` are `response_payload.retry_after_s`. What may have happened at the vendor's is never called `safe`.
- **means** and **remedy** are what an error code means and what to do about it: the first line counts whose code and, where one is told, whose words
  are those of the failure. The dashboard says them in Russian, too. What any service's codes mean stands at the end.
- Where an answer has headers that tell of a budget, they are `response_payload.rate_limit`: `limit`, `remaining`, `reset_at`.

Calls that no table names are recorded all the same: their action is the method and the path, with identifiers as `{id}`, or what the vendor's rule says.
Bodies, ids and tokens below are invented.

This page is made of the tables in `tests/unit/vendors/` and of the descriptions in `src/integration_monitor/services/`, which the tests hold to each other:
`python -m tests.unit.services_page` writes it anew.
"""


def page() -> str:
    links = "".join(f"- [{vendor.title}](#{_anchor(vendor.title)})\n" for vendor in VENDORS)
    return f"{INTRODUCTION}\n{links}" + "".join(_section(vendor) for vendor in VENDORS) + _any_service()


def _section(vendor: Vendor) -> str:
    registry = Registry()
    services = [registry.named(name) for name in vendor.service_names]
    hosts = "; ".join(f"{_code(service.name)}: {', '.join(map(_code, service.hosts))}" for service in services)
    parts = [f"\n## {vendor.title}\n\n{vendor.summary}\n\nHosts: {hosts}. Others are told with the setting `service_hosts`.\n"]
    parts += [_calls(service) for service in services if service.routes]
    parts.append(f"\n### Answers of {vendor.title}\n")
    for source, cases in vendor.answers.items():
        rows = "".join(_answer(case) for case in cases)
        head = "| what | action | answer | recorded as | fault | retry |\n|---|---|---|---|---|---|\n"
        parts.append(f"\nSource: {source}.\n\n{head}{rows}")
    parts.append(f"\n### Error codes of {vendor.title}\n\n{_explained(Explanations({}).lines(services[0].name))}")
    return "".join(parts)


def _any_service() -> str:
    return (
        "\n## Any service\n\nCodes that no vendor gave: this product's own, and HTTP statuses where the answer held no code.\n\n"
        + _explained(of_any_service())
    )


def _explained(lines: Sequence[ErrorLine]) -> str:
    rows = "".join(
        f"| {', '.join(map(_code, line.codes))} | {', '.join(map(_code, line.messages))} | {_cell(line.means)} | {_cell(line.remedy or '')} |\n"
        for line in lines
    )
    return f"| code | where the words hold | means | remedy |\n|---|---|---|---|\n{rows}"


def _calls(service: Service) -> str:
    head = "| action | calls | entity |\n|---|---|---|\n"
    return f"\n### Calls of {service.name}\n\n{head}{''.join(_call_rows(service))}"


def _call_rows(service: Service) -> Iterator[str]:
    """A row an action and kind of entity, with every call that leads to it."""
    rows: dict[tuple[str, str], list[str]] = {}
    for route in service.routes:
        calls = rows.setdefault((route.action, _entities((*service.entities, *route.entities))), [])
        call = _call(service, route)
        if call not in calls:
            calls.append(call)
    for (action, entities), calls in rows.items():
        yield f"| {_code(action)} | {', '.join(calls)} | {entities} |\n"


def _call(service: Service, route: Route) -> str:
    names = {f"/{method.lower()}": f"/{method}" for method in METHODS} if service.name == "telegram" else {}
    path = names.get(route.path, route.path).replace(":number}", "}")
    call = _code(f"{' '.join(sorted(route.methods))} {path}".strip())
    return f"{call} where {_code(route.when[0])} is {_code(route.when[1])}" if route.when else call


def _entities(places: tuple[EntityPlace, ...]) -> str:
    """`lead: {id} of the path, else 0.id of the answer`."""
    return ", else ".join(_entity(place) for place in places)


def _entity(place: EntityPlace) -> str:
    where = {
        "path": f"{_code(f'{{{place.field}}}')} of the path",
        "request": f"{_code(place.field)} of the request",
        "response": f"{_code(place.field)} of the answer",
        "host": "the host",
    }[place.source]
    condition = f" where its {_code(place.when[0])} is {_code(place.when[1])}" if place.when else ""
    return f"{place.type}: {where}{condition}"


def _answer(case: Case) -> str:
    action = understand(case.call, request=case.request, headers=case.headers, answer=case.answer).action
    retry = ""
    if case.retry:
        retry = _code(case.retry) + (f" {case.after_s:g} s" if case.after_s is not None else "")
    cells = (_cell(case.name), _code(action), _body(case), _recorded(case), _code(case.fault) if case.fault else "", retry)
    return f"| {' | '.join(cells)} |\n"


def _body(case: Case) -> str:
    """Status, headers and the beginning of the body."""
    if case.no_answer is not None:
        return "none"
    headers = [f"{name}: {value}" for name, value in (case.answer_headers or {}).items()]
    parts = [str(case.status), *map(_code, headers)]
    if case.answer not in (None, ""):
        parts.append(_code(_shortened(case.answer)))
    return " ".join(parts)


def _shortened(body: Json) -> str:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return text if len(text) <= ANSWER_CHARS_MAX else f"{text[: ANSWER_CHARS_MAX - 1]}…"


def _recorded(case: Case) -> str:
    parts = ["success"] if case.code is None else [f"{_code(case.code)} {_code(_shortened(case.message or ''))}"]
    if case.note:
        parts.append(f"note: {_cell(case.note)}")
    if case.entity:
        parts.append(f"entity: {case.entity[0]} {_code(case.entity[1])}")
    return "; ".join(parts)


def _cell(text: str) -> str:
    """Words in a cell of a table: what Markdown or HTML would read as its own is text."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("`", "'")


def _code(text: str) -> str:
    """A code span in a cell of a table; a text that holds backticks is fenced with two."""
    text = text.replace("|", "\\|")
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _anchor(title: str) -> str:
    """As GitHub makes them of a heading."""
    return "".join(char for char in title.lower().replace(" ", "-") if char.isalnum() or char == "-")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
