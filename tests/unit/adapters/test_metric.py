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
def test_each_kind_of_metric_becomes_its_instrument(recorded: Recorded, kind: str, expected: float) -> None:
    for value in (2, 3):
        metric = FlextMetric(name=f"adapter.{kind}", value=value, unit="bytes", tags={"a": "1"}, metric_type=kind)
        record(metric, instrument_of(metric))
    assert recorded.metric(f"adapter.{kind}").unit == "By"
    assert recorded.values(f"adapter.{kind}") == {(("a", "1"),): expected}


def test_histogram_has_bounds_that_fit_its_unit(recorded: Recorded) -> None:
    metric = FlextMetric(name="adapter.histogram", value=0.003, unit="seconds", metric_type="histogram")
    record(metric, instrument_of(metric))
    (point,) = recorded.metric("adapter.histogram").data.data_points
    assert point.explicit_bounds == histogram_bounds("s")
    assert (point.count, point.sum) == (1, 0.003)


def test_bounds_of_unknown_units_are_the_standard_ones() -> None:
    assert histogram_bounds("{order}")[:3] == (0.0, 5.0, 10.0)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "By", "1", ""])
def test_bounds_ascend(unit: str) -> None:
    bounds = histogram_bounds(unit)
    assert list(bounds) == sorted(set(bounds))


def test_the_same_definition_gives_the_same_call() -> None:
    first = instrument("adapter.same", "counter", "count")
    assert instrument("Adapter.SAME", "counter", "{count}") is first


@pytest.mark.parametrize(("kind", "unit"), [("gauge", "s"), ("counter", "ms")])
def test_another_kind_or_unit_is_a_conflict_that_names_both(kind: InstrumentKind, unit: str) -> None:
    instrument("adapter.taken", "counter", "s")
    with pytest.raises(InstrumentConflict) as raised:
        instrument("adapter.taken", kind, unit)
    conflict = raised.value.conflict
    assert conflict.first == InstrumentIdentity("adapter.taken", "counter", "s")
    assert str(conflict) == f'{kind} "adapter.taken" in {unit} conflicts with counter "adapter.taken" in s'
    assert conflict in conflicts()
    discard(conflict)
    assert conflict.discarded == 1


def test_made_up_units_do_not_fill_the_memory() -> None:
    instrument("adapter.made.up", "counter", "s")
    for number in range(MAX_CONFLICTS + 10):
        with pytest.raises(InstrumentConflict):
            instrument("adapter.made.up", "counter", f"unit{number}")
    assert len(conflicts()) == MAX_CONFLICTS


def test_a_definition_without_unit_says_so() -> None:
    assert str(Conflict(InstrumentIdentity("a", "gauge", ""), InstrumentIdentity("a", "counter", ""))).endswith(
        'gauge "a" in no unit'
    )
