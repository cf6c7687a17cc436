"""A watch over a database whose clock the test sets: traffic goes in, rounds are made, and messages come out at a receiver."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from integration_monitor import settings
from integration_monitor.alerts.plan import plan
from integration_monitor.alerts.watch import Watch
from integration_monitor.store.postgres.incidents import PostgresIncidents
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.questions import PostgresQuestions

#: A probe that is older is stale.
STALE_AFTER = timedelta(minutes=15)


class Clock:
    """A clock that stands still until it is set. It begins some hours ago, so that nothing lies in the future."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=5)

    def __call__(self) -> datetime:
        return self.now


class Scene:
    """One database, a clock, and a watch for each server."""

    def __init__(self, database_url: str, runner: asyncio.Runner, clock: Clock) -> None:
        self.clock = clock
        self.watches: list[Watch] = []
        self._database_url = database_url
        self._runner = runner
        self._connections: list[Connections] = []
        self.connection = psycopg.connect(database_url, autocommit=True)

    def add_server(self, **arguments: object) -> Watch:
        """Another server over the same database; keyword arguments are settings."""
        given = settings.load({"database_url": self._database_url, **arguments}, environment={})
        connections = Connections(self._database_url)
        self._runner.run(connections.open())
        self._connections.append(connections)
        watch = Watch(
            plan(given), PostgresIncidents(connections), PostgresQuestions(connections, "service_role"), clock=self.clock
        )
        self.watches.append(watch)
        return watch

    def run(self, coroutine: Any) -> Any:
        return self._runner.run(coroutine)

    def call(self, service: str, *, failed: int = 0, succeeded: int = 0, fault: str = "vendor") -> None:
        """Calls that begin now."""
        self.connection.execute(
            "insert into public.integration_logs (service_name, action, status, error_code, error_message, response_payload, created_at) "
            "select %(service)s, 'send', 'failed', 'HTTP_502', 'Bad Gateway', %(payload)s, %(now)s from generate_series(1, %(failed)s) "
            "union all select %(service)s, 'send', 'success', null, null, null, %(now)s from generate_series(1, %(succeeded)s)",
            {
                "service": service,
                "payload": Jsonb({"fault": fault}),
                "now": self.clock.now,
                "failed": failed,
                "succeeded": succeeded,
            },
        )

    def look(self, *, minutes: float = 1) -> None:
        """The clock goes on; then each server makes its round and sends what is due."""
        self.clock.now += timedelta(minutes=minutes)

        async def look() -> None:
            await asyncio.gather(*(watch.round(probe_stale_after=STALE_AFTER) for watch in self.watches))
            await asyncio.gather(*(watch.deliver() for watch in self.watches))

        self.run(look())

    def live(self, *, minutes: int, service: str = "telegram", failed: int = 0, succeeded: int = 0) -> None:
        """So long, each minute brings these calls and a round."""
        for _ in range(minutes):
            self.call(service, failed=failed, succeeded=succeeded)
            self.look()

    def fetch(self, statement: str) -> list[Any]:
        return self.connection.execute(statement.encode()).fetchall()

    def close(self) -> None:
        for connections in self._connections:
            self._runner.run(connections.close())
        self.connection.close()


@contextlib.contextmanager
def scene(database_url: str) -> Iterator[Scene]:
    with asyncio.Runner() as runner:
        opened = Scene(database_url, runner, Clock())
        try:
            yield opened
        finally:
            opened.close()
