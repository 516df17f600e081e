"""Families → Prometheus page, classic text or OpenMetrics, always complete and parseable.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final, Literal, cast

from flext_observability.wire.prometheus.clashes import COUNT_SUFFIXES, OnClash, distinct_families
from flext_observability.wire.prometheus.escaping import is_classic
from flext_observability.wire.prometheus.family import (
    Exemplar,
    Family,
    Histogram,
    LabelSet,
    Number,
    Series,
    Summary,
    escape,
    labels_text,
    quote,
)
from flext_observability.wire.prometheus.names import sample_value

_CLASSIC_KINDS: Final = {"info": "gauge", "stateset": "gauge", "unknown": "untyped"}
_Syntax = Literal["text", "openmetrics"]
_PLAIN_LIMIT: Final = 1_000_000  # larger values have an exponent


def generate_text(
    families: Iterable[Family], *, openmetrics: bool, on_clash: OnClash = lambda name, effect: None
) -> str:
    """Return a page on which every sample name belongs to one family.

    Args:
        families: All families; those without series are omitted.
        openmetrics: Whether to write OpenMetrics 1.0, with exemplars, instead of the classic text format 0.0.4.
        on_clash: Called with the name of each metric that another metric affects.
    """
    found = distinct_families(families, on_clash, openmetrics=openmetrics)
    parts = [format_family(family, openmetrics=openmetrics) for family in found]
    return "".join(parts) + ("# EOF\n" if openmetrics else "")


def format_family(family: Family, *, openmetrics: bool = False) -> str:
    """Return one family. A name outside the classic syntax is quoted."""
    lines = _head(family, openmetrics=openmetrics)
    _WRITERS.get(family.kind, _write_numbers)(lines, family, "openmetrics" if openmetrics else "text")
    return "".join(lines)


def _head(family: Family, *, openmetrics: bool) -> list[str]:
    name = family.stem if openmetrics else family.name
    shown = name if is_classic(name) else quote(name)
    lines: list[str] = []
    if text := " ".join(family.help.split()):
        escaped = escape(text) if openmetrics else text.replace("\\", r"\\")
        lines.append(f"# HELP {shown} {escaped}\n")
    kind = family.kind if openmetrics else _CLASSIC_KINDS.get(family.kind, family.kind)
    lines.append(f"# TYPE {shown} {kind}\n")
    if openmetrics and family.unit and family.kind not in {"info", "stateset"} and name.endswith(f"_{family.unit}"):
        lines.append(f"# UNIT {shown} {family.unit}\n")
    return lines


def _write_numbers(lines: list[str], family: Family, syntax: _Syntax) -> None:
    """Write one line for each series. The cost of a page is here: ``benchmarks/prometheus_page.py``."""
    openmetrics, limit = syntax == "openmetrics", _PLAIN_LIMIT
    series = cast("list[Number]", family.series)
    name, quoted = family.name, not is_classic(family.name)
    texts = [
        f"{_sample(name, each.labels) if quoted else name + each.labels.braced} "
        f"{repr(each.value) if -limit < each.value < limit and type(each.value) is float else sample_value(each.value)}"
        "\n"
        for each in series
    ]
    exemplars = openmetrics and family.kind == "counter"
    created = openmetrics and family.with_created
    if exemplars or created or any(each.time_seconds is not None for each in series):
        texts = [
            f"{text[:-1]}{_time(each, openmetrics=openmetrics)}"
            f"{_exemplar(each.exemplar) if exemplars and each.exemplar is not None else ''}\n"
            f"{_created(family, each) if created else ''}"
            for text, each in zip(texts, series, strict=True)
        ]
    lines += texts


def _write_histograms(lines: list[str], family: Family, syntax: _Syntax) -> None:
    openmetrics = syntax == "openmetrics"
    bucket = f"{family.name}_bucket"
    for each in cast("list[Histogram]", family.series):
        time = _time(each, openmetrics=openmetrics)
        start, first = _opening(bucket, each.labels), len(lines)
        buckets = zip(_bucket_ends(tuple(each.bounds)), each.reached, strict=True)
        if each.integers and (each.count or 0) < _PLAIN_LIMIT and not time:
            lines += [f"{start}{end}{reached}.0\n" for end, reached in buckets]
        else:
            lines += [f"{start}{end}{sample_value(reached)}{time}\n" for end, reached in buckets]
        if openmetrics and each.exemplars:
            for index, exemplar in each.exemplars.items():
                lines[first + index] = f"{lines[first + index][:-1]}{_exemplar(exemplar)}\n"
        _write_totals(lines, family, each, openmetrics=openmetrics)


def _write_summaries(lines: list[str], family: Family, syntax: _Syntax) -> None:
    openmetrics = syntax == "openmetrics"
    for each in cast("list[Summary]", family.series):
        time = _time(each, openmetrics=openmetrics)
        start = _opening(family.name, each.labels)
        lines += [
            f'{start}quantile="{quantile}"}} {sample_value(value)}{time}\n'
            for quantile, value in each.quantiles.items()
        ]
        _write_totals(lines, family, each, openmetrics=openmetrics)


def _write_totals(lines: list[str], family: Family, series: Histogram | Summary, *, openmetrics: bool) -> None:
    suffixes: tuple[str, ...] = COUNT_SUFFIXES.get(family.kind, ("_count", "_sum"))
    if openmetrics and series.sum is None and isinstance(series, Histogram):
        suffixes = ()  # no count without a sum; the last bucket has it
    for suffix, value in zip(suffixes, (series.count, series.sum), strict=False):
        if value is not None:
            name, time = family.name + suffix, _time(series, openmetrics=openmetrics)
            lines.append(f"{_sample(name, series.labels)} {sample_value(value)}{time}\n")
    if openmetrics and family.with_created:
        lines.append(_created(family, series))


_WRITERS: Final[Mapping[str, Callable[[list[str], Family, _Syntax], None]]] = {
    "histogram": _write_histograms,
    "gaugehistogram": _write_histograms,
    "summary": _write_summaries,
}


def _created(family: Family, series: Series) -> str:
    if series.start_seconds is None:
        return ""
    return f"{_sample(f'{family.stem}_created', series.labels)} {sample_value(series.start_seconds)}\n"


def _exemplar(exemplar: Exemplar) -> str:
    time = "" if exemplar.time_seconds is None else f" {_seconds_text(exemplar.time_seconds)}"
    return f" # {{{labels_text(exemplar.labels)}}} {sample_value(exemplar.value)}{time}"


def _seconds_text(seconds: float) -> str:
    text = f"{seconds:.3f}"
    return text if float(text) == seconds else str(seconds)


def _time(series: Series, *, openmetrics: bool) -> str:
    if series.time_seconds is None:
        return ""
    return f" {series.time_seconds}" if openmetrics else f" {int(series.time_seconds * 1000)}"


def _sample(name: str, labels: LabelSet) -> str:
    """Return a name with its labels. A name outside the classic syntax is quoted, among the labels."""
    if is_classic(name):
        return name + labels.braced
    return f"{{{quote(name)},{labels.braced[1:-1]}}}" if labels.pairs else f"{{{quote(name)}}}"


def _opening(name: str, labels: LabelSet) -> str:
    """Return a name with its labels, up to the place of one more label."""
    sample = _sample(name, labels)
    return f"{sample[:-1]}," if sample.endswith("}") else f"{sample}{{"


@lru_cache(maxsize=256)
def _bucket_ends(bounds: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f'le="{bound}"}} ' for bound in bounds)
