"""Body of an OTLP request → collections of metrics, equal to those that were encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from flext_observability.values.metric_points import point_classes
from flext_observability.wire.otlp.restore_values import restored_attributes, restored_resource, restored_scope

if TYPE_CHECKING:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.metrics.v1 import metrics_pb2 as proto
    from opentelemetry.sdk.metrics.export import MetricsData


def restored_collections(request: ExportMetricsServiceRequest) -> list[MetricsData]:
    """Return the metrics of a request, in order: a new collection starts at each resource that the last one has.

    Raises:
        ValueError: A metric is of a kind that the SDK does not have.
    """
    classes = point_classes()
    collections: list[list[Any]] = []
    for each in request.resource_metrics:
        metrics = _resource(classes, each)
        if not collections or any(metrics.resource == known.resource for known in collections[-1]):
            collections.append([])
        collections[-1].append(metrics)
    return [classes.MetricsData(resources) for resources in collections]


def _resource(classes: Any, message: proto.ResourceMetrics) -> Any:  # noqa: ANN401 - of the SDK, or plain
    scopes: dict[tuple[bytes, str], Any] = {}
    for each in message.scope_metrics:
        key = each.scope.SerializeToString(), each.schema_url
        if key not in scopes:  # the encoders keep one of equal scopes
            scope = restored_scope(each.scope, each.schema_url)
            scopes[key] = classes.ScopeMetrics(scope, list[Any](), each.schema_url)
        scopes[key].metrics.extend(_metric(classes, metric) for metric in each.metrics)
    resource = restored_resource(message.resource, message.schema_url)
    return classes.ResourceMetrics(resource, list(scopes.values()), message.schema_url)


def _metric(classes: Any, message: proto.Metric) -> Any:  # noqa: ANN401 - of the SDK, or plain
    kind = message.WhichOneof("data")
    if kind is None:  # the encoders leave the data out when it has no points
        data = classes.Gauge([])
    elif kind in _DATA:
        data = _DATA[kind](classes, getattr(message, kind))
    else:
        raise ValueError(f"the metric {message.name} is of the kind {kind}, which the SDK does not have")
    return classes.Metric(message.name, message.description, message.unit, data)


def _gauge(classes: Any, message: proto.Gauge) -> Any:  # noqa: ANN401 - of the SDK, or plain
    return classes.Gauge([_number_point(classes, each) for each in message.data_points])


def _sum(classes: Any, message: proto.Sum) -> Any:  # noqa: ANN401 - of the SDK, or plain
    points = [_number_point(classes, each) for each in message.data_points]
    return classes.Sum(points, _temporality(classes, message), message.is_monotonic)


def _histogram(classes: Any, message: proto.Histogram) -> Any:  # noqa: ANN401 - of the SDK, or plain
    points = [_histogram_point(classes, each) for each in message.data_points]
    return classes.Histogram(points, _temporality(classes, message))


def _exponential(classes: Any, message: proto.ExponentialHistogram) -> Any:  # noqa: ANN401 - of the SDK, or plain
    points = [_exponential_point(classes, each) for each in message.data_points]
    return classes.ExponentialHistogram(points, _temporality(classes, message))


_DATA: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "gauge": _gauge,
    "sum": _sum,
    "histogram": _histogram,
    "exponential_histogram": _exponential,
}


def _temporality(  # a class of the SDK, or a plain one
    classes: Any,  # noqa: ANN401
    message: proto.Sum | proto.Histogram | proto.ExponentialHistogram,
) -> Any:  # noqa: ANN401
    kinds = classes.AggregationTemporality
    return kinds(message.aggregation_temporality) if message.aggregation_temporality in {1, 2} else kinds(0)


def _number_point(classes: Any, message: proto.NumberDataPoint) -> Any:  # noqa: ANN401 - of the SDK, or plain
    return classes.NumberDataPoint(
        restored_attributes(message.attributes),
        message.start_time_unix_nano or None,
        message.time_unix_nano,
        _number(message),
        _exemplars(classes, message.exemplars),
    )


def _histogram_point(classes: Any, message: proto.HistogramDataPoint) -> Any:  # noqa: ANN401 - of the SDK, or plain
    return classes.HistogramDataPoint(
        restored_attributes(message.attributes),
        message.start_time_unix_nano,
        message.time_unix_nano,
        message.count,
        _optional(message, "sum"),
        list(message.bucket_counts),
        list(message.explicit_bounds),
        _optional(message, "min"),
        _optional(message, "max"),
        _exemplars(classes, message.exemplars),
    )


def _exponential_point(classes: Any, message: proto.ExponentialHistogramDataPoint) -> Any:  # noqa: ANN401
    positive, negative = message.positive, message.negative
    return classes.ExponentialHistogramDataPoint(
        restored_attributes(message.attributes),
        message.start_time_unix_nano,
        message.time_unix_nano,
        message.count,
        _optional(message, "sum"),
        message.scale,
        message.zero_count,
        classes.Buckets(positive.offset, list(positive.bucket_counts)),
        classes.Buckets(negative.offset, list(negative.bucket_counts)),
        message.flags,
        _optional(message, "min"),
        _optional(message, "max"),
        _exemplars(classes, message.exemplars),
    )


def _exemplars(classes: Any, messages: Iterable[proto.Exemplar]) -> list[Any]:  # noqa: ANN401 - of the SDK, or plain
    return [
        classes.Exemplar(
            restored_attributes(each.filtered_attributes),
            _number(each),
            each.time_unix_nano,
            int.from_bytes(each.span_id, "big") if each.span_id else None,
            int.from_bytes(each.trace_id, "big") if each.trace_id else None,
        )
        for each in messages
    ]


def _number(message: proto.NumberDataPoint | proto.Exemplar) -> float:
    return message.as_int if message.WhichOneof("value") == "as_int" else message.as_double


def _optional(message: Any, name: str) -> Any:  # noqa: ANN401 - of two classes; a number or None
    """Return an optional number; None without it, as the encoders write it."""
    return getattr(message, name) if message.HasField(name) else None
