"""Metric points for tests of alert rules."""

from __future__ import annotations

from typing import Literal

from flext_observability.views.buckets import explicit_buckets
from flext_observability.views.model import MetricView

NAME = "shop.orders"


def gauge(value: float, name: str = NAME, unit: str = "", **attributes: str | int) -> MetricView:
    return MetricView(name, "gauge", unit, "shop", attributes, value)


def counter(
    value: float, name: str = NAME, kind: Literal["counter", "up_down_counter"] = "counter", **attributes: str
) -> MetricView:
    return MetricView(name, kind, "", "shop", attributes, value)


def histogram(
    counts: tuple[int, ...], total: float = 0.0, bounds: tuple[float, ...] = (0.1, 0.5, 1.0), **attributes: str
) -> MetricView:
    buckets = explicit_buckets(bounds, counts)
    return MetricView(NAME, "histogram", "s", "shop", attributes, count=sum(counts), sum=total, buckets=buckets)
