"""FlextMetric entities → totals per series → Prometheus text (names as given; nothing of OTel)."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flext_observability.runtime.locks import ForkSafeLock

if TYPE_CHECKING:
    from flext_observability.domain.metric import FlextMetric

MAX_SERIES = 2000
"""Series of one metric; further ones are summed up in one series, as OTel's SDK does."""
_OVERFLOW = (("otel.metric.overflow", "true"),)
_TYPES = {"counter": "counter", "up_down_counter": "gauge", "gauge": "gauge", "histogram": "histogram"}
_CLASSIC_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_CLASSIC_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})

Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Series:
    """State of one metric under one set of labels."""

    value: float = 0.0
    count: int = 0
    buckets: list[int] = field(default_factory=list[int])


@dataclass(slots=True)
class _Family:
    """All series of one metric."""

    name: str
    kind: str
    bounds: tuple[float, ...]
    series: dict[Labels, _Series] = field(default_factory=dict[Labels, _Series])


class Exposition:
    """Totals that only a new process starts again; safe from threads."""

    __slots__ = ("_families", "_lock")

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._families: dict[str, _Family] = {}

    def add(self, metric: FlextMetric, bounds: tuple[float, ...]) -> None:
        """Count one measurement.

        Args:
            metric: A valid entity; its name has had this type from the start.
            bounds: Histogram bounds, used by the first measurement of a name.
        """
        value, labels = float(metric.value), tuple(sorted(metric.tags.items()))
        with self._lock:
            family = self._families.get(metric.name)
            if family is None:
                family = self._families[metric.name] = _Family(metric.name, metric.metric_type, bounds)
            if labels not in family.series and len(family.series) >= MAX_SERIES:
                labels = _OVERFLOW
            series = family.series.setdefault(labels, _Series())
            series.count += 1
            series.value = value if family.kind == "gauge" else series.value + value
            if family.kind == "histogram":
                series.buckets = series.buckets or [0] * (len(family.bounds) + 1)
                series.buckets[bisect_left(family.bounds, value)] += 1

    def render(self) -> str:
        """Return the text exposition; empty when nothing was recorded.

        Source: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
        """
        with self._lock:
            return "".join(f"{line}\n" for family in self._families.values() for line in _family_lines(family))


def _family_lines(family: _Family) -> Iterator[str]:
    name = family.name if _CLASSIC_METRIC.fullmatch(family.name) else _quoted(family.name)
    yield f"# TYPE {name} {_TYPES[family.kind]}"
    for tags, series in family.series.items():
        labels = _labels(tags, family.kind)
        if family.kind == "histogram":
            yield from _histogram_lines(family, labels, series)
        else:
            yield _sample(family.name, labels, series.value)


def _histogram_lines(family: _Family, labels: Labels, series: _Series) -> Iterator[str]:
    below = 0
    for bound, count in zip((*family.bounds, math.inf), series.buckets, strict=True):
        below += count
        yield _sample(f"{family.name}_bucket", (*labels, ("le", _number(bound))), below)
    yield _sample(f"{family.name}_sum", labels, series.value)
    yield _sample(f"{family.name}_count", labels, series.count)


def _sample(name: str, labels: Labels, value: float) -> str:
    pairs = [f"{_label(key)}={_quoted(text)}" for key, text in labels]
    if not _CLASSIC_METRIC.fullmatch(name):
        return f"{{{','.join([_quoted(name), *pairs])}}} {_number(value)}"
    return f"{name}{{{','.join(pairs)}}} {_number(value)}" if pairs else f"{name} {_number(value)}"


def _labels(tags: Labels, kind: str) -> Labels:
    """Return the tags, those whose names are empty, reserved, or a sample's own under free ones."""
    labels = {name: text for name, text in tags if not _reserved(name, kind)}
    if len(labels) < len(tags):
        for name, text in tags:
            if _reserved(name, kind):
                free = f"exported_{name}" if name else "_"
                while free in labels:
                    free = f"exported_{free}"
                labels[free] = text
    return tuple(labels.items())


def _reserved(name: str, kind: str) -> bool:
    return not name or name.startswith("__") or (name == "le" and kind == "histogram")


def _label(name: str) -> str:
    return name if _CLASSIC_LABEL.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if abs(value) < 1e15 and value == int(value) else repr(float(value))
