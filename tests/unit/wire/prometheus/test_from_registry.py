"""Registries of prometheus_client, compared with what prometheus_client itself writes of them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, strategies as st
from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, Info, Metric, Summary, generate_latest
from prometheus_client.core import GaugeHistogramMetricFamily, UntypedMetricFamily
from prometheus_client.openmetrics import exposition as openmetrics_exposition
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_classic
from prometheus_client.samples import BucketSpan, NativeHistogram

from flext_observability.wire.prometheus.delimited import generate_protobuf
from flext_observability.wire.prometheus.escaping import Escaping
from flext_observability.wire.prometheus.family import Family
from flext_observability.wire.prometheus.from_registry import add_metrics, claimed_names
from flext_observability.wire.prometheus.text import generate_text
from tests.backends.client_model import families as parse_protobuf

PARSE_OPENMETRICS: Any = parse_openmetrics
LABEL_VALUES = st.text(st.characters(codec="utf-8"), max_size=8)


def page(metrics: Iterable[Metric], *, openmetrics: bool, families: list[Family] | None = None) -> str:
    found = [] if families is None else families
    add_metrics(found, metrics, kind="openmetrics" if openmetrics else "text")
    return generate_text(found, openmetrics=openmetrics)


def samples(metrics: Iterable[Metric]) -> set[tuple[Any, ...]]:
    """Return all samples, as far as a page can hold them."""
    return {
        (
            metric.type,
            each.name,
            tuple(sorted(each.labels.items())),
            each.value,
            repr(each.timestamp),
            repr(each.exemplar),
        )
        for metric in metrics
        for each in metric.samples
    }


@pytest.fixture
def registry() -> CollectorRegistry:
    made = CollectorRegistry()
    orders = Counter("orders", "Orders taken.\nAll of them", ["shop"], registry=made)
    orders.labels('a "quoted" \\ name\n').inc(2, {"trace_id": "0af7651916cd43dd8448eb211c80319c"})
    Gauge("temperature_celsius", "", registry=made).set(-1.5)
    histogram = Histogram("wait_seconds", "Wait", ["kind"], buckets=(0.1, 1), registry=made)
    histogram.labels("x").observe(0.05, {"span_id": "b7ad6b7169203331"})
    histogram.labels("y").observe(7)
    Summary("size_bytes", "Size", registry=made).observe(3)
    Info("build", "Build", registry=made).info({"version": "1"})
    Enum("state", "State", states=["on", "off"], registry=made).state("off")
    return made


def test_a_classic_page_is_what_the_library_writes(registry: CollectorRegistry) -> None:
    expected = samples(parse_classic(generate_latest(registry).decode()))
    assert samples(parse_classic(page(registry.collect(), openmetrics=False))) == expected


def test_an_openmetrics_page_is_what_the_library_writes(registry: CollectorRegistry) -> None:
    write: Any = openmetrics_exposition.generate_latest
    expected = samples(PARSE_OPENMETRICS(write(registry).decode()))
    assert samples(PARSE_OPENMETRICS(page(registry.collect(), openmetrics=True))) == expected


@given(st.dictionaries(LABEL_VALUES, st.floats(allow_nan=False), max_size=5))
def test_any_label_value_arrives(values: dict[str, float]) -> None:
    registry = CollectorRegistry()
    gauge = Gauge("any", "", ["key"], registry=registry)
    for key, value in values.items():
        gauge.labels(key).set(value)
    found = {
        each.labels["key"]: each.value
        for metric in PARSE_OPENMETRICS(page(registry.collect(), openmetrics=True))
        for each in metric.samples
    }
    assert found == values


@pytest.mark.parametrize("openmetrics", [False, True])
def test_metrics_of_rare_types_are_written(*, openmetrics: bool) -> None:
    untyped = UntypedMetricFamily("mystery", "", value=4)
    histogram = GaugeHistogramMetricFamily("ages", "", buckets=[("1", 1), ("+Inf", 2)], gsum_value=3)
    text = page([untyped, histogram], openmetrics=openmetrics)
    parsed = samples(PARSE_OPENMETRICS(text) if openmetrics else parse_classic(text))
    values = {(name, labels): value for _, name, labels, value, _, _ in parsed}
    assert values == {
        ("mystery", ()): 4,
        ("ages_bucket", (("le", "1"),)): 1,
        ("ages_bucket", (("le", "+Inf"),)): 2,
        ("ages_gcount", ()): 2,
        ("ages_gsum", ()): 3,
    }


def test_a_creation_time_alone_is_a_gauge_in_the_classic_format() -> None:
    metric = Metric("orders", "", "counter")
    metric.add_sample("orders_created", {}, 1.5)
    assert page([metric], openmetrics=False) == "# TYPE orders_created gauge\norders_created 1.5\n"
    assert page([metric], openmetrics=True) == "# EOF\n"


@pytest.mark.parametrize(("openmetrics", "text"), [(False, "old 1.0 1500\n"), (True, "old 1.0 1.5\n")])
def test_a_sample_keeps_its_time(text: str, *, openmetrics: bool) -> None:
    metric = Metric("old", "", "gauge")
    metric.add_sample("old", {}, 1, timestamp=1.5)
    assert text in page([metric], openmetrics=openmetrics)


def test_a_native_histogram_is_left_out() -> None:
    metric = Metric("native", "", "histogram")
    sample = SimpleNamespace(
        name="native", labels={}, value=0, timestamp=None, exemplar=None, native_histogram=object()
    )
    metric.samples = [cast("Any", sample)]
    assert page([metric], openmetrics=True) == "# EOF\n"


def test_a_native_histogram_is_in_the_protobuf_format() -> None:
    metric = Metric("wait", "", "histogram")
    spans = [BucketSpan(1, 2), BucketSpan(3, 1)]
    native = NativeHistogram(7, 2.5, 3, 0.001, 1, spans, None, [1, 1, -1], None)
    metric.add_sample("wait", {"a": "b"}, 0, native_histogram=native)
    families: list[Family] = []
    add_metrics(families, [metric], kind="protobuf")
    (found,) = parse_protobuf(generate_protobuf(families))
    histogram = found.metric[0].histogram
    assert (histogram.sample_count, histogram.sample_sum, histogram.schema, histogram.zero_count) == (7, 2.5, 3, 1)
    assert [(span.offset, span.length) for span in histogram.positive_span] == [(1, 2), (3, 1)]
    assert list(histogram.positive_delta) == [1, 1, -1]


def test_all_kinds_are_in_the_protobuf_format(registry: CollectorRegistry) -> None:
    families: list[Family] = []
    add_metrics(families, registry.collect(), kind="protobuf")
    found = {family.name: family for family in parse_protobuf(generate_protobuf(families))}
    assert {name: family.type for name, family in found.items()} == {
        "build_info": 1,
        "temperature_celsius": 1,
        "state": 1,
        "orders_total": 0,
        "wait_seconds": 4,
        "size_bytes": 2,
    }
    counter = found["orders_total"].metric[0].counter
    assert (counter.value, counter.exemplar.value, counter.start_timestamp.seconds > 1e9) == (2, 2, True)
    assert found["wait_seconds"].metric[0].histogram.bucket[0].exemplar.label[0].value == "b7ad6b7169203331"
    assert (found["size_bytes"].unit, found["size_bytes"].metric[0].summary.sample_sum) == ("", 3)


@pytest.mark.parametrize(
    ("escaping", "name"),
    [("allow-utf-8", '{"queue.depth","my.label"="x"} 1.0'), ("values", 'U__queue_2e_depth{U__my_2e_label="x"} 1.0')],
)
def test_names_are_escaped_as_the_scraper_asks(escaping: Escaping, name: str) -> None:
    registry = CollectorRegistry()
    Gauge("queue.depth", "", ["my.label"], registry=registry).labels("x").set(1)
    families: list[Family] = []
    add_metrics(families, registry.collect(), escaping=escaping)
    assert name in generate_text(families, openmetrics=True).splitlines()


@pytest.mark.parametrize("openmetrics", [False, True])
def test_a_summary_has_its_quantiles(*, openmetrics: bool) -> None:
    metric = Metric("size", "", "summary")
    for quantile in ("0.5", "0.9"):
        metric.add_sample("size", {"a": "b", "quantile": quantile}, float(quantile) * 10)
    metric.add_sample("size_count", {"a": "b"}, 4)
    text = page([metric], openmetrics=openmetrics)
    assert 'size{a="b",quantile="0.5"} 5.0\nsize{a="b",quantile="0.9"} 9.0\nsize_count{a="b"} 4.0\n' in text
    gauge = Metric("size_count", "", "gauge")
    gauge.add_sample("size_sum", {}, 1)
    assert samples(PARSE_OPENMETRICS(text) if openmetrics else parse_classic(text))


@pytest.mark.parametrize("openmetrics", [False, True])
def test_a_summary_whose_name_is_claimed_has_no_type(*, openmetrics: bool) -> None:
    metric = Metric("size", "", "summary")
    metric.add_sample("size", {"quantile": "0.5"}, 5)
    metric.add_sample("size_sum", {}, 4)
    gauge = Metric("size_created", "", "gauge")
    gauge.add_sample("size_created", {}, 1)
    text = page([metric, gauge], openmetrics=openmetrics)
    kinds = {name: kind for kind, name, *_ in samples(PARSE_OPENMETRICS(text) if openmetrics else parse_classic(text))}
    kind = "unknown" if openmetrics else "summary"
    assert kinds == {"size": kind, "size_sum": kind, "size_created": "gauge"}


def _with_sample(kind: str, name: str, labels: dict[str, str], timestamp: object = None) -> Metric:
    metric = Metric("broken", "", kind)
    metric.add_sample(name, labels, 1, timestamp=cast("Any", timestamp))
    return metric


def test_a_metric_joins_our_family_of_the_same_name_and_kind() -> None:
    registry = CollectorRegistry()
    orders = Counter("orders", "", ["shop"], registry=registry)
    orders.labels("one").inc(1)
    orders.labels("two").inc(2)
    ours = Family("orders_total", "counter")
    ours.add_number({"shop": "one"}, 10)
    conflicts: list[str] = []
    families = [ours]
    add_metrics(families, registry.collect())
    text = generate_text(families, openmetrics=False, on_clash=lambda name, _: conflicts.append(name))
    assert 'orders_total{shop="one"} 10.0\norders_total{shop="two"} 2.0\n' in text
    assert text.count("# TYPE orders_total counter") == 1
    assert conflicts == ["orders_total"]


def test_of_two_kinds_under_one_name_one_is_omitted_and_reported() -> None:
    registry = CollectorRegistry()
    Gauge("orders_total", "", registry=registry).set(1)
    ours = Family("orders_total", "counter")
    ours.add_number({}, 10)
    conflicts: list[str] = []
    families = [ours]
    add_metrics(families, registry.collect())
    text = generate_text(families, openmetrics=False, on_clash=lambda name, _: conflicts.append(name))
    assert text == "# TYPE orders_total counter\norders_total 10.0\n"
    assert conflicts == ["orders_total"]


@pytest.mark.parametrize("openmetrics", [False, True])
def test_names_of_other_characters_get_underscores(*, openmetrics: bool) -> None:
    registry = CollectorRegistry()
    Gauge("queue.depth", "", ["my.label"], registry=registry).labels("x").set(1)
    Counter("9 jobs/done", "", registry=registry).inc()
    text = page(registry.collect(), openmetrics=openmetrics)
    assert '\nqueue_depth{my_label="x"} 1.0\n' in text
    assert "\n__jobs_done_total 1.0\n" in text
    assert samples(PARSE_OPENMETRICS(text) if openmetrics else parse_classic(text))


@pytest.mark.parametrize("openmetrics", [False, True])
def test_an_exemplar_is_written_in_openmetrics_only(registry: CollectorRegistry, *, openmetrics: bool) -> None:
    text = page(registry.collect(), openmetrics=openmetrics)
    assert ('# {span_id="b7ad6b7169203331"} 0.05 ' in text) is openmetrics
    assert ('# {trace_id="0af7651916cd43dd8448eb211c80319c"} 2.0 ' in text) is openmetrics


@pytest.mark.parametrize("openmetrics", [False, True])
def test_a_sample_of_another_name_has_its_own_family(*, openmetrics: bool) -> None:
    metric = Metric("depth", "Depth", "gauge")
    metric.add_sample("depth", {}, 1)
    metric.add_sample("depth limit\n", {}, 2)
    text = page([metric], openmetrics=openmetrics)
    assert f"# TYPE depth_limit_ {'unknown' if openmetrics else 'untyped'}\ndepth_limit_ 2.0\n" in text
    assert "# TYPE depth gauge\ndepth 1.0\n" in text


def _metric(kind: str = "gauge", labels: object = None, value: object = 1) -> Metric:
    metric = Metric("broken", "", "gauge")
    metric.type = kind
    metric.add_sample("broken", cast("Any", labels or {}), cast("Any", value))
    return metric


@pytest.mark.parametrize(
    "broken",
    [
        object(),
        _metric(kind="dial"),
        _metric(labels={"a": 1}),
        _metric(labels={"a": ["list"]}),
        _metric(labels={1: "a"}),
        _metric(value=None),
        _metric(value="many"),
        _with_sample("histogram", "broken_bucket", {"le": "high"}),
        _with_sample("histogram", "broken_bucket", {"le": "1\n"}),
        _with_sample("summary", "broken", {"quantile": "half"}),
        _with_sample("gauge", "broken", {}, math.inf),
        _with_sample("gauge", "broken", {}, "now"),
    ],
)
def test_a_metric_that_cannot_be_written_costs_no_other(broken: Any, caplog: pytest.LogCaptureFixture) -> None:
    others = [Metric("one", "", "gauge"), Metric("two", cast("Any", None), "gauge")]
    for other in others:
        other.add_sample(other.name, {}, 1)
    for _ in range(2):
        text = page([others[0], broken, others[1]], openmetrics=False)
        assert text == "# TYPE one gauge\none 1.0\n# TYPE two gauge\ntwo 1.0\n"
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("Reading the prometheus_client metric ")


def test_a_metric_claims_its_name_and_those_of_its_samples() -> None:
    metric = Metric("jobs.done", "", "counter")
    metric.add_sample("extra", {}, 1)
    assert claimed_names(metric) == {"jobs_done", "jobs_done_total", "jobs_done_created", "extra"}
