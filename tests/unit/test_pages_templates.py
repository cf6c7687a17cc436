"""The templates, rendered without a server: what they are given, what they say, and that nothing foreign acts in them."""

import importlib
import inspect
import pkgutil
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from litestar.datastructures import MultiDict

from integration_monitor.monitoring.health import ServiceHealth, State
from integration_monitor.monitoring.windows import WindowNumbers, WindowRow
from integration_monitor.record import IntegrationLog
from integration_monitor.server.pages import context, filters
from integration_monitor.server.pages.context.overview import OverviewPage
from integration_monitor.server.pages.environment import TEMPLATES, environment
from integration_monitor.server.pages.frame import PAGES, frame
from integration_monitor.server.pages.overview import Answers
from integration_monitor.server.pages.overview import page as overview_page
from integration_monitor.server.pages.reader import Reader
from integration_monitor.server.pages.record import TEXT_CHARACTERS_MAX
from integration_monitor.server.pages.record import page as record_page
from integration_monitor.server.pages.window import Window, last

STYLES = Path(__file__).parents[2] / "frontend" / "src" / "styles"
HOUR = datetime(2026, 11, 22, 10, tzinfo=UTC)
MARKUP = '"><script>hit()</script><img src=x onerror=hit() style="color:red">\''
# Whatever a template may use of what runs or styles: our one script.
OURS = {("script", "/static/app.js")}
READER = Reader(language="en", zone=ZoneInfo("UTC"))
REQUEST = SimpleNamespace(
    headers={}, cookies={}, query_params=MultiDict({}), app=SimpleNamespace(route_reverse=lambda name, **_: f"/{name}")
)


def render(template: str, **given: Any) -> str:
    made = environment()
    made.globals["url_for"] = lambda name, **_: "/" if name == "dashboard" else f"/{name}"
    return made.get_template(template).render(**{"reader": READER, **given})


def health(name: str, state: State = "healthy") -> ServiceHealth:
    return ServiceHealth(
        service_name=name,
        total_requests=10,
        success_count=10,
        failed_count=0,
        failure_rate_percent=0.0,
        avg_duration_ms=150,
        state=state,
    )


def failure(text: str = "Bad gateway", **fields: Any) -> IntegrationLog:
    given: dict[str, Any] = {
        "service_name": text,
        "action": text,
        "error_code": text,
        "error_message": text,
        "related_entity_type": text,
        "request_payload": {text: text},
        "response_payload": {"body": text, "fault": text, "retry": text},
        **fields,
    }
    return IntegrationLog(id=uuid.uuid4(), status="failed", created_at=HOUR, updated_at=HOUR, **given)


def row(service: str, count: int, failed: int, *, before: WindowNumbers | None = None) -> WindowRow:
    counts: dict[str, Any] = {"avg_duration_ms": 90, "p50_ms": 80, "p95_ms": 200, "p99_ms": 300, "failure_rate_percent": 0.0}
    return WindowRow(
        bucket=window().buckets[-1],
        service_name=service,
        action=service,
        fault="vendor",
        count=count,
        success_count=count - failed,
        failed_count=failed,
        before=before,
        **counts,
    )


def window() -> Window:
    return last("24h", HOUR)


def overview(*services: ServiceHealth, failed: list[IntegrationLog] | None = None, **answered: Any) -> OverviewPage:
    rows = [row(each.service_name, 10, 4) for each in services]
    answers = Answers(
        **{
            "services": services,
            "latest": [],
            "totals": rows,
            "actions": rows,
            "stepped": rows,
            "percentiles": rows[:1],
            "failures": failed,
            "losses": None,
            "incidents": None,
            "may_acknowledge": False,
            **answered,
        }
    )
    around = frame(REQUEST, "dashboard", window(), parameters={})
    return overview_page(REQUEST, READER, window=window(), around=around, answers=answers, by="service")


class Tags(HTMLParser):
    """Every tag of a page, with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def what_runs_or_styles(html: str) -> set[tuple[str, str | None]]:
    """Scripts, frames, styles, handlers and scripted addresses of a page: (tag, what it does)."""
    acting = set()
    for tag, attributes in Tags(html).found:
        if tag in {"script", "iframe", "object", "embed", "style", "base"}:
            acting.add((tag, attributes.get("src")))
        for name, value in attributes.items():
            if name.startswith("on") or name == "style" or (value or "").strip().lower().startswith("javascript:"):
                acting.add((tag, name))
    return acting


def test_overview_escapes_every_foreign_text() -> None:
    html = render("overview.html", page=overview(health(MARKUP, "down"), failed=[failure(MARKUP)]))

    assert what_runs_or_styles(html) == OURS
    assert [tag for tag, _ in Tags(html).found].count("img") == 0
    assert html.count("&lt;script&gt;") > 10


def test_payloads_are_text_and_nothing_else() -> None:
    html = render("record.html", page=record_page(failure(MARKUP), entity_page="/entity"))

    assert what_runs_or_styles(html) == set()
    assert "img" not in [tag for tag, _ in Tags(html).found]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_problem_escapes_its_words_on_a_page_and_in_a_fragment(language: str) -> None:
    problem = SimpleNamespace(title=MARKUP, detail=f"100% {MARKUP} %(x)s", hint=MARKUP, status=503)
    reader = Reader(language=language, zone=ZoneInfo("UTC"))

    page = render("problem.html", problem=problem, request=SimpleNamespace(headers={}), reader=reader)
    fragment = render("problem.html", problem=problem, request=SimpleNamespace(headers={"HX-Request": "true"}), reader=reader)

    assert what_runs_or_styles(page) == OURS
    assert what_runs_or_styles(fragment) == set()
    assert "<html" not in fragment


def test_sign_in_page_tells_both_ways_in() -> None:
    html = render("sign_in.html", problem=None)

    assert "one-time sign-in link" in html
    assert "integration-monitor token --role authenticated" in html
    assert 'role="alert"' not in html


def test_long_texts_are_cut_and_the_page_says_so() -> None:
    page = record_page(failure("x" * (TEXT_CHARACTERS_MAX + 1_000_000)), entity_page="/entity")

    html = render("record.html", page=page)

    assert len(html) < 5 * TEXT_CHARACTERS_MAX
    assert "1,000,000 more characters are not shown" in html


def test_list_of_failures_holds_no_long_texts() -> None:
    html = render("overview.html", page=overview(health("amocrm"), failed=[failure("x" * 1_000_000)]))

    assert len(html) < 100_000


def test_payload_is_shown_in_the_order_of_a_call() -> None:
    record = failure(request_payload={"entity": {}, "body": 1, "url": "u", "method": "GET"})

    request = record_page(record, entity_page="/entity").request

    assert request is not None
    assert re.findall(r'^  "(\w+)"', request.text, re.MULTILINE) == ["method", "url", "body", "entity"]


def test_entity_is_told_as_the_vendor_knows_it() -> None:
    given = {"type": "lead", "id": 30_001}
    page = overview(health("amocrm"), failed=[failure(request_payload={"entity": given}), failure(request_payload=[1])])

    assert page.failures is not None
    assert (page.failures[0].entity_type, page.failures[0].entity_id) == ("lead", "30001")
    assert page.failures[0].entity_href == "/entity?type=lead&id=30001"
    assert page.failures[1].entity_href is None


@pytest.mark.parametrize(
    ("states", "words", "russian"),
    [
        (["healthy", "healthy"], "All services are healthy", "Все сервисы работают"),
        (["healthy", "idle"], "All active services are healthy", "Все активные сервисы работают"),
        (["idle"], "No calls in the last 24 hours", "За последние 24 часа вызовов не было"),
        (["down", "healthy"], "s0 is down", "s0 не работает"),
        (["down", "down", "down"], "s0, s1 and s2 are down", "s0, s1 и s2 не работают"),
        (
            ["down", "degraded", "degraded"],
            "s0 is down, s1 and s2 are degraded",
            "s0 не работает, s1 и s2 работают с перебоями",
        ),
        (["down"] * 6, "s0, s1, s2, s3 and 2 others are down", "s0, s1, s2, s3 и ещё 2 не работают"),
    ],
)
def test_headline_names_what_is_broken(states: list[State], words: str, russian: str) -> None:
    page = overview(*(health(f"s{index}", state) for index, state in enumerate(states)), failed=[])

    said = [render("overview.html", page=page, reader=Reader(language=each, zone=READER.zone)) for each in ("en", "ru")]

    headings = [re.search(r"<h1>(.*?)</h1>", html, re.DOTALL) for html in said]
    assert [re.sub(r"<[^>]+>", "", heading[1]).strip() for heading in headings if heading] == [words, russian]


def test_state_is_told_by_word_and_shape_and_not_by_colour_alone() -> None:
    states: list[State] = ["healthy", "degraded", "down", "idle"]
    html = render("overview.html", page=overview(*(health(state, state) for state in states), failed=[]))

    for state, word in zip(states, ("Healthy", "Degraded", "Down", "Idle"), strict=True):
        assert f'<use href="#icon-{state}"/></svg>{word}</span>' in html


def test_change_against_the_window_before_is_told_in_points() -> None:
    before = WindowNumbers(
        count=10, success_count=8, failed_count=2, failure_rate_percent=20.0, avg_duration_ms=1, p50_ms=1, p95_ms=1, p99_ms=1
    )
    nothing = msgspec.structs.replace(before, count=0, failed_count=0)
    page = overview(health("a"), health("b"), totals=[row("a", 10, 5, before=before), row("b", 10, 5, before=nothing)])

    assert [card.numbers.change_points for card in page.services] == [30, None]
    assert "+30" in render("overview.html", page=page)


def test_every_page_can_be_reached_and_keeps_the_window() -> None:
    around = frame(REQUEST, "errors", last("7d", HOUR), parameters={"service": "amocrm"})

    assert [link.href for link in around.pages] == [f"/{name}?window=7d" for name in PAGES]
    assert [link.key for link in around.pages if link.is_current] == ["errors"]
    assert around.address == "/errors?service=amocrm&window=7d"
    assert [link.href for link in around.windows][1] == "/errors?service=amocrm"


def test_every_field_of_a_context_is_used_and_told() -> None:
    words = " ".join(path.read_text("utf-8") for path in TEMPLATES.glob("*.html"))
    # `values` is asked for by its name, since a mapping has a method of that name.
    used = {*re.findall(r"\.(\w+)", words), *re.findall(r'page\["(\w+)"\]', words)}

    fields = {name for kind in kinds() for name in kind.__struct_fields__}

    assert fields - used == set()
    for kind in kinds():
        for line in filter(re.compile(r"    #:").match, inspect.getsource(kind).splitlines()):
            assert len(line) > 12, line


def test_templates_ask_for_no_field_that_is_not_there() -> None:
    words = " ".join(path.read_text("utf-8") for path in TEMPLATES.glob("*.html"))
    documented = {name for kind in kinds() for name in kind.__struct_fields__}

    assert set(re.findall(r"\bpage\.(\w+)", words)) - {"html"} <= documented


def test_templates_are_short() -> None:
    lengths = {path.name: len(path.read_text("utf-8").splitlines()) for path in TEMPLATES.glob("*.html")}

    assert {name: length for name, length in lengths.items() if length > 120} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_have_enough_contrast(scheme: str) -> None:
    tokens = colours(scheme)
    grounds = ("page", "surface", "surface-sunken", "surface-hover")

    ratios = {
        (text, ground): contrast(tokens[text], tokens[ground])
        for text in ("text", "text-soft", "text-faint")
        for ground in grounds
    }
    for state in ("good", "warn", "bad", "idle"):
        ratios[state, f"{state}-soft"] = contrast(tokens[state], tokens[f"{state}-soft"])
        ratios[state, "surface"] = contrast(tokens[state], tokens["surface"])
    for kind in ("name", "text", "number", "word"):
        ratios[kind, "surface"] = contrast(tokens[f"json-{kind}"], tokens["surface"])
    ratios["on-accent", "accent"] = contrast(tokens["on-accent"], tokens["accent"])

    # WCAG 2.2, 1.4.3.
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lines_of_charts_are_told_from_their_ground(scheme: str) -> None:
    tokens = colours(scheme)

    # WCAG 2.2, 1.4.11 asks 3 of what must be told without words; every series also has its name.
    lines = [name for name in tokens if re.match(r"series-|fault-|p\d\d", name)]
    ratios = {name: contrast(tokens[name], tokens["surface"]) for name in lines}
    assert len(ratios) == 11 + 7 + 3
    assert {name: ratio for name, ratio in ratios.items() if ratio < 2.4} == {}


def kinds() -> list[type[msgspec.Struct]]:
    """Every type that a template is given."""
    modules = [importlib.import_module(each.name) for each in pkgutil.iter_modules(context.__path__, f"{context.__name__}.")]
    found = [kind for module in modules for kind in vars(module).values() if isinstance(kind, type)]
    own = (context.__name__, filters.__name__)
    return [kind for kind in found if issubclass(kind, msgspec.Struct) and kind.__module__.startswith(own)]


def colours(scheme: str) -> Mapping[str, str]:
    """The custom properties that are colours, as a scheme has them."""
    light, dark = (STYLES / "tokens.css").read_text("utf-8").split("@media", 1)
    tokens = dict(re.findall(r"--([\w-]+): (#\w{6});", light))
    return tokens if scheme == "light" else {**tokens, **dict(re.findall(r"--([\w-]+): (#\w{6});", dark))}


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, by WCAG 2.2."""
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
