"""An application that makes records with known keys until SIGTERM: `python -m tests.crash.workload PLAN`."""

import contextlib
import dataclasses
import http.client
import itertools
import json
import os
import resource
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

import integration_monitor as im
from integration_monitor.record import new_id, now
from tests.crash.noting import Notes

# The ids of most records tell their time, as those that the product makes; some applications bring ids of their own.
OWN_ID_EVERY = 10


class Plan(msgspec.Struct, kw_only=True, frozen=True):
    """What an application is to do."""

    #: where its notes go
    folder: str
    #: `instrument()` gets them
    settings: dict[str, Any]
    #: log: records of its own; http: calls to the vendor
    kind: str = "log"
    #: host and port
    vendor: str = ""
    threads: int = 1
    #: what each thread waits between two calls
    pause_s: float = 0.002
    #: of each record of its own; random, so that it cannot be compressed
    payload_bytes: int = 100
    #: no file may become larger than this; None for no limit
    file_bytes_max: int | None = None


class Application:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._notes = Notes(Path(plan.folder))
        self._stop = threading.Event()

    def run(self) -> None:
        plan, parent = self._plan, os.getppid()
        signal.signal(signal.SIGTERM, lambda *_: self._stop.set())
        if plan.file_bytes_max is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (plan.file_bytes_max, plan.file_bytes_max))
        im.instrument(**plan.settings)
        work = {"log": self._log, "http": self._call}[plan.kind]
        # A daemon, so that a defect of the workload itself ends it.
        threads = [threading.Thread(target=self._work, args=(work(number),), daemon=True) for number in range(plan.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                # A signal's handler runs between two of these.
                thread.join(0.1)
                # Nobody is left who could end it.
                if os.getppid() != parent:
                    self._stop.set()
        im.shutdown()
        stats = dataclasses.asdict(dataclasses.replace(im.stats(), dropped=dict(im.stats().dropped)))
        (Path(plan.folder) / "stats.json").write_text(json.dumps(stats), "utf-8")

    def _work(self, make: Callable[[int], None]) -> None:
        for number in itertools.count():
            if self._stop.is_set():
                return
            make(number)
            time.sleep(self._plan.pause_s)

    def _log(self, _thread: int) -> Callable[[int], None]:
        def make(number: int) -> None:
            key = uuid.uuid4() if number % OWN_ID_EVERY == 0 else new_id(now())
            payload = {"text": os.urandom(self._plan.payload_bytes // 2).hex()}
            with self._notes.call(str(key)):
                im.log(id=key, service_name="crash", action="log", status="success", request_payload=payload)

        return make

    def _call(self, thread: int) -> Callable[[int], None]:
        connection = http.client.HTTPConnection(self._plan.vendor, timeout=60)

        def make(number: int) -> None:
            key = f"{os.getpid()}-{thread}-{number}"
            # The vendor may end while the application still asks it: that is a call, too.
            with self._notes.call(key), contextlib.suppress(OSError, http.client.HTTPException):
                connection.request("GET", f"/calls/{key}")
                connection.getresponse().read()

        return make


if __name__ == "__main__":
    Application(msgspec.json.decode(sys.argv[1], type=Plan)).run()
