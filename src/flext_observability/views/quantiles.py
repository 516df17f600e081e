"""Buckets of a histogram → estimated quantile (pure)."""

from __future__ import annotations

import math

from flext_observability.views.model import MetricView


def quantile(point: MetricView, share: float) -> float | None:
    """Estimate the value below which a share of the measurements lies, straight between bucket bounds.

    Args:
        point: A histogram's point.
        share: From 0 to 1.

    Returns:
        The estimate in the metric's unit, kept within the point's least and largest measurement; None without measurements in buckets.
    """
    total = sum(bucket.count for bucket in point.buckets)
    rank = share * total
    below = 0
    for bucket in point.buckets:
        if bucket.count and below + bucket.count >= rank:
            lower = _bounded(bucket.lower, point, 0.0 if bucket.upper > 0 else bucket.upper)
            upper = _bounded(bucket.upper, point, lower)
            return lower + (upper - lower) * (rank - below) / bucket.count
        below += bucket.count
    return None


def _bounded(bound: float, point: MetricView, otherwise: float) -> float:
    """Return a bucket's bound within what was measured, and a finite one when the bucket is open."""
    if point.min is not None and bound < point.min:
        return point.min
    if point.max is not None and bound > point.max:
        return point.max
    return bound if math.isfinite(bound) else otherwise
