"""Points of metric series as they arrive, cumulative or delta → the latest cumulative point of each (pure)."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from flext_observability.views.model import Attributes, BucketView, MetricView


def series_key(point: MetricView) -> Hashable:
    """Return what tells one series from all others: sender, instrument and attributes, values kept apart by type."""
    instance = repr(point.resource.get("service.instance.id"))
    return (point.service, instance, point.scope, point.name, point.kind, point.unit, _frozen(point.attributes))


def _frozen(attributes: Attributes) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key, repr(value)) for key, value in attributes.items()))


def fold(before: MetricView | None, point: MetricView) -> MetricView:
    """Return the point to keep of a series: a delta added to what was there, the later one of two cumulative points.

    Exemplars stay until newer ones come.
    """
    if before is None:
        return replace(point, cumulative=True)
    exemplars = point.exemplars or before.exemplars
    if point.cumulative or point.kind == "gauge":
        return replace(point, exemplars=exemplars, cumulative=True) if point.time_ns >= before.time_ns else before
    return replace(
        point,
        value=None if point.value is None else (before.value or 0) + point.value,
        count=before.count + point.count,
        sum=before.sum + point.sum,
        min=min((bound for bound in (before.min, point.min) if bound is not None), default=None),
        max=max((bound for bound in (before.max, point.max) if bound is not None), default=None),
        buckets=_merge(before.buckets, point.buckets),
        exemplars=exemplars,
        start_ns=before.start_ns,
        cumulative=True,
    )


def _merge(first: tuple[BucketView, ...], second: tuple[BucketView, ...]) -> tuple[BucketView, ...]:
    counts: dict[tuple[float, float], int] = {}
    for bucket in (*first, *second):
        edges = (bucket.lower, bucket.upper)
        counts[edges] = counts.get(edges, 0) + bucket.count
    return tuple(BucketView(lower, upper, count) for (lower, upper), count in sorted(counts.items()))
