"""Exponential histogram of OpenTelemetry → buckets of a native histogram.

Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#exponential-histograms
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from flext_observability.wire.prometheus.family import Native

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Buckets, ExponentialHistogramDataPoint

MIN_SCHEMA: Final = -4
MAX_SCHEMA: Final = 8
_ZERO_THRESHOLD: Final = 1e-128  # that of Prometheus: https://prometheus.io/docs/specs/native_histograms/#zero-bucket
_MAX_GAP: Final = 2  # empty buckets that cost less than a span of their own


def native_histogram(point: ExponentialHistogramDataPoint) -> Native | None:
    """Return the buckets at the scale of the point, or at 8 if it is finer.

    Returns:
        None for a scale below -4, which native histograms do not have.
    """
    if point.scale < MIN_SCHEMA:
        return None
    shift = max(point.scale - MAX_SCHEMA, 0)
    positive, negative = _spans(point.positive, shift), _spans(point.negative, shift)
    return Native(point.scale - shift, _ZERO_THRESHOLD, point.zero_count, positive, negative)


def _spans(buckets: Buckets, shift: int) -> tuple[Sequence[tuple[int, int]], Sequence[int]]:
    """Return the spans of the non-empty buckets, and the differences of their counts."""
    counts: dict[int, int] = {}
    for index, count in enumerate(buckets.bucket_counts, buckets.offset):
        if count:
            # The bucket of an index ends at base ** index in Prometheus, and begins there in OpenTelemetry.
            counts[(index >> shift) + 1] = counts.get((index >> shift) + 1, 0) + count
    spans: list[tuple[int, int]] = []
    deltas: list[int] = []
    end = before = 0
    for index, count in counts.items():
        gap = index - end
        if spans and gap <= _MAX_GAP:
            deltas += [-before, *([0] * (gap - 1))] if gap else []
            before = 0 if gap else before
            spans[-1] = spans[-1][0], spans[-1][1] + gap + 1
        else:
            spans.append((gap, 1))
        deltas.append(count - before)
        before, end = count, index + 1
    return spans, deltas
