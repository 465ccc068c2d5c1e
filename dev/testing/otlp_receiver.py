"""What an OpenTelemetry collector would receive over HTTP, on 127.0.0.1."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class ReceivedSpan:
    """
    One span.

    :param trace_id: of the whole trace, hexadecimal
    :param span_id: its own, hexadecimal
    :param parent_id: of the span around it, hexadecimal; empty for none
    :param failed: whether its status is an error
    :param text: all of it, as text
    """

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    failed: bool
    text: str


class OtlpReceiver:
    """A collector for as long as the context lasts: spans, and metrics by name."""

    def __init__(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                receiver._receive(self.path, body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._lock = threading.Lock()
        self._spans: list[ReceivedSpan] = []
        self._metrics: dict[str, list[Any]] = {}

    @property
    def port(self) -> int:
        """Its port on 127.0.0.1."""
        return self._server.server_port

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def spans(self) -> list[ReceivedSpan]:
        """All spans so far."""
        with self._lock:
            return list(self._spans)

    @property
    def metrics(self) -> dict[str, list[Any]]:
        """Name -> the messages ``Metric`` of OpenTelemetry's protocol so far."""
        with self._lock:
            return {name: list(found) for name, found in self._metrics.items()}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def _receive(self, path: str, body: bytes) -> None:
        if path.endswith("/v1/traces"):
            traces = ExportTraceServiceRequest.FromString(body)
            found = [span for part in traces.resource_spans for scope in part.scope_spans for span in scope.spans]
            with self._lock:
                self._spans += map(_read, found)
        elif path.endswith("/v1/metrics"):
            metrics = ExportMetricsServiceRequest.FromString(body)
            with self._lock:
                for part in metrics.resource_metrics:
                    for scope in part.scope_metrics:
                        for metric in scope.metrics:
                            self._metrics.setdefault(metric.name, []).append(metric)


def _read(span: Any) -> ReceivedSpan:
    return ReceivedSpan(
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        attributes={entry.key: getattr(entry.value, entry.value.WhichOneof("value")) for entry in span.attributes},
        failed=span.status.code == 2,
        text=str(span),
    )
