"""Readers with aggregations of their own read the SDK, which gets a copy of all measurements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import Histogram
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation

from flext_observability.engine.delegating_meter import DelegatingMeterProvider
from flext_observability.engine.metrics.copies import CopyingInstrument
from flext_observability.engine.unusable import unusable_parts
from tests.unit.engine.metrics.parts import Metrics, points_of

KINDS = ("counter", "up_down_counter", "gauge", "histogram")
OBSERVABLE = ("observable_counter", "observable_up_down_counter", "observable_gauge")


class Reader(InMemoryMetricReader):
    """A reader that prefers exponential histograms."""

    def __init__(self) -> None:
        aggregation: dict[type, Any] = {Histogram: ExponentialBucketHistogramAggregation()}
        super().__init__(preferred_aggregation=aggregation)
        self.flushed = self.ended = 0

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Count the flushes."""
        self.flushed += 1
        return super().force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **options: Any) -> None:
        """Count the shutdowns."""
        self.ended += 1
        super().shutdown(timeout_millis, **options)


def observe(_: CallbackOptions) -> Iterable[Observation]:
    return [Observation(7, {"k": 1})]


def record(instrument: Any, value: float, *more: object) -> None:
    for method in ("add", "set", "record"):
        if hasattr(instrument, method):
            getattr(instrument, method)(value, *more)


def sums(points: Iterable[Any]) -> list[float]:
    return [point.sum if hasattr(point, "sum") else point.value for point in points]


def test_both_get_all_measurements() -> None:
    metrics, reader = Metrics(), Reader()
    providers: Any = DelegatingMeterProvider()
    providers.set_delegate(metrics.provider)
    meter: Any = providers.get_meter("m")
    early = [getattr(meter, f"create_{kind}")(kind) for kind in KINDS]
    handles = [each.bind({"k": 1}) for each in early]
    for each in (*early, *handles):
        record(each, 1)
    providers.add_metric_reader(reader)
    providers.add_metric_reader(reader)
    late = [getattr(meter, f"create_{kind}")(f"late.{kind}") for kind in KINDS]
    for kind in OBSERVABLE:
        getattr(meter, f"create_{kind}")(kind, [observe])
    for each in (*early, *handles, *late):
        record(each, 2)
    assert sums(metrics.points()) == [3, 3, 3, 3, 2, 2, 3, 3, 2, 2, 2, 2, 7, 7, 7]
    found = points_of(reader.get_metrics_data())
    assert sums(found) == [2] * 12 + [7] * 3
    assert [type(each).__name__ for each in found if hasattr(each, "sum")] == ["ExponentialHistogramDataPoint"] * 3
    assert providers.force_flush()
    assert reader.flushed == 1


def test_the_status_names_the_reader_until_it_is_removed(caplog: pytest.LogCaptureFixture) -> None:
    metrics, reader = Metrics(), Reader()
    providers: Any = DelegatingMeterProvider()
    providers.set_delegate(metrics.provider)
    counter: Any = providers.get_meter("m").create_counter("c")
    providers.add_metric_reader(reader)
    (notice,) = unusable_parts().notices()
    assert "The SDK aggregates a copy of all measurements for the metric reader" in notice.message
    assert notice.message.endswith("Reader, which has its own aggregations")
    assert "FLEXT_OBSERVABILITY_ENGINE=sdk" in notice.fix
    assert notice.degrades is False
    assert str(notice) in caplog.text
    copied = counter.stream
    providers.remove_metric_reader(reader)
    assert reader.ended == 1
    assert len(unusable_parts().notices()) == 0
    assert (copied, counter.stream is None) == (None, False)
    counter.add(1)
    assert sums(metrics.points()) == [1]


def test_the_reader_follows_to_another_provider() -> None:
    first, second, reader = Metrics(), Metrics(), Reader()
    providers: Any = DelegatingMeterProvider()
    providers.set_delegate(first.provider)
    counter = providers.get_meter("m").create_counter("c")
    providers.add_metric_reader(reader)
    counter.add(1)
    providers.set_delegate(second.provider)
    counter.add(2)
    assert (sums(first.points()), sums(second.points())) == ([1], [2])
    assert sums(points_of(reader.get_metrics_data())) == [2]
    assert len(unusable_parts().notices()) == 1
    second.provider.shutdown()
    assert reader.ended == 1


def test_an_instrument_that_raises_costs_itself_alone(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    counter, found = metrics.meter.create_counter("c"), list[object]()

    class Failing:
        """Raises."""

        def add(self, *_: object) -> None:
            """Raise."""
            raise SystemExit

    class Last:
        """Keeps what it gets."""

        def add(self, *measurement: object) -> None:
            """Keep a measurement."""
            found.extend(measurement)

    CopyingInstrument("c", [counter, Failing(), Last()]).add(1, {"k": 1}, None)
    assert metrics.values() == {"{'k': 1}": 1}
    assert found == [1, {"k": 1}, None]
    assert "Measuring with c failed: SystemExit" in caplog.text
