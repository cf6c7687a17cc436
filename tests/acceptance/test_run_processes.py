"""Under `integration-monitor run`: programs of several processes, of greenlets, and on a disk that takes nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.monitored import Monitored, each_once, monitored_programs


@pytest.fixture
def monitored(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Monitored]:
    with monitored_programs(tmp_path, database_url, monkeypatch) as programs:
        yield programs


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_write_their_own_calls(monitored: Monitored, method: str) -> None:
    monitored.write(
        "app.py",
        f"""
        import multiprocessing
        from calls import call

        if __name__ == "__main__":
            call("parent-before")
            with multiprocessing.get_context("{method}").Pool(2) as pool:
                pool.map(call, ["a", "b", "c"], chunksize=1)
                pool.close()
                pool.join()
            process = multiprocessing.get_context("{method}").Process(target=call, args=["d"])
            process.start()
            process.join()
            call("parent-after")
            print(process.exitcode)
        """,
    )

    done = monitored.shell.run("integration-monitor run -- python app.py")

    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")
    assert monitored.recorded() == each_once("parent-before", "a", "b", "c", "d", "parent-after")


def test_a_child_that_calls_first_is_instrumented_too(monitored: Monitored) -> None:
    # The parent has imported nothing that is watched: the child's pipeline is built in the child, which ends without atexit.
    monitored.write(
        "app.py",
        """
        import multiprocessing

        def work():
            from calls import call
            call("child")

        process = multiprocessing.get_context("fork").Process(target=work)
        process.start()
        process.join()
        """,
    )

    done = monitored.shell.run("integration-monitor run -- python app.py")

    assert (done.returncode, done.stderr) == (0, "")
    assert monitored.recorded() == each_once("child")


def test_a_fork_right_after_a_call_finds_whole_modules(monitored: Monitored) -> None:
    # While the parent's writer imports what it needs, with locks that would stay shut in the child.
    monitored.write(
        "app.py",
        """
        import os, sys
        from calls import call

        call("parent")
        children = []
        for number in range(4):
            child = os.fork()
            if child == 0:
                call(f"child-{number}")
                sys.exit(0)
            children.append(child)
        sys.exit(max(os.waitpid(child, 0)[1] for child in children))
        """,
    )

    done = monitored.shell.run("integration-monitor run -- python app.py")

    assert (done.returncode, done.stderr) == (0, "")
    assert monitored.recorded() == each_once("parent", "child-0", "child-1", "child-2", "child-3")


def test_a_python_that_the_program_starts_is_instrumented(monitored: Monitored) -> None:
    monitored.write("child.py", "import sys; from calls import call; call(sys.argv[1])")
    monitored.write(
        "app.py",
        """
        import os, subprocess, sys
        subprocess.run([sys.executable, "child.py", "one"], check=True)
        os.execv(sys.executable, [sys.executable, "child.py", "two"])
        """,
    )

    done = monitored.shell.run("integration-monitor run -- python app.py")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert monitored.recorded() == each_once("one", "two")


GEVENT = """
import time
import gevent
import requests

def get(name):
    requests.get(f"http://{os.environ['VENDOR']}/emails/{name}", timeout=30)

for job in gevent.joinall([gevent.spawn(get, str(number)) for number in range(20)], raise_error=True):
    job.get()

# Nobody may block the loop: were the writer's thread a real one, or its queue, this would not come to an end in time.
ticks = []
def tick():
    for _ in range(20):
        gevent.sleep(0.005)
        ticks.append(1)
ticker = gevent.spawn(tick)
import integration_monitor as im
print(im.flush(30), im.stats().written)
ticker.join()
"""


@pytest.mark.parametrize(
    "beginning",
    [
        "import os; from gevent import monkey; monkey.patch_all()",
        # Too late by gevent's own rules, but real: the hook has run before the patching.
        "import os, http.client; from gevent import monkey; monkey.patch_all()",
    ],
    ids=["patched-first", "patched-late"],
)
def test_greenlets_are_recorded_and_not_blocked(monitored: Monitored, beginning: str) -> None:
    monitored.write("app.py", beginning + GEVENT)

    done = monitored.shell.run("integration-monitor run -- python app.py")

    assert (done.returncode, done.stdout, done.stderr) == (0, "True 20\n", "")
    assert monitored.recorded() == each_once(*(str(number) for number in range(20)))


def test_a_disk_that_takes_nothing_is_enough(monitored: Monitored) -> None:
    # No process may write a byte to a file here, root's neither. The home and the folder of temporary files are not even there.
    monitored.write("app.py", "from calls import call; call('one'); print('done')")

    done = monitored.shell.run(
        "ulimit -f 0; export HOME=$PWD/no-home TMPDIR=$PWD/no-temporary; integration-monitor run -- python app.py"
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
    assert monitored.recorded() == each_once("one")
    assert not (monitored.shell.folder / "no-home").exists()
