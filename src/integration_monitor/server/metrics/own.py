"""The figures of this process. They lie in a registry of the application's own, so that one that is mounted leaves its host's alone."""

import time
from typing import Final

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from integration_monitor.server.ingest.limits import Budget

# From a file of our own to a question that runs into its time-out.
_BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class OwnFigures:
    """Counts what one application does."""

    def __init__(self, budget: Budget) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        prefix = "integration_monitor_server_"
        self._requests = Counter(
            f"{prefix}requests", "Requests that were answered.", ("method", "route", "status"), registry=self.registry
        )
        self._durations = Histogram(
            f"{prefix}request_duration_seconds",
            "From the request to the last byte of its answer.",
            ("method", "route"),
            buckets=_BOUNDS_S,
            registry=self.registry,
        )
        ingested = {
            "requests": (f"{prefix}ingest_requests", "Requests that bring records and are not answered yet."),
            "records": (f"{prefix}ingest_records", "Records that wait for their commit."),
            "bytes": (f"{prefix}ingest_bytes", "Bodies that are being read or wait for their commit."),
        }
        for what, (name, words) in ingested.items():
            gauge = Gauge(name, words, registry=self.registry)
            gauge.set_function(lambda what=what: float(getattr(budget, f"{what}_count")))  # type: ignore[misc]

    def note(self, *, method: str, route: str, status: int, duration_s: float) -> None:
        """Counts one request.

        route:
            As it is declared, so that an id in an address makes no new one.
        """
        self._requests.labels(method, route, str(status)).inc()
        self._durations.labels(method, route).observe(duration_s)


class Counting(ASGIMiddleware):
    """Counts the requests that a route took."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, figures: OwnFigures) -> None:
        self._figures = figures

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Notes the status that is sent; a request that ends without one was given up by its client."""
        status = 0
        began = time.perf_counter()

        async def send_noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await next_app(scope, receive, send_noting)
        finally:
            if status:
                route = str(scope.get("path_template") or "/")
                self._figures.note(
                    method=str(scope.get("method")), route=route, status=status, duration_s=time.perf_counter() - began
                )
