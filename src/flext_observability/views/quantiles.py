"""Buckets of a histogram → estimated quantile (pure)."""

from __future__ import annotations

import math

from flext_observability.views.model import MetricView


def quantile(point: MetricView, q: float) -> float | None:
    """Estimate a quantile by linear interpolation between bucket bounds.

    Args:
        point: A histogram's point.
        q: From 0 to 1.

    Returns:
        The estimate in the metric's unit, between the smallest and the largest measurement where they are known. None
        without measurements, or without any bound.

    Source: https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
    """
    rank = q * sum(bucket.count for bucket in point.buckets)
    below = 0
    for bucket in point.buckets:
        if bucket.count and below + bucket.count >= rank:
            lower, upper = _finite(_clamp(bucket.lower, point), _clamp(bucket.upper, point))
            return lower + (upper - lower) * (rank - below) / bucket.count if math.isfinite(lower) else None
        below += bucket.count
    return None


def _clamp(bound: float, point: MetricView) -> float:
    """Return a bound limited to the range of the measurements."""
    if point.min is not None and bound < point.min:
        return point.min
    return point.max if point.max is not None and bound > point.max else bound


def _finite(lower: float, upper: float) -> tuple[float, float]:
    """Return the bounds with an open end replaced: by zero below a positive bound, else by the other bound."""
    if math.isinf(lower):
        lower = 0.0 if 0 < upper < math.inf else upper
    return lower, lower if math.isinf(upper) else upper
