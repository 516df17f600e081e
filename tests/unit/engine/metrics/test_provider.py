"""EngineMeterProvider, its meters and readers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from opentelemetry.metrics import CallbackOptions, NoOpMeter, Observation
from opentelemetry.sdk.metrics import Counter, Histogram, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader

from flext_observability.engine.metrics.distribution import total_of
from flext_observability.engine.metrics.limits import MAX_NAMED, metric_limits
from flext_observability.engine.metrics.observables import (
    EngineObservableCounter,
    EngineObservableGauge,
    EngineObservableUpDownCounter,
)
from flext_observability.engine.metrics.stream import STANDARD_BOUNDS
from tests.unit.engine.metrics.parts import Metrics, points_of

NUMBERS = [0, 1e-310, 5e-324, 2.0**-1022, 1e-9, 0.5, 1, 3, 7.25, 1024, 1e300, 1.7976931348623157e308]


def test_a_meter_without_a_name_and_one_after_the_shutdown_discard(caplog: pytest.LogCaptureFixture) -> None:
    provider = Metrics().provider
    assert isinstance(provider.get_meter(""), NoOpMeter)
    assert provider.get_meter("a") is provider.get_meter("a")
    assert provider.force_flush()
    provider.shutdown()
    assert isinstance(provider.get_meter("a"), NoOpMeter)
    assert "A meter needs a name" in caplog.text
    assert "The provider is shut down" in caplog.text


@pytest.mark.parametrize("arguments", [("1x",), ("ä",), ("x" * 256,), ("x", "ä"), ("x", "u" * 64), ("",)])
def test_names_and_units_that_are_not_valid_raise_as_in_the_sdk(arguments: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="Expected ASCII string"):
        Metrics().meter.create_counter(*arguments)


def test_a_value_that_is_not_allowed_is_logged_with_the_next_action(caplog: pytest.LogCaptureFixture) -> None:
    meter = Metrics().meter
    meter.create_counter("sent").add(-1)
    meter.create_up_down_counter("open").add(float("nan"))
    negative, not_a_number = (record.message for record in caplog.records)
    assert "counter sent: -1 is not a finite number of 0 or more, and is left out. For negative" in negative
    assert not_a_number == "up_down_counter open: nan is not a finite number, and is left out. Correct the value."


def test_instruments_without_unit_and_description() -> None:
    metrics = Metrics()
    assert metrics.meter.create_counter("X", None, None) is metrics.meter.create_counter("x")


@pytest.mark.parametrize("bounds", [[2, 1], [1, 1], ["a"], 5, [float("inf")], [None], "ab"])
def test_bounds_that_are_not_valid_are_replaced(bounds: Any, caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    metrics.meter.create_histogram("h", explicit_bucket_boundaries_advisory=bounds).record(1)
    assert metrics.points()[0].explicit_bounds == STANDARD_BOUNDS
    assert "each above the one before. The standard bounds are used." in caplog.text


def test_the_first_bounds_are_used(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    for bounds in ([1], [2], None):
        metrics.meter.create_histogram("h", explicit_bucket_boundaries_advisory=bounds).record(1)
    (point,) = metrics.points()
    assert (point.explicit_bounds, point.count) == ((1.0,), 3)
    assert "The histogram h exists with the bounds (1.0,), which are used. Create it with the same" in caplog.text


def test_intervals_of_a_reader_are_contiguous() -> None:
    metrics = Metrics()
    counter = metrics.meter.create_counter("c")
    metrics.deltas()
    counter.add(1, {"k": 1})
    (first,) = metrics.deltas()
    counter.add(1, {"k": 2})
    counter.add(1, {"k": 1})
    assert first.start_time_unix_nano < first.time_unix_nano
    assert {point.start_time_unix_nano for point in metrics.deltas()} == {first.time_unix_nano}


def test_without_measurements_there_are_no_points() -> None:
    metrics = Metrics()
    metrics.meter.create_counter("c").bind({"k": 1})
    metrics.meter.create_observable_counter("o")
    assert metrics.cumulative.collect() is None


def test_sums_beyond_the_floats_end_at_infinity() -> None:
    big = 10**400
    assert total_of([0.5, big]) == float("inf")
    assert total_of([0.5, -big]) == -float("inf")
    assert total_of([big, 1]) == big + 1


@pytest.mark.parametrize("sign", [1, -1])
def test_exponential_buckets_hold_numbers_of_any_size(sign: int) -> None:
    metrics = Metrics(exponential=True)
    stream = metrics.meter.create_histogram("h").stream
    for number in NUMBERS:
        stream.series(None).add(sign * number)
        metrics.points()
    (point,) = metrics.points()
    side = point.positive if sign > 0 else point.negative
    assert (sum(side.bucket_counts), point.zero_count) == (len(NUMBERS) - 1, 1)
    assert point.scale < 0
    assert len(side.bucket_counts) <= 160
    (delta,) = metrics.deltas()
    assert delta.count == len(NUMBERS)


@pytest.mark.parametrize("sign", [1, -1])
def test_exponential_buckets_continue_at_a_small_scale(sign: int) -> None:
    metrics = Metrics(exponential=True)
    series = metrics.meter.create_histogram("h").stream.series(None)
    for _ in range(3):
        for number in NUMBERS * 60:
            series.add(sign * number)
        series.compact()
        metrics.points()
    (point,) = metrics.points()
    assert point.scale < 0
    counts = (point.positive if sign > 0 else point.negative).bucket_counts
    assert (sum(counts), point.zero_count, point.count) == (180 * (len(NUMBERS) - 1), 180, 180 * len(NUMBERS))


def test_zeros_alone_keep_the_scale_of_later_values() -> None:
    metrics = Metrics(exponential=True)
    histogram = metrics.meter.create_histogram("h")
    histogram.record(0)
    assert metrics.points()[0].scale == 0
    histogram.record(3)
    assert metrics.points()[0].scale == 20


def test_instruments_of_one_name_are_exported_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    for _ in range(2):
        metrics.meter.create_counter("c", "s").add(1)
        metrics.meter.create_counter("C", "ms").add(2)
        metrics.meter.create_up_down_counter("c", "s").add(3)
        metrics.meter.create_counter("c", "s", "Seconds").add(4)
    assert [point.value for point in metrics.points()] == [2, 4, 6, 8]
    expected = [
        f"Two instruments of one meter have the name c, counter in s and {second}: both are exported. "
        "Use one kind, unit and description for each name."
        for second in ("counter in ms", "up down counter in s", "counter in s with another description")
    ]
    assert [str(notice) for notice in metric_limits().notices()] == expected
    assert caplog.messages == expected


def test_the_number_of_reported_names_is_bounded() -> None:
    for number in range(MAX_NAMED + 3):
        metric_limits().add_duplicate(f"n{number}", "counter in s", "gauge in s")
    assert len(metric_limits().notices()) == MAX_NAMED


class TestObservables:
    """Observable instruments."""

    def test_callbacks_are_contained_and_limited(self) -> None:
        metrics = Metrics(limit=2)

        def many(_: CallbackOptions) -> Iterable[Observation]:
            yield from (Observation(number, {"k": number}) for number in range(5))

        def fail(_: CallbackOptions) -> Iterable[Observation]:
            raise SystemExit

        for kind in ("counter", "up_down_counter", "gauge"):
            getattr(metrics.meter, f"create_observable_{kind}")(kind, [fail, many])
        for _ in range(2):
            assert [point.value for point in metrics.points()] == [0, 1, 9, 0, 1, 9, 0, 1, 4]
        assert len(metric_limits().notices()) == 3

    def test_ended_series_are_removed_beyond_the_limit(self) -> None:
        metrics, current = Metrics(limit=2), 0
        metrics.meter.create_observable_counter("c", [lambda _: [Observation(7, {"k": current})]])
        for current in range(5):  # noqa: B007 - read by the callback
            assert [point.value for point in metrics.points()] == [7]
            assert [point.value for point in metrics.deltas()] == [7]
        assert [point.value for point in metrics.deltas()] == [0]

    def test_instruments_have_the_classes_of_the_api(self) -> None:
        meter = Metrics().meter
        assert isinstance(meter.create_observable_counter("a"), EngineObservableCounter)
        assert isinstance(meter.create_observable_up_down_counter("b"), EngineObservableUpDownCounter)
        assert isinstance(meter.create_observable_gauge("c"), EngineObservableGauge)


class TestReadersOfTheProgram:
    """Readers of the SDK that the program adds."""

    def test_an_added_reader_has_its_temporality(self) -> None:
        metrics = Metrics()
        delta = AggregationTemporality.DELTA
        theirs = InMemoryMetricReader({Counter: delta, Histogram: delta, ObservableCounter: delta})
        counter = metrics.meter.create_counter("c")
        metrics.meter.create_observable_gauge("o", [lambda _: [Observation(5)]])
        counter.add(1)
        metrics.provider.add_metric_reader(theirs)
        assert [point.value for point in metrics.points()] == [1, 5]
        assert [point.value for point in points_of(theirs.get_metrics_data())] == [1, 5]
        counter.add(2)
        assert [point.value for point in points_of(theirs.get_metrics_data())] == [2, 5]
        assert [point.value for point in metrics.points()] == [3, 5]

    def test_a_removed_reader_reads_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        metrics, theirs = Metrics(), InMemoryMetricReader({Counter: AggregationTemporality.DELTA})
        for _ in range(2):
            metrics.provider.add_metric_reader(theirs)
        for _ in range(2):
            metrics.provider.remove_metric_reader(theirs)
        assert theirs.get_metrics_data() is None
        assert len(metrics.provider.readers) == 1
        assert "has been registered already" in caplog.text
        assert "has not been registered" in caplog.text

    def test_flush_and_shutdown_reach_them(self, caplog: pytest.LogCaptureFixture) -> None:
        class Failing(InMemoryMetricReader):
            """A reader that raises."""

            ended = False

            def force_flush(self, timeout_millis: float = 10_000) -> bool:
                raise SystemExit

            def shutdown(self, timeout_millis: float = 30_000, **options: Any) -> None:
                self.ended = True

        metrics, theirs = Metrics(), InMemoryMetricReader()
        metrics.provider.add_metric_reader(theirs)
        metrics.meter.create_counter("c").add(3)
        assert metrics.provider.force_flush()
        assert metrics.provider.force_flush(0) is False
        failing = Failing()
        metrics.provider.add_metric_reader(failing)
        assert metrics.provider.force_flush() is False
        assert "force_flush of a metric reader failed: SystemExit" in caplog.text
        metrics.provider.shutdown()
        assert failing.ended
