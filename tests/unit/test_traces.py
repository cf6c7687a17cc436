"""The link to a trace: an address of the settings, and an id that may be anybody's text."""

import pytest

from integration_monitor.errors import SettingsError
from integration_monitor.server.traces import check_trace_url, trace_href

GRAFANA = "https://grafana.example.com/explore/{trace_id}?orgId=1"


@pytest.mark.parametrize(
    ("trace_id", "step"),
    [
        ("4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("1-5759e988-bd862e3fe1be46a994272793", "1-5759e988-bd862e3fe1be46a994272793"),
        ('"><script>', "%22%3E%3Cscript%3E"),
        ("../../admin?x=1#y", "..%2F..%2Fadmin%3Fx%3D1%23y"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("{trace_id}", "%7Btrace_id%7D"),
        ("\ud800", "%3F"),
    ],
)
def test_an_id_stays_one_step_of_the_address(trace_id: str, step: str) -> None:
    assert trace_href(GRAFANA, trace_id) == f"https://grafana.example.com/explore/{step}?orgId=1"


@pytest.mark.parametrize(
    ("trace_url", "trace_id"), [(None, "abc"), (GRAFANA, None), (GRAFANA, ""), (GRAFANA, ".."), (GRAFANA, ".")]
)
def test_without_a_place_or_an_id_there_is_no_link(trace_url: str | None, trace_id: str | None) -> None:
    assert trace_href(trace_url, trace_id) is None


@pytest.mark.parametrize(
    "trace_url",
    [
        "javascript:alert('{trace_id}')",
        "ftp://example.com/{trace_id}",
        "https://example.com/traces",
        "https://{trace_id}.example.com/{trace_id}",
        "//example.com/{trace_id}",
        "https://[::1/{trace_id}",
        "{trace_id}",
    ],
)
def test_what_is_no_place_for_traces_is_refused(trace_url: str) -> None:
    with pytest.raises(SettingsError, match="trace_url"):
        check_trace_url(trace_url)


def test_a_place_for_traces_is_taken() -> None:
    check_trace_url(GRAFANA)
    check_trace_url("http://localhost:16686/trace/{trace_id}")
