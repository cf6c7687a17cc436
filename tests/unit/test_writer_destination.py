"""Where records go, as the spool's folder and people know it."""

import pytest

from integration_monitor.settings import Settings
from integration_monitor.writer.destination import destination_of


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE"):
        monkeypatch.delenv(variable, raising=False)


def place(database_url: str) -> str:
    return destination_of(Settings(database_url=database_url))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # One address and one database name for all projects of Supabase's pooler.
        ("postgresql://postgres.first:FAKE@pooler.example.com:6543/postgres", "postgresql://postgres.second:FAKE@pooler.example.com:6543/postgres"),
        ("postgresql://u@pooler.example.com/db?options=endpoint%3Dfirst", "postgresql://u@pooler.example.com/db?options=endpoint%3Dsecond"),
        # The database is named as the user then.
        ("postgresql://alice:FAKE@db.example.com", "postgresql://bob:FAKE@db.example.com/"),
        ("postgresql://u@one.example.com/db", "postgresql://u@two.example.com/db"),
        ("postgresql:///db?host=/run/one", "postgresql:///db?host=/run/two"),
        ("postgresql:///?service=one", "postgresql:///?service=two"),
    ],
)  # fmt: skip
def test_two_databases_have_two_places(one: str, other: str) -> None:
    assert place(one) != place(other)


def test_what_the_url_leaves_to_the_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = place("postgresql:///db")
    monkeypatch.setenv("PGHOST", "one.example.com")

    assert place("postgresql:///db") not in {before, place("postgresql://two.example.com/db")}
    assert place("postgresql://two.example.com/db") == "postgres://two.example.com/db"


@pytest.mark.parametrize(
    "database_url",
    [
        "postgresql://app:PLANTED@db.example.com:5432/db",
        "postgresql://app:PLANTED#x@db.example.com/db",
        "postgresql://app:PLANTED?x@db.example.com/db",
        "postgresql://app:PLAN[TED@db.example.com/db",
        "postgresql://app:PLANTED/x@db.example.com/db",
        "postgresql://app@db.example.com/db?password=PLANTED",
        "host=db.example.com password=PLANTED",
    ],
)
def test_no_password_is_told_whatever_it_holds(database_url: str) -> None:
    told = place(database_url)

    assert "PLAN" not in told
    assert "app" not in told
