"""Metric collections → bytes of an OTLP export request. Anything unusual raises: the stock encoder encodes the batch.

Source: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/metrics/v1/metrics.proto
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from struct import Struct, pack
from typing import TYPE_CHECKING, Any, Final, cast, final

from flext_observability.values.metric_points import kind_of
from flext_observability.wire.otlp.any_value import NotEncodableError
from flext_observability.wire.otlp.encode_attributes import AttributeEncoder, copied
from flext_observability.wire.otlp.encode_contexts import ContextEncoder
from flext_observability.wire.otlp.protobuf import (
    LengthPrefixes,
    field,
    fixed64_field,
    number_field,
    sint32,
    text_field,
    varint,
)

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
_start_and_time: Final = Struct("<BQBQ").pack
_MAX_BUCKET_NUMBERS: Final = 64
_MAX_BOUNDS: Final = 64


@final
class MetricEncoder:
    """Encodes metric collections. Not thread-safe: one for each exporter."""

    __slots__ = (
        "_bound_fields",
        "_contexts",
        "_count_fields",
        "_encoders",
        "_exemplar_attributes",
        "_exponential_attributes",
        "_histogram_keys",
        "_number_keys",
        "_prefixes",
    )

    def __init__(self) -> None:
        self._contexts = ContextEncoder()
        self._prefixes = LengthPrefixes(b"\x0a")
        self._number_keys = AttributeEncoder(b"\x3a").keys
        self._histogram_keys = AttributeEncoder(b"\x4a").keys
        self._count_fields = _CountFields()
        self._bound_fields: dict[int, tuple[Sequence[float], bytes]] = {}
        self._exponential_attributes = AttributeEncoder(b"\x0a")
        self._exemplar_attributes = AttributeEncoder(b"\x3a")
        self._encoders: Mapping[str, tuple[bytes, Callable[[Any], bytes]]] = {
            "Gauge": (b"\x2a", self._gauge_point),
            "Sum": (b"\x3a", self._sum_point),
            "Histogram": (b"\x4a", self._histogram_point),
            "ExponentialHistogram": (b"\x52", self._exponential_point),
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
        kind = kind_of(data)
        try:
            tag, encode = self._encoders[kind]
        except KeyError:
            raise NotEncodableError(kind) from None
        prefixes = self._prefixes
        parts: list[bytes] = []
        for point in data.data_points:
            encoded = encode(point)
            parts += prefixes[len(encoded)], encoded
        points = b"".join(parts)
        if not points:
            return head
        temporality = b"" if kind == "Gauge" else number_field(b"\x10", int(data.aggregation_temporality))
        monotonic = b"\x18\x01" if kind == "Sum" and data.is_monotonic else b""
        return head + field(tag, points + temporality + monotonic)

    def _gauge_point(self, point: NumberDataPoint) -> bytes:
        time = point.time_unix_nano
        return self._number_point(point, fixed64_field(0x19, time))

    def _sum_point(self, point: NumberDataPoint) -> bytes:
        return self._number_point(point, _times(point))

    def _number_point(self, point: NumberDataPoint, times: bytes) -> bytes:  # measured: benchmarks, OTLP encoding
        value, keys = point.value, self._number_keys
        parts = [times]
        if type(value) is float:
            parts.append(_double(0x21, value))
        if point.exemplars:
            parts.append(self._exemplars(b"\x2a", point.exemplars))
        if type(value) is int:
            parts.append(_signed64(0x31, value))
        elif type(value) is not float:
            raise NotEncodableError(type(value).__name__)
        parts += [keys[key][type(value)][value] for key, value in copied(point.attributes).items()]
        return b"".join(parts)

    def _histogram_point(self, point: HistogramDataPoint) -> bytes:  # measured: benchmarks, OTLP encoding
        keys, counts, bounds = self._histogram_keys, point.bucket_counts, point.explicit_bounds
        parts = [
            _times(point),
            fixed64_field(0x21, point.count),
            _double_field(0x29, point.sum),
            self._count_fields[len(counts)](*counts) if counts else b"",
            self._bounds(bounds),
            self._exemplars(b"\x42", point.exemplars) if point.exemplars else b"",
        ]
        parts += [keys[key][type(value)][value] for key, value in copied(point.attributes).items()]
        parts += (_double_field(0x59, point.min), _double_field(0x61, point.max))
        return b"".join(parts)

    def _bounds(self, bounds: Sequence[float]) -> bytes:
        """Return the bounds of buckets. All points of an instrument have the same tuple."""
        known = self._bound_fields.get(id(bounds))
        if known is not None:
            return known[1]
        encoded = field(b"\x3a", pack(f"<{len(bounds)}d", *bounds)) if bounds else b""
        if isinstance(bounds, tuple):  # a list may change
            if len(self._bound_fields) >= _MAX_BOUNDS:
                self._bound_fields.clear()
            self._bound_fields[id(bounds)] = bounds, encoded  # kept, so that no other gets its id
        return encoded

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


class _CountFields(dict[int, Callable[..., bytes]]):
    """Number of buckets → function that encodes their counts."""

    def __missing__(self, buckets: int) -> Callable[..., bytes]:
        head = field(b"\x32", bytes(8 * buckets))[: -8 * buckets]
        packed = Struct(f"<{len(head)}s{buckets}Q").pack

        encode = partial(packed, head)
        if len(self) < _MAX_BUCKET_NUMBERS:
            self[buckets] = encode
        return encode


def _times(point: Any) -> bytes:  # noqa: ANN401 - of three classes
    start, time = point.start_time_unix_nano, point.time_unix_nano
    if start and time:
        return _start_and_time(0x11, start, 0x19, time)
    return fixed64_field(0x11, start) + fixed64_field(0x19, time)


def _is_int(value: object) -> bool:
    """Return whether the value is an integer and not a float."""
    if type(value) in {int, float}:
        return type(value) is int
    raise NotEncodableError(type(value).__name__)


def _double_field(tag: int, number: float | None) -> bytes:
    return b"" if number is None else _double(tag, number)


def _buckets(tag: bytes, buckets: Buckets) -> bytes:
    if not buckets.bucket_counts:
        return b""
    offset = b"\x08" + sint32(buckets.offset) if buckets.offset else b""
    return field(tag, offset + field(b"\x12", b"".join([varint(count) for count in buckets.bucket_counts])))
