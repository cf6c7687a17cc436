"""A reader of the live stream, as a program would be: in a thread of its own, with everything that it was told."""

import contextlib
import dataclasses
import json
import queue
import threading
from collections.abc import Iterator
from typing import Any

import httpx

from tests.acceptance.live_server import LiveServer

PATH = "/api/admin/integrations/monitoring/live"
# Nothing is decided by it: a test that waits for so long has failed.
TIMEOUT_S = 20.0


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One event of a stream."""

    kind: str
    data: Any
    id: str | None


class Reader:
    """Reads a stream until it is left."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self.comments = 0
        #: as a browser would send it
        self.last_event_id: str | None = None
        self._thread = threading.Thread(target=self._read, name="live-reader")
        self._thread.start()

    def next(self) -> Event | None:
        """The next event; None at the end of the stream."""
        event = self._events.get(timeout=TIMEOUT_S)
        if event is not None and event.id is not None:
            self.last_event_id = event.id
        return event

    def take(self, count: int, *kinds: str) -> list[Event]:
        """The next events of these kinds."""
        events: list[Event] = []
        while len(events) < count:
            event = self.next()
            assert event is not None, f"the stream ended after {len(events)} events"
            if event.kind in kinds:
                events.append(event)
        return events

    def until_live(self) -> "Reader":
        """Waits until the stream says that it is live."""
        while (event := self.next()) is not None:
            if event.kind == "state" and event.data["state"] == "live":
                return self
        raise AssertionError("the stream ended before it was live")

    def leave(self) -> None:
        """Cuts the connection."""
        stream = self._response.extensions["network_stream"]
        with contextlib.suppress(OSError):
            stream.get_extra_info("socket").shutdown(2)
        self._thread.join(TIMEOUT_S)

    def _read(self) -> None:
        fields: dict[str, str] = {}
        with contextlib.suppress(httpx.HTTPError):
            for line in self._response.iter_lines():
                if line.startswith(":"):
                    self.comments += 1
                elif line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                else:
                    if "data" in fields:
                        self._events.put(Event(kind=fields["event"], data=json.loads(fields["data"]), id=fields.get("id")))
                    fields = {}
        self._events.put(None)


@contextlib.contextmanager
def reading(
    server: LiveServer, *, token: str | None = None, last_event_id: str | None = None, **parameters: str
) -> Iterator[Reader]:
    """Opens a stream; keyword arguments are parameters of the endpoint.

    Errors:
        httpx.HTTPStatusError: it is refused.
    """
    headers = {
        "authorization": f"Bearer {token or server.token()}",
        **({"last-event-id": last_event_id} if last_event_id else {}),
    }
    with (
        httpx.Client(headers=headers, timeout=TIMEOUT_S) as client,
        client.stream("GET", server.url + PATH, params=parameters) as response,
    ):
        response.raise_for_status()
        reader = Reader(response)
        try:
            yield reader
        finally:
            reader.leave()
