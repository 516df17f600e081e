"""Metrics of a ``prometheus_client`` registry → families of a Prometheus page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast

from flext_observability.runtime.internal_log import report_once
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.wire.prometheus.names import sample_value
from flext_observability.wire.prometheus.text import (
    NAME_ENDINGS,
    SAMPLE_SUFFIXES,
    Family,
    FamilyKind,
    Sample,
    format_labels,
)

if TYPE_CHECKING:
    from prometheus_client import Metric
    from prometheus_client.samples import Exemplar

_SERIES_LABELS: Final = frozenset({"le", "quantile"})
_NOT_METRIC: Final = re.compile(r"^[0-9]|[^a-zA-Z0-9_:]")
_NOT_LABEL: Final = re.compile(r"^[0-9]|[^a-zA-Z0-9_]")


def add_metrics(families: list[Family], metrics: Iterable[Metric], *, openmetrics: bool) -> None:
    """Add the metrics of a registry to the families of a page.

    A metric with name and kind of a family on the page joins it. A series that the family has already is omitted and
    marks the family as ``duplicate``. In names, characters outside the classic syntax become underscores, as on the
    library's own page. An invalid metric is omitted and reported once.

    Args:
        families: Families of the page; new ones are appended.
        metrics: What ``registry.collect()`` returns.
        openmetrics: Whether the page is OpenMetrics. The classic format has no creation times: they become gauges.
    """
    known: dict[tuple[str, FamilyKind], Family] = {(family.name, family.kind): family for family in families}
    for metric in metrics:
        try:
            text = str(metric.documentation or "")
            series = _by_series(metric, openmetrics=openmetrics)
        except BaseException as error:  # noqa: BLE001 - made by a collector of the program
            reraise_interrupt(error)
            report_once(f"Reading the prometheus_client metric {getattr(metric, 'name', '')}", error)
            continue
        for (name, kind, labels), samples in series.items():
            if (name, kind) not in known:
                known[name, kind] = Family(name, kind, text)
                families.append(known[name, kind])
            known[name, kind].add_samples(dict(labels), samples)


def claimed_names(metric: Metric) -> set[str]:
    """Return the names that no other metric of a page may have: that of the metric, and those of its samples."""
    names = {metric.name, *(metric.name + suffix for suffix in SAMPLE_SUFFIXES.get(metric.type, ()))}
    return {_metric_name(name) for name in (*names, *(sample.name for sample in metric.samples))}


def _by_series(
    metric: Metric, *, openmetrics: bool
) -> dict[tuple[str, FamilyKind, frozenset[tuple[str, str]]], list[Sample]]:
    """Return the samples by family and labels; samples of a native histogram have no text."""
    without = _SERIES_LABELS | ({metric.name} if metric.type == "stateset" else frozenset[str]())
    families = _families_by_sample(metric, openmetrics=openmetrics)
    series: dict[tuple[str, FamilyKind, frozenset[tuple[str, str]]], list[Sample]] = {}
    for sample in metric.samples:
        if getattr(sample, "native_histogram", None) is None:
            name, kind = families.get(sample.name) or (_metric_name(sample.name), "unknown")
            labels = {_label_name(key): value for key, value in sample.labels.items()}
            key = frozenset((_label_name(key), value) for key, value in sample.labels.items() if key not in without)
            series.setdefault((name, kind, key), []).append(
                Sample(
                    _metric_name(sample.name),
                    format_labels(labels),
                    float(sample.value),
                    _exemplar(sample.exemplar),
                    None if sample.timestamp is None else float(sample.timestamp),
                )
            )
    return series


def _families_by_sample(metric: Metric, *, openmetrics: bool) -> dict[str, tuple[str, FamilyKind]]:
    """Return name and kind of the family of each sample name that the type of the metric has."""
    own = _metric_name(metric.name + NAME_ENDINGS.get(metric.type, "")), cast("FamilyKind", metric.type)
    families = {metric.name + suffix: own for suffix in SAMPLE_SUFFIXES[metric.type]}
    created = f"{metric.name}_created"
    if created in families and not openmetrics:
        families[created] = _metric_name(created), "gauge"
    return families


@lru_cache(maxsize=4096)
def _metric_name(name: str) -> str:
    return _NOT_METRIC.sub("_", name)


@lru_cache(maxsize=4096)
def _label_name(name: str) -> str:
    return _NOT_LABEL.sub("_", name)


def _exemplar(exemplar: Exemplar | None) -> str:
    if exemplar is None:
        return ""
    time = "" if exemplar.timestamp is None else f" {float(exemplar.timestamp)}"
    return f"{format_labels(exemplar.labels) or '{}'} {sample_value(exemplar.value)}{time}"
