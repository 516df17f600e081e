"""Families of samples → Prometheus page, classic text or OpenMetrics, always complete and parseable.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal

from flext_observability.wire.prometheus.names import bound_value, sample_value

_CLASSIC_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_CLASSIC_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
FamilyKind = Literal["counter", "gauge", "histogram", "info", "summary", "stateset", "gaugehistogram", "unknown"]
# Of two families with a series in common, the one whose kind comes first here is kept.
_PRECEDENCE: Final = ("info", "histogram", "gaugehistogram", "summary", "counter", "stateset", "gauge", "unknown")
# Kinds of a single name first: the others can be written as series of unknown type.
_WRITE_ORDER: Final = ("info", "gauge", "stateset", "unknown", "counter", "histogram", "summary", "gaugehistogram")
NAME_ENDINGS: Final = {"counter": "_total", "info": "_info"}
"""Ending of the names of the samples of a kind, which the name of the metric does not have in OpenMetrics."""
_CLASSIC_KINDS: Final = {"info": "gauge", "stateset": "gauge", "unknown": "untyped"}
SAMPLE_SUFFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "counter": ("_total", "_created"),
    "gauge": ("",),
    "gaugehistogram": ("_bucket", "_gcount", "_gsum"),
    "histogram": ("_bucket", "_count", "_sum", "_created"),
    "info": ("_info",),
    "stateset": ("",),
    "summary": ("", "_count", "_sum", "_created"),
    "unknown": ("",),
}
"""Endings that the samples of a kind add to the name of the metric, in OpenMetrics."""
_CLASSIC_SUFFIXES: Final = {"histogram": ("_bucket", "_count", "_sum"), "summary": ("_count", "_sum")}


@dataclass(slots=True)
class Sample:
    """One line of a page.

    Attributes:
        name: Name of the sample.
        labels: Text from ``format_labels``.
        value: The number.
        exemplar: Labels, value and time of an exemplar as OpenMetrics text; empty for none.
        time_seconds: Time of the sample, in seconds since the Unix epoch; None for the time of the scrape.
    """

    name: str
    labels: str
    value: float
    exemplar: str = ""
    time_seconds: float | None = None


@dataclass(slots=True)
class Family:
    """All samples of one metric.

    Attributes:
        name: Name of the samples, with ``_total`` or ``_info``, without ``_bucket``, ``_count`` and ``_sum``.
        kind: Type of the metric. The classic format writes ``info`` and ``stateset`` as gauges.
        help: Description; white space is normalized.
        samples: In the order of the page.
        invalid_openmetrics: Whether a value is forbidden in OpenMetrics: a counter or sum below zero or NaN, a bound
            below zero.
        duplicate: Whether a second instrument had a series of the same labels. The first one is kept.
    """

    name: str
    kind: FamilyKind
    help: str = ""
    samples: list[Sample] = field(default_factory=list[Sample])
    invalid_openmetrics: bool = False
    duplicate: bool = False
    _series: set[frozenset[tuple[str, str]]] = field(default_factory=set[frozenset[tuple[str, str]]])

    def add(self, labels: Mapping[str, str], value: float, exemplar: str = "") -> None:
        """Add a series of one sample."""
        self.add_samples(labels, [Sample(self.name, format_labels(labels), value, exemplar)])

    def add_samples(self, labels: Mapping[str, str], samples: Sequence[Sample]) -> None:
        """Add a series.

        Args:
            labels: Labels of the series, without ``le`` and ``quantile``.
            samples: Its samples.
        """
        series = frozenset(labels.items())
        if series in self._series:
            self.duplicate = True
            return
        self._series.add(series)
        self.samples += samples
        self.invalid_openmetrics |= self.kind == "counter" and not samples[0].value >= 0

    def add_histogram(
        self,
        labels: Mapping[str, str],
        buckets: Sequence[tuple[float, int]],
        count: int,
        total: float,
        exemplars: Mapping[int, str],
    ) -> None:
        """Add a series of a histogram.

        Args:
            labels: Labels without ``le``.
            buckets: Rising finite upper bounds with the number of values up to each.
            count: Number of all values.
            total: Sum of all values.
            exemplars: Exemplars by index of their bucket.
        """
        text = format_labels(labels)
        name, start = f"{self.name}_bucket", f"{text[:-1]}," if text else "{"
        samples = [
            Sample(name, f'{start}le="{bound_value(bound)}"}}', reached, exemplars.get(index, ""))
            for index, (bound, reached) in enumerate((*buckets, (math.inf, count)))
        ]
        samples += (Sample(f"{self.name}_count", text, count), Sample(f"{self.name}_sum", text, total))
        self.add_samples(labels, samples)
        self.invalid_openmetrics |= not total >= 0 or (bool(buckets) and buckets[0][0] < 0)


def format_labels(labels: Mapping[str, str]) -> str:
    """Return labels as text, with braces; empty without labels. A name outside the classic syntax is quoted."""
    if not labels:
        return ""
    return (
        "{" + ",".join([f'{_label_name(name)}="{value.translate(_ESCAPES)}"' for name, value in labels.items()]) + "}"
    )


def format_family(family: Family) -> str:
    """Return one family in the classic format, under its own type. Names outside the classic syntax are quoted."""
    samples = family.samples if _is_classic(family.name) else map(_quote_name, family.samples)
    return _head(family.name, family.kind, family.help, openmetrics=False) + _lines(samples)


def generate_text(
    families: Iterable[Family], *, openmetrics: bool, on_conflict: Callable[[str], object] = lambda name: None
) -> str:
    """Return a page on which every sample name belongs to one family.

    Args:
        families: All families; those without samples are omitted.
        openmetrics: Whether to write OpenMetrics 1.0, with exemplars, instead of the classic text format 0.0.4.
        on_conflict: Called with the name of each metric that is omitted, wholly or in part, because of another metric.
    """
    claimed: set[str] = set()
    kept = _distinct([family for family in families if family.samples], on_conflict)
    ordered = sorted(kept, key=lambda family: _WRITE_ORDER.index(family.kind))
    parts = [part for family in ordered for part in _format(family, claimed, on_conflict, openmetrics=openmetrics)]
    return "".join(parts) + ("# EOF\n" if openmetrics else "")


def _distinct(families: Sequence[Family], on_conflict: Callable[[str], object]) -> list[Family]:
    """Return the families whose sample names are their own, by precedence; of two equal kinds the first is kept."""
    names: set[str] = set()
    kept: list[Family] = []
    for family in sorted(families, key=lambda each: _PRECEDENCE.index(each.kind)):
        own = {sample.name for sample in family.samples}
        distinct = names.isdisjoint(own)
        if distinct:
            names |= own
            kept.append(family)
        if family.duplicate or not distinct:
            on_conflict(family.name)
    return kept


def _format(
    family: Family, claimed: set[str], on_conflict: Callable[[str], object], *, openmetrics: bool
) -> Iterator[str]:
    """Yield the family or, if its names are claimed or its values invalid, its series as families of unknown type."""
    stem = family.name.removesuffix(NAME_ENDINGS.get(family.kind, ""))
    if openmetrics or family.kind in {"info", "gaugehistogram"}:
        names = {stem, *(stem + suffix for suffix in SAMPLE_SUFFIXES[family.kind])}
    else:
        names = {family.name, *(family.name + suffix for suffix in _CLASSIC_SUFFIXES.get(family.kind, ()))}
    unwritable = family.invalid_openmetrics or stem == "total" if openmetrics else family.kind == "gaugehistogram"
    if claimed.isdisjoint(names) and not unwritable:
        claimed |= names
        yield _head(stem if openmetrics else family.name, family.kind, family.help, openmetrics=openmetrics)
        yield _lines(family.samples, openmetrics=openmetrics)
        return
    for name in dict.fromkeys(sample.name for sample in family.samples):
        if name in claimed:
            on_conflict(name)
            continue
        claimed.add(name)
        yield _head(name, "unknown" if openmetrics else "untyped", family.help, openmetrics=openmetrics)
        yield _lines(
            [sample for sample in family.samples if sample.name == name], openmetrics=openmetrics, exemplars=False
        )


def _head(name: str, kind: str, description: str, *, openmetrics: bool) -> str:
    text = " ".join(description.split())
    escaped = text.translate(_ESCAPES) if openmetrics else text.replace("\\", r"\\")
    shown_name = name if _is_classic(name) else _quote(name)
    shown_kind = kind if openmetrics else _CLASSIC_KINDS.get(kind, kind)
    return (f"# HELP {shown_name} {escaped}\n" if text else "") + f"# TYPE {shown_name} {shown_kind}\n"


def _lines(samples: Iterable[Sample], *, openmetrics: bool = False, exemplars: bool = True) -> str:
    return "".join(
        [
            f"{sample.name}{sample.labels} {sample_value(sample.value)}"
            f"{'' if sample.time_seconds is None else _timestamp(sample.time_seconds, openmetrics=openmetrics)}"
            f"{f' # {sample.exemplar}' if openmetrics and exemplars and sample.exemplar else ''}\n"
            for sample in samples
        ]
    )


def _timestamp(seconds: float, *, openmetrics: bool) -> str:
    return f" {seconds}" if openmetrics else f" {int(seconds * 1000)}"


def _quote_name(sample: Sample) -> Sample:
    """Return a sample with its name among its labels."""
    labels = ",".join(filter(None, (_quote(sample.name), sample.labels[1:-1])))
    return Sample("", f"{{{labels}}}", sample.value)


def _is_classic(name: str) -> bool:
    return _CLASSIC_METRIC.fullmatch(name) is not None


@lru_cache(maxsize=4096)
def _label_name(name: str) -> str:
    return name if _CLASSIC_LABEL.fullmatch(name) else _quote(name)


def _quote(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'
