"""Exemplars: which measurements are kept, and for which reader."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan, SpanContext, set_span_in_context, use_span

from flext_observability.engine.metrics import exemplars as module
from flext_observability.engine.metrics.series import MAX_EXEMPLARS
from flext_observability.engine.span_options import SamplingRule, SpanSink
from flext_observability.engine.tracer import EngineTracerProvider
from tests.unit.engine.metrics.parts import Metrics, span_of


def traces(points: list[Any]) -> list[list[Any]]:
    return [[each.trace_id for each in point.exemplars] for point in points]


def record_all(metrics: Metrics, value: float = 2, context: Context | None = None) -> None:
    meter = metrics.meter
    meter.create_counter("c").add(value, {"k": "v"}, context)
    meter.create_up_down_counter("u").add(value, {"k": "v"}, context)
    meter.create_gauge("g").set(value, {"k": "v"}, context)
    meter.create_histogram("h").record(value, {"k": "v"}, context)


@pytest.mark.parametrize(
    ("name", "sampled", "expected"),
    [
        ("trace_based", True, [5]),
        ("trace_based", False, []),
        ("always_on", False, [5]),
        ("always_off", True, []),
    ],
)
def test_the_filter_decides(name: str, sampled: bool, expected: list[int]) -> None:
    for explicit in (False, True):
        metrics = Metrics(name)
        span = span_of(5, sampled=sampled)
        with use_span(INVALID_SPAN if explicit else span):
            record_all(metrics, context=set_span_in_context(span) if explicit else None)
        assert traces(metrics.points()) == [expected] * 4


@pytest.mark.parametrize("sampled", [True, False])
def test_a_span_of_the_engine_is_read_without_its_context(sampled: bool) -> None:
    provider = EngineTracerProvider(
        resource=Resource({}),
        sampler=ALWAYS_ON,
        rule=SamplingRule((1 << 64) if sampled else 0, parent_based=True),
        limits=SpanLimits(),
        sink=SpanSink(),
    )
    span = provider.get_tracer("t").start_span("work")
    metrics = Metrics("trace_based")
    with use_span(span):
        record_all(metrics)
    own = span.get_span_context()
    found = [[(each.trace_id, each.span_id) for each in point.exemplars] for point in metrics.points()]
    assert found == [[(own.trace_id, own.span_id)] if sampled else []] * 4


def test_without_a_span_an_exemplar_has_no_ids() -> None:
    metrics = Metrics("always_on")
    metrics.meter.create_counter("c").add(2)
    with use_span(NonRecordingSpan(SpanContext(0, 0, is_remote=False))):
        metrics.meter.create_gauge("g").set(3)
    for point in metrics.points():
        (exemplar,) = point.exemplars
        assert (exemplar.trace_id, exemplar.span_id, exemplar.filtered_attributes) == (None, None, None)


def test_other_values_of_the_context_give_no_exemplar() -> None:
    metrics = Metrics("trace_based")
    token = otel_context.attach(otel_context.set_value("request", 1))
    record_all(metrics)
    otel_context.detach(token)
    assert traces(metrics.points()) == [[]] * 4


def test_exemplars_stay_for_the_other_reader_and_for_the_next_page() -> None:
    metrics = Metrics("trace_based")
    with use_span(span_of(5)):
        record_all(metrics)
    assert traces(metrics.deltas()) == [[5]] * 4
    assert traces(metrics.points()) == [[5]] * 4
    record_all(metrics, 3)
    assert traces(metrics.deltas()) == [[]] * 4
    assert traces(metrics.points()) == [[5]] * 4
    with use_span(span_of(6)):
        record_all(metrics, 4)
    assert traces(metrics.points()) == [[6]] * 4
    assert traces(metrics.deltas()) == [[6]] * 4


def test_a_sum_keeps_the_first_one_of_an_interval_and_a_gauge_the_last() -> None:
    metrics = Metrics("trace_based")
    for trace_id in (5, 6):
        with use_span(span_of(trace_id)):
            record_all(metrics)
    assert traces(metrics.points()) == [[5], [5], [6], [6]]


@pytest.mark.parametrize("bound", [True, False])
def test_each_bucket_keeps_its_latest_one(bound: bool) -> None:
    metrics = Metrics("trace_based")
    histogram = metrics.meter.create_histogram("h", explicit_bucket_boundaries_advisory=[1, 2])
    record = histogram.bind().record if bound else histogram.record
    for trace_id, value in enumerate((5, 0.5, 2, 0.7), start=1):
        with use_span(span_of(trace_id)):
            record(value)
        metrics.points()
    ((first, second, third),) = [point.exemplars for point in metrics.points()]
    assert [(each.trace_id, each.value) for each in (first, second, third)] == [(4, 0.7), (3, 2), (1, 5)]
    (delta,) = metrics.deltas()
    assert len(delta.exemplars) == 3


def test_exponential_buckets_keep_the_latest_ones() -> None:
    metrics = Metrics("always_on", exponential=True)
    histogram = metrics.meter.create_histogram("h")
    for value in range(1, MAX_EXEMPLARS + 11):
        histogram.record(value)
        if value % 7 == 0:
            metrics.points()
    for point in (*metrics.points(), *metrics.deltas()):
        assert [each.value for each in point.exemplars] == list(range(11, MAX_EXEMPLARS + 11))


def test_an_exemplar_of_the_overflow_has_its_attributes() -> None:
    metrics = Metrics("always_on", limit=1)
    counter = metrics.meter.create_counter("c")
    counter.add(1, {"user": 1})
    counter.add(1, {"user": 2})
    known, overflow = [point.exemplars[0].filtered_attributes for point in metrics.points()]
    assert (known, overflow) == ({}, {"user": 2})


def test_a_span_that_raises_costs_the_exemplar_alone(caplog: pytest.LogCaptureFixture) -> None:
    class Raising(NonRecordingSpan):
        """A span of another package."""

        def get_span_context(self) -> SpanContext:
            raise SystemExit(3)

    metrics = Metrics("trace_based")
    context = set_span_in_context(Raising(INVALID_SPAN.get_span_context()))
    record_all(metrics, context=context)
    assert [len(point.exemplars) for point in metrics.points()] == [0] * 4
    assert "Reading the span of a measurement failed" in caplog.text


def test_another_implementation_of_the_context_is_asked_by_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "attach", lambda _: object())
    monkeypatch.setattr(module, "detach", lambda _: None)
    metrics = Metrics("trace_based")
    with use_span(span_of(7)):
        metrics.meter.create_counter("c").add(1)
    assert traces(metrics.points()) == [[7]]
