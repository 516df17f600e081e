"""Families → Prometheus page in the protobuf format, with native histograms.

Source: https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from struct import Struct, error as struct_error
from typing import Any, Final

from flext_observability.wire.otlp.protobuf import field, int64, number_field, sint32, varint
from flext_observability.wire.prometheus.clashes import OnClash, distinct_families
from flext_observability.wire.prometheus.family import (
    Exemplar,
    Family,
    Histogram,
    LabelPairs,
    Native,
    Number,
    Series,
    Summary,
)

_double: Final = Struct("<Bd").pack
_MAX_SECONDS: Final = 1e11  # a time beyond is none
_COUNT_LIMIT: Final = 1 << 64


def generate_protobuf(families: Iterable[Family], *, on_clash: OnClash = lambda name, effect: None) -> bytes:
    """Return a page of delimited ``MetricFamily`` messages.

    Args:
        families: All families; those without series are omitted.
        on_clash: As for ``generate_text``.
    """
    messages = [_family(family) for family in distinct_families(families, on_clash, openmetrics=False)]
    return b"".join([varint(len(message)) + message for message in messages])


def _family(family: Family) -> bytes:
    kind, encode = _KINDS[family.kind]
    head = [_text(b"\x0a", family.name)]
    if text := " ".join(family.help.split()):
        head.append(_text(b"\x12", text))
    head.append(b"\x18" + varint(kind))
    series = [field(b"\x22", _labels(each) + encode(each) + _time(each)) for each in family.series]
    unit = _text(b"\x2a", family.unit) if family.unit and family.stem.endswith(f"_{family.unit}") else b""
    return b"".join((*head, *series, unit))


def _labels(series: Series) -> bytes:
    labels = series.labels
    if not labels.encoded and labels.pairs:
        labels.encoded = _pairs(labels.pairs)
    return labels.encoded


def _pairs(pairs: LabelPairs) -> bytes:
    return b"".join([field(b"\x0a", _text(b"\x0a", name) + _text(b"\x12", value)) for name, value in pairs])


def _text(tag: bytes, text: str) -> bytes:
    return field(tag, text.encode(errors="replace"))


def _gauge(series: Number) -> bytes:
    return field(b"\x12", _value(0x09, series.value))


def _untyped(series: Number) -> bytes:
    return field(b"\x2a", _value(0x09, series.value))


def _counter(series: Number) -> bytes:
    exemplar = b"" if series.exemplar is None else field(b"\x12", _exemplar(series.exemplar))
    return field(b"\x1a", _value(0x09, series.value) + exemplar + _start(b"\x1a", series.start_seconds))


def _summary(series: Summary) -> bytes:
    quantiles = [
        field(b"\x1a", _value(0x09, float(quantile)) + _value(0x11, value))
        for quantile, value in series.quantiles.items()
    ]
    count = b"" if series.count is None else b"\x08" + _count(series.count)
    total = b"" if series.sum is None else _value(0x11, series.sum)
    return field(b"\x22", b"".join((count, total, *quantiles, _start(b"\x22", series.start_seconds))))


def _histogram(series: Histogram) -> bytes:
    buckets = [
        field(
            b"\x1a",
            b"\x08"
            + _count(reached)
            + _value(0x11, float(bound))
            + (field(b"\x1a", _exemplar(series.exemplars[index])) if index in series.exemplars else b""),
        )
        for index, (bound, reached) in enumerate(zip(series.bounds, series.reached, strict=True))
    ]
    count = b"" if series.count is None else b"\x08" + _count(series.count)
    total = b"" if series.sum is None else _value(0x11, series.sum)
    native = b"" if series.native is None else _native(series.native, series.exemplars)
    return field(b"\x3a", b"".join((count, total, *buckets, native, _start(b"\x7a", series.start_seconds))))


def _native(native: Native, exemplars: Mapping[int, Exemplar]) -> bytes:
    parts = [
        b"\x28" + sint32(native.schema),
        _value(0x31, native.zero_threshold),
        b"\x38" + varint(native.zero_count),
        *_buckets(b"\x4a", b"\x50", native.negative),
        *_buckets(b"\x62", b"\x68", native.positive),
    ]
    parts += [field(b"\x82\x01", _exemplar(each)) for each in exemplars.values() if each.time_seconds is not None]
    return b"".join(parts)


def _buckets(
    span_tag: bytes, delta_tag: bytes, buckets: tuple[Sequence[tuple[int, int]], Sequence[int]]
) -> Iterable[bytes]:
    spans, deltas = buckets
    for offset, length in spans:
        yield field(span_tag, b"\x08" + sint32(offset) + b"\x10" + varint(length))
    for delta in deltas:
        yield delta_tag + sint32(delta)  # the zigzag form of numbers up to 63 bits is the same


def _exemplar(exemplar: Exemplar) -> bytes:
    return _pairs(exemplar.labels) + _value(0x11, exemplar.value) + _start(b"\x1a", exemplar.time_seconds)


def _start(tag: bytes, seconds: float | None) -> bytes:
    """Return a time as ``google.protobuf.Timestamp``, nothing for None."""
    if seconds is None or not abs(seconds) < _MAX_SECONDS:
        return b""
    whole, fraction = divmod(round(seconds * 1e6), 1_000_000)
    return field(tag, b"\x08" + int64(whole) + number_field(b"\x10", fraction * 1000))


def _time(series: Series) -> bytes:
    return b"" if series.time_seconds is None else b"\x30" + int64(int(series.time_seconds * 1000))


def _value(tag: int, value: float) -> bytes:
    try:
        return _double(tag, value)
    except struct_error:  # an integer beyond any float
        return _double(tag, float("inf") if value > 0 else float("-inf"))


def _count(count: float) -> bytes:
    return varint(int(count) if 0 <= count < _COUNT_LIMIT else 0)


_KINDS: Final[Mapping[str, tuple[int, Callable[[Any], bytes]]]] = {
    "counter": (0, _counter),
    "gauge": (1, _gauge),
    "info": (1, _gauge),
    "stateset": (1, _gauge),
    "summary": (2, _summary),
    "unknown": (3, _untyped),
    "histogram": (4, _histogram),
}
"""Number of the type, and encoder of a series."""
