"""Metric collections → bytes of an OTLP export request. Anything unusual raises: the stock encoder encodes the batch.

Source: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/metrics/v1/metrics.proto
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from struct import Struct, pack
from typing import TYPE_CHECKING, Any, Final, cast, final

from opentelemetry.sdk.metrics.export import ExponentialHistogram, Gauge, Histogram, Sum

from flext_observability.wire.otlp.encode_attributes import AttributeEncoder, ContextEncoder, NotEncodableError
from flext_observability.wire.otlp.protobuf import field, fixed64_field, number_field, sint32, text_field, varint

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import Exemplar
    from opentelemetry.sdk.metrics.export import (
        Buckets,
        ExponentialHistogramDataPoint,
        HistogramDataPoint,
        Metric,
        MetricsData,
        NumberDataPoint,
        ResourceMetrics,
        ScopeMetrics,
    )

_signed64: Final = Struct("<Bq").pack
_double: Final = Struct("<Bd").pack


@final
class MetricEncoder:
    """Encodes metric collections. Not thread-safe: one for each exporter."""

    __slots__ = (
        "_contexts",
        "_encoders",
        "_exemplar_attributes",
        "_exponential_attributes",
        "_histogram_attributes",
        "_number_attributes",
    )

    def __init__(self) -> None:
        self._contexts = ContextEncoder()
        self._number_attributes = AttributeEncoder(b"\x3a")
        self._histogram_attributes = AttributeEncoder(b"\x4a")
        self._exponential_attributes = AttributeEncoder(b"\x0a")
        self._exemplar_attributes = AttributeEncoder(b"\x3a")
        self._encoders: Mapping[type, tuple[bytes, Callable[[Any], bytes]]] = {
            Gauge: (b"\x2a", self._gauge_point),
            Sum: (b"\x3a", self._sum_point),
            Histogram: (b"\x4a", self._histogram_point),
            ExponentialHistogram: (b"\x52", self._exponential_point),
        }

    def encode(self, batch: Sequence[MetricsData]) -> bytes:
        """Return the request, equal to those of the stock encoder for each collection, one after another.

        Raises:
            Exception: A metric has something unusual.
        """
        return b"".join([self._collection(data) for data in batch])

    def _collection(self, data: MetricsData) -> bytes:
        # The stock encoder keeps the last of equal resources and scopes.
        resources = {each.resource: self._resource(each) for each in data.resource_metrics}
        return b"".join([field(b"\x0a", encoded) for encoded in resources.values()])

    def _resource(self, metrics: ResourceMetrics) -> bytes:
        scopes = {each.scope: field(b"\x12", self._scope(each)) for each in metrics.scope_metrics}
        resource = self._contexts.resource(metrics.resource)
        return resource + b"".join(scopes.values()) + text_field(b"\x1a", metrics.resource.schema_url)

    def _scope(self, metrics: ScopeMetrics) -> bytes:
        encoded = b"".join([field(b"\x12", self._metric(metric)) for metric in metrics.metrics])
        return self._contexts.scope(metrics.scope) + encoded + text_field(b"\x1a", metrics.scope.schema_url)

    def _metric(self, metric: Metric) -> bytes:
        head = (
            text_field(b"\x0a", metric.name)
            + text_field(b"\x12", metric.description)
            + text_field(b"\x1a", metric.unit)
        )
        data: Any = metric.data
        try:
            tag, encode = self._encoders[type(data)]
        except KeyError:
            raise NotEncodableError(type(data).__name__) from None
        points = b"".join([field(b"\x0a", encode(point)) for point in data.data_points])
        if not points:
            return head
        temporality = b"" if type(data) is Gauge else number_field(b"\x10", int(data.aggregation_temporality))
        monotonic = b"\x18\x01" if type(data) is Sum and data.is_monotonic else b""
        return head + field(tag, points + temporality + monotonic)

    def _gauge_point(self, point: NumberDataPoint) -> bytes:
        return self._number_point(point, b"")

    def _sum_point(self, point: NumberDataPoint) -> bytes:
        return self._number_point(point, fixed64_field(0x11, point.start_time_unix_nano))

    def _number_point(self, point: NumberDataPoint, start: bytes) -> bytes:
        value = point.value
        is_int = _is_int(value)
        head = start + fixed64_field(0x19, point.time_unix_nano) + (b"" if is_int else _double(0x21, value))
        tail = (_signed64(0x31, value) if is_int else b"") + self._number_attributes.encode(point.attributes)
        return head + self._exemplars(b"\x2a", point.exemplars) + tail

    def _histogram_point(self, point: HistogramDataPoint) -> bytes:
        return b"".join(
            (
                fixed64_field(0x11, point.start_time_unix_nano),
                fixed64_field(0x19, point.time_unix_nano),
                fixed64_field(0x21, point.count),
                _double_field(0x29, point.sum),
                _packed(b"\x32", "Q", point.bucket_counts),
                _packed(b"\x3a", "d", point.explicit_bounds),
                self._exemplars(b"\x42", point.exemplars),
                self._histogram_attributes.encode(point.attributes),
                _double_field(0x59, point.min),
                _double_field(0x61, point.max),
            )
        )

    def _exponential_point(self, point: ExponentialHistogramDataPoint) -> bytes:
        return b"".join(
            (
                self._exponential_attributes.encode(point.attributes),
                fixed64_field(0x11, point.start_time_unix_nano),
                fixed64_field(0x19, point.time_unix_nano),
                fixed64_field(0x21, point.count),
                _double_field(0x29, point.sum),
                b"\x30" + sint32(point.scale) if point.scale else b"",
                fixed64_field(0x39, point.zero_count),
                _buckets(b"\x42", point.positive),
                _buckets(b"\x4a", point.negative),
                number_field(b"\x50", point.flags),
                self._exemplars(b"\x5a", point.exemplars),
                _double_field(0x61, point.min),
                _double_field(0x69, point.max),
            )
        )

    def _exemplars(self, tag: bytes, exemplars: Sequence[Exemplar]) -> bytes:
        return b"".join([field(tag, self._exemplar(exemplar)) for exemplar in exemplars]) if exemplars else b""

    def _exemplar(self, exemplar: Exemplar) -> bytes:
        value, ids = exemplar.value, b""
        if exemplar.span_id is not None and exemplar.trace_id is not None:
            ids = (
                b"\x22\x08" + exemplar.span_id.to_bytes(8, "big") + b"\x2a\x10" + exemplar.trace_id.to_bytes(16, "big")
            )
        time = fixed64_field(0x11, exemplar.time_unix_nano)
        attributes = self._exemplar_attributes.encode(cast("Mapping[str, object] | None", exemplar.filtered_attributes))
        if not _is_int(value):
            return time + _double(0x19, value) + ids + attributes
        return time + ids + _signed64(0x31, cast("int", value)) + attributes


def _is_int(value: object) -> bool:
    """Return whether the value is an integer and not a float."""
    if type(value) in {int, float}:
        return type(value) is int
    raise NotEncodableError(type(value).__name__)


def _double_field(tag: int, number: float | None) -> bytes:
    return b"" if number is None else _double(tag, number)


def _packed(tag: bytes, code: str, numbers: Sequence[float]) -> bytes:
    return field(tag, pack(f"<{len(numbers)}{code}", *numbers)) if numbers else b""


def _buckets(tag: bytes, buckets: Buckets) -> bytes:
    if not buckets.bucket_counts:
        return b""
    offset = b"\x08" + sint32(buckets.offset) if buckets.offset else b""
    return field(tag, offset + field(b"\x12", b"".join([varint(count) for count in buckets.bucket_counts])))
