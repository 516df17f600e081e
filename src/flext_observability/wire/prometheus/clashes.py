"""Families of a page → families whose names are their own, and a report of what had to change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal

from flext_observability.wire.prometheus.family import (
    Family,
    FamilyKind,
    Histogram,
    LabelSet,
    Number,
    Series,
)

SAMPLE_SUFFIXES: Final[Mapping[FamilyKind, tuple[str, ...]]] = {
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
# Of two families with a series in common, the one whose kind comes first here is kept.
_PRECEDENCE: Final = ("info", "histogram", "gaugehistogram", "summary", "counter", "stateset", "gauge", "unknown")
# Kinds of a single name first: the others can be written as series of unknown type.
_WRITE_ORDER: Final = ("info", "gauge", "stateset", "unknown", "counter", "histogram", "summary", "gaugehistogram")
_CLASSIC_SUFFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "histogram": ("_bucket", "_count", "_sum"),
    "summary": ("_count", "_sum"),
}
COUNT_SUFFIXES: Final[Mapping[str, tuple[str, str]]] = {"gaugehistogram": ("_gcount", "_gsum")}
"""Endings of count and sum of the kinds that differ from histograms."""
ClashEffect = Literal["omitted", "untyped"]
"""What another metric of the same name causes: series are missing, or present without their type."""
OnClash = Callable[[str, ClashEffect], object]


def distinct_families(families: Iterable[Family], on_clash: OnClash, *, openmetrics: bool) -> Iterator[Family]:
    """Yield families of which no two claim a name, in the order of the page.

    Of two families with sample names in common, one is omitted. A family that claims a further name of another one, or
    has values that the format forbids, is yielded as families of unknown type, one for each name of its samples.

    Args:
        families: All families; those without series are omitted.
        on_clash: Called for each metric that is changed because of another metric.
        openmetrics: Whether the page is OpenMetrics, which has more rules.
    """
    kept = _without_common_samples([family for family in families if family.series], on_clash)
    samples = set[str]().union(*(_sample_names(family) for family in kept))
    claimed: set[str] = set()
    for family in sorted(kept, key=lambda each: _WRITE_ORDER.index(each.kind)):
        further = _claims(family, openmetrics=openmetrics) - _sample_names(family)
        distinct = samples.isdisjoint(further) and claimed.isdisjoint(further)
        if distinct and not _is_unwritable(family, openmetrics=openmetrics):
            claimed |= further
            yield family
            continue
        if not distinct:
            on_clash(family.name, "untyped")
        yield from unknown_families(family)


def unknown_families(family: Family) -> list[Family]:
    """Return the samples of a family as families of unknown type, one for each sample name."""
    parts: dict[str, Family] = {}
    for series in family.series:
        for name, labels, value in _samples(family, series):
            part = parts.setdefault(name, Family(name, "unknown", family.help))
            part.add(Number(labels, value, time_seconds=series.time_seconds))
    return list(parts.values())


def _without_common_samples(families: Sequence[Family], on_clash: OnClash) -> list[Family]:
    """Return the families whose sample names are their own, by precedence; of two equal kinds the first is kept."""
    names: set[str] = set()
    kept: list[Family] = []
    for family in sorted(families, key=lambda each: _PRECEDENCE.index(each.kind)):
        own = _sample_names(family)
        distinct = names.isdisjoint(own)
        if distinct:
            names |= own
            kept.append(family)
        if family.duplicate or not distinct:
            on_clash(family.name, "omitted")
    return kept


def _sample_names(family: Family) -> set[str]:
    if family.kind in {"histogram", "gaugehistogram", "summary"}:
        return {family.name + suffix for suffix in SAMPLE_SUFFIXES[family.kind] if suffix != "_created"}
    return {family.name}


def _claims(family: Family, *, openmetrics: bool) -> set[str]:
    if openmetrics:
        return {family.stem, *(family.stem + suffix for suffix in SAMPLE_SUFFIXES[family.kind])}
    return {family.name, *(family.name + suffix for suffix in _CLASSIC_SUFFIXES.get(family.kind, ()))}


def _is_unwritable(family: Family, *, openmetrics: bool) -> bool:
    if openmetrics:
        return family.invalid_openmetrics or family.stem == "total"
    return family.kind == "gaugehistogram"


def _samples(family: Family, series: Series) -> Iterator[tuple[str, LabelSet, float]]:
    name, labels = family.name, series.labels
    if isinstance(series, Number):
        yield name, labels, series.value
        return
    count_suffix, sum_suffix = COUNT_SUFFIXES.get(family.kind, ("_count", "_sum"))
    if isinstance(series, Histogram):
        for bound, reached in zip(series.bounds, series.reached, strict=True):
            yield f"{name}_bucket", LabelSet((*labels.pairs, ("le", bound))), reached
    else:
        for quantile, value in series.quantiles.items():
            yield name, LabelSet((*labels.pairs, ("quantile", quantile))), value
    if series.count is not None:
        yield name + count_suffix, labels, series.count
    if series.sum is not None:
        yield name + sum_suffix, labels, series.sum
