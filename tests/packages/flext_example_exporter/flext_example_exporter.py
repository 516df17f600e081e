"""OpenTelemetry exporters that append one line for each item to the file named by EXAMPLE_EXPORTER_FILE."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult


def _append(lines: Iterable[str]) -> None:
    with Path(os.environ["EXAMPLE_EXPORTER_FILE"]).open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


class LineSpanExporter(SpanExporter):
    """Writes ``span <name>``."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        _append(f"span {span.name}" for span in spans)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        _append(["spans end"])


class LineLogExporter(LogRecordExporter):
    """Writes ``log <body>``."""

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        _append(f"log {item.log_record.body!s}" for item in batch)
        return LogRecordExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        return True

    def shutdown(self) -> None:
        _append(["logs end"])


class LineMetricExporter(MetricExporter):
    """Writes ``metric <name>``."""

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        names = (
            metric.name
            for resource in metrics_data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        )
        _append(f"metric {name}" for name in names)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        _append(["metrics end"])


class BrokenExporter(SpanExporter):
    """Raises in its constructor."""

    def __init__(self) -> None:
        raise RuntimeError("EXAMPLE_KEY is not set")
