"""Metrics of any source as plain data: the input of every writer of a Prometheus page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal, final

from flext_observability.values.named_tuple import NamedTuple
from flext_observability.wire.prometheus.names import bound_value

FamilyKind = Literal["counter", "gauge", "histogram", "info", "summary", "stateset", "gaugehistogram", "unknown"]
NAME_ENDINGS: Final[Mapping[str, str]] = {"counter": "_total", "info": "_info"}
"""Ending of the names of the samples of a kind, which the name of the metric does not have in OpenMetrics."""
_CLASSIC_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
LabelPairs = tuple[tuple[str, str], ...]


@final
class LabelSet:
    """The labels of a series, without ``le`` and ``quantile``.

    Attributes:
        pairs: Names and values in the order of the page.
        braced: The pairs as text with braces, empty without pairs. A name outside the classic syntax is quoted.
        key: Text that sets of equal pairs have in common, in any order.
        encoded: The pairs in the protobuf format; empty until a writer sets it.
    """

    __slots__ = ("braced", "encoded", "key", "pairs")

    def __init__(self, pairs: LabelPairs) -> None:
        self.pairs = pairs
        self.braced = f"{{{labels_text(pairs)}}}" if pairs else ""
        ordered = tuple(sorted(pairs))
        self.key = self.braced if ordered == pairs else f"{{{labels_text(ordered)}}}"
        self.encoded = b""


class Exemplar(NamedTuple):
    """One measurement with its trace, as an example of a series.

    Attributes:
        labels: Names and values, at most 128 characters in OpenMetrics.
        value: The measurement.
        time_seconds: Time since the Unix epoch; None if it is not known.
    """

    labels: LabelPairs
    value: float
    time_seconds: float | None = None


@final
@dataclass(slots=True)
class Number:
    """A series of one value.

    Attributes:
        labels: Its labels.
        value: The value.
        exemplar: Its exemplar, of a counter.
        start_seconds: Time of the creation of a counter, in seconds since the Unix epoch.
        time_seconds: Time of the value; None for the time of the scrape.
    """

    labels: LabelSet
    value: float
    exemplar: Exemplar | None = None
    start_seconds: float | None = None
    time_seconds: float | None = None


class Native(NamedTuple):
    """The buckets of a native histogram.

    Attributes:
        schema: Resolution, -4 to 8.
        zero_threshold: Width of the zero bucket.
        zero_count: Values in the zero bucket.
        positive: Spans (offset, length), and for each of their buckets the difference to the bucket before.
        negative: The same for values below zero.

    Source: https://prometheus.io/docs/specs/native_histograms/
    """

    schema: int
    zero_threshold: float
    zero_count: int
    positive: tuple[Sequence[tuple[int, int]], Sequence[int]]
    negative: tuple[Sequence[tuple[int, int]], Sequence[int]]


@final
@dataclass(slots=True)
class Histogram:
    """A series of a histogram.

    Attributes:
        labels: Its labels.
        count: Number of all values; None if the source does not have it.
        sum: Sum of all values; None if the source does not have it.
        bounds: Rising upper bounds of the buckets as text, with ``+Inf``.
        reached: Number of values up to each bound.
        exemplars: Exemplars by index of their bucket.
        native: The same values in the finer buckets of a native histogram.
        start_seconds: Time of the creation, in seconds since the Unix epoch.
        time_seconds: Time of the values; None for the time of the scrape.
        integers: Whether ``count`` and ``reached`` are of type ``int``, and ``count`` is the largest.
    """

    labels: LabelSet
    count: float | None
    sum: float | None
    bounds: Sequence[str]
    reached: Sequence[float]
    exemplars: Mapping[int, Exemplar] = field(default_factory=dict[int, Exemplar])
    native: Native | None = None
    start_seconds: float | None = None
    time_seconds: float | None = None
    integers: bool = False


@final
@dataclass(slots=True)
class Summary:
    """A series of a summary.

    Attributes:
        labels: Its labels.
        count: Number of all values; None if the source does not have it.
        sum: Sum of all values; None if the source does not have it.
        quantiles: Values by quantile, as text from 0 to 1.
        start_seconds: Time of the creation, in seconds since the Unix epoch.
        time_seconds: Time of the values; None for the time of the scrape.
    """

    labels: LabelSet
    count: float | None
    sum: float | None
    quantiles: Mapping[str, float]
    start_seconds: float | None = None
    time_seconds: float | None = None


Series = Number | Histogram | Summary


@final
@dataclass(slots=True)
class Family:
    """All series of one metric.

    Attributes:
        name: Name of the samples, with ``_total`` or ``_info``, without ``_bucket``, ``_count`` and ``_sum``.
        kind: Type of the metric. The classic format writes ``info`` and ``stateset`` as gauges.
        help: Description; white space is normalized.
        unit: Unit of OpenMetrics, which the name ends with; empty for none.
        with_created: Whether OpenMetrics has the times of creation as samples.
        series: In the order of the page; those of histograms are ``Histogram``, those of summaries ``Summary``.
        invalid_openmetrics: Whether a value is forbidden in OpenMetrics: a counter or sum below zero or NaN, a bound
            below zero.
        keys: Keys of the label sets of its series.
        duplicate: Whether a second instrument had a series of the same labels. The first one is kept.
    """

    name: str
    kind: FamilyKind
    help: str = ""
    unit: str = ""
    with_created: bool = False
    series: list[Series] = field(default_factory=list[Series])
    invalid_openmetrics: bool = False
    duplicate: bool = False
    keys: set[str] = field(default_factory=set[str])

    @property
    def stem(self) -> str:
        """Name of the metric in OpenMetrics."""
        return self.name.removesuffix(NAME_ENDINGS.get(self.kind, ""))

    def add(self, series: Series) -> None:
        """Add a series, if the family has none of the same labels."""
        if not self.append(series):
            self.duplicate = True

    def append(self, series: Series) -> bool:
        """Add a series; return False if the family has one of the same labels."""
        key = series.labels.key
        if key in self.keys:
            return False
        self.keys.add(key)
        self.series.append(series)
        self.check(series)
        return True

    def check(self, series: Series) -> None:
        """Note whether OpenMetrics forbids a value of a series."""
        if type(series) is Number:
            if not series.value >= 0 and self.kind == "counter":
                self.invalid_openmetrics = True
        elif type(series) is Histogram and _is_invalid(series):
            self.invalid_openmetrics = True

    def add_number(self, labels: Mapping[str, str], value: float) -> None:
        """Add a series of one value."""
        self.add(Number(LabelSet(tuple(labels.items())), value))


def _is_invalid(series: Histogram) -> bool:
    return not (series.sum is None or series.sum >= 0) or (bool(series.bounds) and series.bounds[0].startswith("-"))


def labels_text(pairs: LabelPairs) -> str:
    """Return labels as text without braces. A name outside the classic syntax is quoted."""
    return ",".join([f'{_label_name(name)}="{value.translate(_ESCAPES)}"' for name, value in pairs])


def quote(text: str) -> str:
    """Return a quoted name or description."""
    return f'"{text.translate(_ESCAPES)}"'


def escape(text: str) -> str:
    """Return a text with its line feeds, quotes and backslashes escaped."""
    return text.translate(_ESCAPES)


@lru_cache(maxsize=256)
def bound_texts(bounds: tuple[float, ...]) -> tuple[str, ...]:
    """Return finite upper bounds of buckets and ``+Inf`` as text."""
    return (*map(bound_value, bounds), "+Inf")


@lru_cache(maxsize=4096)
def _label_name(name: str) -> str:
    return name if _CLASSIC_LABEL.fullmatch(name) else quote(name)
