"""FlextMetric entities → totals of each series → Prometheus text, under the names as given."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, cast

from flext_observability.adapters.metric import histogram_bounds
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.values.units import to_ucum

if TYPE_CHECKING:
    from flext_observability.domain.metric import FlextMetric
    from flext_observability.wire.prometheus.family import Family, FamilyKind

MAX_SERIES = 2000
"""Maximum number of series of one metric. Further ones are added up in one series, as in OTel's SDK."""
_OVERFLOW = (("otel.metric.overflow", "true"),)
_Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Series:
    """Totals of one metric under one set of labels; of a histogram the sum, and the count of each bucket."""

    buckets: list[int]
    value: float = 0.0


@dataclass(slots=True)
class _Totals:
    name: str
    kind: str
    bounds: tuple[float, ...]
    series: dict[_Labels, _Series] = field(default_factory=dict[_Labels, _Series])


class Exposition:
    """Totals since the service was created. Thread-safe."""

    __slots__ = ("_lock", "_metrics")

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._metrics: dict[str, _Totals] = {}

    def add(self, metric: FlextMetric, bounds: tuple[float, ...] | None = None) -> None:
        """Add one measurement.

        Args:
            metric: A valid entity, of the same type as earlier ones of its name.
            bounds: Bucket bounds of a histogram. Default: those of the unit. The first measurement of a name decides.
        """
        value, labels = float(metric.value), tuple(sorted(metric.tags.items()))
        with self._lock:
            totals = self._metrics.get(metric.name)
            if totals is None:
                totals = self._metrics[metric.name] = _new_totals(metric, bounds)
            series = totals.series.get(labels)
            if series is None:
                labels = labels if len(totals.series) < MAX_SERIES else _OVERFLOW
                series = totals.series.setdefault(labels, _Series([0] * (len(totals.bounds) + 1)))
            series.value = value if totals.kind == "gauge" else series.value + value
            if totals.kind == "histogram":
                series.buckets[bisect_left(totals.bounds, value)] += 1

    def generate_text(self) -> str:
        """Return the totals in the classic text format; empty when nothing was recorded."""
        from flext_observability.wire.prometheus.text import format_family

        with self._lock:
            return "".join(format_family(_family(totals)) for totals in self._metrics.values())


def _new_totals(metric: FlextMetric, bounds: tuple[float, ...] | None) -> _Totals:
    if metric.metric_type != "histogram":
        bounds = ()
    elif bounds is None:
        bounds = histogram_bounds(to_ucum(metric.unit))
    return _Totals(metric.name, metric.metric_type, bounds)


def _family(totals: _Totals) -> Family:
    from flext_observability.wire.prometheus.family import Family, Histogram, LabelSet, bound_texts

    kind = "gauge" if totals.kind == "up_down_counter" else cast("FamilyKind", totals.kind)
    family = Family(totals.name, kind)
    for tags, series in totals.series.items():
        labels = _labels(tags, totals.kind)
        if totals.kind == "histogram":
            reached = list(accumulate(series.buckets))
            pairs = LabelSet(tuple(labels.items()))
            family.add(Histogram(pairs, reached[-1], series.value, bound_texts(totals.bounds), reached))
        else:
            family.add_number(labels, series.value)
    return family


def _labels(tags: _Labels, kind: str) -> dict[str, str]:
    """Return the tags; those with an empty or reserved name, or a name of the sample itself, last, under free names."""
    labels: dict[str, str] = {}
    for name, text in sorted(tags, key=lambda tag: _is_reserved(tag[0], kind)):
        free = name
        while free in labels or _is_reserved(free, kind):
            free = f"exported_{free}" if free else "_"
        labels[free] = text
    return labels


def _is_reserved(name: str, kind: str) -> bool:
    return not name or name.startswith("__") or (name == "le" and kind == "histogram")
