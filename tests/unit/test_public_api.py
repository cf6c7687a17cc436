import subprocess
import sys
from pathlib import Path

import integration_monitor


def test_the_public_names_are_these() -> None:
    assert integration_monitor.__all__ == [
        "Attempt",
        "IntegrationLog",
        "IntegrationMonitorError",
        "MigrationError",
        "MissingExtraError",
        "Operation",
        "PermissionRefused",
        "RecordsRefused",
        "SettingsError",
        "Stats",
        "StoreError",
        "StoreUnavailable",
        "entity",
        "entity_uuid",
        "flush",
        "instrument",
        "log",
        "operation",
        "shutdown",
        "stats",
        "suppress",
        "testing",
        "uninstrument",
    ]


def test_the_public_names_are_sorted_and_there() -> None:
    assert integration_monitor.__all__ == sorted(integration_monitor.__all__)
    assert all(hasattr(integration_monitor, name) for name in integration_monitor.__all__)


def test_the_root_module_stays_short() -> None:
    lines = Path(integration_monitor.__file__).read_text("utf-8").splitlines()

    assert len(lines) < 60


def run_python(code: str) -> str:
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_importing_the_package_starts_no_thread_and_imports_no_client() -> None:
    printed = run_python(
        "import sys, threading, integration_monitor\n"
        "names = {'httpx', 'requests', 'urllib3', 'aiohttp', 'psycopg', 'litestar', 'typer', 'rich', 'jwt', 'jinja2'}\n"
        "print(sorted(names & set(sys.modules)), threading.active_count())"
    )

    assert printed == "[] 1\n"


def test_instrumenting_imports_no_client_for_our_sake() -> None:
    printed = run_python(
        "import sys, threading, integration_monitor as im\n"
        "im.instrument('postgresql://nobody@127.0.0.1:1/none')\n"
        "names = {'httpx', 'requests', 'urllib3', 'aiohttp', 'litestar', 'typer', 'rich', 'jwt', 'jinja2', 'psycopg_pool'}\n"
        "print(sorted(names & set(sys.modules)), threading.active_count())\n"
        "import httpx, requests\n"
        "print('captured' if hasattr(httpx.Client.send, '__wrapped__') and hasattr(requests.Session.send, '__wrapped__') else 'missed')"
    )

    assert printed == "[] 1\ncaptured\n"
