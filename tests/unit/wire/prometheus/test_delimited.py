"""Pages in the protobuf format, read by the protobuf runtime."""

from __future__ import annotations

import math
from typing import Any

import pytest
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View

from flext_observability.wire.prometheus.clashes import ClashEffect
from flext_observability.wire.prometheus.delimited import generate_protobuf
from flext_observability.wire.prometheus.family import (
    Exemplar,
    Family,
    FamilyKind,
    Histogram,
    LabelSet,
    Native,
    Number,
    Series,
    Summary,
)
from flext_observability.wire.prometheus.from_points import families
from tests.backends.client_model import families as parse
from tests.backends.telemetry import make_metrics

LABELS = LabelSet((("a", "x"), ("b", "ünï\n")))
EXEMPLAR = Exemplar((("trace_id", "ab"),), 0.5, 1.25)


def only(kind: FamilyKind, series: Series, **options: Any) -> Any:
    """Return the family of one series."""
    family = Family("sold_total" if kind == "counter" else "sold", kind, **options)
    family.add(series)
    (message,) = parse(generate_protobuf([family]))
    return message


def test_a_counter_has_an_exemplar_and_its_start() -> None:
    found = only("counter", Number(LABELS, 3, EXEMPLAR, 1700000000.5), help="How\n many", unit="")
    assert (found.name, found.help, found.type, found.unit) == ("sold_total", "How many", 0, "")
    (metric,) = found.metric
    assert [(pair.name, pair.value) for pair in metric.label] == list(LABELS.pairs)
    assert (metric.counter.value, metric.counter.exemplar.value) == (3, 0.5)
    assert [(pair.name, pair.value) for pair in metric.counter.exemplar.label] == [("trace_id", "ab")]
    assert metric.counter.exemplar.timestamp.ToNanoseconds() == 1_250_000_000
    assert metric.counter.start_timestamp.ToNanoseconds() == 1_700_000_000_500_000_000


@pytest.mark.parametrize(
    ("kind", "number", "field"),
    [("gauge", 1, "gauge"), ("info", 1, "gauge"), ("stateset", 1, "gauge"), ("unknown", 3, "untyped")],
)
def test_kinds_of_one_value(kind: FamilyKind, number: int, field: str) -> None:
    found = only(kind, Number(LABELS, -2.5, time_seconds=12.5))
    assert (found.type, getattr(found.metric[0], field).value) == (number, -2.5)
    assert found.metric[0].timestamp_ms == 12_500


def test_a_summary() -> None:
    found = only("summary", Summary(LABELS, 4, 2.5, {"0.5": 1, "0.9": math.nan}, 1.0)).metric[0].summary
    assert (found.sample_count, found.sample_sum, found.start_timestamp.seconds) == (4, 2.5, 1)
    assert [each.quantile for each in found.quantile] == [0.5, 0.9]
    assert (found.quantile[0].value, math.isnan(found.quantile[1].value)) == (1, True)
    empty = only("summary", Summary(LABELS, None, None, {})).metric[0]
    assert empty.HasField("summary")
    assert not empty.summary.ListFields()


def test_a_classic_histogram() -> None:
    series = Histogram(LABELS, 3, 2.5, ("0.5", "+Inf"), [1, 3], {1: EXEMPLAR}, None, 1.0)
    found = only("histogram", series, unit="seconds").metric[0].histogram
    assert [(each.upper_bound, each.cumulative_count) for each in found.bucket] == [(0.5, 1), (math.inf, 3)]
    assert (found.sample_count, found.sample_sum, found.bucket[1].exemplar.value) == (3, 2.5, 0.5)
    assert not found.HasField("schema")
    assert not found.bucket[0].HasField("exemplar")


def test_a_native_histogram() -> None:
    native = Native(-2, 1e-128, 4, ([(-3, 2), (5, 1)], [7, -6, 2**40]), ([(0, 1)], [1]))
    without_time = EXEMPLAR._replace(time_seconds=None)
    series = Histogram(LABELS, None, None, (), (), {0: EXEMPLAR, 1: without_time}, native)
    found = only("histogram", series).metric[0].histogram
    assert (found.schema, found.zero_threshold, found.zero_count) == (-2, 1e-128, 4)
    assert [(span.offset, span.length) for span in found.positive_span] == [(-3, 2), (5, 1)]
    assert list(found.positive_delta) == [7, -6, 2**40]
    assert [(span.offset, span.length) for span in found.negative_span] == [(0, 1)]
    assert list(found.negative_delta) == [1]
    assert [each.timestamp.seconds for each in found.exemplars] == [1], "Prometheus needs the time"


def test_an_exponential_histogram_has_both_forms() -> None:
    view = View(instrument_name="wait", aggregation=ExponentialBucketHistogramAggregation(max_scale=3))
    data = make_metrics(
        lambda meter: [meter.create_histogram("wait", "s").record(each) for each in (0, 1.5, 3)], views=[view]
    )
    found = {each.name: each for each in parse(generate_protobuf(families(data)))}
    assert found["wait_seconds"].unit == "seconds"
    histogram = found["wait_seconds"].metric[0].histogram
    assert [(each.upper_bound, each.cumulative_count) for each in histogram.bucket] == [
        (0, 1),
        (2, 2),
        (4, 3),
        (math.inf, 3),
    ]
    assert (histogram.schema, histogram.zero_count, sum(span.length for span in histogram.positive_span)) == (3, 1, 2)
    assert histogram.start_timestamp.seconds > 1e9


@pytest.mark.parametrize(
    ("value", "expected"), [(10**400, math.inf), (-(10**400), -math.inf), (math.inf, math.inf), (2**60, 2.0**60)]
)
def test_extreme_values(value: float, expected: float) -> None:
    assert only("gauge", Number(LABELS, value)).metric[0].gauge.value == expected


@pytest.mark.parametrize("count", [math.nan, -1, 1e300])
def test_a_count_that_is_none_is_zero(count: float) -> None:
    found = only("histogram", Histogram(LABELS, count, 1, ("+Inf",), [count])).metric[0].histogram
    assert (found.sample_count, found.bucket[0].cumulative_count) == (0, 0)


@pytest.mark.parametrize("seconds", [math.nan, math.inf, 1e300])
def test_a_time_that_is_none_is_omitted(seconds: float) -> None:
    assert not only("counter", Number(LABELS, 1, start_seconds=seconds)).metric[0].counter.HasField("start_timestamp")


def test_text_that_is_not_unicode_does_not_break_the_page() -> None:
    assert only("gauge", Number(LabelSet((("a", "\ud800"),)), 1)).metric[0].label[0].value == "?"


def test_a_gauge_histogram_has_samples_without_type() -> None:
    clashes: list[tuple[str, ClashEffect]] = []
    family = Family("ages", "gaugehistogram")
    family.add(Histogram(LabelSet(()), 2, 3.0, ("1", "+Inf"), [1, 2]))
    found = parse(generate_protobuf([family], on_clash=lambda name, effect: clashes.append((name, effect))))
    assert {each.name: (each.type, len(each.metric)) for each in found} == {
        "ages_bucket": (3, 2),
        "ages_gcount": (3, 1),
        "ages_gsum": (3, 1),
    }
    assert clashes == []
