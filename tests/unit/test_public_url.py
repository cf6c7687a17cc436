"""The setting `public_url`: what can be the address of a site."""

import pytest

from integration_monitor.errors import SettingsError
from integration_monitor.server.origin import check_public_url


@pytest.mark.parametrize(
    "public_url",
    ["https://monitor.example.com", "https://monitor.example.com/", "http://127.0.0.1:8321", "https://[::1]:8443"],
)
def test_address_of_a_site_is_taken(public_url: str) -> None:
    check_public_url(public_url)


@pytest.mark.parametrize(
    "public_url",
    [
        "monitor.example.com",
        "monitor.example.com:8321",
        "//monitor.example.com",
        "ftp://monitor.example.com",
        "https://",
        "https://monitor.example.com/monitor",
        "https://monitor.example.com/?a=b",
        "https://user:password@monitor.example.com",
        "https://[monitor",
    ],
)
def test_anything_else_is_refused(public_url: str) -> None:
    with pytest.raises(SettingsError, match="public_url"):
        check_public_url(public_url)
