"""`integration-monitor run` as a command: the program is its own master, whatever the settings are."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration_monitor.pipeline import ENDINGS, PATCHES
from integration_monitor.site_hook import sitecustomize
from tests.acceptance.monitored import Monitored, each_once, monitored_programs
from tests.acceptance.programs import Shell

AWAY = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture
def monitored(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Monitored]:
    with monitored_programs(tmp_path, database_url, monkeypatch) as programs:
        yield programs


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell whose database is never reached: nothing of these tests is recorded."""
    return Shell(tmp_path, database_url=AWAY)


def test_streams_and_exit_code_are_the_programs_own(monitored: Monitored) -> None:
    monitored.write("app.py", "import sys; from calls import call; call('one'); print(input()); sys.exit(7)")

    done = monitored.shell.run("echo hello | integration-monitor run -- python app.py")

    assert (done.returncode, done.stdout, done.stderr) == (7, "hello\n", "")
    assert monitored.recorded() == each_once("one")


@pytest.mark.parametrize(
    "command", ["python -m app", "python -c 'from calls import call; call(\"one\")'", "sh -c 'python app.py'"]
)
def test_python_is_instrumented_however_it_is_started(monitored: Monitored, command: str) -> None:
    monitored.write("app.py", "from calls import call; call('one')")

    done = monitored.shell.run(f"integration-monitor run -- {command}")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert monitored.recorded() == each_once("one")


@pytest.mark.parametrize("option", ["-E", "-I", "-S"])
def test_a_python_that_cannot_be_instrumented_runs_as_it_is(shell: Shell, option: str) -> None:
    done = shell.run(f"integration-monitor run -- {sys.executable} {option} -c 'import http.client; print(1)'")

    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_the_program_has_the_process_of_the_command(shell: Shell) -> None:
    done = shell.run("integration-monitor run -- python -c 'import os; print(os.getpid())' & echo $!; wait")

    first, second = done.stdout.split()
    assert first == second


def test_a_signal_reaches_the_program(shell: Shell) -> None:
    done = shell.run(
        "integration-monitor run -- python -c 'import os; os.kill(os.getppid(), 0); os.kill(os.getpid(), 15)' || echo $?"
    )

    assert done.stdout == f"{128 + signal.SIGTERM}\n"


def test_a_program_that_is_not_python_notices_nothing(shell: Shell) -> None:
    # What Python ignores, its child would ignore too: `yes` would then complain of a broken pipe.
    done = shell.run("integration-monitor run -- sh -c 'yes | head -n 1'")

    assert (done.returncode, done.stdout, done.stderr) == (0, "y\n", "")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "set INTEGRATION_MONITOR_DATABASE_URL to postgresql://"),
        ({"database_url": "mysql://user:PLANTED@host/database"}, "records cannot go to mysql://"),
        ({"database_url": "postgresql://user:PLANTED@host/database?nonsense=1"}, "database_url cannot be read"),
        ({"database_url": AWAY, "queue_records_max": "many"}, "INTEGRATION_MONITOR_QUEUE_RECORDS_MAX: queue_records_max: "),
        ({"database_url": AWAY, "service_hosts": "localhost=nobody"}, "nobody"),
    ],
)
def test_wrong_settings_are_one_line_and_the_program_runs(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    done = Shell(tmp_path, **settings).run(
        "integration-monitor run -- python -c 'import http.client, sys; print(\"integration_monitor\" in sys.modules); sys.exit(3)'"
    )

    assert (done.returncode, done.stdout) == (3, "False\n")
    [line] = done.stderr.splitlines()
    assert line.startswith("integration-monitor: the program runs unmonitored: ")
    assert said in line
    assert "PLANTED" not in line


def test_a_command_that_is_not_there_is_127(shell: Shell) -> None:
    done = shell.run("integration-monitor run -- no-such-command || exit $?")

    assert done.returncode == 127
    assert done.stderr == "integration-monitor: there is no command 'no-such-command', or its interpreter is missing\n"


def test_a_command_that_cannot_be_executed_is_126(shell: Shell) -> None:
    (shell.folder / "file").write_text("", "utf-8")

    done = shell.run("integration-monitor run -- ./file")

    assert done.returncode == 126
    assert done.stderr == "integration-monitor: './file' cannot be executed: Permission denied\n"


@pytest.mark.parametrize("arguments", ["", "--", "--port 1 -- python"])
def test_without_a_command_it_tells_its_usage(shell: Shell, arguments: str) -> None:
    done = shell.run(f"integration-monitor run {arguments}")

    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: integration-monitor run -- COMMAND" in done.stderr


def test_it_needs_nothing_of_the_server_half(shell: Shell) -> None:
    (shell.folder / "typer.py").write_text("raise ModuleNotFoundError(name='typer')", "utf-8")
    code = "import sys; from integration_monitor.cli import main; sys.argv = ['integration-monitor', {!r}, '--', 'echo', '1']; main()"

    run, serve = (shell.run(f'PYTHONPATH=.:${{PYTHONPATH:-}} python -c "{code.format(command)}"') for command in ("run", "serve"))

    assert (run.returncode, run.stdout, run.stderr) == (0, "1\n", "")
    assert "[server]" in serve.stderr


def test_the_sitecustomize_that_was_there_runs_and_stays(shell: Shell) -> None:
    other = shell.folder / "other"
    other.mkdir()
    (other / "sitecustomize.py").write_text("print('theirs')\n", "utf-8")
    script = "integration-monitor run -- python -c 'import sys, sitecustomize; print(sitecustomize.__file__, sys.path[1])'"

    done = shell.run(f"PYTHONPATH=$PWD/other:${{PYTHONPATH:-}} {script}")

    # Twice, since the command is a program of Python as well.
    assert done.stdout == f"theirs\ntheirs\n{other / 'sitecustomize.py'} {other}\n"


def test_a_python_without_the_package_says_so_once(shell: Shell) -> None:
    # Its children are as they are: whoever reads what they print shall not find a line of ours in it.
    folder = shell.folder / "elsewhere"
    shell.run(f"{sys.executable} -m venv --without-pip {folder}")
    code = "import http.client, subprocess, sys\nif len(sys.argv) < 2: subprocess.run([sys.executable, *sys.argv, '1'])"
    (shell.folder / "app.py").write_text(code, "utf-8")

    done = shell.run(f"integration-monitor run -- {folder}/bin/python app.py")

    [line] = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (0, "")
    assert "calls are not recorded: No module named" in line
    assert f"{folder}/bin/python" in line


def test_nothing_is_imported_before_the_program_needs_it(shell: Shell) -> None:
    code = """
import sys
dear = ("integration_monitor", "logging", "ssl", "typing")
print([name for name in sys.modules if name.startswith(dear)])
import http.client
print("integration_monitor.instrumentation" in sys.modules)
late = {"asyncio", "psycopg", "integration_monitor.recorder", "integration_monitor.redaction", "integration_monitor.services"}
late |= {"integration_monitor.writer.lifecycle", "integration_monitor.store", "queue"}
print(sorted(late & set(sys.modules)))
"""
    (shell.folder / "app.py").write_text(code, "utf-8")

    done = shell.run("integration-monitor run -- python app.py")

    assert (done.stdout, done.stderr) == ("[]\nTrue\n[]\n", "")


def test_a_program_may_instrument_itself(monitored: Monitored) -> None:
    monitored.write(
        "app.py",
        """
        import integration_monitor as im
        im.instrument()
        from calls import call
        call("one")
        im.log(service_name="billing", action="charge", status="success", request_payload={"url": "/two"})
        """,
    )

    done = monitored.shell.run("integration-monitor run -- python app.py")

    assert (done.returncode, done.stderr) == (0, "")
    assert monitored.recorded() == each_once("one", "two")


def test_records_of_its_own_need_no_library(monitored: Monitored) -> None:
    monitored.write(
        "app.py",
        """
        import integration_monitor as im
        im.log(service_name="billing", action="charge", status="success", request_payload={"url": "/one"})
        """,
    )

    done = monitored.shell.run("integration-monitor run -- python app.py")

    assert (done.returncode, done.stderr) == (0, "")
    assert monitored.recorded() == each_once("one")


def test_the_hook_watches_every_module_that_is_patched() -> None:
    patched = {kind.library for kind in (*PATCHES, *ENDINGS)}

    assert {*patched, "integration_monitor"} == sitecustomize.WATCHED


def test_the_environment_of_the_program_is_as_before_but_for_two_variables(shell: Shell) -> None:
    script = "python -c 'import os; print(sorted(os.environ.items()))'"

    before, after = (dict(eval(shell.run(f"{start}{script}").stdout)) for start in ("", "integration-monitor run -- "))

    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)} - {"_"}
    assert changed == {"PYTHONPATH", "INTEGRATION_MONITOR_RUN"}
    assert after["PYTHONPATH"].split(os.pathsep)[0] == str(Path(sitecustomize.__file__).parent)
