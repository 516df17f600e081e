from __future__ import annotations

import logging
from typing import Any

import pytest

from flext_observability import FlextMetric, flext_create_metric
from flext_observability.adapters.instrument_table import (
    MAX_CONFLICTS,
    MAX_INSTRUMENTS,
    Conflict,
    InstrumentIdentity,
    InstrumentKind,
    RefusedInstrument,
    instrument_table,
)
from flext_observability.adapters.metric import function_call_instruments, instrument, instrument_of
from tests.recorded import Recorded


def fill() -> None:
    """Use all names."""
    for number in range(MAX_INSTRUMENTS):
        instrument_table().get_or_create(InstrumentIdentity(f"made.up.{number}", "gauge", ""), lambda: discard)


def discard(_value: float, _attributes: Any, _context: object) -> None:
    """Record nothing."""


def test_the_same_identity_has_the_same_record_function() -> None:
    first = instrument("adapter.same", "counter", "count")
    assert instrument("Adapter.SAME", "counter", "{count}") is first


@pytest.mark.parametrize(("kind", "unit"), [("gauge", "s"), ("counter", "ms")])
def test_another_kind_or_unit_is_a_conflict(kind: InstrumentKind, unit: str) -> None:
    instrument("adapter.taken", "counter", "s")
    with pytest.raises(RefusedInstrument) as raised:
        instrument("adapter.taken", kind, unit)
    conflict = raised.value.conflict
    assert conflict is not None
    assert conflict.first == InstrumentIdentity("adapter.taken", "counter", "s")
    assert str(conflict) == f'{kind} "adapter.taken" in {unit} conflicts with counter "adapter.taken" in s'
    assert conflict in instrument_table().conflicts()
    raised.value.discard()
    assert conflict.discarded == 1
    assert instrument_table().discarded() == {"instrument_conflict": 1}


def test_the_number_of_conflicts_is_limited() -> None:
    instrument("adapter.made.up", "counter", "s")
    for number in range(MAX_CONFLICTS + 10):
        with pytest.raises(RefusedInstrument):
            instrument("adapter.made.up", "counter", f"unit{number}")
    assert len(instrument_table().conflicts()) == MAX_CONFLICTS


def test_an_identity_without_a_unit_has_a_description() -> None:
    assert str(Conflict(InstrumentIdentity("a", "gauge", ""), InstrumentIdentity("a", "counter", ""))).endswith(
        'gauge "a" in no unit'
    )


def test_surplus_names_are_refused_counted_logged_once_and_named_in_the_status(
    recorded: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    fill()
    metrics = recorded.handle.metrics
    with caplog.at_level(logging.WARNING):
        result = flext_create_metric("one.more", 1)
        metrics.counter("another").add(1)
        metrics.counter("another").bind(a=1).add(1)
    assert result.code == "instrument_limit"
    assert result.error == (
        'Invalid metric: gauge "one.more" in no unit is not one of the 2000 instruments that exist, the maximum. '
        "Use few names, and put what varies into attributes."
    )
    (notice,) = (notice for notice in recorded.handle.status()["metrics"].notices if "2000" in notice.message)
    assert notice.message == (
        '2000 instruments exist, the maximum: measurements of gauge "one.more" in no unit and of further names are '
        "dropped (measurements dropped: 3)"
    )
    assert caplog.text.count("2000 instruments exist") == 1
    counts = recorded.handle.status()["metrics"].counts
    assert counts is not None
    assert counts.dropped == {"instrument_limit": 3}


def test_known_names_and_those_of_the_library_are_used_beyond_the_maximum() -> None:
    fill()
    assert instrument("made.up.7", "gauge") is discard
    duration, calls = function_call_instruments()
    assert instrument_table().name_of(duration) == "flext.function.duration"
    assert instrument_table().name_of(calls) == "flext.function.calls"


def test_a_spelling_is_remembered_within_limits() -> None:
    fill()
    table = instrument_table()
    assert table.find("made.up.1", "gauge", "") is None
    for spelling in range(5 * MAX_INSTRUMENTS):
        table.remember(str(spelling), "gauge", "", discard)
    assert table.find("7", "gauge", "") is discard
    assert table.find(str(5 * MAX_INSTRUMENTS - 1), "gauge", "") is None


def test_an_entity_finds_the_instrument_of_each_spelling() -> None:
    first = instrument("adapter.Spelt", "gauge", "seconds")
    for name, unit in (("adapter.spelt", "s"), ("ADAPTER.SPELT", "second")) * 2:
        assert instrument_of(FlextMetric(name=name, value=1, unit=unit)) is first
