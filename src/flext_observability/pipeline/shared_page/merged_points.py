"""Lists of a merged metric → ``Metric`` with points of OpenTelemetry's SDK."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

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
    NumberDataPoint,
    Sum,
)

from flext_observability.wire.metric_snapshot.decode import attributes_of
from flext_observability.wire.metric_snapshot.encode import COUNTER, EXPONENTIAL, GAUGE, HISTOGRAM, UP_DOWN_COUNTER

if TYPE_CHECKING:
    from flext_observability.pipeline.shared_page.merged_metrics import MergedMetric
    from flext_observability.wire.metric_snapshot.encode import Plain

_CUMULATIVE: Final = AggregationTemporality.CUMULATIVE


def metric_of(metric: MergedMetric, time_unix_nano: int) -> Metric:
    """Return the metric with its points, as of this time."""
    make = _POINTS[metric.kind]
    points: list[Any] = [make(point, time_unix_nano) for point in metric.series.values()]
    return Metric(metric.name, metric.description, metric.unit, _DATA[metric.kind](points))


def _number(point: Plain, time_unix_nano: int) -> NumberDataPoint:
    text, start, _, value, exemplars = point
    return NumberDataPoint(attributes_of(text), start, time_unix_nano, value, _exemplars(exemplars))


def _histogram(point: Plain, time_unix_nano: int) -> HistogramDataPoint:
    text, start, count, total, low, high, bounds, counts, exemplars = point
    attributes, kept = attributes_of(text), _exemplars(exemplars)
    return HistogramDataPoint(attributes, start, time_unix_nano, count, total, counts, bounds, low, high, kept)


def _exponential(point: Plain, time_unix_nano: int) -> ExponentialHistogramDataPoint:
    text, start, count, total, low, high, scale, zeros, *buckets, exemplars = point
    return ExponentialHistogramDataPoint(
        attributes_of(text),
        start,
        time_unix_nano,
        count,
        total,
        scale,
        zeros,
        Buckets(buckets[0], buckets[1]),
        Buckets(buckets[2], buckets[3]),
        0,
        low,
        high,
        _exemplars(exemplars),
    )


def _exemplars(exemplars: Plain) -> list[Exemplar]:
    return [Exemplar(attributes_of(text), value, time, span, trace) for value, time, text, span, trace in exemplars]


_POINTS: Final[Mapping[str, Callable[[Plain, int], object]]] = {
    COUNTER: _number,
    UP_DOWN_COUNTER: _number,
    GAUGE: _number,
    HISTOGRAM: _histogram,
    EXPONENTIAL: _exponential,
}
_DATA: Final[Mapping[str, Callable[[list[Any]], Any]]] = {
    COUNTER: lambda points: Sum(points, _CUMULATIVE, is_monotonic=True),
    UP_DOWN_COUNTER: lambda points: Sum(points, _CUMULATIVE, is_monotonic=False),
    GAUGE: Gauge,
    HISTOGRAM: lambda points: Histogram(points, _CUMULATIVE),
    EXPONENTIAL: lambda points: ExponentialHistogram(points, _CUMULATIVE),
}
