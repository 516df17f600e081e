from __future__ import annotations

import json
import math
from typing import Any

import pytest

from flext_observability.viewer.json_codec import metric_from_json, to_json, trace_from_json
from flext_observability.views.model import ExemplarView, LinkView, MetricView, TraceView
from tests.unit.views.shop import TRACE, checkout, counter, histogram, log, span


def through_json(value: object) -> Any:
    return json.loads(json.dumps(to_json(value), allow_nan=False))


def test_a_trace_comes_back_unchanged() -> None:
    trace = TraceView((*checkout().spans, span(9, links=(LinkView(TRACE, "1" * 16, {"a": 1}),))), checkout().logs, 3)
    assert trace_from_json(through_json(trace)) == trace


@pytest.mark.parametrize("point", [histogram(), counter(3, {"a": 1}), counter(math.inf), histogram(min=None, max=None)])
def test_a_point_comes_back_unchanged(point: MetricView) -> None:
    assert metric_from_json(through_json(point)) == point


def test_numbers_that_json_cannot_hold_have_names() -> None:
    assert to_json([math.nan, math.inf, -math.inf, 1.5]) == ["NaN", "Infinity", "-Infinity", 1.5]
    point = metric_from_json(through_json(histogram(sum=math.nan, exemplars=(ExemplarView(math.inf, 1),))))
    assert math.isnan(point.sum)
    assert point.exemplars[0].value == math.inf


def test_bytes_become_base64() -> None:
    assert to_json(log(b"\x00", attributes={"a": (b"\x01",)}))["body"] == "AA=="  # type: ignore[index]
