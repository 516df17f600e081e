"""SharedMetricReader: one aggregation, many readers, no exemplar lost to another reader."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricsData
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from flext_observability.engine.delegating_meter import DelegatingMeterProvider
from flext_observability.pipeline import shared_metric_reader as module
from flext_observability.pipeline.shared_metric_reader import CollectionTimeout, SharedMetricReader, count_points
from tests.callbacks import observing
from tests.threads import in_threads
from tests.waiting import eventually


def provider_of(state: SharedMetricReader) -> MeterProvider:
    return MeterProvider([state.reader], exemplar_filter=AlwaysOnExemplarFilter(), shutdown_on_exit=False)


def points(data: MetricsData) -> list[Any]:
    return [
        point
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    ]


def test_every_collection_sees_the_same_totals() -> None:
    state = SharedMetricReader()
    provider_of(state).get_meter("m").create_counter("sold").add(3, {"item": "tea"})
    assert [point.value for point in points(state.collect())] == [3]
    assert [point.value for point in points(state.collect())] == [3]


def test_without_measurements_there_is_nothing_to_collect_or_push() -> None:
    state = SharedMetricReader()
    provider_of(state)
    assert count_points(state.collect()) == 0
    assert state.collect_for_push() is None


def test_exemplars_stay_for_the_next_reader() -> None:
    state = SharedMetricReader()
    counter = provider_of(state).get_meter("m").create_counter("sold")
    counter.add(3, {"item": "tea"})
    first = points(state.collect())[0].exemplars
    second = points(state.collect())[0].exemplars
    assert len(first) == 1
    assert second == first


def test_newer_exemplars_replace_older_ones() -> None:
    state = SharedMetricReader()
    counter = provider_of(state).get_meter("m").create_counter("sold")
    counter.add(3)
    state.collect()
    counter.add(4)
    assert [exemplar.value for exemplar in points(state.collect())[0].exemplars] == [4]


def test_each_bucket_keeps_its_newest_exemplar() -> None:
    state = SharedMetricReader()
    meter = provider_of(state).get_meter("m")
    histogram = meter.create_histogram("took", explicit_bucket_boundaries_advisory=[1, 2])
    for value in (5, 0.5, 0.7):
        histogram.record(value)
        state.collect()
    assert [exemplar.value for exemplar in points(state.collect())[0].exemplars] == [0.7, 5]


def test_moving_buckets_keep_the_newest_exemplars() -> None:
    state = SharedMetricReader(preferred_aggregation={Histogram: ExponentialBucketHistogramAggregation()})
    histogram = provider_of(state).get_meter("m").create_histogram("took")
    for value in range(30):
        histogram.record(value)
        state.collect()
    assert [exemplar.value for exemplar in points(state.collect())[0].exemplars] == list(range(10, 30))


def test_a_delta_has_no_exemplars_of_earlier_intervals() -> None:
    state = SharedMetricReader({Counter: AggregationTemporality.DELTA})
    counter = MeterProvider([state.reader], shutdown_on_exit=False).get_meter("m").create_counter("sold")
    with trace.use_span(NonRecordingSpan(SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(1)))):
        counter.add(3)
    assert len(points(state.collect())[0].exemplars) == 1
    counter.add(4)
    assert not points(state.collect())[0].exemplars


def test_points_without_exemplars_stay_without() -> None:
    state = SharedMetricReader()
    meter = MeterProvider([state.reader], shutdown_on_exit=False).get_meter("m")
    meter.create_up_down_counter("stock").add(1)
    assert not points(state.collect())[0].exemplars


def test_push_gets_all_points() -> None:
    state = SharedMetricReader()
    counter = provider_of(state).get_meter("m").create_counter("sold")
    counter.add(1, {"item": "tea"})
    counter.add(1, {"item": "cups"})
    data = state.collect_for_push()
    assert data is not None
    assert count_points(data) == 2


def test_a_preferred_temporality_is_kept() -> None:
    state = SharedMetricReader({Counter: AggregationTemporality.DELTA})
    counter = provider_of(state).get_meter("m").create_counter("sold")
    counter.add(3)
    state.collect()
    counter.add(4)
    assert [point.value for point in points(state.collect())] == [4]


def test_a_callback_that_collects_gets_no_points_instead_of_a_deadlock() -> None:
    first, second = SharedMetricReader(), SharedMetricReader()
    provider = MeterProvider([first.reader, second.reader], shutdown_on_exit=False)

    def bridge(options: CallbackOptions) -> Iterable[Observation]:
        yield Observation(count_points(first.collect()) + count_points(second.collect()))

    provider.get_meter("t").create_observable_gauge("bridge", [bridge])
    for state in (first, second, first):
        assert [point.value for point in points(state.collect())] == [0]


def test_callbacks_of_our_meters_run_before_the_sdk_collects() -> None:
    state = SharedMetricReader()
    meters = DelegatingMeterProvider()
    meters.set_delegate(provider_of(state))
    release = threading.Event()
    meter = meters.get_meter("m")
    meter.create_observable_gauge("hung", [observing(lambda: release.wait(30))])
    meter.create_observable_gauge("good", [observing(value=2)])
    assert [point.value for point in points(state.collect())] == [2]
    release.set()


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, ValueError])
def test_a_raising_callback_costs_itself(error: type[BaseException]) -> None:
    state = SharedMetricReader()
    meters = DelegatingMeterProvider()
    meters.set_delegate(provider_of(state))

    def fail(_: CallbackOptions) -> list[Observation]:
        raise error

    meters.get_meter("m").create_observable_gauge("x", [fail, observing(value=2)])
    assert [point.value for point in points(state.collect())] == [2]


def test_a_callback_of_ours_that_collects_gets_no_points() -> None:
    state = SharedMetricReader()
    meters = DelegatingMeterProvider()
    meters.set_delegate(provider_of(state))
    meters.get_meter("m").create_observable_gauge("x", [lambda _: [Observation(count_points(state.collect()))]])
    assert [point.value for point in points(state.collect())] == [0]


def test_a_collection_of_another_provider_that_hangs_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT_SECONDS", 0.2)
    state = SharedMetricReader()
    release = threading.Event()
    meter = provider_of(state).get_meter("m")
    meter.create_observable_gauge("x", [observing(lambda: release.wait(30))])
    in_threads(lambda _: _expect_timeout(state))
    release.set()
    assert [point.value for point in eventually(lambda: collected(state))] == [1]


def _expect_timeout(state: SharedMetricReader) -> None:
    with pytest.raises(CollectionTimeout):
        state.collect()


def collected(state: SharedMetricReader) -> list[Any]:
    try:
        return points(state.collect())
    except CollectionTimeout:
        return []
