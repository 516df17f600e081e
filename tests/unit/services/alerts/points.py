"""Metric points for tests of alert rules."""

from __future__ import annotations

from typing import Literal

from flext_observability.views.metric_point import MetricPoint

NAME = "shop.orders"


def gauge(value: float, name: str = NAME, unit: str = "", **attributes: str | int) -> MetricPoint:
    return MetricPoint(name, unit, "gauge", attributes, value, 0)


def counter(
    value: float, name: str = NAME, kind: Literal["counter", "up_down_counter"] = "counter", **attributes: str
) -> MetricPoint:
    return MetricPoint(name, "", kind, attributes, value, 0)


def histogram(
    buckets: tuple[int, ...], total: float = 0.0, bounds: tuple[float, ...] = (0.1, 0.5, 1.0), **attributes: str
) -> MetricPoint:
    count = sum(buckets)
    mean = total / count if count else 0.0
    return MetricPoint(NAME, "s", "histogram", attributes, mean, 0, count, total, bounds, buckets)
