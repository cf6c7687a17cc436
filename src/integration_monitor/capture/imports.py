"""Noticing that the application imports a library, so that nothing is imported for our sake.

Python asks the finders of `sys.meta_path` for each module. Ours lets the others find it and wraps the loader, so that it hears when the
module has been executed. The module keeps its real loader: nothing of ours stays visible on it.
"""

import importlib
import importlib.machinery
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from types import ModuleType
from typing import Any

from integration_monitor.guard import Guard


class ImportWatch(MetaPathFinder):
    """Calls a function with each of some modules: at once where it is imported already, else when it is.

    callbacks:
        Functions by the module's full name.
    """

    def __init__(self, callbacks: Mapping[str, Callable[[ModuleType], None]], guard: Guard) -> None:
        self._callbacks = callbacks
        self._guard = guard
        # Another such finder may ask all finders, us among them, while we are asking it.
        self._asking = threading.local()

    def install(self) -> None:
        sys.meta_path.insert(0, self)
        for name in self._callbacks:
            if sys.modules.get(name) is not None:
                # It waits where another thread is still importing the module, and imports nothing.
                self.notice(importlib.import_module(name))

    def remove(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def notice(self, module: ModuleType) -> None:
        with self._guard:
            self._callbacks[module.__name__](module)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self._callbacks or getattr(self._asking, "name", None) == fullname:
            return None
        self._asking.name = fullname
        try:
            spec = self._ask_others(fullname, path, target)
        finally:
            self._asking.name = None
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _NoticingLoader(spec.loader, self)
        return spec

    def _ask_others(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> importlib.machinery.ModuleSpec | None:
        for finder in list(sys.meta_path):
            find_spec = getattr(finder, "find_spec", None)
            if finder is not self and find_spec is not None:
                spec: importlib.machinery.ModuleSpec | None = find_spec(fullname, path, target)
                if spec is not None:
                    return spec
        return None


class _NoticingLoader(Loader):
    """The real loader, and a word to us when the module has been executed."""

    def __init__(self, loader: Any, watch: ImportWatch) -> None:
        self._loader = loader
        self._watch = watch

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._watch.notice(module)

    def __getattr__(self, name: str) -> Any:
        # Tools ask a spec's loader for its source, its data and its path.
        return getattr(self._loader, name)
