"""Every fenced block of both READMEs is run, and both hold the same ones.

Each test here names the block that it runs by its info string and one of its lines. A block that no test names fails, and so does a
test whose block is gone. Addresses of the examples are replaced by those of the test's database, server and simulators.
"""

import io
import json
import re
import shutil
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import jwt
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

import integration_monitor as im
from integration_monitor.simulators.server import SimulatedVendors
from tests.acceptance.programs import Program, Shell
from tests.conftest import Server

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("README.md", "README.ru.md")
FENCE = re.compile(r"^```(?P<info>.*)\n(?P<text>(?:.*\n)*?)```$", re.MULTILINE)
COMMENT = re.compile(r"(?:^|[ \t]+)(?:#|-- ).*$", re.MULTILINE)
SCHEDULE = re.compile(r"(?:[\d*,/-]+ ){5}")

APP_URL = "postgresql://app:password@db.example.com:5432/app"
OWNER_URL = "postgresql://owner:password@db.example.com:5432/app"
SERVER = "http://127.0.0.1:8321"

OLD_LOG = """
insert into public.integration_logs (service_name, action, status, created_at)
values ('amocrm', 'sync_lead', 'success', now() - interval '100 days')
"""
# The one function of pg_cron that the README calls, with its signature.
PG_CRON = """
create schema cron;
create table cron.job (jobname text, schedule text, command text);
create function cron.schedule(job_name text, schedule text, command text) returns bigint
language sql as 'insert into cron.job values (job_name, schedule, command) returning 1::bigint';
"""


class Block(NamedTuple):
    """A fenced block of a document."""

    info: str
    text: str

    def code(self) -> list[str]:
        """Its lines without comments: what is the same in every language."""
        if self.info != "python":
            return COMMENT.sub("", self.text).splitlines()
        lines = self.text.splitlines()
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type == tokenize.COMMENT:
                lines[token.start[0] - 1] = token.line[: token.start[1]].rstrip()
        return lines


def blocks_of(document: str) -> list[Block]:
    return [Block(found["info"], found["text"]) for found in FENCE.finditer((ROOT / document).read_text("utf-8"))]


#: info string and line of each block that a test runs
NAMED: list[tuple[str, str]] = []


def runs(info: str, line: str) -> pytest.MarkDecorator:
    """Gives a test its `block`: the text of README.md, and that of README.ru.md where its comments make it another one."""
    NAMED.append((info, line))
    documents: dict[str, list[str]] = {}
    for document in DOCUMENTS:
        for block in blocks_of(document):
            if is_named(block, info, line):
                documents.setdefault(block.text, []).append(document)
    return pytest.mark.parametrize("block", list(documents), ids=[" and ".join(names) for names in documents.values()])


def is_named(block: Block, info: str, line: str) -> bool:
    return block.info == info and line in block.code()


def replaced(block: str, *pairs: tuple[str, str]) -> str:
    """The block with addresses of the test in place of those of the example."""
    for example, real in pairs:
        assert example in block
        block = block.replace(example, real)
    return block


def execute(database_url: str, statement: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(statement.encode())


def rows(database_url: str, query: str = "select * from public.integration_logs order by created_at, id") -> list[dict[str, Any]]:
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        return connection.execute(query.encode()).fetchall()


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell in which nothing is set."""
    return Shell(tmp_path)


@pytest.fixture
def shell_with_database(tmp_path: Path, database_url: str) -> Shell:
    """A shell in which the README's block about the database was run."""
    return Shell(tmp_path, database_url=database_url, server_port="0")


@pytest.fixture
def vendors() -> Iterator[SimulatedVendors]:
    with SimulatedVendors() as vendors:
        yield vendors


@pytest.fixture
def serving(shell_with_database: Shell) -> Iterator[Program]:
    """What the README's block about the server starts, on a free port."""
    with shell_with_database.start("integration-monitor serve") as program:
        yield program


@pytest.fixture
def app_url(postgres_server: Server, database_url: str) -> Iterator[str]:
    """The test's database for a user `app`, who may do nothing yet."""
    postgres_server.execute("create role app login")
    yield postgres_server.url(str(conninfo_to_dict(database_url)["dbname"]), user="app")
    postgres_server.execute("drop role app")


@runs("sh", "make demo")
def test_make_demo_runs_the_demo(block: str, shell: Shell) -> None:
    planned = shell.run(replaced(block, ("make ", "make --dry-run ")), folder=ROOT)

    assert planned.returncode == 0, planned.stderr
    assert planned.stdout.splitlines()[-1].endswith("bin/integration-monitor demo")


@runs("sh", "make test")
def test_make_test_runs_the_tests(block: str, shell: Shell) -> None:
    planned = shell.run(replaced(block, ("make ", "make --dry-run ")), folder=ROOT)

    assert planned.returncode == 0, planned.stderr
    assert "bin/python -m pytest" in planned.stdout.splitlines()[-1]


@runs("sh", "pip install .")
def test_package_and_its_extra_can_be_installed(block: str, shell: Shell) -> None:
    # Neither is anything changed here, nor is a registry asked.
    careful = "pip install --dry-run --no-deps --no-index --no-build-isolation --disable-pip-version-check "

    done = shell.run(replaced(block, ("pip install ", careful)), folder=ROOT)

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Would install integration-monitor-") == block.count("pip install ")
    assert "does not provide the extra" not in done.stdout + done.stderr


@runs("python", f'im.instrument("{APP_URL}")')
def test_call_becomes_a_row(block: str, tmp_path: Path, database_url: str, vendors: SimulatedVendors) -> None:
    resend = vendors.base_urls["resend"]
    shell = Shell(tmp_path, service_hosts=f"{resend.removeprefix('http://')}=resend")

    done = shell.run_python(replaced(block, (APP_URL, database_url), ("https://api.resend.com", resend)))

    assert (done.returncode, done.stderr) == (0, "")
    [row] = rows(database_url)
    assert (row["service_name"], row["action"], row["status"]) == ("resend", "send_email", "success")
    assert "re_YOUR_API_KEY" in block
    assert "re_YOUR_API_KEY" not in str(row)


@runs("python", 'with im.operation("amocrm", "sync_lead", entity=("lead", 123)) as operation:')
def test_operations_and_records_become_rows(block: str, shell_with_database: Shell, database_url: str) -> None:
    done = shell_with_database.run_python(block)

    assert (done.returncode, done.stderr) == (0, "")
    columns = ("service_name", "status", "related_entity_id", "error_code", "error_message", "request_payload")
    found = {row["action"]: tuple(row[column] for column in columns) for row in rows(database_url)}
    lead, order = im.entity_uuid("lead", 123), im.entity_uuid("order", 1001)
    charge = {"amount": 15000, "entity": {"type": "order", "id": "1001"}}
    assert found == {
        "sync_lead": ("amocrm", "success", lead, None, None, {"entity": {"type": "lead", "id": "123"}}),
        "charge_card": ("billing", "failed", order, "CARD_EXPIRED", "The card has expired", charge),
        "test_connection": ("amocrm", "success", None, None, None, None),
    }
    assert 150 in {row["duration_ms"] for row in rows(database_url)}


@runs("python", "with im.testing.capture() as records:")
def test_tests_of_an_application_see_its_records_without_a_database(block: str, shell: Shell) -> None:
    done = shell.run_python(block)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@runs("sh", "integration-monitor migrate")
def test_database_is_made_and_proved(block: str, shell: Shell, empty_database_url: str) -> None:
    done = shell.run(replaced(block, (OWNER_URL, f"'{empty_database_url}'")))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "applied 0001" in done.stdout
    assert re.search(r"(\d+) of \1 checks passed", done.stdout)


@runs("sql", "grant integration_monitor_writer to app;")
def test_writer_writes_and_reads_no_payload(block: str, tmp_path: Path, database_url: str, app_url: str) -> None:
    execute(database_url, block)

    done = Shell(tmp_path, database_url=app_url).run_python(
        "import integration_monitor as im\n"
        "im.instrument()\n"
        "im.log(service_name='amocrm', action='sync_lead', status='success', request_payload={'name': 'Anna'})\n"
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert [row["request_payload"] for row in rows(database_url)] == [{"name": "Anna"}]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(app_url, "select request_payload from public.integration_logs")


@runs("sh", "integration-monitor sql > integration_monitor.sql")
def test_script_does_what_migrate_does(block: str, shell: Shell, empty_database_url: str) -> None:
    done = shell.run(block)
    execute(empty_database_url, (shell.folder / "integration_monitor.sql").read_text("utf-8"))

    migrated = shell.run(f"integration-monitor migrate --database-url '{empty_database_url}'")

    assert done.returncode == 0, done.stderr
    assert "nothing to apply" in migrated.stdout


@runs("sh", "export INTEGRATION_MONITOR_REQUIRED_CLAIMS=app_metadata.integration_monitor=reader")
def test_claim_is_required_and_given(block: str, shell_with_database: Shell) -> None:
    done = shell_with_database.run(f"{block}\nintegration-monitor token --role authenticated")

    claims = jwt.decode(done.stdout.strip(), options={"verify_signature": False})
    assert claims["app_metadata"] == {"integration_monitor": "reader"}


@runs("cron", "17 3 * * * integration-monitor cleanup")
def test_cron_line_removes_what_is_old(block: str, shell: Shell, database_url: str) -> None:
    execute(database_url, OLD_LOG)
    *variables, job = replaced(block, (OWNER_URL, f"'{database_url}'")).splitlines()
    schedule = SCHEDULE.match(job)
    assert schedule is not None

    done = shell.run("\n".join([*(f"export {variable}" for variable in variables), job[schedule.end() :]]))

    assert done.returncode == 0, done.stderr
    assert rows(database_url) == []


@runs("sql", "select cron.schedule('integration-monitor', '17 3 * * *', 'select integration_monitor.maintain()');")
def test_pg_cron_line_removes_what_is_old(block: str, database_url: str) -> None:
    execute(database_url, OLD_LOG)
    execute(database_url, PG_CRON)

    execute(database_url, block)

    [job] = rows(database_url, "select * from cron.job")
    assert SCHEDULE.fullmatch(f"{job['schedule']} ")
    execute(database_url, job["command"])
    assert rows(database_url) == []


@runs("sh", "integration-monitor serve")
def test_server_prints_a_link_to_the_dashboard(block: str, shell_with_database: Shell) -> None:
    with shell_with_database.start(block) as program:
        address = program.wait_for(r"listens on (http\S+)")
        link = program.wait_for(r"Sign in .*: (http\S+)")
        with httpx.Client(base_url=address, follow_redirects=True) as client:
            dashboard, schema = client.get(link), client.get("/schema")
        exit_code = program.interrupt()

    assert (dashboard.status_code, schema.status_code, exit_code) == (200, 200, 0)
    assert str(dashboard.url) == f"{address}/"
    assert schema.json()["openapi"].startswith("3.1")


@runs("sh", "TOKEN=$(integration-monitor token --role authenticated)")
def test_token_opens_the_api(block: str, shell_with_database: Shell, serving: Program, database_url: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed, and this block is a call of it: apt-get install curl")
    execute(
        database_url,
        "insert into public.integration_logs (service_name, action, status) values ('amocrm', 'sync_lead', 'success')",
    )

    done = shell_with_database.run(replaced(block, (SERVER, serving.wait_for(r"listens on (http\S+)"))))

    answer = json.loads(done.stdout)
    assert [row["service_name"] for row in answer["data"]] == ["amocrm"]
    assert answer["next"] is None


@runs("sh", "KEY=$(integration-monitor keys create shop-backend --scope ingest)")
def test_key_lets_other_programs_send(block: str, shell_with_database: Shell, serving: Program, database_url: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed, and this block is a call of it: apt-get install curl")

    done = shell_with_database.run(replaced(block, (SERVER, serving.wait_for(r"listens on (http\S+)"))))

    assert json.loads(done.stdout)["stored"] == 1
    assert [(row["service_name"], row["status"]) for row in rows(database_url)] == [("billing", "failed")]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_block_is_run_by_one_test(document: str) -> None:
    blocks = blocks_of(document)

    assert [block for block in blocks if sum(is_named(block, *name) for name in NAMED) != 1] == []
    assert [name for name in NAMED if sum(is_named(block, *name) for block in blocks) != 1] == []
    # No block is written in a way that is not seen above.
    text = (ROOT / document).read_text("utf-8")
    assert len(re.findall(r"^\s*(?:```|~~~)", text, re.MULTILINE)) == 2 * len(blocks)


def test_both_documents_hold_the_same_blocks() -> None:
    english, russian = ([(block.info, block.code()) for block in blocks_of(document)] for document in DOCUMENTS)

    assert english == russian
