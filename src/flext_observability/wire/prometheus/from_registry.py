"""Metrics of a ``prometheus_client`` registry → families of a Prometheus page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast, final

from flext_observability.runtime.internal_log import report_once
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.wire.prometheus.clashes import COUNT_SUFFIXES, SAMPLE_SUFFIXES
from flext_observability.wire.prometheus.content_type import FormatKind
from flext_observability.wire.prometheus.escaping import Escaping, escape_label, escape_metric
from flext_observability.wire.prometheus.family import (
    NAME_ENDINGS,
    Exemplar,
    Family,
    FamilyKind,
    Histogram,
    LabelSet,
    Native,
    Number,
    Series,
    Summary,
)

if TYPE_CHECKING:
    from prometheus_client import Metric
    from prometheus_client.samples import BucketSpan, Exemplar as ClientExemplar, NativeHistogram, Sample

_MAX_SECONDS: Final = 1e11
_Key = frozenset[tuple[str, str]]


def add_metrics(
    families: list[Family], metrics: Iterable[Metric], *, kind: FormatKind = "text", escaping: Escaping = "underscores"
) -> None:
    """Add the metrics of a registry to the families of a page.

    A metric with name and kind of a family on the page joins it. A series that the family has already is omitted and
    marks the family as ``duplicate``. An invalid metric is omitted and reported once.

    Args:
        families: Families of the page; new ones are appended.
        metrics: What ``registry.collect()`` returns.
        kind: Format of the page. The classic format has no times of creation: they become gauges.
        escaping: Scheme for the names.
    """
    known: dict[tuple[str, FamilyKind], Family] = {(family.name, family.kind): family for family in families}
    for metric in metrics:
        try:
            added = _Reader(metric, kind, escaping).families()
        except BaseException as error:  # noqa: BLE001 - made by a collector of the program
            reraise_interrupt(error)
            report_once(f"Reading the prometheus_client metric {getattr(metric, 'name', '')}", error)
            continue
        for family in added:
            same = known.get((family.name, family.kind))
            if same is None:
                known[family.name, family.kind] = family
                families.append(family)
                continue
            for series in family.series:
                same.add(series)


def claimed_names(metric: Metric) -> set[str]:
    """Return the names that no other metric of a page may have: that of the metric, and those of its samples."""
    suffixes = SAMPLE_SUFFIXES.get(cast("FamilyKind", metric.type), ())
    names = {metric.name, *(metric.name + suffix for suffix in suffixes)}
    return {escape_metric(name, "underscores") for name in (*names, *(sample.name for sample in metric.samples))}


@dataclass(slots=True)
class _Parts:
    """Samples of one series.

    Attributes:
        labels: Its labels.
        values: Value of each sample without a label of its own, by the end of its name.
        points: Value of each bucket or quantile.
        exemplars: Exemplars by index of their bucket.
        time_seconds: Time of the first sample.
        native: Buckets of a native histogram.
    """

    labels: LabelSet
    values: dict[str, float] = field(default_factory=dict[str, float])
    points: dict[str, float] = field(default_factory=dict[str, float])
    exemplars: dict[int, Exemplar] = field(default_factory=dict[int, Exemplar])
    time_seconds: float | None = None
    native: Native | None = None


@final
class _Reader:
    """Reads one metric."""

    __slots__ = ("_escaping", "_kind", "_metric", "_others", "_page")

    def __init__(self, metric: Metric, page: FormatKind, escaping: Escaping) -> None:
        self._metric = metric
        self._page = page
        self._escaping: Escaping = escaping
        self._kind: FamilyKind = cast("FamilyKind", metric.type)
        self._others: dict[tuple[str, FamilyKind], Family] = {}

    def families(self) -> list[Family]:
        """Return the family of the metric, and one for each sample name that its type does not have."""
        metric, kind = self._metric, self._kind
        suffixes = SAMPLE_SUFFIXES[kind]
        name = self._name(metric.name + NAME_ENDINGS.get(kind, ""))
        family = Family(name, kind, str(metric.documentation or ""), str(metric.unit or ""), with_created=True)
        series: dict[_Key, _Parts] = {}
        ends = {metric.name + suffix: suffix for suffix in suffixes}
        for sample in metric.samples:
            end = ends.get(sample.name)
            if (native := getattr(sample, "native_histogram", None)) is not None:
                self._add_native(series, sample, native)
            elif end is None or (end == "_created" and self._page == "text"):
                self._add_other(sample, "unknown" if end is None else "gauge")
            else:
                self._add(series, sample, end)
        make = _MAKERS.get(kind, _number)
        for parts in series.values():
            if (made := make(parts, kind)) is not None:
                family.add(made)
        return [family, *self._others.values()]

    def _add(self, series: dict[_Key, _Parts], sample: Sample, end: str) -> None:
        own = _OWN_LABELS.get((self._kind, end))
        parts = self._parts(series, sample, () if own is None else (own,))
        value = float(sample.value)
        if own is None or own not in sample.labels:
            parts.values.setdefault(end, value)
            index = 0
        else:
            index = len(parts.points)
            parts.points.setdefault(_number_text(sample.labels[own]), value)
        if sample.exemplar is not None:
            parts.exemplars[index] = _exemplar(sample.exemplar)

    def _add_native(self, series: dict[_Key, _Parts], sample: Sample, native: NativeHistogram) -> None:
        if self._page == "protobuf":  # the others have no text for it
            parts = self._parts(series, sample, ())
            parts.values |= {"_count": float(native.count_value), "_sum": float(native.sum_value)}
            parts.native = _native(native)

    def _parts(self, series: dict[_Key, _Parts], sample: Sample, own: Sequence[str]) -> _Parts:
        labels = [(escape_label(name, self._escaping), text) for name, text in sample.labels.items() if name not in own]
        key = frozenset(labels)
        if key not in series:
            series[key] = _Parts(LabelSet(tuple(labels)), time_seconds=_seconds(sample.timestamp))
        return series[key]

    def _add_other(self, sample: Sample, kind: FamilyKind) -> None:
        key = name, _ = self._name(sample.name), kind
        family = self._others.setdefault(key, Family(name, kind, str(self._metric.documentation or "")))
        labels = tuple((escape_label(label, self._escaping), text) for label, text in sample.labels.items())
        family.add(Number(LabelSet(labels), float(sample.value), time_seconds=_seconds(sample.timestamp)))

    def _name(self, name: str) -> str:
        return escape_metric(name, self._escaping)


_OWN_LABELS: Final[Mapping[tuple[str, str], str]] = {
    ("histogram", "_bucket"): "le",
    ("gaugehistogram", "_bucket"): "le",
    ("summary", ""): "quantile",
}


def _number(parts: _Parts, kind: FamilyKind) -> Series | None:
    end = SAMPLE_SUFFIXES[kind][0]
    if end not in parts.values:
        return None
    created = parts.values.get("_created")
    return Number(parts.labels, parts.values[end], parts.exemplars.get(0), created, parts.time_seconds)


def _histogram(parts: _Parts, kind: FamilyKind) -> Series:
    count, total = (parts.values.get(end) for end in COUNT_SUFFIXES.get(kind, ("_count", "_sum")))
    bounds, reached = tuple(parts.points), list(parts.points.values())
    created = parts.values.get("_created")
    return Histogram(
        parts.labels, count, total, bounds, reached, parts.exemplars, parts.native, created, parts.time_seconds
    )


def _summary(parts: _Parts, _kind: FamilyKind) -> Series:
    count, total = parts.values.get("_count"), parts.values.get("_sum")
    return Summary(parts.labels, count, total, parts.points, parts.values.get("_created"), parts.time_seconds)


_MAKERS: Final[Mapping[FamilyKind, Callable[[_Parts, FamilyKind], Series | None]]] = {
    "histogram": _histogram,
    "gaugehistogram": _histogram,
    "summary": _summary,
}


def _number_text(text: str) -> str:
    """Return a bound or a quantile.

    Raises:
        ValueError: It is not a number.
    """
    float(text)
    if text != text.strip():
        raise ValueError(f"{text!r} is not a number")
    return text


def _seconds(time: object) -> float | None:
    """Return the time of a sample, in seconds since the Unix epoch.

    Raises:
        ValueError: It is not finite.
    """
    if time is None:
        return None
    seconds = float(cast("float", time))
    if not abs(seconds) < _MAX_SECONDS:
        raise ValueError(f"{seconds} is not a time")
    return seconds


def _exemplar(exemplar: ClientExemplar) -> Exemplar:
    labels = tuple((str(name), str(text)) for name, text in exemplar.labels.items())
    return Exemplar(labels, float(exemplar.value), _seconds(exemplar.timestamp))


def _native(native: NativeHistogram) -> Native:
    positive = _spans(native.pos_spans), [int(delta) for delta in native.pos_deltas or ()]
    negative = _spans(native.neg_spans), [int(delta) for delta in native.neg_deltas or ()]
    return Native(int(native.schema), float(native.zero_threshold), int(native.zero_count), positive, negative)


def _spans(spans: Iterable[BucketSpan] | None) -> list[tuple[int, int]]:
    return [(int(span.offset), int(span.length)) for span in spans or ()]
