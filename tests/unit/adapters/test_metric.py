from __future__ import annotations

import pytest

from flext_observability import FlextMetric
from flext_observability.adapters.metric import histogram_bounds, instrument_of, record
from tests.recorded import Recorded


@pytest.mark.parametrize(("kind", "expected"), [("counter", 5), ("up_down_counter", 5), ("gauge", 3)])
def test_each_metric_type_has_its_instrument(recorded: Recorded, kind: str, expected: float) -> None:
    for value in (2, 3):
        metric = FlextMetric(name=f"adapter.{kind}", value=value, unit="bytes", tags={"a": "1"}, metric_type=kind)
        record(metric, instrument_of(metric))
    assert recorded.metric(f"adapter.{kind}").unit == "By"
    assert recorded.values(f"adapter.{kind}") == {(("a", "1"),): expected}


def test_histogram_bounds_depend_on_the_unit(recorded: Recorded) -> None:
    metric = FlextMetric(name="adapter.histogram", value=0.003, unit="seconds", metric_type="histogram")
    record(metric, instrument_of(metric))
    (point,) = recorded.metric("adapter.histogram").data.data_points
    assert point.explicit_bounds == histogram_bounds("s")
    assert (point.count, point.sum) == (1, 0.003)


def test_unknown_units_have_the_standard_bounds() -> None:
    assert histogram_bounds("{order}")[:3] == (0.0, 5.0, 10.0)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "By", "1", ""])
def test_bounds_ascend(unit: str) -> None:
    bounds = histogram_bounds(unit)
    assert list(bounds) == sorted(set(bounds))
