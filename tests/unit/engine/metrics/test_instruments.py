"""Instruments and bound handles: they stay the same objects and follow each provider."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from flext_observability.engine import delegating_meter
from flext_observability.engine.delegating_meter import DelegatingMeterProvider
from flext_observability.engine.metrics import limits
from flext_observability.engine.metrics.instruments import EngineCounter
from flext_observability.engine.metrics.limits import MAX_INSTRUMENTS, metric_limits
from flext_observability.engine.metrics.series import FEW_VALUES, MANY_SERIES, MAX_VALUES, SumSeries
from tests.unit.engine.metrics.parts import Metrics, points_of

METHODS = {"counter": "add", "up_down_counter": "add", "gauge": "set", "histogram": "record"}


@pytest.mark.parametrize("kind", METHODS)
def test_handles_and_instruments_follow_each_provider(kind: str) -> None:
    providers, reader = DelegatingMeterProvider(), InMemoryMetricReader()
    instrument: Any = getattr(providers.get_meter("m"), f"create_{kind}")("x")
    handle = instrument.bind({"k": "v"})
    # As callers keep them.
    record, record_bound = getattr(instrument, METHODS[kind]), getattr(handle, METHODS[kind])
    first, second = Metrics(), Metrics()

    def record_both() -> None:
        record(2, {"k": "v"})
        record_bound(2)

    def shown(points: list[Any]) -> list[tuple[Any, float]]:
        return [(point.attributes, point.sum if kind == "histogram" else point.value) for point in points]

    record_both()
    expected = [({"k": "v"}, 2 if kind == "gauge" else 4)]
    stock = MeterProvider([reader], shutdown_on_exit=False)
    for provider in (first.provider, NoOpMeterProvider(), stock, second.provider, NoOpMeterProvider()):
        providers.set_delegate(provider)
        record_both()
    assert shown(first.points()) == expected
    assert shown(points_of(reader.get_metrics_data())) == expected
    assert shown(second.points()) == expected


def test_a_dropped_handle_is_not_kept() -> None:
    providers = DelegatingMeterProvider()
    counter: Any = providers.get_meter("m").create_counter("x")
    kept = counter.bind({"k": 1})
    for number in range(100):
        counter.bind({"k": number})
    gc.collect()
    assert len(counter._handles) == 1
    metrics = Metrics()
    providers.set_delegate(metrics.provider)
    kept.add(3)
    assert [point.value for point in metrics.points()] == [3]


def test_a_handle_that_ends_during_a_change_of_provider_is_left_out() -> None:
    providers, metrics = DelegatingMeterProvider(), Metrics()
    counter: Any = providers.get_meter("m").create_counter("x")
    counter._handles[0] = lambda: None  # its reference, when it has just ended
    providers.set_delegate(metrics.provider)
    counter.add(1)
    assert metrics.values() == {"{}": 1}


def test_an_instrument_without_a_target_discards() -> None:
    EngineCounter().add(1)


def test_an_empty_list_is_compacted_to_nothing() -> None:
    metrics = Metrics()
    handle = metrics.meter.create_counter("x").bind()
    handle._series.compact()
    assert metrics.points() == []


def test_a_handle_keeps_a_copy_of_its_attributes() -> None:
    providers = DelegatingMeterProvider()
    attributes = {"k": "v"}
    handle = providers.get_meter("m").create_counter("x").bind(attributes)
    attributes["k"] = "w"
    metrics = Metrics()
    providers.set_delegate(metrics.provider)
    handle.add(1)
    assert metrics.values() == {"{'k': 'v'}": 1}


@pytest.mark.parametrize("kind", METHODS)
def test_long_lists_are_compacted(kind: str) -> None:
    metrics = Metrics()
    instrument = getattr(metrics.meter, f"create_{kind}")("x")
    handle = instrument.bind()
    for number in range(3 * MAX_VALUES):
        getattr(handle, METHODS[kind])(number)
        getattr(instrument, METHODS[kind])(number)
    (series,) = instrument.stream.by_key.values()
    assert len(series.values) <= MAX_VALUES
    (point,) = metrics.points()
    total = 3 * MAX_VALUES - 1 if kind == "gauge" else 2 * sum(range(3 * MAX_VALUES))
    assert (point.sum if kind == "histogram" else point.value) == total


def test_each_of_many_series_keeps_few_values() -> None:
    metrics = Metrics()
    histogram = metrics.meter.create_histogram("x")
    for number in range(MANY_SERIES + 10):
        for value in range(3 * FEW_VALUES):
            histogram.record(value, {"k": number})
    assert len(list(histogram.stream.by_key.values())[-1].values) <= FEW_VALUES
    assert {point.count for point in metrics.points()} == {3 * FEW_VALUES}


def test_a_failing_compaction_costs_no_caller(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> float:
        raise MemoryError

    metrics = Metrics()
    handle = metrics.meter.create_counter("x").bind()
    with monkeypatch.context() as patch:
        patch.setattr(SumSeries, "reduce", fail)
        for _ in range(MAX_VALUES + 2):
            handle.add(1)
        assert metrics.points() == []
    assert "Measuring with counter x failed" in caplog.text
    assert "Collecting the instrument x failed" in caplog.text
    assert [point.value for point in metrics.points()] == [MAX_VALUES + 2]


def test_instruments_beyond_the_limit_discard(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delegating_meter, "MAX_INSTRUMENTS", 3)
    monkeypatch.setattr(limits, "MAX_INSTRUMENTS", 3)
    assert MAX_INSTRUMENTS > 1000
    metrics, providers = Metrics(), DelegatingMeterProvider()
    providers.set_delegate(metrics.provider)
    for number in range(6):
        counter = providers.get_meter("m").create_counter(f"c{number}")
        counter.add(1)
        counter.bind().add(1)
    providers.get_meter("m").create_observable_gauge("o", [lambda _: pytest.fail("called")])
    for number in range(4):
        providers.get_meter(f"m{number}").create_gauge("g").set(1)
    assert len(metrics.points()) == 3
    (notice,) = metric_limits().notices()
    assert notice.degrades
    assert notice.message == (
        "3 instruments exist, the limit. Further ones discard their measurements, such as c3 (instruments discarded: 8)"
    )
    assert caplog.text.count("the limit. Further ones discard") == 1
