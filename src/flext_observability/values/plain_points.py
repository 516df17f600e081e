"""Metric points with the fields of the SDK's classes, whose import costs a tenth of the start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

Exemplars = Sequence["Exemplar"]
AttributeMap = Mapping[str, Any] | None


class AggregationTemporality(IntEnum):
    """Temporality of the points of a metric."""

    UNSPECIFIED = 0
    DELTA = 1
    CUMULATIVE = 2


@dataclass(slots=True)
class Exemplar:
    """Measurement with the span that made it."""

    filtered_attributes: AttributeMap
    value: float
    time_unix_nano: int
    span_id: int | None = None
    trace_id: int | None = None


@dataclass(slots=True)
class NumberDataPoint:
    """Value of a series of a sum or gauge."""

    attributes: AttributeMap
    start_time_unix_nano: int | None
    time_unix_nano: int
    value: float
    exemplars: Exemplars = field(default_factory=list[Exemplar])


@dataclass(slots=True)
class HistogramDataPoint:
    """Distribution of a series over explicit bounds."""

    attributes: AttributeMap
    start_time_unix_nano: int
    time_unix_nano: int
    count: int
    sum: float
    bucket_counts: Sequence[int]
    explicit_bounds: Sequence[float]
    min: float
    max: float
    exemplars: Exemplars = field(default_factory=list[Exemplar])


@dataclass(slots=True)
class Buckets:
    """Consecutive buckets of an exponential histogram."""

    offset: int
    bucket_counts: Sequence[int]


@dataclass(slots=True)
class ExponentialHistogramDataPoint:
    """Distribution of a series over exponential bounds."""

    attributes: AttributeMap
    start_time_unix_nano: int
    time_unix_nano: int
    count: int
    sum: float
    scale: int
    zero_count: int
    positive: Buckets
    negative: Buckets
    flags: int
    min: float
    max: float
    exemplars: Exemplars = field(default_factory=list[Exemplar])


@dataclass(slots=True)
class Sum:
    """Points of a counter or an up-down counter."""

    data_points: Sequence[NumberDataPoint]
    aggregation_temporality: AggregationTemporality
    is_monotonic: bool


@dataclass(slots=True)
class Gauge:
    """Points of a gauge."""

    data_points: Sequence[NumberDataPoint]


@dataclass(slots=True)
class Histogram:
    """Points of a histogram with explicit bounds."""

    data_points: Sequence[HistogramDataPoint]
    aggregation_temporality: AggregationTemporality


@dataclass(slots=True)
class ExponentialHistogram:
    """Points of an exponential histogram."""

    data_points: Sequence[ExponentialHistogramDataPoint]
    aggregation_temporality: AggregationTemporality


@dataclass(slots=True)
class Metric:
    """Points of an instrument."""

    name: str
    description: str | None
    unit: str | None
    data: Sum | Gauge | Histogram | ExponentialHistogram


@dataclass(slots=True)
class ScopeMetrics:
    """Metrics of an instrumentation scope."""

    scope: Any
    metrics: Sequence[Metric]
    schema_url: str


@dataclass(slots=True)
class ResourceMetrics:
    """Metrics of a resource."""

    resource: Any
    scope_metrics: Sequence[ScopeMetrics]
    schema_url: str


@dataclass(slots=True)
class MetricsData:
    """All points of a collection."""

    resource_metrics: Sequence[ResourceMetrics]
