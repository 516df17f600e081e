from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import NumberDataPoint

from flext_observability.pipeline.plain_point import plain_point
from tests.unit.views.test_plain import Level, Text


def point(attributes: Any) -> NumberDataPoint:
    return NumberDataPoint(attributes, start_time_unix_nano=0, time_unix_nano=1, value=1)


@pytest.mark.parametrize("attributes", [None, {}, {"a": "x", "b": [1, (2.5, None)], "c": {"d": True}}])
def test_plain_point_is_kept(attributes: Any) -> None:
    given = point(attributes)
    assert plain_point(given) is given


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"a": Text("x"), "b": 1}, {"a": "x", "b": 1}),
        ({Text("a"): "x"}, {"a": "x"}),
        ({"a": Level.ONE}, {"a": 1}),
        ({"a": [Text("x")]}, {"a": ("x",)}),
        ({5: "x"}, {"5": "x"}),
    ],
)
def test_attributes_of_other_types_become_plain(attributes: Any, expected: Any) -> None:
    plain = plain_point(point(attributes))
    assert plain.attributes == expected
    assert type(next(iter(plain.attributes or ()))) is str


def test_nested_value_of_another_type_becomes_plain() -> None:
    plain = plain_point(point({"a": {"b": Text("x")}}))
    assert "x" in repr(plain.attributes)
