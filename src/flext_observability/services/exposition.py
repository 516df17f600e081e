"""FlextMetric entities → totals of each series → Prometheus text, under the names as given."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from flext_observability.runtime.locks import ForkSafeLock

if TYPE_CHECKING:
    from flext_observability.domain.metric import FlextMetric
    from flext_observability.wire.prometheus.names import Kind
    from flext_observability.wire.prometheus.text import Family

MAX_SERIES = 2000
"""Maximum number of series of one metric. Further ones are added up in one series, as in OTel's SDK."""
_OVERFLOW = (("otel.metric.overflow", "true"),)
_TYPES: Final[dict[str, Kind]] = {
    "counter": "counter",
    "up_down_counter": "gauge",
    "gauge": "gauge",
    "histogram": "histogram",
}
Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Series:
    """Totals of one metric under one set of labels."""

    value: float = 0.0
    count: int = 0
    buckets: list[int] = field(default_factory=list[int])


@dataclass(slots=True)
class _Totals:
    """All series of one metric."""

    name: str
    kind: str
    bounds: tuple[float, ...]
    series: dict[Labels, _Series] = field(default_factory=dict[Labels, _Series])


class Exposition:
    """Totals since the service was created. Thread-safe."""

    __slots__ = ("_lock", "_metrics")

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._metrics: dict[str, _Totals] = {}

    def add(self, metric: FlextMetric, bounds: tuple[float, ...]) -> None:
        """Add one measurement.

        Args:
            metric: A valid entity, of the same type as earlier ones of its name.
            bounds: Bucket bounds of a histogram. The first measurement of a name decides.
        """
        value, labels = float(metric.value), tuple(sorted(metric.tags.items()))
        with self._lock:
            totals = self._metrics.get(metric.name)
            if totals is None:
                totals = self._metrics[metric.name] = _Totals(metric.name, metric.metric_type, bounds)
            if labels not in totals.series and len(totals.series) >= MAX_SERIES:
                labels = _OVERFLOW
            series = totals.series.setdefault(labels, _Series())
            series.count += 1
            series.value = value if totals.kind == "gauge" else series.value + value
            if totals.kind == "histogram":
                series.buckets = series.buckets or [0] * (len(totals.bounds) + 1)
                series.buckets[bisect_left(totals.bounds, value)] += 1

    def generate_text(self) -> str:
        """Return the totals in the classic text format; empty when nothing was recorded."""
        from flext_observability.wire.prometheus.text import format_family

        with self._lock:
            return "".join(format_family(_family(totals)) for totals in self._metrics.values())


def _family(totals: _Totals) -> Family:
    from flext_observability.wire.prometheus.text import Family

    family = Family(totals.name, _TYPES[totals.kind])
    for tags, series in totals.series.items():
        labels = _labels(tags, totals.kind)
        if totals.kind == "histogram":
            buckets = list(zip(totals.bounds, accumulate(series.buckets), strict=False))
            family.add_histogram(labels, buckets, series.count, series.value, {})
        else:
            family.add(labels, series.value)
    return family


def _labels(tags: Labels, kind: str) -> dict[str, str]:
    """Return the tags; those with an empty or reserved name, or a name of the sample itself, under free names."""
    labels = {name: text for name, text in tags if not _is_reserved(name, kind)}
    if len(labels) < len(tags):
        for name, text in tags:
            if _is_reserved(name, kind):
                free = f"exported_{name}" if name else "_"
                while free in labels:
                    free = f"exported_{free}"
                labels[free] = text
    return labels


def _is_reserved(name: str, kind: str) -> bool:
    return not name or name.startswith("__") or (name == "le" and kind == "histogram")
