"""Points of one metric series, cumulative or delta → their sum and their difference (pure)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable
from dataclasses import replace
from itertools import accumulate, pairwise

from flext_observability.views.model import Attributes, BucketView, MetricView


def series_key(point: MetricView) -> Hashable:
    """Return the identity of a series: sender, instrument and attributes. Equal values of different types differ."""
    instance = repr(point.resource.get("service.instance.id"))
    return (point.service, instance, point.scope, point.name, point.kind, point.unit, _sorted_pairs(point.attributes))


def _sorted_pairs(attributes: Attributes) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key, repr(value)) for key, value in attributes.items()))


def merge(previous: MetricView | None, point: MetricView) -> MetricView:
    """Return the cumulative point of a series: a delta is added, of two cumulative points the later one is kept.

    Exemplars are kept until newer ones arrive.
    """
    if previous is None:
        return replace(point, cumulative=True)
    exemplars = point.exemplars or previous.exemplars
    if point.cumulative or point.kind == "gauge":
        return replace(point, exemplars=exemplars, cumulative=True) if point.time_ns >= previous.time_ns else previous
    return replace(
        point,
        value=None if point.value is None else (previous.value or 0) + point.value,
        count=previous.count + point.count,
        sum=previous.sum + point.sum,
        min=min((bound for bound in (previous.min, point.min) if bound is not None), default=None),
        max=max((bound for bound in (previous.max, point.max) if bound is not None), default=None),
        buckets=_merge_buckets(previous.buckets, point.buckets),
        exemplars=exemplars,
        start_ns=previous.start_ns,
        cumulative=True,
    )


def _merge_buckets(first: tuple[BucketView, ...], second: tuple[BucketView, ...]) -> tuple[BucketView, ...]:
    counts: dict[tuple[float, float], int] = {}
    for bucket in (*first, *second):
        edges = (bucket.lower, bucket.upper)
        counts[edges] = counts.get(edges, 0) + bucket.count
    return tuple(BucketView(lower, upper, count) for (lower, upper), count in sorted(counts.items()))


def subtract(previous: MetricView, point: MetricView) -> MetricView:
    """Return the delta between two cumulative points of a series. Its smallest and largest measurement are unknown."""
    return replace(
        point,
        value=None if point.value is None else point.value - (previous.value or 0),
        count=point.count - previous.count,
        sum=point.sum - previous.sum,
        min=None,
        max=None,
        buckets=_subtract_buckets(previous.buckets, point.buckets),
        start_ns=previous.time_ns,
        cumulative=False,
    )


def _subtract_buckets(previous: tuple[BucketView, ...], buckets: tuple[BucketView, ...]) -> tuple[BucketView, ...]:
    """Compare by bound: the buckets of an exponential histogram become coarser while its range grows."""
    uppers = [bucket.upper for bucket in previous]
    totals = (0, *accumulate(bucket.count for bucket in previous))
    ranks = [0, *(totals[bisect_right(uppers, bucket.upper)] for bucket in buckets)]
    return tuple(
        BucketView(bucket.lower, bucket.upper, max(bucket.count - (after - before), 0))
        for bucket, (before, after) in zip(buckets, pairwise(ranks), strict=True)
    )
