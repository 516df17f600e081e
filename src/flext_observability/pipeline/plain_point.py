"""Metric point → the same with attributes of plain types: the methods of others could raise in every reader."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final, cast

from opentelemetry.sdk.metrics.export import ExponentialHistogramDataPoint, HistogramDataPoint, NumberDataPoint

from flext_observability.engine.metrics.attributes import clean

Point = NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint
_PLAIN_TYPES: Final = frozenset({str, int, float, bool, bytes, type(None)})
_SEQUENCES: Final = frozenset({list, tuple})


def plain_point(point: Point) -> Point:
    """Return the point, or a copy if its attributes have names or values of other types."""
    attributes = point.attributes or {}
    if all(type(name) is str and _is_plain(value) for name, value in attributes.items()):
        return point
    return dataclasses.replace(point, attributes=clean(attributes))


def _is_plain(value: object) -> bool:
    if type(value) in _PLAIN_TYPES:
        return True
    if type(value) is dict:
        items = cast("dict[object, object]", value).items()
        return all(type(name) is str and _is_plain(item) for name, item in items)
    return type(value) in _SEQUENCES and all(map(_is_plain, cast("Sequence[object]", value)))
