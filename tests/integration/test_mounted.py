"""The server inside another application: FastAPI's, Starlette's and Litestar's. Pages find their scripts, the API answers, records come in."""

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar, asgi
from litestar.testing import TestClient as LitestarClient
from litestar.types import Receive, Scope, Send
from starlette.testclient import TestClient as StarletteClient

from integration_monitor import settings
from integration_monitor.server import create_app
from tests.integration.conftest import SECRET, Bearer, MakeToken

INTEGRATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
SNIPPET = re.compile(r"```python\n(?P<code>from contextlib import asynccontextmanager\n.*?)```", re.DOTALL)
ROW = {"service_name": "amocrm", "action": "sync_lead", "status": "success"}


def in_fastapi(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The snippet of the documents, as it stands there."""
    found = SNIPPET.search(INTEGRATIONS.read_text("utf-8"))
    assert found is not None
    monkeypatch.setenv("INTEGRATION_MONITOR_DATABASE_URL", database_url)
    monkeypatch.setenv("INTEGRATION_MONITOR_JWT_SECRET", SECRET)
    names: dict[str, Any] = {}
    exec(textwrap.dedent(found["code"]), names)
    return StarletteClient(names["app"], base_url="http://monitor.test")


def in_litestar(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monitor = create_app(settings.load({"database_url": database_url, "jwt_secret": SECRET}, environment={}))

    @asgi("/monitor", is_mount=True, copy_scope=True)
    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        scope["root_path"] = "/monitor"
        scope["path"] = f"/monitor{scope['path']}"
        await monitor(scope, receive, send)

    return LitestarClient(Litestar([mounted], lifespan=[lambda _: monitor.lifespan()]), base_url="http://monitor.test")


@pytest.mark.parametrize("within", [in_fastapi, in_litestar])
def test_mounted_server_does_all_that_it_does_alone(
    within: Callable[..., Any], database_url: str, bearer: Bearer, make_token: MakeToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    with within(database_url, monkeypatch) as client:
        api = "/monitor/api/admin/integrations/monitoring"
        assert client.post("/monitor/api/ingest", json=ROW, headers=bearer("service_role")).json()["stored"] == 1
        assert client.get(f"{api}/logs", headers=bearer()).json()["data"][0]["service_name"] == "amocrm"
        assert client.get(f"{api}/logs", headers={"accept": "text/html"}).status_code == 401
        assert client.get("/monitor/schema").json()["openapi"].startswith("3.1")
        assert client.get("/monitor/readyz").text == "ready\n"

        sent_away = client.get("/monitor/", headers={"accept": "text/html"}, follow_redirects=False)
        assert sent_away.headers["location"] == "/monitor/sign-in"
        page = client.post("/monitor/sign-in", data={"token": make_token("service_role")})
        assert page.status_code == 200
        # The other pages of that application are not given the session.
        assert [cookie.path for cookie in client.cookies.jar] == ["/monitor"]
        assert str(page.url).removeprefix("http://monitor.test") == "/monitor/"
        assert "amocrm" in page.text
        addresses = set(re.findall(r'(?:href|src|action)="(/[^"]*)"', page.text))
        assert any(address.endswith(".js") for address in addresses)
        for address in sorted(addresses):
            assert address.startswith("/monitor/"), address
            if not address.endswith(("/sign-out", "/language", "/acknowledge")):
                assert client.get(address.replace("&amp;", "&")).status_code == 200, address
