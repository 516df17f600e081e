"""Recorded telemetry of a test: `init_observability` with the exporter `memory`, through the whole pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from opentelemetry.sdk.trace import ReadableSpan

from flext_observability import Observability, init_observability
from flext_observability.exporters.memory import memory_store


class Recorded:
    """The active handle, with readers of the exported items."""

    def __init__(self, handle: Observability) -> None:
        self.handle = handle

    def spans(self, name: str | None = None) -> list[ReadableSpan]:
        """Return the finished spans, optionally only those with this name."""
        self._flush()
        return [span for span in memory_store().spans if name in {None, span.name}]

    def span(self, name: str) -> ReadableSpan:
        """Return the only finished span with this name."""
        (span,) = self.spans(name)
        return span

    def logs(self, event_name: str | None = None) -> list[Any]:
        """Return the log records as API objects, optionally only those with this event name."""
        self._flush()
        records = [item.log_record for item in memory_store().logs]
        return [record for record in records if event_name in {None, record.event_name}]

    def metric(self, name: str) -> Any:
        """Return the newest data of a metric, or None."""
        self._flush()
        return memory_store().metric(name)

    def values(self, name: str) -> dict[tuple[tuple[str, Any], ...], Any]:
        """Return the point values of a sum or gauge by their sorted attributes."""
        metric = self.metric(name)
        points = [] if metric is None else metric.data.data_points
        return {tuple(sorted(point.attributes.items())): point.value for point in points}

    def _flush(self) -> None:
        assert self.handle.flush(10).unwrap().complete


@contextmanager
def recording(**arguments: Any) -> Iterator[Recorded]:
    """Start with the memory exporter and a unique service name, so that totals start at zero."""
    memory_store().clear()
    settings: dict[str, Any] = {"service_name": f"test-{uuid4().hex}", "exporters": "memory", **arguments}
    handle = init_observability(**settings).unwrap()
    with handle:
        yield Recorded(handle)
