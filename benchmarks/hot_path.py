"""Time of spans, measurements and monitored calls in microseconds, compared with the plain SDK."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from benchmarks.measure import Row, interleave
from flext_observability import (
    flext_create_metric,
    flext_monitor_function,
    init_observability,
    register_exporter,
    shutdown_observability,
    traced,
)
from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.extensions.ports import ExportOutcome, SignalExporter
from flext_observability.settings.config import FlextObservabilityConfig

OPERATIONS = 4000
ATTRIBUTES: dict[str, str | int] = {
    "http.request.method": "GET",
    "http.route": "/items/{id}",
    "http.response.status_code": 200,
}


class DiscardingExporter:
    """Exporter that discards all items, so that only the recording side is measured."""

    def export(self, batch: Sequence[object], timeout_seconds: float) -> ExportOutcome:
        return ExportOutcome(accepted=sys.maxsize)  # the whole batch

    def close(self) -> None:
        pass


class DiscardingFactory:
    def signals(self) -> Collection[Signal]:
        return SIGNALS

    def create(self, signal: Signal, config: FlextObservabilityConfig) -> SignalExporter[object]:
        return DiscardingExporter()


class DiscardingSpanExporter(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


def rows() -> list[Row]:
    """Measure both sides with exporters that discard all items."""
    stock_tracer, stock_meter, end = _stock()
    register_exporter("discarding", DiscardingFactory())
    init_observability(service_name="bench", exporters="discarding", console=False).unwrap()
    try:
        return [*_spans(stock_tracer), *_calls(stock_tracer), *_measurements(stock_meter)]
    finally:
        shutdown_observability()
        end()


def _stock() -> tuple[trace.Tracer, metrics.Meter, Callable[[], Any]]:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(DiscardingSpanExporter()))
    meters = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)
    return provider.get_tracer("stock"), meters.get_meter("stock"), provider.shutdown


def _spans(stock: trace.Tracer) -> list[Row]:
    own = trace.get_tracer("own")

    def with_tracer(tracer: trace.Tracer) -> Callable[[int], None]:
        def work(count: int) -> None:
            for _ in range(count):
                with tracer.start_as_current_span("work", attributes=ATTRIBUTES):
                    pass

        return work

    def with_traced(count: int) -> None:
        for _ in range(count):
            with traced("work", ATTRIBUTES):
                pass

    best = interleave({"sdk": with_tracer(stock), "tracer": with_tracer(own), "traced": with_traced}, OPERATIONS)
    return [
        Row("span, 3 attributes, OTel tracer behind our proxy", best["tracer"], best["sdk"], "SDK"),
        Row("span, 3 attributes, traced()", best["traced"], best["sdk"], "SDK"),
    ]


def _calls(stock: trace.Tracer) -> list[Row]:
    @stock.start_as_current_span("call")
    def plain() -> None:
        pass

    @traced("call")
    def own() -> None:
        pass

    @flext_monitor_function("call")
    def monitored() -> None:
        pass

    def repeat(function: Callable[[], None]) -> Callable[[int], None]:
        def work(count: int) -> None:
            for _ in range(count):
                function()

        return work

    best = interleave({"sdk": repeat(plain), "traced": repeat(own), "monitored": repeat(monitored)}, OPERATIONS)
    return [
        Row("decorated call, @traced", best["traced"], best["sdk"], "SDK decorator"),
        Row(
            "decorated call, @flext_monitor_function (span, histogram, counter)",
            best["monitored"],
            best["sdk"],
            "SDK decorator",
            "≤ 2.0",
        ),
    ]


def _measurements(stock: metrics.Meter) -> list[Row]:
    theirs, own = stock.create_counter("count"), metrics.get_meter("own").create_counter("count")

    def add(counter: metrics.Counter) -> Callable[[int], None]:
        def work(count: int) -> None:
            for _ in range(count):
                counter.add(1, ATTRIBUTES)

        return work

    def create(count: int) -> None:
        for number in range(count):
            flext_create_metric("created", number, "By", {"k": "v"})

    best = interleave({"sdk": add(theirs), "own": add(own), "create": create}, OPERATIONS)
    return [
        Row("counter, 3 attributes, OTel counter behind our proxy", best["own"], best["sdk"], "SDK"),
        Row("flext_create_metric: validate, emit, store", best["create"], best["sdk"], "SDK counter"),
    ]
