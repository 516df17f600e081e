"""Pages of real points, read by the two parsers of prometheus_client."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given, settings, strategies as st
from opentelemetry import trace
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_classic

from flext_observability.wire.prometheus.from_points import families
from flext_observability.wire.prometheus.text import generate_text
from tests.backends.telemetry import make_metrics

CONTEXT = trace.SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=trace.TraceFlags(1))
TRACE_LABELS = {"trace_id": f"{0xABC:032x}", "span_id": f"{0xDEF:016x}"}


def page(data: MetricsData, **options: Any) -> str:
    return generate_text(families(data), **options)


def parsed(text: str) -> dict[str, Any]:
    """Return the families of a page by name."""
    parse = parse_openmetrics if text.endswith("# EOF\n") else parse_classic
    return {family.name: family for family in parse(text)}


def pages(record: Callable[[Meter], object], **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the families of the classic and the OpenMetrics page."""
    data = make_metrics(record, **options)
    return parsed(page(data, openmetrics=False)), parsed(page(data, openmetrics=True))


def series(family: Any) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return the samples without the name of the scope, which is the same on each."""
    found = {}
    for sample in family.samples:
        own = {name: value for name, value in sample.labels.items() if (name, value) != ("otel_scope_name", "tests")}
        found[sample.name, tuple(sorted(own.items()))] = sample.value
    return found


def sampled(record: Callable[[], object]) -> None:
    with trace.use_span(trace.NonRecordingSpan(CONTEXT)):
        record()


@pytest.mark.parametrize("index", [0, 1])
def test_counter(index: int) -> None:
    def record(meter: Meter) -> None:
        meter.create_counter("shop.sold", "{item}", 'Sold "things"\nand \\ more').add(3, {"item.kind": "tea"})

    family = pages(record)[index]["shop_sold"]
    assert (family.type, family.documentation) == ("counter", 'Sold "things" and \\ more')
    assert series(family) == {("shop_sold_total", (("item_kind", "tea"),)): 3}


@pytest.mark.parametrize("index", [0, 1])
def test_gauges(index: int) -> None:
    def record(meter: Meter) -> None:
        meter.create_gauge("load", "1").set(0.25)
        meter.create_up_down_counter("used", "1").add(-5)

    found = pages(record)[index]
    assert series(found["load_ratio"]) == {("load_ratio", ()): 0.25}
    assert (found["used"].type, series(found["used"])) == ("gauge", {("used", ()): -5})


@pytest.mark.parametrize("index", [0, 1])
def test_histogram(index: int) -> None:
    def record(meter: Meter) -> None:
        histogram = meter.create_histogram("wait", "s", explicit_bucket_boundaries_advisory=[0.5, 2])
        for value in (0.3, 1, 9):
            histogram.record(value, {"le": "lost", "route": "/"})

    family = pages(record)[index]["wait_seconds"]
    assert family.type == "histogram"
    route = ("route", "/")
    assert series(family) == {
        ("wait_seconds_bucket", (("le", "0.5"), route)): 1,
        ("wait_seconds_bucket", (("le", "2"), route)): 2,
        ("wait_seconds_bucket", (("le", "+Inf"), route)): 3,
        ("wait_seconds_count", (route,)): 3,
        ("wait_seconds_sum", (route,)): 10.3,
    }


@pytest.mark.parametrize("index", [0, 1])
def test_exponential_histogram(index: int) -> None:
    def record(meter: Meter) -> None:
        meter.create_counter("before").add(1)
        histogram = meter.create_histogram("wait")
        for value in (0, 1.5, 3, 3.5):
            histogram.record(value)

    view = View(instrument_name="wait", aggregation=ExponentialBucketHistogramAggregation())
    found = pages(record, views=[view])[index]
    assert set(found) >= {"before", "wait"}
    assert series(found["wait"]) == {
        ("wait_bucket", (("le", "0"),)): 1,
        ("wait_bucket", (("le", "2"),)): 2,
        ("wait_bucket", (("le", "4"),)): 4,
        ("wait_bucket", (("le", "+Inf"),)): 4,
        ("wait_count", ()): 4,
        ("wait_sum", ()): 8,
    }


def test_exemplars_are_only_in_openmetrics() -> None:
    def record(meter: Meter) -> None:
        histogram = meter.create_histogram("wait", explicit_bucket_boundaries_advisory=[1, 2])
        sampled(lambda: histogram.record(1.5))
        sampled(lambda: meter.create_counter("sold").add(2))
        sampled(lambda: meter.create_gauge("load").set(2))

    classic, openmetrics = pages(record)
    assert not any(sample.exemplar for family in classic.values() for sample in family.samples)
    found = {
        (sample.name, sample.labels.get("le")): sample.exemplar
        for family in openmetrics.values()
        for sample in family.samples
        if sample.exemplar
    }
    assert set(found) == {("wait_bucket", "2"), ("sold_total", None)}
    exemplar = found["wait_bucket", "2"]
    assert (exemplar.labels, exemplar.value) == (TRACE_LABELS, 1.5)
    assert float(exemplar.timestamp) > 1e9


def test_exemplar_keeps_filtered_attributes_up_to_the_limit() -> None:
    def record(meter: Meter) -> None:
        counter = meter.create_counter("sold")
        sampled(lambda: counter.add(1, {"kind": "a", "order.id": "17"}))
        sampled(lambda: counter.add(1, {"kind": "b", "order.id": "x" * 200}))

    view = View(instrument_name="sold", attribute_keys={"kind"})
    samples = pages(record, views=[view])[1]["sold"].samples
    assert [sample.exemplar.labels for sample in samples] == [{**TRACE_LABELS, "order_id": "17"}, TRACE_LABELS]


def test_exemplar_without_trace_and_labels() -> None:
    data = make_metrics(lambda meter: sampled(lambda: meter.create_counter("sold").add(1)))
    metric = data.resource_metrics[0].scope_metrics[0].metrics[0]
    point = cast("Any", metric.data.data_points[0])
    point.exemplars[0] = replace(point.exemplars[0], trace_id=None, span_id=None)
    assert 'sold_total{otel_scope_name="tests"} 1.0 # {} 1.0 ' in page(data, openmetrics=True)
    assert parsed(page(data, openmetrics=True))["sold"].samples[0].exemplar.labels == {}


@pytest.mark.parametrize("index", [0, 1])
def test_target_info_carries_the_resource(index: int) -> None:
    found = pages(lambda meter: meter.create_counter("sold").add(1))[index]
    family = found[("target_info", "target")[index]]
    assert (family.type, series(family)) == (
        ("gauge", "info")[index],
        {("target_info", (("service_instance_id", "one"), ("service_name", "shop"))): 1},
    )


def test_resource_without_attributes_has_no_target_info() -> None:
    data = make_metrics(lambda meter: meter.create_counter("sold").add(1))
    bare = MetricsData([replace(data.resource_metrics[0], resource=Resource({}))])
    assert set(parsed(page(bare, openmetrics=False))) == {"sold"}


def test_several_resources_have_identifying_labels() -> None:
    data = make_metrics(lambda meter: meter.create_counter("sold").add(1))
    first = data.resource_metrics[0]
    second = replace(first, resource=Resource({"service.name": "b", "service.namespace": "n"}))
    found = parsed(page(MetricsData([first, second]), openmetrics=True))
    assert set(series(found["sold"])) == {
        ("sold_total", (("instance", "one"), ("job", "shop"))),
        ("sold_total", (("job", "n/b"),)),
    }


def test_special_characters_in_labels_are_escaped_in_both_formats() -> None:
    value = 'a"b\\c\nd},{#é =1'

    def record(meter: Meter) -> None:
        meter.create_counter("sold").add(1, {"x.y": value, "x_y": "second", "empty": "", "__name__": "nameless"})

    for found in pages(record):
        assert series(found["sold"]) == {("sold_total", (("x_y", f"{value};second"),)): 1}


def edited(data: MetricsData, **values: float) -> MetricsData:
    """Replace fields of every point."""
    for scope in data.resource_metrics[0].scope_metrics:
        for metric in scope.metrics:
            points = cast("Any", metric.data).data_points
            points[:] = [replace(point, **values) for point in points]
    return data


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("openmetrics", [True, False])
def test_non_finite_values(value: float, *, openmetrics: bool) -> None:
    def record(meter: Meter) -> None:
        meter.create_counter("sold").add(1)
        meter.create_gauge("load").set(1)

    found = parsed(page(edited(make_metrics(record), value=value), openmetrics=openmetrics))
    shown = [sample.value for family in found.values() for sample in family.samples if sample.name != "target_info"]
    assert len(shown) == 2
    assert all(math.isnan(each) if math.isnan(value) else each == value for each in shown)


@pytest.mark.parametrize("total", [math.nan, -1.0])
def test_histogram_that_openmetrics_forbids_is_written_as_single_series(total: float) -> None:
    data = edited(make_metrics(lambda meter: meter.create_histogram("wait").record(1)), sum=total)
    assert parsed(page(data, openmetrics=False))["wait"].type == "histogram"
    found = parsed(page(data, openmetrics=True))
    assert {name: family.type for name, family in found.items()} == {
        "target": "info",
        "wait_bucket": "unknown",
        "wait_count": "unknown",
        "wait_sum": "unknown",
    }


def test_histogram_with_bounds_below_zero() -> None:
    def record(meter: Meter) -> None:
        meter.create_histogram("h", explicit_bucket_boundaries_advisory=[-1, 1]).record(5)

    found = pages(record)[1]
    assert {"h_bucket", "h_count", "h_sum"} <= set(found)


def test_histogram_without_bounds() -> None:
    def record(meter: Meter) -> None:
        meter.create_histogram("h", explicit_bucket_boundaries_advisory=[]).record(5)

    assert series(pages(record)[1]["h"])["h_bucket", (("le", "+Inf"),)] == 1


def test_metric_without_a_valid_name_is_omitted() -> None:
    data = make_metrics(lambda meter: meter.create_gauge("load").set(1))
    scope = data.resource_metrics[0].scope_metrics[0]
    cast("Any", scope.metrics)[0] = replace(scope.metrics[0], name="é")
    assert set(parsed(page(data, openmetrics=True))) == {"target"}


def test_no_points() -> None:
    assert page(MetricsData([]), openmetrics=False) == ""
    assert page(MetricsData([]), openmetrics=True) == "# EOF\n"


def test_keys_that_become_the_same_labels_are_one_series() -> None:
    def record(meter: Meter) -> None:
        for key in ("a.b", "a_b"):
            meter.create_counter("sold").add(1, {key: "x", "a0": "y"})

    (sample,) = pages(record)[0]["sold"].samples
    assert sample.labels == {"a0": "y", "a_b": "x", "otel_scope_name": "tests"}


def test_reserved_labels_are_exported() -> None:
    data = make_metrics(lambda meter: meter.create_counter("sold").add(1, {"job": "x", "region": "eu"}))
    text = generate_text(families(data, reserved_labels={"job"}), openmetrics=False)
    assert 'sold_total{exported_job="x",otel_scope_name="tests",region="eu"} 1.0' in text


@pytest.mark.parametrize("kind", ["counter", "histogram"])
def test_second_instrument_of_a_name_adds_its_other_series(kind: str) -> None:
    def record(meter: Meter) -> None:
        for name in ("a.b", "a_b"):
            if kind == "counter":
                meter.create_counter(name, description="Once.").add(1, {"from": name})
                meter.create_counter(name).add(1)
            else:
                meter.create_histogram(name).record(1, {"from": name})
                meter.create_histogram(name).record(1)

    names: list[str] = []
    text = page(make_metrics(record), openmetrics=True, on_clash=lambda name, _: names.append(name))
    labels = {sample.labels.get("from") for sample in parsed(text)["a_b"].samples}
    assert labels == {"a.b", "a_b", None}
    assert names == ["a_b_total" if kind == "counter" else "a_b"]


def test_two_scopes_that_measure_under_one_name_are_both_there() -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    for scope, help_text, version in (("lib.a", "Of a", "1.0"), ("lib.b", "Of b", None)):
        meter = provider.get_meter(scope, version, "https://x.test", {"team": scope})
        meter.create_histogram("http.client.request.duration", "s", help_text).record(1, {"route": "/"})
    data = reader.get_metrics_data()
    assert data is not None
    for openmetrics in (True, False):
        found = parsed(page(data, openmetrics=openmetrics))["http_client_request_duration_seconds"]
        assert found.documentation == "Of a"
        labels = [sample.labels for sample in found.samples if sample.name.endswith("_count")]
        url = {"otel_scope_schema_url": "https://x.test", "route": "/"}
        assert labels == [
            {"otel_scope_name": "lib.a", "otel_scope_team": "lib.a", "otel_scope_version": "1.0", **url},
            {"otel_scope_name": "lib.b", "otel_scope_team": "lib.b", **url},
        ]


def test_the_unit_is_that_of_all_instruments_of_the_name() -> None:
    def record(meter: Meter) -> None:
        meter.create_counter("size", "By").add(1)
        meter.create_histogram("wait", "s").record(1)
        meter.create_gauge("load", "1").set(1)
        meter.create_gauge("seconds.used", "s").set(1)
        meter.create_gauge("age", "s").set(1, {"a": "b"})
        meter.create_gauge("age.seconds").set(1)

    found = pages(record)[1]
    units = {name: family.unit for name, family in found.items()}
    assert units == {
        "target": "",
        "size_bytes": "bytes",
        "wait_seconds": "seconds",
        "load_ratio": "ratio",
        "seconds_used": "",
        "age_seconds": "",
    }


NAMES = st.sampled_from(["a", "a.total", "a_total", "a.count", "a.bucket", "a.sum", "a.info", "target", "b"])
KINDS = st.sampled_from(["counter", "gauge", "updown", "histogram"])
VALUES = st.one_of(st.floats(), st.integers(-5, 5))


@settings(max_examples=50)
@given(st.lists(st.tuples(NAMES, KINDS, VALUES, st.text(max_size=4)), max_size=8))
def test_any_points_give_two_parseable_pages(rows: list[tuple[str, str, float, str]]) -> None:
    def record(meter: Meter) -> None:
        for name, kind, _, text in rows:
            attributes = {text or "x": text}
            if kind == "counter":
                meter.create_counter(name, description=text).add(1, attributes)
            elif kind == "gauge":
                meter.create_gauge(name, "1", text).set(1, attributes)
            elif kind == "updown":
                meter.create_up_down_counter(name).add(1, attributes)
            else:
                meter.create_histogram(name).record(1, attributes)

    if rows:
        data = make_metrics(record)
        value = rows[0][2]
        for scope in data.resource_metrics[0].scope_metrics:
            for metric in scope.metrics:
                points = cast("Any", metric.data).data_points
                changed = "value" if hasattr(points[0], "value") else "sum"
                points[:] = [replace(point, **{changed: value}) for point in points]
        for openmetrics in (True, False):
            parsed(page(data, openmetrics=openmetrics))
