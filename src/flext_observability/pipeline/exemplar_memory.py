"""Points of the SDK → the same with the exemplars of earlier collections, which the SDK removes when it is read."""

from __future__ import annotations

import dataclasses
from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, final

from opentelemetry.sdk.metrics.export import AggregationTemporality, HistogramDataPoint, Metric, NumberDataPoint

from flext_observability.pipeline.plain_point import Point, plain_point

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import Exemplar

MAX_EXEMPLARS: Final = 20


@final
class ExemplarMemory:
    """Keeps the latest exemplars of each series. Not thread-safe."""

    __slots__ = ("_exemplars",)

    def __init__(self) -> None:
        self._exemplars: dict[object, Sequence[Exemplar]] = {}

    def restore(self, metric: Metric, scope: object) -> Metric:
        """Return a metric with the latest exemplars, and with attributes of plain types.

        Args:
            metric: Metric of one collection.
            scope: Identity of its scope.
        """
        data: Any = metric.data  # each kind of data has points of its own kind
        if getattr(data, "aggregation_temporality", None) is AggregationTemporality.DELTA:
            # Earlier exemplars belong to earlier intervals.
            plain = [plain_point(point) for point in data.data_points]
            return dataclasses.replace(metric, data=dataclasses.replace(data, data_points=plain))
        points = [self._restore_point(plain_point(point), (scope, metric.name)) for point in data.data_points]
        return dataclasses.replace(metric, data=dataclasses.replace(data, data_points=points))

    def _restore_point(self, point: Point, metric: object) -> Point:
        key = (metric, repr(sorted((point.attributes or {}).items())))
        earlier = self._exemplars.get(key, ())
        if not earlier and not point.exemplars:
            return point
        self._exemplars[key] = exemplars = _merged(point, earlier)
        return dataclasses.replace(point, exemplars=exemplars)


def _merged(point: Point, earlier: Sequence[Exemplar]) -> Sequence[Exemplar]:
    """Return the latest exemplar of each fixed bucket; for other points as many of the latest as the SDK keeps."""
    both = [*earlier, *point.exemplars]
    if isinstance(point, HistogramDataPoint):
        by_bucket = {bisect_left(point.explicit_bounds, exemplar.value): exemplar for exemplar in both}
        return [by_bucket[index] for index in sorted(by_bucket)]
    return both[-(1 if isinstance(point, NumberDataPoint) else MAX_EXEMPLARS) :]
