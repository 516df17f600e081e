"""MetricsData of one process → document of plain lists → bytes with a checksum, for other processes of the program.

A document is a dictionary. Its ``resources`` are lists ``[attributes, schema_url, scopes]``, scopes
``[name, version, schema_url, attributes, metrics]``, metrics ``[kind, name, description, unit, mode, bounds, points]``.
Attributes are JSON texts, which also are the keys of series. Points of numbers are
``[attributes, start, time, value, exemplars]``, those of histograms
``[attributes, start, count, sum, min, max, index of bounds, counts, exemplars]``, those of exponential histograms
``[attributes, start, count, sum, min, max, scale, zeros, offset, counts, offset, counts, exemplars]``, exemplars
``[value, time, attributes, span id, trace id]``.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from time import time_ns
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final
from zlib import crc32

from flext_observability.values.metric_points import DELTA, kind_of

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import Exemplar
    from opentelemetry.sdk.metrics.export import Metric, MetricsData, ResourceMetrics, ScopeMetrics

Document: TypeAlias = dict[str, Any]
Plain: TypeAlias = list[Any]
MAGIC: Final = b"flext-metrics 1 "
BYTES_KEY: Final = "$bytes"
COUNTER, UP_DOWN_COUNTER, GAUGE, HISTOGRAM, EXPONENTIAL = "c", "u", "g", "h", "e"


def to_bytes(document: Document) -> bytes:
    """Return a document as the content of a file."""
    return seal(json.dumps(document, separators=(",", ":")))


def seal(text: str) -> bytes:
    """Return the JSON text of a document (ASCII) as the content of a file."""
    body = text.encode("ascii")
    return MAGIC + b"%08x %d\n" % (crc32(body), len(body)) + body


def attributes_text(attributes: Mapping[str, object] | None) -> str:
    """Return attributes as JSON, sorted: equal ones of equal types have equal texts."""
    if not attributes:
        return "{}"
    return json.dumps(dict(attributes), separators=(",", ":"), sort_keys=True, default=_other_value)


def _other_value(value: object) -> object:
    if isinstance(value, bytes):
        return {BYTES_KEY: b64encode(value).decode("ascii")}
    return str(value)


@final
class SnapshotEncoder:
    """Encodes the collections of one process, one after another. Not thread-safe.

    Args:
        gauge_mode: Returns the mode of a gauge by its name.
        start_ns: Time of the values in the first collection: when the process started to measure.
    """

    __slots__ = ("_changes", "_gauge_mode", "_now_ns", "_texts", "_used")

    def __init__(self, gauge_mode: Callable[[str], str], start_ns: int) -> None:
        self._gauge_mode = gauge_mode
        self._now_ns = start_ns
        self._texts: dict[int, tuple[object, str]] = {}
        self._used: dict[int, tuple[object, str]] = {}
        self._changes: dict[tuple[str, str], tuple[float, int]] = {}

    def resources(self, data: MetricsData) -> Plain:
        """Return the resources of a document: all cumulative points."""
        self._used = {}
        found = [self._resource(each) for each in data.resource_metrics]
        self._texts = self._used  # of the series that still exist
        self._now_ns = 0
        return found

    def _resource(self, metrics: ResourceMetrics) -> Plain:
        scopes = [self._scope(each) for each in metrics.scope_metrics]
        return [self._text(metrics.resource.attributes), metrics.schema_url or "", scopes]

    def _scope(self, metrics: ScopeMetrics) -> Plain:
        scope = metrics.scope
        encoded = [found for metric in metrics.metrics if (found := self._metric(metric))]
        attributes = self._text(scope.attributes)
        return [scope.name, scope.version or "", metrics.schema_url or "", attributes, encoded]

    def _metric(self, metric: Metric) -> Plain | None:
        data: Any = metric.data  # each kind has points of its own kind
        if getattr(data, "aggregation_temporality", None) == DELTA:
            return None
        found = kind_of(data)
        mode, bounds = "", list[Sequence[float]]()
        if found == "Sum":
            kind = COUNTER if data.is_monotonic else UP_DOWN_COUNTER
            points = self._numbers(data.data_points)
        elif found == "Gauge":
            kind, mode = GAUGE, self._gauge_mode(metric.name)
            points = self._numbers(data.data_points)
            if mode == "latest":
                self._set_times(metric.name, points)
        elif found == "Histogram":
            kind, points = HISTOGRAM, self._histograms(data.data_points, bounds)
        elif found == "ExponentialHistogram":
            kind, points = EXPONENTIAL, self._exponentials(data.data_points)
        else:
            return None
        return [kind, metric.name, metric.description or "", metric.unit or "", mode, bounds, points]

    def _numbers(self, points: Sequence[Any]) -> Plain:
        text, exemplars = self._text, self._exemplars
        return [
            [
                text(point.attributes),
                point.start_time_unix_nano,
                0,
                point.value,
                exemplars(point.exemplars) if point.exemplars else (),
            ]
            for point in points
        ]

    def _set_times(self, name: str, points: Plain) -> None:
        """Set the time at which each value was first collected: the time of the measurement is not known.

        Values of the first collection have the start of the process: they may be older than those of its children.
        """
        now = self._now_ns or time_ns()
        for point in points:
            value, since = self._changes.get((name, point[0]), (None, 0))
            if value != point[3]:
                since = now
                self._changes[name, point[0]] = point[3], since
            point[2] = since

    def _histograms(self, points: Sequence[Any], bounds: list[Sequence[float]]) -> Plain:
        found: Plain = []
        last: object = None
        index = -1
        for point in points:
            if point.explicit_bounds is not last:
                last = point.explicit_bounds
                own = list(point.explicit_bounds)
                if own not in bounds:
                    bounds.append(own)
                index = bounds.index(own)
            found.append(
                [
                    self._text(point.attributes),
                    point.start_time_unix_nano,
                    point.count,
                    point.sum,
                    point.min,
                    point.max,
                    index,
                    list(point.bucket_counts),
                    self._exemplars(point.exemplars) if point.exemplars else (),
                ]
            )
        return found

    def _exponentials(self, points: Sequence[Any]) -> Plain:
        return [
            [
                self._text(point.attributes),
                point.start_time_unix_nano,
                point.count,
                point.sum,
                point.min,
                point.max,
                point.scale,
                point.zero_count,
                point.positive.offset,
                list(point.positive.bucket_counts),
                point.negative.offset,
                list(point.negative.bucket_counts),
                self._exemplars(point.exemplars) if point.exemplars else (),
            ]
            for point in points
        ]

    def _exemplars(self, exemplars: Sequence[Exemplar]) -> Plain:
        return [
            [
                each.value,
                each.time_unix_nano,
                attributes_text(each.filtered_attributes),
                each.span_id,
                each.trace_id,
            ]
            for each in exemplars
        ]

    def _text(self, attributes: Mapping[str, object] | None) -> str:
        """Return attributes as JSON; series have the same object in each collection."""
        known = self._used.get(id(attributes)) or self._texts.get(id(attributes))
        if known is None or known[0] is not attributes:
            known = attributes, attributes_text(attributes)
        self._used[id(attributes)] = known
        return known[1]
