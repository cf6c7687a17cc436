"""Instruments a program that does not know of it: Python runs this file when it starts, since `integration-monitor run` put its folder
before PYTHONPATH.

Nothing is imported here, not even the package: that waits until the program imports a library whose calls are recorded. A program that never
does so pays for this file alone. Whatever goes wrong, the program runs as if this file were not there.
"""

import os
import sys

# As typing's, whose import would cost more than all the rest.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The modules that are patched (a test compares them), and the package itself: then the program may record things of its own.
WATCHED = frozenset(
    {
        "aiohttp",
        "celery.signals",
        "http.client",
        "httplib2",
        "httpx",
        "httpx2",
        "integration_monitor",
        "requests",
        "urllib.request",
        "urllib3",
        "uvicorn.server",
        "uwsgi",
    }
)
FOLDER = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 -- pathlib would be one of the dearest imports of a small program


class Watch:
    """A finder of modules that finds none itself: it instruments before the first of the watched ones is executed, and goes."""

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        """As `importlib.abc.MetaPathFinder` says."""
        if name not in WATCHED or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        if name != "integration_monitor":
            instrument()
        for finder in list(sys.meta_path):
            spec: Any = finder.find_spec(name, path, target) if hasattr(finder, "find_spec") else None
            if spec is not None:
                if name == "integration_monitor":
                    spec.loader = _Loader(spec.loader)
                return spec
        return None


class _Loader:
    """The loader of our own package, and the instrumenting after it."""

    def __init__(self, loader: "Any") -> None:
        self._loader = loader

    def create_module(self, spec: "Any") -> "Any":
        return self._loader.create_module(spec)

    def exec_module(self, module: "Any") -> None:
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        instrument()

    def __getattr__(self, name: str) -> "Any":
        return getattr(self._loader, name)


def instrument() -> None:
    """Never raises: the program runs, and its log says why nothing is recorded."""
    try:
        from integration_monitor.instrumentation import instrument_as_checked  # noqa: PLC0415 -- the first import of ours

        instrument_as_checked()
    except Exception as error:  # noqa: BLE001 -- see above
        complain(error)


def complain(error: Exception) -> None:
    """In the log of the program; where the package is not there at all, only for the program itself and not for what it starts."""
    is_missing = isinstance(error, ModuleNotFoundError) and error.name in ("integration_monitor", "msgspec")
    if is_missing and os.environ.get("INTEGRATION_MONITOR_RUN") != str(os.getpid()):
        return
    try:
        import logging  # noqa: PLC0415

        where = " in " + sys.executable if is_missing else ""
        logging.getLogger("integration_monitor").warning("integration-monitor: calls are not recorded: %s%s", error, where)
    except Exception:  # noqa: BLE001, S110 -- a handler of the program's logging may raise as well
        pass


def import_shadowed() -> None:
    """Runs the `sitecustomize` that Python would have run without us, and leaves it in our place."""
    sys.path[:] = [folder for folder in sys.path if folder != FOLDER]
    ours = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # type: ignore[import-not-found]  # noqa: F401, PLC0415 -- the next one on the path
    except ModuleNotFoundError as error:
        if error.name != "sitecustomize":
            raise
        if ours is not None:
            sys.modules["sitecustomize"] = ours


if __name__ == "sitecustomize":
    sys.meta_path.insert(0, Watch())
    import_shadowed()
