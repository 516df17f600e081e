"""Series of a provider → ``MetricsData`` of the SDK's classes, or of plain ones, for one reader."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, final

from flext_observability.engine.metrics.distribution import Distribution
from flext_observability.engine.metrics.exponential import Exponential
from flext_observability.engine.metrics.stream import STANDARD_BOUNDS, Stream
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.metric_points import point_classes

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric, MetricsData

    from flext_observability.engine.metrics.exemplars import Kept
    from flext_observability.engine.metrics.meter import EngineMeter
    from flext_observability.engine.metrics.observables import ObservableStream, Observed
    from flext_observability.engine.metrics.provider import EngineMeterProvider, EngineReader
    from flext_observability.engine.metrics.series import Series


def metrics_data(provider: EngineMeterProvider, reader: EngineReader, now_ns: int) -> MetricsData | None:
    """Return all points for a reader, or None without any. The caller holds the lock of the provider."""
    collection = _Collection(provider, reader, now_ns)
    classes = collection.classes
    scopes = [
        classes.ScopeMetrics(meter.scope, metrics, meter.scope.schema_url)
        for meter in provider.meters()
        if (metrics := list(collection.metrics(meter)))
    ]
    if not scopes:
        return None
    resource = provider.resource
    data: MetricsData = classes.MetricsData([classes.ResourceMetrics(resource, scopes, resource.schema_url)])
    return data


@final
class _Collection:
    """Makes the points of one collection, all of the same classes."""

    __slots__ = ("_now_ns", "_provider", "_reader", "_temporality", "classes")

    def __init__(self, provider: EngineMeterProvider, reader: EngineReader, now_ns: int) -> None:
        self._provider = provider
        self._reader = reader
        self._now_ns = now_ns
        self.classes: Any = point_classes()
        self._temporality: Any = self.classes.AggregationTemporality

    def metrics(self, meter: EngineMeter) -> Iterable[Metric]:
        """Yield a metric for each instrument with points."""
        for stream in meter.streams():
            identity = stream.identity
            try:
                points = self._points(stream) if isinstance(stream, Stream) else self._observed_points(stream)
            except BaseException as error:  # noqa: BLE001 - the other instruments are collected
                reraise_interrupt(error)
                report_once(f"Collecting the instrument {identity.name}", error)
                continue
            if points:
                data = self._data(identity.kind, points)
                yield self.classes.Metric(identity.name, identity.description, identity.unit, data)

    def _points(self, stream: Stream) -> list[Any]:
        kind, reader, now_ns = stream.identity.kind, self._reader, self._now_ns
        delta_readers = [each for each in self._provider.readers if kind in each.deltas]
        points: list[Any] = []
        all_series = list(stream.by_key.values())
        # Intervals of a reader are contiguous, from the first series of the instrument on.
        is_known = bool(all_series) and all_series[0].start_ns < reader.collected_ns
        for series in all_series:
            total = series.drain(delta_readers)
            if kind not in reader.deltas:
                if total is not None:
                    points.append(self._point(kind, series, (total, series.kept), (series.start_ns, now_ns)))
            elif (pending := series.pending.pop(reader, None)) is not None:
                start_ns = reader.collected_ns if is_known else series.start_ns
                points.append(self._point(kind, series, pending, (start_ns, now_ns)))
        return points

    def _point(  # of any class of points
        self, kind: str, series: Series, aggregated: tuple[Any, Any], times: tuple[int, int]
    ) -> Any:  # noqa: ANN401
        """Return a point of an aggregation and its exemplars."""
        value, kept = aggregated
        exemplars = [self._exemplar(each, series.attributes) for each in series.exemplars(kept)] if kept else []
        attributes = series.attributes
        if isinstance(value, Distribution):
            bounds = getattr(series, "bounds", STANDARD_BOUNDS)
            counts = tuple(value.counts)
            return self.classes.HistogramDataPoint(
                attributes, *times, value.count, value.total, counts, bounds, value.low, value.high, exemplars
            )
        if isinstance(value, Exponential):
            buckets = self._buckets(value.positive), self._buckets(value.negative)
            scale = value.scale if value.positive or value.negative else 0
            counted: Any = value.count, value.total, scale, value.zeros
            point = self.classes.ExponentialHistogramDataPoint
            return point(attributes, *times, *counted, *buckets, 0, value.low, value.high, exemplars)
        start_ns = None if kind == "gauge" else times[0]  # as the SDK
        return self.classes.NumberDataPoint(attributes, start_ns, times[1], value, exemplars)

    def _observed_points(self, stream: ObservableStream) -> list[Any]:
        kind, found = stream.identity.kind, stream.observe()
        if kind in self._reader.deltas:
            rows = stream.difference(self._reader, found, self._now_ns)
        else:
            rows = [(each, each.value, each.start_ns) for each in found.values()]
        return [self._observed_point(kind, *row) for row in rows]

    def _observed_point(self, kind: str, observed: Observed, value: float, start_ns: int) -> Any:  # noqa: ANN401
        kept, attributes = observed.exemplar, observed.attributes
        exemplars = [] if kept is None else [self._exemplar(kept, attributes)]
        start = None if kind == "observable_gauge" else start_ns  # as the SDK
        return self.classes.NumberDataPoint(attributes, start, self._now_ns, value, exemplars)

    def _exemplar(self, kept: Kept, known: dict[str, Any]) -> Any:  # noqa: ANN401 - of either class
        value, at_ns, ids, attributes = kept
        others: Any = dict(attributes) if attributes else ({} if known else None)  # as the SDK
        trace_id, span_id = (None, None) if ids is None else ids
        return self.classes.Exemplar(others, value, at_ns, span_id, trace_id)

    def _buckets(self, counts: dict[int, int]) -> Any:  # noqa: ANN401 - of either class
        if not counts:
            return self.classes.Buckets(0, [0])
        first = min(counts)
        return self.classes.Buckets(first, [counts.get(index, 0) for index in range(first, max(counts) + 1)])

    def _data(self, kind: str, points: list[Any]) -> Any:  # noqa: ANN401 - of any kind
        classes, temporality = self.classes, self._temporality
        used = temporality.DELTA if kind in self._reader.deltas else temporality.CUMULATIVE
        if kind in {"gauge", "observable_gauge"}:
            return classes.Gauge(points)
        if kind == "histogram":
            exponential = isinstance(points[0], classes.ExponentialHistogramDataPoint)
            return (classes.ExponentialHistogram if exponential else classes.Histogram)(points, used)
        return classes.Sum(points, used, is_monotonic="up_down" not in kind)
