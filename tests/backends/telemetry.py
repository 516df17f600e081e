"""Finished spans, log records and metric points from the real SDK."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.metrics import Meter
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

RESOURCE = Resource({"service.name": "shop", "service.instance.id": "one"})


def make_spans(count: int, **attributes: Any) -> list[ReadableSpan]:
    """Return finished spans named ``span-0``, ``span-1`` and so on."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("tests")
    for index in range(count):
        tracer.start_span(f"span-{index}", attributes=attributes).end()
    return list(kept.get_finished_spans())


def make_logs(count: int) -> list[ReadableLogRecord]:
    """Return log records with the bodies ``log-0``, ``log-1`` and so on."""
    kept = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call] # the SDK has no annotation there
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    logger = provider.get_logger("tests")
    for index in range(count):
        logger.emit(
            LogRecord(
                timestamp=1,
                observed_timestamp=2,
                severity_number=SeverityNumber.INFO,
                severity_text="INFO",
                body=f"log-{index}",
            )
        )
    return list(kept.get_finished_logs())


def make_metrics(record: Callable[[Meter], object], *, views: Sequence[View] = ()) -> MetricsData:
    """Return the points recorded by ``record(meter)``, with these views."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], RESOURCE, views=views, shutdown_on_exit=False)
    record(provider.get_meter("tests"))
    data = reader.get_metrics_data()
    assert data is not None
    return data
