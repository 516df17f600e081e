"""Metric points of the SDK's classes → families of a Prometheus page, named as by Prometheus's OTLP receiver."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, cast, final

from flext_observability.runtime.internal_log import report_once
from flext_observability.values.encoding import encode_tag
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.metric_points import kind_of
from flext_observability.views.buckets import power_of_two_buckets
from flext_observability.wire.prometheus.equal_labels import EqualLabels
from flext_observability.wire.prometheus.escaping import Escaping, escape_metric
from flext_observability.wire.prometheus.family import (
    Exemplar,
    Family,
    Histogram,
    LabelSet,
    Number,
    bound_texts,
)
from flext_observability.wire.prometheus.labels import (
    LabelCache,
    LabelContext,
    SeriesLabels,
    attribute_labels,
    resource_labels,
    scope_labels,
)
from flext_observability.wire.prometheus.names import Kind, metric_name, unit_suffix
from flext_observability.wire.prometheus.native import native_histogram

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import Exemplar as SdkExemplar
    from opentelemetry.sdk.metrics.export import (
        ExponentialHistogramDataPoint,
        HistogramDataPoint,
        Metric,
        MetricsData,
        ScopeMetrics,
    )

_MAX_EXEMPLAR_CHARACTERS: Final = 128
_Reader = Callable[[Any, SeriesLabels], Histogram]


def families(
    data: MetricsData,
    *,
    reserved_labels: Collection[str] = (),
    escaping: Escaping = "underscores",
    cache: LabelCache | None = None,
) -> list[Family]:
    """Return a family for each metric name and kind, and ``target_info``.

    A point, scope or metric that cannot be read is omitted and reported once; the others are complete.

    Args:
        data: All points, cumulative.
        reserved_labels: Labels that the scraper or the Pushgateway sets. Attributes with such a name become
            ``exported_<name>``, as in a scrape.
        escaping: Scheme for the names.
        cache: Label sets of earlier pages.
    """
    context = LabelContext(reserved=frozenset(reserved_labels), escaping=escaping)
    reader = _PointReader(LabelCache() if cache is None else cache, context)
    several = len(data.resource_metrics) > 1
    for of_resource in data.resource_metrics:
        identity = resource_labels(of_resource.resource) if several else {}
        for of_scope in of_resource.scope_metrics:
            reader.read_scope(of_scope, identity)
    return [_target_info(data), *reader.found.values()]


def _target_info(data: MetricsData) -> Family:
    family = Family("target_info", "info", "Target metadata")
    for of_resource in data.resource_metrics:
        labels = attribute_labels(of_resource.resource.attributes)
        if labels:
            family.add_number(labels, 1)
    return family


@final
class _PointReader:
    """Reads the metrics of one page.

    Attributes:
        found: Families by name and kind.
    """

    __slots__ = ("_cache", "_context", "found")

    def __init__(self, cache: LabelCache, context: LabelContext) -> None:
        self._cache = cache
        self._context = context
        self.found: dict[tuple[str, Kind], Family] = {}

    def read_scope(self, metrics: ScopeMetrics, identity: Mapping[str, str]) -> None:
        """Add the series of one scope, with labels that name it and its resource."""
        try:
            labels = {**scope_labels(metrics.scope, self._context.escaping), **identity}
        except BaseException as error:  # noqa: BLE001 - attributes of another library
            reraise_interrupt(error)
            report_once("Reading the scope of metrics", error)
            return
        added = tuple(sorted(labels.items()))
        for metric in metrics.metrics:
            self._read(metric, added)

    def _read(self, metric: Metric, added: tuple[tuple[str, str], ...]) -> None:
        """Add the series of one metric, with the labels of its scope and resource."""
        try:
            family = self._family(metric)
            if family is None:
                return
            omitted = "le" if family.kind == "histogram" else ""
            labels = self._cache.of_context(self._context._replace(added=added, omitted=omitted))
            points = list(metric.data.data_points)
        except BaseException as error:  # noqa: BLE001 - made by another library
            reraise_interrupt(error)
            report_once(f"Reading the metric {encode_tag(getattr(metric, 'name', ''))}", error)
            return
        equal = EqualLabels(family, is_sum=kind_of(metric.data) == "Sum")
        add = _add_numbers if family.kind != "histogram" else _add_histograms
        for failure in add(family, points, labels, equal):
            report_once(f"Reading a point of the metric {metric.name}", failure)

    def _family(self, metric: Metric) -> Family | None:
        data: Any = metric.data
        found, unit = kind_of(data), metric.unit or ""
        kind: Kind = "histogram"
        if found in {"Gauge", "Sum"}:
            kind = "counter" if found == "Sum" and data.is_monotonic else "gauge"
        ratio = found == "Gauge"
        name = escape_metric(metric_name(metric.name, unit, kind, ratio=ratio), self._context.escaping)
        if not name:
            return None
        family = self.found.get((name, kind))
        suffix = unit_suffix(unit, ratio=ratio)
        if family is None:
            family = self.found[name, kind] = Family(name, kind, metric.description or "", suffix)
        elif family.unit != suffix:
            family.unit = ""
        return family


def _add_numbers(
    family: Family, points: Iterable[Any], labels: SeriesLabels, equal: EqualLabels
) -> list[BaseException]:
    """Add a series for each point. Return the errors of points that cannot be read."""
    errors: list[BaseException] = []
    find, append, is_counter = labels.find, family.append, family.kind == "counter"
    for point in points:
        try:
            value = point.value
            if type(value) is not float and type(value) is not int:
                value = float(value)
            start = point.start_time_unix_nano
            number = Number(find(point.attributes or {}), value, None, start / 1e9 if start else None)
            if is_counter and point.exemplars:
                number.exemplar = _exemplar(max(point.exemplars, key=_time))
            if not append(number):
                equal.merge(number)
        except BaseException as error:  # noqa: BLE001 - a point costs itself alone
            reraise_interrupt(error)
            errors.append(error)
    return errors


def _add_histograms(
    family: Family, points: Iterable[Any], labels: SeriesLabels, equal: EqualLabels
) -> list[BaseException]:
    """Add a series for each point. Return the errors of points that cannot be read."""
    errors: list[BaseException] = []
    for point in points:
        try:
            series = _READERS[kind_of(point)](point, labels)
            if not family.append(series):
                equal.merge(series)
        except BaseException as error:  # noqa: BLE001 - a point costs itself alone
            reraise_interrupt(error)
            errors.append(error)
    return errors


def _histogram(point: HistogramDataPoint, labels: SeriesLabels) -> Histogram:
    limits = tuple(point.explicit_bounds)
    if limits and limits[-1] == math.inf:
        limits = limits[:-1]
    reached = [int(count) for count in accumulate(point.bucket_counts[: len(limits)])]
    return _series(point, labels.find(point.attributes or {}), limits, reached)


def _exponential(point: ExponentialHistogramDataPoint, labels: SeriesLabels) -> Histogram:
    positive, negative = point.positive, point.negative
    buckets = power_of_two_buckets(
        point.scale,
        point.zero_count,
        (positive.offset, positive.bucket_counts),
        (negative.offset, negative.bucket_counts),
    )
    limits, reached = tuple(bound for bound, _ in buckets), [count for _, count in buckets]
    series = _series(point, labels.find(point.attributes or {}), limits, reached)
    series.native = native_histogram(point)
    return series


_READERS: Final[Mapping[str, _Reader]] = {
    "HistogramDataPoint": _histogram,
    "ExponentialHistogramDataPoint": _exponential,
}


def _series(
    point: HistogramDataPoint | ExponentialHistogramDataPoint,
    labels: LabelSet,
    limits: tuple[float, ...],
    reached: list[int],
) -> Histogram:
    count, total = int(point.count), cast("float | None", point.sum)
    reached.append(count)
    exemplars = _latest_exemplars(limits, point.exemplars) if point.exemplars else {}
    total = None if total is None else total + 0
    start = _seconds(point.start_time_unix_nano)
    return Histogram(labels, count, total, bound_texts(limits), reached, exemplars, None, start, None, integers=True)


def _latest_exemplars(limits: Sequence[float], exemplars: Sequence[SdkExemplar]) -> dict[int, Exemplar]:
    """Return the latest exemplar of each bucket, by the bucket's index."""
    ordered = sorted(exemplars, key=_time)
    return {bisect_left(limits, each.value): _exemplar(each) for each in ordered}


def _time(exemplar: SdkExemplar) -> int:
    return exemplar.time_unix_nano


def _exemplar(exemplar: SdkExemplar) -> Exemplar:
    """Return an exemplar with its filtered attributes while they fit."""
    labels: dict[str, str] = {}
    if exemplar.trace_id and exemplar.span_id:
        labels = {"trace_id": f"{exemplar.trace_id:032x}", "span_id": f"{exemplar.span_id:016x}"}
    extended = {**attribute_labels(exemplar.filtered_attributes or {}), **labels}
    if sum(len(name) + len(value) for name, value in extended.items()) <= _MAX_EXEMPLAR_CHARACTERS:
        labels = extended
    return Exemplar(tuple(labels.items()), float(exemplar.value), round(exemplar.time_unix_nano / 1e9, 3))


def _seconds(nanoseconds: int | None) -> float | None:
    return nanoseconds / 1e9 if nanoseconds else None
