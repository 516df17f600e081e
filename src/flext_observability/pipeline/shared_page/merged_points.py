"""Lists of a merged metric → ``Metric`` with its points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from flext_observability.values.metric_points import point_classes
from flext_observability.wire.metric_snapshot.decode import attributes_of
from flext_observability.wire.metric_snapshot.encode import COUNTER, EXPONENTIAL, GAUGE, HISTOGRAM, UP_DOWN_COUNTER

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric

    from flext_observability.pipeline.shared_page.merged_metrics import MergedMetric
    from flext_observability.wire.metric_snapshot.encode import Plain


def metric_of(metric: MergedMetric, time_unix_nano: int) -> Metric:
    """Return the metric with its points, as of this time."""
    classes, make = point_classes(), _POINTS[metric.kind]
    data = _data(classes, metric.kind, [make(classes, point, time_unix_nano) for point in metric.series.values()])
    made: Metric = classes.Metric(metric.name, metric.description, metric.unit, data)
    return made


def _number(classes: Any, point: Plain, time_unix_nano: int) -> object:  # noqa: ANN401 - a namespace
    text, start, _, value, exemplars = point
    kept = _exemplars(classes, exemplars)
    return classes.NumberDataPoint(attributes_of(text), start, time_unix_nano, value, kept)


def _histogram(classes: Any, point: Plain, time_unix_nano: int) -> object:  # noqa: ANN401 - a namespace
    text, start, count, total, low, high, bounds, counts, exemplars = point
    kept = _exemplars(classes, exemplars)
    summary = count, total, counts, bounds, low, high
    return classes.HistogramDataPoint(attributes_of(text), start, time_unix_nano, *summary, kept)


def _exponential(classes: Any, point: Plain, time_unix_nano: int) -> object:  # noqa: ANN401 - a namespace
    text, start, count, total, low, high, scale, zeros, *buckets, exemplars = point
    return classes.ExponentialHistogramDataPoint(
        attributes_of(text),
        start,
        time_unix_nano,
        count,
        total,
        scale,
        zeros,
        classes.Buckets(buckets[0], buckets[1]),
        classes.Buckets(buckets[2], buckets[3]),
        0,
        low,
        high,
        _exemplars(classes, exemplars),
    )


def _exemplars(classes: Any, exemplars: Plain) -> list[object]:  # noqa: ANN401 - a namespace
    make = classes.Exemplar
    return [make(attributes_of(text), value, time, span, trace) for value, time, text, span, trace in exemplars]


def _data(classes: Any, kind: str, points: list[object]) -> object:  # noqa: ANN401 - a namespace
    cumulative = classes.AggregationTemporality.CUMULATIVE
    if kind == GAUGE:
        return classes.Gauge(points)
    if kind in {COUNTER, UP_DOWN_COUNTER}:
        return classes.Sum(points, cumulative, is_monotonic=kind == COUNTER)
    return (classes.Histogram if kind == HISTOGRAM else classes.ExponentialHistogram)(points, cumulative)


_POINTS: Final[Mapping[str, Callable[[Any, Plain, int], object]]] = {
    COUNTER: _number,
    UP_DOWN_COUNTER: _number,
    GAUGE: _number,
    HISTOGRAM: _histogram,
    EXPONENTIAL: _exponential,
}
