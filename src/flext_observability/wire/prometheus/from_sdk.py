"""MetricsData of the SDK → families of a Prometheus page, under the names of Prometheus's OTLP receiver."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

from opentelemetry.sdk.metrics.export import (
    ExponentialHistogramDataPoint,
    Gauge,
    HistogramDataPoint,
    NumberDataPoint,
    Sum,
)

from flext_observability.views.buckets import power_of_two_buckets
from flext_observability.wire.prometheus.names import Kind, label_name, label_value, metric_name, sample_value
from flext_observability.wire.prometheus.text import Family, format_labels

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import Exemplar
    from opentelemetry.sdk.metrics.export import Metric, MetricsData
    from opentelemetry.sdk.resources import Resource

_MAX_EXEMPLAR_CHARACTERS = 128


def families(data: MetricsData, *, reserved_labels: Collection[str] = ()) -> list[Family]:
    """Return a family for each metric name and kind, and ``target_info``.

    Args:
        data: All points, cumulative.
        reserved_labels: Labels that the scraper or the Pushgateway sets. Attributes with such a name become
            ``exported_<name>``, as in a scrape.
    """
    found: dict[tuple[str, Kind], Family] = {}
    reserved = frozenset(reserved_labels)
    several = len(data.resource_metrics) > 1
    for of_resource in data.resource_metrics:
        identity = _identity(of_resource.resource) if several else {}
        for of_scope in of_resource.scope_metrics:
            for metric in of_scope.metrics:
                _add_metric(found, metric, reserved, identity)
    return [_target_info(data), *found.values()]


def _target_info(data: MetricsData) -> Family:
    family = Family("target_info", "info", "Target metadata")
    for of_resource in data.resource_metrics:
        labels = _labels(of_resource.resource.attributes)
        if labels:
            family.add(labels, 1)
    return family


def _identity(resource: Resource) -> dict[str, str]:
    """Return the labels that distinguish the resources of one page, as a push would."""
    name = label_value(resource.attributes.get("service.name"))
    namespace = label_value(resource.attributes.get("service.namespace"))
    job = f"{namespace}/{name}" if namespace else name
    labels = {"instance": label_value(resource.attributes.get("service.instance.id")), "job": job}
    return {name: value for name, value in labels.items() if value}


def _add_metric(
    found: dict[tuple[str, Kind], Family], metric: Metric, reserved: frozenset[str], identity: Mapping[str, str]
) -> None:
    data = metric.data
    kind: Kind = "histogram"
    if isinstance(data, Gauge | Sum):
        kind = "counter" if isinstance(data, Sum) and data.is_monotonic else "gauge"
    name = metric_name(metric.name, metric.unit or "", kind, ratio=isinstance(data, Gauge))
    if not name:
        return
    family = found.setdefault((name, kind), Family(name, kind, metric.description or ""))
    for point in data.data_points:
        labels = _labels(point.attributes or {}, reserved, identity)
        if isinstance(point, NumberDataPoint):
            exemplars = _latest_exemplars((), point.exemplars) if kind == "counter" else {}
            family.add(labels, point.value, exemplars.get(0, ""))
        else:
            labels.pop("le", None)
            buckets = _buckets(point)
            family.add_histogram(labels, buckets, point.count, point.sum, _latest_exemplars(buckets, point.exemplars))


def _buckets(point: HistogramDataPoint | ExponentialHistogramDataPoint) -> list[tuple[float, int]]:
    """Return the finite upper bounds, rising, with the number of measurements up to each."""
    if isinstance(point, HistogramDataPoint):
        counts = zip(point.explicit_bounds, accumulate(point.bucket_counts), strict=False)
        return [(bound, reached) for bound, reached in counts if bound < math.inf]
    positive, negative = point.positive, point.negative
    return power_of_two_buckets(
        point.scale,
        point.zero_count,
        (positive.offset, positive.bucket_counts),
        (negative.offset, negative.bucket_counts),
    )


def _latest_exemplars(buckets: Sequence[tuple[float, int]], exemplars: Sequence[Exemplar]) -> dict[int, str]:
    """Return the latest exemplar of each bucket, by the bucket's index."""
    if not exemplars:
        return {}
    bounds = [bound for bound, _ in buckets]
    ordered = sorted(exemplars, key=lambda each: each.time_unix_nano)
    return {bisect_left(bounds, each.value): _exemplar(each) for each in ordered}


def _exemplar(exemplar: Exemplar) -> str:
    """Return an exemplar as OpenMetrics text, with its filtered attributes while they fit."""
    labels: dict[str, str] = {}
    if exemplar.trace_id and exemplar.span_id:
        labels = {"trace_id": f"{exemplar.trace_id:032x}", "span_id": f"{exemplar.span_id:016x}"}
    extended = {**_labels(exemplar.filtered_attributes or {}), **labels}
    if sum(len(name) + len(value) for name, value in extended.items()) <= _MAX_EXEMPLAR_CHARACTERS:
        labels = extended
    return f"{format_labels(labels) or '{}'} {sample_value(exemplar.value)} {exemplar.time_unix_nano / 1e9:.3f}"


def _labels(
    attributes: Mapping[str, object], reserved: frozenset[str] = frozenset(), identity: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return sorted labels. The values of keys that become one label are joined, as Prometheus does."""
    labels: dict[str, str] = {}
    for name, key in _label_names(tuple(attributes), reserved):
        if value := label_value(attributes[key]):
            labels[name] = f"{labels[name]};{value}" if name in labels else value
    return dict(sorted({**labels, **identity}.items())) if identity else labels


@lru_cache(maxsize=1024)
def _label_names(keys: tuple[str, ...], reserved: frozenset[str]) -> list[tuple[str, str]]:
    """Return label names with their keys, sorted."""
    names = ((label_name(key), key) for key in keys)
    return sorted((f"exported_{name}" if name in reserved else name, key) for name, key in names if name)
