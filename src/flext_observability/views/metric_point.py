"""What a metric reader found of one series → a value that alert rules look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from opentelemetry.util.types import AttributeValue


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One series of an instrument at one moment.

    Attributes:
        name: Of the instrument.
        unit: UCUM.
        kind: Of the instrument; observable ones count as their plain kind.
        attributes: What tells the series from others of the instrument.
        value: Sum, or latest value; of a histogram the mean of all, 0 while it is empty.
        time_ns: When it was read, nanoseconds since the Unix epoch.
        count: Of a histogram: values recorded since the start.
        total: Of a histogram: their sum.
        bounds: Of a histogram: upper bounds of the buckets but the last, in ``unit``.
        buckets: Of a histogram: values in each bucket, one more than ``bounds``.
    """

    name: str
    unit: str
    kind: Literal["counter", "up_down_counter", "gauge", "histogram"]
    attributes: Mapping[str, AttributeValue]
    value: float
    time_ns: int
    count: int = 0
    total: float = 0.0
    bounds: tuple[float, ...] = ()
    buckets: tuple[int, ...] = ()
