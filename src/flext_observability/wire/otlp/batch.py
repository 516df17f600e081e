"""Batch of finished items → number of items, and two halves (metrics: by data point)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

from flext_observability.values.encoding import encode_tag
from flext_observability.values.masking import sanitize_message
from flext_observability.values.metric_points import point_classes

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric, MetricsData, ResourceMetrics, ScopeMetrics

    from flext_observability.domain.report import Signal

_MAX_NAME_BYTES = 60

# A data point with the objects that contain it.
_Leaf = tuple["ResourceMetrics", "ScopeMetrics", "Metric", Any]


def count_items(signal: Signal, batch: Sequence[object]) -> int:
    """Return the number of spans, log records or metric data points."""
    if signal != "metrics":
        return len(batch)
    return sum(1 for _ in _leaves(cast("Sequence[MetricsData]", batch)))


def describe_item(signal: Signal, batch: Sequence[object]) -> str:
    """Return what the only item of a batch is, for messages, such as ``span GET /orders``."""
    item: Any = batch[0] if batch else None
    if signal == "traces":
        return f"span {shortened_name(getattr(item, 'name', ''))}"
    if signal == "logs":
        return f"log record {shortened_name(getattr(getattr(item, 'log_record', None), 'body', ''))}"
    leaf = next(_leaves(cast("Sequence[MetricsData]", batch)), None)
    return f"metric {shortened_name('' if leaf is None else leaf[2].name)}"


def shortened_name(name: object) -> str:
    """Return a name of any type for messages, in one short line."""
    return sanitize_message(encode_tag(name, max_bytes=_MAX_NAME_BYTES))


def split(signal: Signal, batch: Sequence[object]) -> tuple[Sequence[object], Sequence[object]]:
    """Return the first and the second half of a batch of at least two items, in order."""
    if signal != "metrics":
        middle = len(batch) // 2
        return batch[:middle], batch[middle:]
    leaves = list(_leaves(cast("Sequence[MetricsData]", batch)))
    middle = len(leaves) // 2
    return [_rebuild(leaves[:middle])], [_rebuild(leaves[middle:])]


def _leaves(batch: Sequence[MetricsData]) -> Iterator[_Leaf]:
    for data in batch:
        for resource in data.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        yield resource, scope, metric, point


def _rebuild(leaves: list[_Leaf]) -> MetricsData:
    resources = [replace(parts[0][0], scope_metrics=_scopes(parts)) for parts in _runs(leaves, 0)]
    data: MetricsData = point_classes().MetricsData(resources)
    return data


def _scopes(leaves: list[_Leaf]) -> list[ScopeMetrics]:
    return [replace(parts[0][1], metrics=[_metric(run) for run in _runs(parts, 2)]) for parts in _runs(leaves, 1)]


def _metric(leaves: list[_Leaf]) -> Metric:
    metric = leaves[0][2]
    return replace(metric, data=replace(cast("Any", metric.data), data_points=[leaf[3] for leaf in leaves]))


def _runs(leaves: list[_Leaf], level: int) -> list[list[_Leaf]]:
    """Group neighbours that share the same object at a level of the leaf."""
    return [list(run) for _, run in groupby(leaves, key=lambda leaf: id(leaf[level]))]
