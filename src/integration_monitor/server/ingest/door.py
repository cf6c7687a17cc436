"""What happens to a request that brings records: read, recorded, written, answered."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request
from msgspec import Meta

from integration_monitor.batch import Batch
from integration_monitor.errors import RecordsRefused, StoreUnavailable
from integration_monitor.record import IntegrationLog
from integration_monitor.server.caller import Caller
from integration_monitor.server.ingest import bodies
from integration_monitor.server.ingest.batcher import Batcher, Refused
from integration_monitor.server.ingest.items import RefusedItem
from integration_monitor.server.ingest.limits import REFUSALS_TOLD_MAX, Budget, Holding
from integration_monitor.server.ingest.recording import Reading, Recorded, Recording, Split
from integration_monitor.server.refusals import RecordsRefusedAll
from integration_monitor.settings import Settings
from integration_monitor.writer.sink import Sink

_STORE_REMEDY: Final = "The database takes no such record; send it with other values."


class Ingested(msgspec.Struct, kw_only=True, frozen=True):
    """What became of the records of a request. What is stored is committed."""

    stored: Annotated[int, Meta(description="Records that are in the table now, those that were there before included.")]
    ignored: Annotated[
        int,
        Meta(
            description="Items without a record: by the server's settings `ignore` and `sample`, or long polls that brought nothing."
        ),
    ]
    refused_count: Annotated[int, Meta(description="Items that are not stored.")]
    refused: Annotated[
        list[RefusedItem], Meta(description=f"The first {REFUSALS_TOLD_MAX} of them, and what is wrong with each.")
    ]
    ids: Annotated[list[UUID], Meta(description="Of the records that are stored, in the order of the items.")]


class Door:
    """Takes records for one server. Its parts are opened and closed with the server."""

    def __init__(self, settings: Settings, sink: Sink, budget: Budget | None = None) -> None:
        self.budget = budget or Budget()
        self._settings = settings
        self._sink = sink
        self._parts: tuple[Recording, Batcher] | None = None

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Takes records until the block ends; what was taken is written then."""
        recording, batcher = self._parts = Recording(self._settings), Batcher(self._sink)
        batcher.open()
        try:
            yield
        finally:
            await batcher.close()
            recording.close()
            self._parts = None

    async def take_records(self, request: Request[Caller, Any, Any]) -> Ingested:
        """Stores the records of a request.

        Errors:
            BodyRefused and below it, Busy, NotAllowed
            RecordsRefusedAll: none of them can be stored.
            StoreUnavailable, StoreError
        """
        return await self._take(request, self._opened[0].records)

    async def take_calls(self, request: Request[Caller, Any, Any]) -> Ingested:
        """Stores the records of the calls of a request. Errors as of `take_records`."""
        return await self._take(request, self._opened[0].calls)

    @contextlib.asynccontextmanager
    async def recorded(self, request: Request[Caller, Any, Any], split: Split, read: Reading) -> AsyncIterator[Recorded]:
        """What the body of a request became. Its memory is held until the block ends, in which they are stored.

        Errors:
            BodyRefused and below it, Busy; whatever `split` raises.
        """
        with self.budget.request() as holding:
            body = await self._body(request, holding)
            recorded = await self._opened[0].items(body, split, read, request.user.service)
            del body
            holding.hold_records(len(recorded.records))
            yield recorded

    async def store_each(self, records: Sequence[IntegrationLog]) -> Refused:
        """Stores records, and gives which of them the database refused, by their index. Errors as of `Batcher.add`."""
        return await self._opened[1].add(records) if records else {}

    async def store_all(self, records: Sequence[IntegrationLog]) -> None:
        """Stores records, all or none.

        Errors:
            RecordsRefused: the database will not take one of them.
            StoreUnavailable, StoreError
        """
        batcher = self._opened[1]
        if len(records) > 1:
            await batcher.write(Batch(records=records))
        elif records:
            # One is all: so it may share its transaction with others.
            for why in (await batcher.add(records)).values():
                raise RecordsRefused(why)

    @property
    def _opened(self) -> tuple[Recording, Batcher]:
        if self._parts is None:
            raise StoreUnavailable("the server is ending")
        return self._parts

    async def _take(
        self, request: Request[Caller, Any, Any], record: Callable[[bytes, str, str | None], Awaitable[Recorded]]
    ) -> Ingested:
        with self.budget.request() as holding:
            body = await self._body(request, holding)
            recorded = await record(body, request.headers.get("content-type", ""), request.user.service)
            del body  # while the records wait they need it no more
            holding.hold_records(len(recorded.records) + len(recorded.finished))
            return await (self._store_batch(recorded) if recorded.is_batch else self._store(recorded))

    async def _body(self, request: Request[Caller, Any, Any], holding: Holding) -> bytes:
        body = await bodies.read(request, holding)
        encoding = request.headers.get("content-encoding", "")
        if encoding:
            body = await self._opened[0].unpack(body, encoding)
            holding.grow(len(body))
        return body

    async def _store(self, recorded: Recorded) -> Ingested:
        records = [record for _line, record in recorded.records]
        told = await self._opened[1].add(records) if records else {}
        by_store = [
            RefusedItem(
                line=recorded.records[index][0], field=None, value=None, problem=f"the database: {why}", remedy=_STORE_REMEDY
            )
            for index, why in told.items()
        ]
        ids = [record.id for index, record in enumerate(records) if index not in told]
        return _answer(ids, recorded, [*recorded.refused, *by_store])

    async def _store_batch(self, recorded: Recorded) -> Ingested:
        """All or nothing: whoever sends a batch has counted what is in it."""
        if recorded.refused:
            raise _refused_all(recorded.refused)
        batch = Batch(
            records=[record for _line, record in recorded.records],
            finished=[record for _line, record in recorded.finished],
            report=recorded.report,
        )
        try:
            await self._opened[1].write(batch)
        except RecordsRefused as error:
            item = RefusedItem(
                line=1, field=None, value=None, problem=f"the database: {error}", remedy="Send the batch in halves."
            )
            raise _refused_all([item]) from error
        return _answer([record.id for record in (*batch.records, *batch.finished)], recorded, [])


def _answer(ids: list[UUID], recorded: Recorded, refused: list[RefusedItem]) -> Ingested:
    refused = sorted(refused, key=lambda one: one.line)
    if refused and not ids and not recorded.ignored:
        raise _refused_all(refused)
    return Ingested(
        stored=len(ids),
        ignored=recorded.ignored,
        refused_count=len(refused),
        refused=refused[:REFUSALS_TOLD_MAX],
        ids=ids,
    )


def _refused_all(refused: Any) -> RecordsRefusedAll:
    first = refused[0]
    place = f"line {first.line}" + (f", `{first.field}`" if first.field else "")
    return RecordsRefusedAll(f"{len(refused)} refused; {place}: {first.problem}", refused=list(refused)[:REFUSALS_TOLD_MAX])
