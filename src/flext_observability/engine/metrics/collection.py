"""Series of a provider → ``MetricsData`` of the SDK's public classes, for one reader."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Buckets,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)

from flext_observability.engine.metrics.distribution import Distribution
from flext_observability.engine.metrics.exponential import Exponential
from flext_observability.engine.metrics.stream import STANDARD_BOUNDS, Stream
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from flext_observability.engine.metrics.exemplars import Kept
    from flext_observability.engine.metrics.meter import EngineMeter
    from flext_observability.engine.metrics.observables import ObservableStream, Observed
    from flext_observability.engine.metrics.provider import EngineMeterProvider, EngineReader
    from flext_observability.engine.metrics.series import Series

_CUMULATIVE: Final = AggregationTemporality.CUMULATIVE
_DELTA: Final = AggregationTemporality.DELTA


def metrics_data(provider: EngineMeterProvider, reader: EngineReader, now_ns: int) -> MetricsData | None:
    """Return all points for a reader, or None without any. The caller holds the lock of the provider."""
    scopes = [
        ScopeMetrics(meter.scope, metrics, cast("str", meter.scope.schema_url))
        for meter in provider.meters()
        if (metrics := list(_metrics(provider, meter, reader, now_ns)))
    ]
    if not scopes:
        return None
    resource = provider.resource
    return MetricsData([ResourceMetrics(resource, scopes, resource.schema_url)])


def _metrics(provider: EngineMeterProvider, meter: EngineMeter, reader: EngineReader, now_ns: int) -> Iterable[Metric]:
    for stream in meter.streams():
        identity = stream.identity
        try:
            if isinstance(stream, Stream):
                points = _points(stream, reader, provider.readers, now_ns)
            else:
                points = _observed_points(stream, reader, now_ns)
        except BaseException as error:  # noqa: BLE001 - the other instruments are collected
            reraise_interrupt(error)
            report_once(f"Collecting the instrument {identity.name}", error)
            continue
        if points:
            data = _data(identity.kind, points, _DELTA if identity.kind in reader.deltas else _CUMULATIVE)
            yield Metric(identity.name, identity.description, identity.unit, data)


def _points(stream: Stream, reader: EngineReader, readers: tuple[EngineReader, ...], now_ns: int) -> list[Any]:
    kind = stream.identity.kind
    delta_readers = [each for each in readers if kind in each.deltas]
    points: list[Any] = []
    all_series = list(stream.by_key.values())
    # Intervals of a reader are contiguous, from the first series of the instrument on.
    is_known = bool(all_series) and all_series[0].start_ns < reader.collected_ns
    for series in all_series:
        total = series.drain(delta_readers)
        if kind not in reader.deltas:
            if total is not None:
                points.append(_point(kind, series, (total, series.kept), (series.start_ns, now_ns)))
        elif (pending := series.pending.pop(reader, None)) is not None:
            start_ns = reader.collected_ns if is_known else series.start_ns
            points.append(_point(kind, series, pending, (start_ns, now_ns)))
    return points


def _point(kind: str, series: Series, aggregated: tuple[Any, Any], times: tuple[int, int]) -> Any:  # noqa: ANN401
    """Return a point of an aggregation and its exemplars."""
    value, kept = aggregated
    exemplars = [_exemplar(each, series.attributes) for each in series.exemplars(kept)] if kept else []
    attributes = series.attributes
    if isinstance(value, Distribution):
        bounds = getattr(series, "bounds", STANDARD_BOUNDS)
        counts = tuple(value.counts)
        return HistogramDataPoint(
            attributes, *times, value.count, value.total, counts, bounds, value.low, value.high, exemplars
        )
    if isinstance(value, Exponential):
        buckets = _buckets(value.positive), _buckets(value.negative)
        scale = value.scale if value.positive or value.negative else 0
        counted: Any = value.count, value.total, scale, value.zeros
        point: Any = ExponentialHistogramDataPoint  # the SDK has more fields than a call may spell out
        return point(attributes, *times, *counted, *buckets, 0, value.low, value.high, exemplars)
    start_ns: Any = None if kind == "gauge" else times[0]  # as the SDK
    return NumberDataPoint(attributes, start_ns, times[1], value, exemplars)


def _observed_points(stream: ObservableStream, reader: EngineReader, now_ns: int) -> list[Any]:
    kind, found = stream.identity.kind, stream.observe()
    if kind in reader.deltas:
        rows = stream.difference(reader, found, now_ns)
    else:
        rows = [(each, each.value, each.start_ns) for each in found.values()]
    return [_observed_point(kind, *row, now_ns) for row in rows]


def _observed_point(kind: str, observed: Observed, value: float, start_ns: int, now_ns: int) -> NumberDataPoint:
    kept, attributes = observed.exemplar, observed.attributes
    exemplars = [] if kept is None else [_exemplar(kept, attributes)]
    start: Any = None if kind == "observable_gauge" else start_ns  # as the SDK
    return NumberDataPoint(attributes, start, now_ns, value, exemplars)


def _exemplar(kept: Kept, known: dict[str, Any]) -> Exemplar:
    value, at_ns, span, attributes = kept
    others: Any = dict(attributes) if attributes else ({} if known else None)  # as the SDK
    span_id, trace_id = (None, None) if span is None else (span.span_id, span.trace_id)
    return Exemplar(others, value, at_ns, span_id, trace_id)


def _buckets(counts: dict[int, int]) -> Buckets:
    if not counts:
        return Buckets(0, [0])
    first = min(counts)
    return Buckets(first, [counts.get(index, 0) for index in range(first, max(counts) + 1)])


def _data(kind: str, points: list[Any], temporality: AggregationTemporality) -> Any:  # noqa: ANN401 - of any kind
    if kind in {"gauge", "observable_gauge"}:
        return Gauge(points)
    if kind == "histogram":
        exponential = isinstance(points[0], ExponentialHistogramDataPoint)
        return (ExponentialHistogram if exponential else Histogram)(points, temporality)
    return Sum(points, temporality, is_monotonic="up_down" not in kind)
