from __future__ import annotations

import pytest

from flext_observability import FlextMetric
from flext_observability.adapters.metric import (
    MAX_CONFLICTS,
    Conflict,
    InstrumentConflict,
    InstrumentIdentity,
    InstrumentKind,
    conflicts,
    discard,
    histogram_bounds,
    instrument,
    instrument_of,
    record,
)
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


def test_the_same_identity_has_the_same_record_function() -> None:
    first = instrument("adapter.same", "counter", "count")
    assert instrument("Adapter.SAME", "counter", "{count}") is first


@pytest.mark.parametrize(("kind", "unit"), [("gauge", "s"), ("counter", "ms")])
def test_another_kind_or_unit_is_a_conflict(kind: InstrumentKind, unit: str) -> None:
    instrument("adapter.taken", "counter", "s")
    with pytest.raises(InstrumentConflict) as raised:
        instrument("adapter.taken", kind, unit)
    conflict = raised.value.conflict
    assert conflict.first == InstrumentIdentity("adapter.taken", "counter", "s")
    assert str(conflict) == f'{kind} "adapter.taken" in {unit} conflicts with counter "adapter.taken" in s'
    assert conflict in conflicts()
    discard(conflict)
    assert conflict.discarded == 1


def test_the_number_of_conflicts_is_limited() -> None:
    instrument("adapter.made.up", "counter", "s")
    for number in range(MAX_CONFLICTS + 10):
        with pytest.raises(InstrumentConflict):
            instrument("adapter.made.up", "counter", f"unit{number}")
    assert len(conflicts()) == MAX_CONFLICTS


def test_an_identity_without_a_unit_has_a_description() -> None:
    assert str(Conflict(InstrumentIdentity("a", "gauge", ""), InstrumentIdentity("a", "counter", ""))).endswith(
        'gauge "a" in no unit'
    )
