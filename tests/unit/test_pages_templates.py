"""The templates, rendered without a server: what they are given, what they say, and that nothing foreign acts in them."""

import inspect
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import msgspec
import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import integration_monitor.server
from integration_monitor.monitoring.health import ServiceHealth, State
from integration_monitor.monitoring.timeline import ServiceSeries, Timeline
from integration_monitor.record import IntegrationLog
from integration_monitor.server.pages import context, filters
from integration_monitor.server.pages.context import DashboardPage
from integration_monitor.server.pages.dashboard import WINDOWS
from integration_monitor.server.pages.dashboard import page as dashboard_page
from integration_monitor.server.pages.failure import TEXT_CHARACTERS_MAX
from integration_monitor.server.pages.failure import page as failure_page

TEMPLATES = Path(integration_monitor.server.__file__).parent / "templates"
STYLES = Path(__file__).parents[2] / "frontend" / "src" / "styles"
HOUR = datetime(2026, 11, 22, 10, tzinfo=UTC)
MARKUP = '"><script>hit()</script><img src=x onerror=hit() style="color:red">\''
# Whatever a template may use of what runs or styles: our one script.
OURS = {("script", "/static/app.js")}


def environment() -> Environment:
    """As create_app makes it."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters.update(filters)
    made.globals["url_for"] = lambda name, **_: f"/{name}"
    return made


def render(template: str, **given: Any) -> str:
    return environment().get_template(template).render(**given)


def health(name: str, state: State = "healthy", *, failed: int = 0) -> ServiceHealth:
    return ServiceHealth(
        service_name=name,
        total_requests=10,
        success_count=10 - failed,
        failed_count=failed,
        failure_rate_percent=10.0 * failed,
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


def dashboard(*services: ServiceHealth, failed: list[IntegrationLog] | None = None) -> DashboardPage:
    drawn = [
        ServiceSeries(service_name=each.service_name, calls=[10], failed=[each.failed_count], avg_duration_ms=[150])
        for each in services
    ]
    return dashboard_page(WINDOWS[0], services, Timeline(step="hour", buckets=[HOUR], services=drawn), failed)


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


def test_dashboard_escapes_every_foreign_text() -> None:
    page = dashboard(health(MARKUP, "down", failed=3), failed=[failure(MARKUP)])

    html = render("dashboard.html", page=page)

    assert what_runs_or_styles(html) == OURS
    assert [tag for tag, _ in Tags(html).found].count("img") == 0
    assert html.count("&lt;script&gt;") > 10


def test_payloads_are_text_and_nothing_else() -> None:
    html = render("failure.html", page=failure_page(failure(MARKUP)))

    assert what_runs_or_styles(html) == set()
    assert "img" not in [tag for tag, _ in Tags(html).found]


def test_problem_escapes_its_words_on_a_page_and_in_a_fragment() -> None:
    problem = SimpleNamespace(title=MARKUP, detail=MARKUP, hint=MARKUP, status=503)

    page = render("problem.html", problem=problem, request=SimpleNamespace(headers={}))
    fragment = render("problem.html", problem=problem, request=SimpleNamespace(headers={"HX-Request": "true"}))

    assert what_runs_or_styles(page) == OURS
    assert what_runs_or_styles(fragment) == set()
    assert "<html" not in fragment


def test_sign_in_page_tells_both_ways_in() -> None:
    html = render("sign_in.html", problem=None)

    assert "one-time sign-in link" in html
    assert "integration-monitor token --role authenticated" in html
    assert 'role="alert"' not in html


def test_long_texts_are_cut_and_the_page_says_so() -> None:
    page = failure_page(failure("x" * (TEXT_CHARACTERS_MAX + 1_000_000)))

    html = render("failure.html", page=page)

    assert len(html) < 4 * TEXT_CHARACTERS_MAX
    assert "1,000,000 more characters are not shown" in html


def test_list_of_failures_holds_no_long_texts() -> None:
    html = render(
        "dashboard.html", page=dashboard(health("amocrm"), failed=[failure("x" * 1_000_000, service_name="amocrm", action="a")])
    )

    assert len(html) < 100_000


def test_payload_is_shown_in_the_order_of_a_call() -> None:
    record = failure(request_payload={"entity": {}, "body": 1, "url": "u", "method": "GET"})

    request = failure_page(record).request

    assert request is not None
    assert re.findall(r'^  "(\w+)"', request.text, re.MULTILINE) == ["method", "url", "body", "entity"]


def test_entity_is_told_as_the_vendor_knows_it() -> None:
    given = {"type": "lead", "id": 30_001}
    page = dashboard(health("amocrm"), failed=[failure(request_payload={"entity": given}), failure(request_payload=[1])])

    assert page.failures is not None
    assert (page.failures[0].entity_type, page.failures[0].entity_id) == ("lead", "30001")
    assert page.failures[1].entity_id is None


@pytest.mark.parametrize(
    ("states", "words"),
    [
        (["healthy", "healthy"], "All services are healthy"),
        (["healthy", "idle"], "All active services are healthy"),
        (["idle"], "No calls in the last 24 hours"),
        (["down", "healthy"], "s0 is down"),
        (["down", "down", "down"], "s0, s1 and s2 are down"),
        (["down", "degraded", "degraded"], "s0 is down, s1 and s2 are degraded"),
        (["down"] * 5, "s0, s1, s2, s3 and s4 are down"),
        (["down"] * 6, "s0, s1, s2, s3 and 2 others are down"),
    ],
)
def test_headline_names_what_is_broken(states: list[State], words: str) -> None:
    html = render(
        "dashboard.html", page=dashboard(*(health(f"s{index}", state) for index, state in enumerate(states)), failed=[])
    )

    heading = re.search(r"<h1>(.*?)</h1>", html, re.DOTALL)
    assert heading is not None
    assert re.sub(r"<[^>]+>", "", heading[1]).strip() == words


def test_state_is_told_by_word_and_shape_and_not_by_colour_alone() -> None:
    states: list[State] = ["healthy", "degraded", "down", "idle"]
    html = render("dashboard.html", page=dashboard(*(health(state, state) for state in states), failed=[]))

    for state, word in zip(states, ("Healthy", "Degraded", "Down", "Idle"), strict=True):
        assert f'<use href="#icon-{state}"/></svg>{word}</span>' in html


def test_thirty_days_add_up_what_the_charts_show() -> None:
    buckets = [HOUR - timedelta(days=1), HOUR]
    series = ServiceSeries(service_name="amocrm", calls=[40, 60], failed=[0, 5], avg_duration_ms=[100, 200])
    now = ServiceHealth(
        service_name="amocrm",
        total_requests=60,
        success_count=53,
        failed_count=5,
        failure_rate_percent=8.33,
        avg_duration_ms=200,
        state="healthy",
    )

    card = dashboard_page(WINDOWS[1], [now], Timeline(step="day", buckets=buckets, services=[series]), []).services[0]

    # Two calls of today are still in progress.
    assert (card.total_requests, card.success_count, card.failed_count, card.avg_duration_ms) == (100, 93, 5, 160)
    assert card.failure_rate_percent == 5


def test_every_field_of_a_context_is_used_and_told() -> None:
    words = " ".join(path.read_text("utf-8") for path in TEMPLATES.glob("*.html"))
    used = set(re.findall(r"\.(\w+)", words))

    fields = {name for kind in kinds(context) for name in kind.__struct_fields__}

    # It is drawn, and not written.
    assert fields - used == {"success_count"}
    for kind in kinds(context):
        source = inspect.getsource(kind)
        for line in filter(re.compile(r"    #:").match, source.splitlines()):
            assert len(line) > 12, line


def test_templates_ask_for_no_field_that_is_not_there() -> None:
    words = " ".join(path.read_text("utf-8") for path in TEMPLATES.glob("*.html"))
    documented = {*DashboardPage.__struct_fields__, *context.FailurePage.__struct_fields__}

    assert set(re.findall(r"\bpage\.(\w+)", words)) <= documented


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
    ratios = {slot: contrast(tokens[f"series-{slot}"], tokens["surface"]) for slot in range(11)}
    assert {slot: ratio for slot, ratio in ratios.items() if ratio < 2.4} == {}


def kinds(module: ModuleType) -> list[type[msgspec.Struct]]:
    return [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]


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
