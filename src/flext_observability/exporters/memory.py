"""Finished items → bounded lists in this process, for tests and notebooks."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.extensions.ports import ExportOutcome
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.foreign import plain_text
from flext_observability.wire.otlp.batch import count_items

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.metrics.export import Metric, MetricsData
    from opentelemetry.sdk.trace import ReadableSpan

    from flext_observability.settings.config import FlextObservabilityConfig

MAX_ITEMS = 10_000
MAX_COLLECTIONS = 100


@final
class MemoryStore:
    """Items of the ``memory`` exporter: the newest 10 000 spans, 10 000 log records and 100 metric collections."""

    __slots__ = ("_items", "_lock")

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._items: dict[Signal, deque[Any]] = {
            "traces": deque(maxlen=MAX_ITEMS),
            "metrics": deque(maxlen=MAX_COLLECTIONS),
            "logs": deque(maxlen=MAX_ITEMS),
        }

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """Finished spans, in the order of arrival."""
        return self._snapshot("traces")

    @property
    def logs(self) -> tuple[ReadableLogRecord, ...]:
        """Log records, in the order of arrival."""
        return self._snapshot("logs")

    @property
    def metrics(self) -> tuple[MetricsData, ...]:
        """Metric collections, oldest first; the last one contains the newest totals."""
        return self._snapshot("metrics")

    def metric(self, name: str) -> Metric | None:
        """Return the newest state of a metric; None when no collection contains it."""
        wanted = plain_text(name)
        for data in reversed(self.metrics):
            for resource in data.resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        if metric.name == wanted:
                            return metric
        return None

    def clear(self) -> None:
        """Remove all items."""
        with self._lock:
            for items in self._items.values():
                items.clear()

    def add(self, signal: Signal, batch: Sequence[object]) -> None:
        """Add the items of one export call."""
        with self._lock:
            self._items[signal].extend(batch)

    def _snapshot(self, signal: Signal) -> tuple[Any, ...]:
        with self._lock:
            return tuple(self._items[signal])


@final
class MemoryExporter:
    """Adds each batch to a store."""

    is_local: ClassVar = True
    __slots__ = ("_signal", "_store")

    def __init__(self, signal: Signal, store: MemoryStore) -> None:
        self._signal: Signal = signal
        self._store = store

    def export(self, batch: Sequence[object], timeout_seconds: float) -> ExportOutcome:
        """Add the batch to the store; always succeeds."""
        self._store.add(self._signal, batch)
        return ExportOutcome(accepted=count_items(self._signal, batch))

    def close(self) -> None:
        """Do nothing: the items stay readable."""


@final
class MemoryFactory:
    """Creates exporters that share one store."""

    __slots__ = ("_store",)

    def __init__(self, store: MemoryStore | None = None) -> None:
        """Use ``store``, or the one of the process."""
        self._store = store

    @property
    def store(self) -> MemoryStore:
        """Store that receives the items."""
        return memory_store() if self._store is None else self._store

    def signals(self) -> Collection[Signal]:
        """Return all three signals."""
        return SIGNALS

    def create(self, signal: Signal, config: FlextObservabilityConfig) -> MemoryExporter:
        """Return an exporter that adds to the store."""
        return MemoryExporter(signal, self.store)


def memory_store() -> MemoryStore:
    """Return the store of the exporter named ``memory``, one for the process."""
    return current_runtime().get(MemoryStore)


factory: Final = MemoryFactory()
