"""MetricsData → Prometheus page, classic text or OpenMetrics, always whole and parseable."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opentelemetry.sdk.metrics.export import (
    ExponentialHistogramDataPoint,
    Gauge,
    HistogramDataPoint,
    NumberDataPoint,
    Sum,
)

from flext_observability.views.buckets import cumulative_counts, power_of_two_counts
from flext_observability.wire.prometheus.names import (
    Kind,
    bound_value,
    label_name,
    label_value,
    metric_name,
    sample_value,
)

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import Exemplar
    from opentelemetry.sdk.metrics.export import Metric, MetricsData
    from opentelemetry.sdk.resources import Resource

_MAX_EXEMPLAR_LETTERS = 128
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})
_CLASSIC_HELP_ESCAPES = str.maketrans({"\\": "\\\\"})
_CLASSIC_SUFFIXES: dict[Kind, tuple[str, ...]] = {
    "counter": ("",),
    "gauge": ("",),
    "histogram": ("", "_bucket", "_count", "_sum"),
}
_OPEN_SUFFIXES: dict[Kind, tuple[str, ...]] = {
    "counter": ("", "_total", "_created"),
    "gauge": ("",),
    "histogram": ("", "_bucket", "_count", "_sum", "_created"),
}


@dataclass(slots=True)
class _Sample:
    name: str
    labels: str
    value: float
    exemplar: str = ""


@dataclass(slots=True)
class _Family:
    name: str
    kind: Kind
    help: str
    samples: list[_Sample] = field(default_factory=list[_Sample])
    points: set[str] = field(default_factory=set[str])
    # Holds what OpenMetrics allows in no counter and no histogram: NaN, a sum or a bound below zero.
    odd: bool = False
    # Another instrument gave a point for the same series: the first stays.
    doubled: bool = False


def generate_text(
    data: MetricsData, *, openmetrics: bool, left_out: Callable[[str], object] = lambda name: None
) -> str:
    """Return the page.

    Args:
        data: All points, cumulative.
        openmetrics: Whether to write OpenMetrics 1.0, with exemplars, instead of the classic text format 0.0.4.
        left_out: Told the name of each metric of which something cannot stand beside another metric of the same name.
    """
    claimed = {"target", "target_info"}
    parts = [_target_info(data, openmetrics=openmetrics)]
    # Gauges first: they claim one name only, and others can give way.
    for family in reversed(_distinct(_families(data), left_out)):
        parts += _written(family, claimed, openmetrics=openmetrics, left_out=left_out)
    return "".join(parts) + ("# EOF\n" if openmetrics else "")


def _distinct(families: list[_Family], left_out: Callable[[str], object]) -> list[_Family]:
    """Return the families whose series have names of their own, histograms first, gauges last; of two the earlier stays."""
    taken = {"target_info"}
    kept: list[_Family] = []
    for family in sorted(families, key=lambda each: "hcg".index(each.kind[0])):
        names = {sample.name for sample in family.samples}
        alone = taken.isdisjoint(names)
        if alone:
            taken |= names
            kept.append(family)
        if family.doubled or not alone:
            left_out(family.name)
    return kept


def _families(data: MetricsData) -> list[_Family]:
    found: dict[tuple[str, Kind], _Family] = {}
    several = len(data.resource_metrics) > 1
    for resource in data.resource_metrics:
        extra = _identity(resource.resource) if several else {}
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                _add_metric(found, metric, extra)
    return [family for family in found.values() if family.samples]


def _identity(resource: Resource) -> dict[str, str]:
    """Return the labels that tell several resources of one page apart, as a push would."""
    name = label_value(resource.attributes.get("service.name"))
    namespace = label_value(resource.attributes.get("service.namespace"))
    job = f"{namespace}/{name}" if namespace else name
    return {"job": job, "instance": label_value(resource.attributes.get("service.instance.id"))}


def _add_metric(found: dict[tuple[str, Kind], _Family], metric: Metric, extra: Mapping[str, str]) -> None:
    data = metric.data
    kind: Kind = "histogram"
    if isinstance(data, Gauge | Sum):
        kind = "counter" if isinstance(data, Sum) and data.is_monotonic else "gauge"
    name = metric_name(metric.name, metric.unit or "", kind, ratio=isinstance(data, Gauge))
    family = found.setdefault((name, kind), _Family(name, kind, " ".join((metric.description or "").split())))
    for point in data.data_points if name else ():
        labels = _label_pairs(point.attributes or {}, extra)
        if isinstance(point, NumberDataPoint):
            _add_number(family, point, labels)
        else:
            _add_histogram(family, point, labels)


def _add_number(family: _Family, point: NumberDataPoint, labels: dict[str, str]) -> None:
    text = _labels(labels)
    if text in family.points:
        family.doubled = True
        return
    family.points.add(text)
    latest = max(point.exemplars, key=lambda each: each.time_unix_nano, default=None)
    exemplar = _exemplar(latest) if latest and family.kind == "counter" else ""
    family.samples.append(_Sample(family.name, text, point.value, exemplar))
    family.odd |= family.kind == "counter" and not point.value >= 0


def _add_histogram(
    family: _Family, point: HistogramDataPoint | ExponentialHistogramDataPoint, labels: dict[str, str]
) -> None:
    labels.pop("le", None)
    text = _labels(labels)
    if text in family.points:
        family.doubled = True
        return
    family.points.add(text)
    buckets = _buckets(point)
    bounds = [bound for bound, _ in buckets]
    exemplars = _by_bucket(bounds, point.exemplars)
    name = f"{family.name}_bucket"
    opening = f"{text[:-1]}," if text else "{"
    for index, (bound, count) in enumerate([*buckets, (math.inf, point.count)]):
        bucket = f'{opening}le="{bound_value(bound)}"}}'
        family.samples.append(_Sample(name, bucket, count, exemplars.get(index, "")))
    family.samples.append(_Sample(f"{family.name}_count", text, point.count))
    family.samples.append(_Sample(f"{family.name}_sum", text, point.sum))
    family.odd |= not point.sum >= 0 or (bool(bounds) and bounds[0] < 0)


def _buckets(point: HistogramDataPoint | ExponentialHistogramDataPoint) -> list[tuple[float, int]]:
    if isinstance(point, HistogramDataPoint):
        return cumulative_counts(zip(point.explicit_bounds, point.bucket_counts, strict=False))
    positive, negative = point.positive, point.negative
    return cumulative_counts(
        power_of_two_counts(
            point.scale,
            point.zero_count,
            (positive.offset, positive.bucket_counts),
            (negative.offset, negative.bucket_counts),
        )
    )


def _by_bucket(bounds: Sequence[float], exemplars: Sequence[Exemplar]) -> dict[int, str]:
    """Return the latest exemplar of each bucket, by the bucket's index."""
    ordered = sorted(exemplars, key=lambda each: each.time_unix_nano)
    return {bisect_left(bounds, each.value): _exemplar(each) for each in ordered}


def _exemplar(exemplar: Exemplar) -> str:
    labels: dict[str, str] = {}
    if exemplar.trace_id and exemplar.span_id:
        labels = {"trace_id": f"{exemplar.trace_id:032x}", "span_id": f"{exemplar.span_id:016x}"}
    more = {**_label_pairs(exemplar.filtered_attributes or {}, {}), **labels}
    if sum(len(name) + len(value) for name, value in more.items()) <= _MAX_EXEMPLAR_LETTERS:
        labels = more
    return f"{_labels(labels) or '{}'} {sample_value(exemplar.value)} {exemplar.time_unix_nano / 1e9:.3f}"


def _label_pairs(attributes: Mapping[str, object], extra: Mapping[str, str]) -> dict[str, str]:
    """Return labels; keys that become the same label are joined, as Prometheus does."""
    pairs: dict[str, str] = {}
    for key in sorted(attributes):
        name = label_name(key)
        value = label_value(attributes[key])
        if name and value:
            pairs[name] = f"{pairs[name]};{value}" if name in pairs else value
    pairs.update((name, value) for name, value in extra.items() if value)
    return pairs


def _labels(pairs: Mapping[str, str]) -> str:
    if not pairs:
        return ""
    return "{" + ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in pairs.items()) + "}"


def _target_info(data: MetricsData, *, openmetrics: bool) -> str:
    labels = {_labels(_label_pairs(resource.resource.attributes, {})): None for resource in data.resource_metrics}
    lines = [f"target_info{text} 1\n" for text in labels if text]
    name, kind = ("target", "info") if openmetrics else ("target_info", "gauge")
    return f"# HELP {name} Target metadata\n# TYPE {name} {kind}\n" + "".join(lines) if lines else ""


def _written(
    family: _Family, claimed: set[str], *, openmetrics: bool, left_out: Callable[[str], object]
) -> Iterator[str]:
    """Yield the family, or, where its type cannot stand, its series as families of unknown type."""
    base = family.name.removesuffix("_total") if openmetrics and family.kind == "counter" else family.name
    names = {base + suffix for suffix in (_OPEN_SUFFIXES if openmetrics else _CLASSIC_SUFFIXES)[family.kind]}
    if claimed.isdisjoint(names) and not (openmetrics and (family.odd or base == "total")):
        claimed |= names
        yield _head(base, family.kind, family.help, openmetrics=openmetrics)
        yield _lines(family.samples, with_exemplars=openmetrics)
        return
    for name in dict.fromkeys(sample.name for sample in family.samples):
        if name in claimed:
            left_out(name)
            continue
        claimed.add(name)
        yield _head(name, "unknown" if openmetrics else "untyped", family.help, openmetrics=openmetrics)
        yield _lines([sample for sample in family.samples if sample.name == name], with_exemplars=False)


def _head(name: str, kind: str, text: str, *, openmetrics: bool) -> str:
    escaped = text.translate(_ESCAPES if openmetrics else _CLASSIC_HELP_ESCAPES)
    return (f"# HELP {name} {escaped}\n" if text else "") + f"# TYPE {name} {kind}\n"


def _lines(samples: list[_Sample], *, with_exemplars: bool) -> str:
    return "".join(
        f"{sample.name}{sample.labels} {sample_value(sample.value)}"
        + (f" # {sample.exemplar}\n" if with_exemplars and sample.exemplar else "\n")
        for sample in samples
    )
