"""Scripts and styles are sent once; what lies beside them is not sent at all."""

from pathlib import Path

import pytest

from integration_monitor import server
from tests.integration.conftest import Client

FOLDER = Path(server.__file__).parent / "static"

pytestmark = pytest.mark.skipif(not (FOLDER / "app.js").is_file(), reason="the frontend is not built")


def test_script_is_sent_once(client_without_database: Client) -> None:
    first = client_without_database.get("/static/app.js")
    again = client_without_database.get("/static/app.js", headers={"if-none-match": first.headers["etag"]})
    changed = client_without_database.get("/static/app.js", headers={"if-none-match": '"another"'})

    assert (first.status_code, again.status_code, changed.status_code) == (200, 304, 200)
    assert first.headers["cache-control"] == "no-cache"
    assert first.content == changed.content == (FOLDER / "app.js").read_bytes()
    assert again.content == b""
    assert again.headers["etag"] == first.headers["etag"]


def test_script_is_sent_compressed(client_without_database: Client) -> None:
    sent = client_without_database.get("/static/app.js", headers={"accept-encoding": "gzip"})

    assert sent.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in sent.headers["vary"].lower()


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd", "/static/"]
)
def test_nothing_else_is_sent(client_without_database: Client, path: str) -> None:
    assert client_without_database.get(path).status_code == 404
