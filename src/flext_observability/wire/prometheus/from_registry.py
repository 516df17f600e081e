"""Metrics of a ``prometheus_client`` registry → families of a Prometheus page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from flext_observability.wire.prometheus.names import sample_value
from flext_observability.wire.prometheus.text import Family, FamilyKind, Sample, format_labels

if TYPE_CHECKING:
    from prometheus_client import Metric
    from prometheus_client.samples import Exemplar

_ENDINGS: Mapping[str, str] = {"counter": "_total", "info": "_info"}
_SERIES_LABELS = frozenset({"le", "quantile"})


def add_metrics(families: list[Family], metrics: Iterable[Metric], *, openmetrics: bool) -> None:
    """Add the metrics of a registry to the families of a page.

    A metric with name and kind of a family on the page joins it; a series that the family has already is omitted and marks
    the family as ``duplicate``.

    Args:
        families: Families of the page; new ones are appended.
        metrics: What ``registry.collect()`` returns.
        openmetrics: Whether the page is OpenMetrics. The classic format has no creation times: they become gauges.
    """
    known: dict[tuple[str, FamilyKind], Family] = {(family.name, family.kind): family for family in families}
    for metric in metrics:
        kind = cast("FamilyKind", metric.type)
        name = metric.name + _ENDINGS.get(kind, "")
        for series, samples in _by_series(metric).items():
            created = [] if openmetrics else [each for each in samples if each.name == f"{metric.name}_created"]
            own = [each for each in samples if each not in created]
            if own:
                _family(families, known, name, kind, metric).add_samples(dict(series), own)
            for each in created:
                _family(families, known, each.name, "gauge", metric).add_samples(dict(series), [each])


def _family(
    families: list[Family], known: dict[tuple[str, FamilyKind], Family], name: str, kind: FamilyKind, metric: Metric
) -> Family:
    if (name, kind) not in known:
        known[name, kind] = Family(name, kind, metric.documentation)
        families.append(known[name, kind])
    return known[name, kind]


def _by_series(metric: Metric) -> dict[frozenset[tuple[str, str]], list[Sample]]:
    """Return the samples by labels; samples of a native histogram have no text."""
    labels_of_series = _SERIES_LABELS | ({metric.name} if metric.type == "stateset" else frozenset[str]())
    series: dict[frozenset[tuple[str, str]], list[Sample]] = {}
    for sample in metric.samples:
        if getattr(sample, "native_histogram", None) is None:
            key = frozenset(item for item in sample.labels.items() if item[0] not in labels_of_series)
            series.setdefault(key, []).append(
                Sample(
                    sample.name,
                    format_labels(sample.labels),
                    sample.value,
                    _exemplar(sample.exemplar),
                    None if sample.timestamp is None else float(sample.timestamp),
                )
            )
    return series


def _exemplar(exemplar: Exemplar | None) -> str:
    if exemplar is None:
        return ""
    time = "" if exemplar.timestamp is None else f" {float(exemplar.timestamp)}"
    return f"{format_labels(exemplar.labels) or '{}'} {sample_value(exemplar.value)}{time}"
