import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from integration_monitor.capture.imports import ImportWatch
from integration_monitor.guard import RAISE_VARIABLE, Guard

NAME = "integration_monitor_watched_sample"


@pytest.fixture(autouse=True)
def _raise_internal_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RAISE_VARIABLE, "1")


@pytest.fixture(autouse=True)
def _sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / f"{NAME}.py").write_text("VALUE = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop(NAME, None)


@pytest.fixture
def watch_for() -> Iterator[Callable[[Callable[[ModuleType], None]], ImportWatch]]:
    """Installs a watch for the sample, and removes it in the end."""
    watches = []

    def install(callback: Callable[[ModuleType], None]) -> ImportWatch:
        watch = ImportWatch({NAME: callback}, Guard())
        watch.install()
        watches.append(watch)
        return watch

    yield install
    for watch in watches:
        watch.remove()


def test_a_module_is_noticed_when_the_application_imports_it(watch_for: Any) -> None:
    noticed: list[ModuleType] = []

    watch_for(noticed.append)
    assert noticed == []
    assert NAME not in sys.modules
    module = importlib.import_module(NAME)

    assert noticed == [module]
    assert module.VALUE == 1


def test_a_module_that_is_there_is_noticed_at_once(watch_for: Any) -> None:
    module = importlib.import_module(NAME)
    noticed: list[ModuleType] = []

    watch_for(noticed.append)

    assert noticed == [module]


def test_nothing_of_ours_stays_on_the_module(watch_for: Any) -> None:
    watch_for(lambda _module: None)

    module = importlib.import_module(NAME)

    assert module.__spec__ is not None
    assert type(module.__spec__.loader) is type(module.__loader__) is SourceFileLoader
    assert inspect.getsource(module) == "VALUE = 1\n"


def test_a_removed_watch_notices_nothing(watch_for: Any) -> None:
    noticed: list[ModuleType] = []
    watch = watch_for(noticed.append)

    watch.remove()
    importlib.import_module(NAME)

    assert noticed == []
    assert watch not in sys.meta_path


def test_a_module_that_fails_to_import_fails_as_without_us(watch_for: Any, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.py").write_text("raise RuntimeError('broken')\n")
    noticed: list[ModuleType] = []
    watch_for(noticed.append)

    with pytest.raises(RuntimeError, match="broken"):
        importlib.import_module(NAME)

    assert noticed == []
    assert NAME not in sys.modules


def test_a_module_that_is_not_installed_stays_missing(watch_for: Any, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.py").unlink()
    watch_for(lambda _module: None)

    assert importlib.util.find_spec(NAME) is None
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(NAME)


def test_a_defect_of_ours_does_not_spoil_the_import(watch_for: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(RAISE_VARIABLE)

    def fail(_module: ModuleType) -> None:
        raise AttributeError("Client")

    watch_for(fail)

    assert importlib.import_module(NAME).VALUE == 1


def test_tools_that_ask_for_the_spec_get_the_loaders_answers(watch_for: Any) -> None:
    watch_for(lambda _module: None)

    spec = importlib.util.find_spec(NAME)

    assert spec is not None
    assert spec.loader is not None
    assert spec.loader.get_source(NAME) == "VALUE = 1\n"  # type: ignore[attr-defined]


def test_two_watches_that_ask_each_other_both_notice(watch_for: Any) -> None:
    noticed: list[str] = []
    watch_for(lambda _module: noticed.append("first"))
    watch_for(lambda _module: noticed.append("second"))

    class AskingFinder:
        """As other libraries' import hooks do: it asks all finders, and guards against itself only."""

        is_asking = False

        def find_spec(self, name: str, _path: object, _target: object = None) -> ModuleSpec | None:
            if self.is_asking or name != NAME:
                return None
            self.is_asking = True
            try:
                return importlib.util.find_spec(name)
            finally:
                self.is_asking = False

    finder = AskingFinder()
    sys.meta_path.insert(0, finder)
    try:
        importlib.import_module(NAME)
    finally:
        sys.meta_path.remove(finder)

    assert sorted(noticed) == ["first", "second"]
