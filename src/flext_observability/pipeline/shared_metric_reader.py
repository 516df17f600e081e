"""One aggregation of all measurements → ``MetricsData`` for every push and every scrape."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from flext_observability.engine.compat import persistent_gauge_aggregation
from flext_observability.engine.observer import observer
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.shared_call import SharedCall, SharedCallTimeout
from flext_observability.values.metric_points import point_classes

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData, ResourceMetrics, ScopeMetrics

    from flext_observability.engine.metrics.provider import EngineReader
    from flext_observability.pipeline.exemplar_memory import ExemplarMemory

LIMIT_SECONDS = 5.0
"""Time limit of one collection, below the 10 s that Prometheus waits for a page by default."""


_COLLECTION_MODULES: Final = (
    "flext_observability.engine.metrics.collection",
    "flext_observability.pipeline.call_counts",
    "flext_observability.values.plain_points",
)
_SDK_POINTS: Final = "opentelemetry.sdk.metrics.export"


def load_collection_modules(*, sdk: bool = False) -> None:
    """Import what a collection needs. Before this, only the first collection does.

    Args:
        sdk: Whether the points must be of the SDK's classes. Only while the program waits for the start.
    """
    for module in (*_COLLECTION_MODULES, _SDK_POINTS) if sdk else _COLLECTION_MODULES:
        import_module(module)


class CollectionTimeout(Exception):
    """A collection is not available in time."""


class _ThreadState(threading.local):
    """Whether this thread collects for any reader: a second collection would wait for a lock of the SDK."""

    collecting = False


_thread: Final = _ThreadState()


def no_metrics() -> MetricsData:
    """Return a collection without points."""
    empty: MetricsData = point_classes().MetricsData([])
    return empty


def count_points(data: MetricsData) -> int:
    """Return the number of data points."""
    return sum(
        len(metric.data.data_points)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )


class SharedMetricReader:
    """Metric reader that all consumers of one temporality share. Every consumer gets the same exemplars.

    Args:
        preferred_temporality: Temporality by SDK instrument class; cumulative by default.
        preferred_aggregation: Aggregation by SDK instrument class; the SDK's by default.
        engine: Reader of our meter provider. Without, the SDK's ``reader`` reads the SDK's provider.
        redact: Removes secrets from points; the engine does it when it creates a series.

    Attributes:
        counts_calls: Whether to derive the calls of monitored functions from their durations. False if other readers
            are attached to the provider.
    """

    def __init__(
        self,
        preferred_temporality: Mapping[type, Any] | None = None,
        preferred_aggregation: Mapping[type, Any] | None = None,
        engine: EngineReader | None = None,
        redact: Callable[[MetricsData], MetricsData] | None = None,
    ) -> None:
        self._engine = engine
        self._redact = redact
        self._memory = None if engine is not None else _make_memory()
        self._preferred = dict(preferred_temporality or {}), dict(preferred_aggregation or {})
        self.counts_calls = False
        self._turn = ForkSafeLock()
        self._shared = SharedCall("flext-collect", self._collect, LIMIT_SECONDS)
        self._repeated = SharedCall("flext-collect", partial(self._collect, repeat=True), LIMIT_SECONDS)

    @cached_property
    def reader(self) -> InMemoryMetricReader:
        """The SDK's reader, for a provider of the SDK."""
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader

        temporality, aggregation = self._preferred
        return InMemoryMetricReader(temporality, {**persistent_gauge_aggregation(), **aggregation})

    def collect(self, *, repeat: bool = False) -> MetricsData:
        """Return all current points. Concurrent callers share a collection; callbacks get no points from here.

        Args:
            repeat: Whether to repeat the last observations of observable instruments, without calling their callbacks.

        Raises:
            CollectionTimeout: A collection takes more than ``LIMIT_SECONDS``.
        """
        if _thread.collecting or observer().is_observing:
            return no_metrics()
        try:
            return (self._repeated if repeat else self._shared).result()
        except SharedCallTimeout as timeout:
            message = f"a collection has not ended for {timeout.seconds:.0f} s: a callback or a reader hangs"
            raise CollectionTimeout(message) from None

    def _collect(self, *, repeat: bool = False) -> MetricsData:
        with observer().collection(repeat=repeat), self._turn:
            _thread.collecting = True
            try:
                data = self._read()
            finally:
                _thread.collecting = False
            resources = () if data is None else data.resource_metrics
            complete: MetricsData = point_classes().MetricsData([self._complete(each) for each in resources])
            return complete if self._redact is None else self._redact(complete)

    def _read(self) -> MetricsData | None:
        return self.reader.get_metrics_data() if self._engine is None else self._engine.collect()

    def collect_for_push(self) -> MetricsData | None:
        """Return all current points, or None when there are none."""
        data = self.collect()
        return data if count_points(data) else None

    def _complete(self, metrics: ResourceMetrics) -> ResourceMetrics:
        """Add the calls of monitored functions; restore exemplars that the SDK removed in an earlier collection."""
        return dataclasses.replace(
            metrics, scope_metrics=[self._complete_scope(each) for each in metrics.scope_metrics]
        )

    def _complete_scope(self, metrics: ScopeMetrics) -> ScopeMetrics:
        from flext_observability.pipeline.call_counts import with_call_counts

        all_metrics = with_call_counts(metrics) if self.counts_calls else metrics.metrics
        if self._memory is not None:
            scope = (metrics.scope.name, metrics.scope.version)
            all_metrics = [self._memory.restore(each, scope) for each in all_metrics]
        return dataclasses.replace(metrics, metrics=all_metrics)


def _make_memory() -> ExemplarMemory:
    from flext_observability.pipeline.exemplar_memory import ExemplarMemory

    return ExemplarMemory()
