"""Both sides of the cases: this library and the stock SDK, with exporters that discard or hold all items."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from flext_observability import Observability, init_observability, register_exporter
from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.extensions.ports import ExportOutcome, SignalExporter
from flext_observability.settings.config import FlextObservabilityConfig

SPANS: Final = 1000
"""Spans of a round: fewer than a queue holds, which is empty before the round."""
ATTRIBUTES: Final[dict[str, str | int]] = {
    "http.request.method": "GET",
    "http.route": "/items/{id}",
    "http.response.status_code": 200,
}
RESOURCE: Final = Resource({"service.name": "bench"})


class Gate:
    """Exporter of both sides. Open, it discards all items; closed, it holds the batch, and the queue fills."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.opened.set()

    def export(self, batch: Sequence[object], timeout_seconds: float) -> ExportOutcome:
        self.opened.wait()
        return ExportOutcome(accepted=sys.maxsize)  # the whole batch

    def close(self) -> None:
        self.opened.set()


class GateFactory:
    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    def signals(self) -> Collection[Signal]:
        return SIGNALS

    def create(self, signal: Signal, config: FlextObservabilityConfig) -> SignalExporter[object]:
        return self.gate


class StockGate(SpanExporter):
    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.gate.opened.wait()
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self.gate.opened.set()


def start(gate: Gate | None = None, exporters: str = "gate", **settings: Any) -> Observability:
    """Start this library with an exporter that discards all items, or with others."""
    register_exporter("gate", GateFactory(gate or Gate()))
    given: dict[str, Any] = {"service_name": "bench", "exporters": exporters, "console": False, **settings}
    return init_observability(**given).unwrap()


@contextmanager
def started(gate: Gate | None = None, exporters: str = "gate", **settings: Any) -> Iterator[Observability]:
    """Start this library, and shut it down at the end."""
    with start(gate, exporters, **settings) as handle:
        yield handle


def stock_tracers(gate: Gate | None = None, **arguments: Any) -> TracerProvider:
    """Return the SDK's provider with its batch processor and an exporter that discards all spans."""
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False, **arguments)
    provider.add_span_processor(BatchSpanProcessor(StockGate(gate or Gate())))
    return provider


def stock_meter() -> Meter:
    """Return a meter of the SDK with one reader."""
    return MeterProvider([InMemoryMetricReader()], RESOURCE, shutdown_on_exit=False).get_meter("stock")


def engine() -> str:
    """Return the engine of this process."""
    return os.environ.get("FLEXT_OBSERVABILITY_ENGINE", "lean")
