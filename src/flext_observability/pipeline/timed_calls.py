"""Exports and collections → their durations, for metrics about the telemetry itself.

Source: https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/#operation-metrics
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, cast

from flext_observability.extensions.ports import ExportOutcome, LoadingExporter, SignalExporter
from flext_observability.values.foreign import type_name

T = TypeVar("T")
Attributes = Mapping[str, str | int]
Record = Callable[[float, Attributes], object]
"""Records a duration, in seconds, with its attributes."""


class TimedExporter:
    """Exporter that records the duration of each export, from its first attempt to the end of its last one.

    Args:
        exporter: The exporter. Called by one thread at a time, as this object.
        record: Gets the durations.
        attributes: Attributes of the exporter.
    """

    def __init__(self, exporter: SignalExporter[object], record: Record, attributes: Attributes) -> None:
        self._exporter = exporter
        self._record = record
        self._attributes = attributes
        self._began: float | None = None
        self._last = ExportOutcome()

    def export(self, batch: Sequence[object], timeout_seconds: float) -> ExportOutcome:
        """Export a batch. An attempt that is to be retried does not end the export."""
        if self._began is None:
            self._began = time.monotonic()
        try:
            outcome = self._exporter.export(batch, timeout_seconds)
        except BaseException as error:
            self._end(type_name(error), "")
            raise
        self._last = outcome if isinstance(cast("object", outcome), ExportOutcome) else ExportOutcome(reason="error")
        if not self._last.retry:
            self._end(self._last.reason, self._last.status)
        return outcome

    def close(self) -> None:
        """Close the exporter. An export that was to be retried has failed."""
        if self._began is not None:
            self._end(self._last.reason or "unavailable", self._last.status)
        self._exporter.close()

    def _end(self, error_type: str, status: str) -> None:
        began, self._began = self._began, None
        attributes = dict(self._attributes)
        if error_type:
            attributes["error.type"] = error_type
        if status.isdecimal():
            attributes["http.response.status_code"] = int(status)
        elif status:
            attributes["rpc.response.status_code"] = status
        self._record(time.monotonic() - cast("float", began), attributes)


class TimedLoadingExporter(TimedExporter):
    """Exporter as ``TimedExporter``, with modules to load."""

    def load_modules(self) -> None:
        """Load the modules of the exporter."""
        cast("LoadingExporter", self._exporter).load_modules()


def timed_exporter(exporter: SignalExporter[object], record: Record, attributes: Attributes) -> TimedExporter:
    """Return an exporter that records the durations of its exports."""
    kind = TimedLoadingExporter if isinstance(exporter, LoadingExporter) else TimedExporter
    return kind(exporter, record, attributes)


def timed_collection(collect: Callable[[], T], record: Record, attributes: Attributes) -> Callable[[], T]:
    """Return a function that collects, and records the duration."""

    def timed() -> T:
        began = time.monotonic()
        try:
            data = collect()
        except BaseException as error:
            record(time.monotonic() - began, {**attributes, "error.type": type_name(error)})
            raise
        record(time.monotonic() - began, attributes)
        return data

    return timed
