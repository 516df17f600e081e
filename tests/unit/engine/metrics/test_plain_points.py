"""Collections with plain points equal those with points of the SDK, for each of their readers."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.trace import use_span

from flext_observability.engine.metrics.collection import metrics_data
from flext_observability.pipeline.call_counts import with_call_counts
from flext_observability.pipeline.shared_page.merged_metrics import MergedMetrics
from flext_observability.values.metric_points import is_plain, point_classes
from flext_observability.values.names import FUNCTION_DURATION_NAME, SCOPE_NAME
from flext_observability.views.from_sdk import metric_views
from flext_observability.wire.metric_snapshot.encode import SnapshotEncoder
from flext_observability.wire.otlp.any_value import NotEncodableError
from flext_observability.wire.otlp.batch import split
from flext_observability.wire.otlp.encoder import RequestEncoder
from flext_observability.wire.prometheus.delimited import generate_protobuf
from flext_observability.wire.prometheus.from_points import families
from flext_observability.wire.prometheus.text import generate_text
from tests.unit.engine.metrics.parts import Metrics, points_of, span_of

NOW_NS = 1_800_000_000_000_000_000
SDK = "opentelemetry.sdk.metrics"


@pytest.fixture
def without_sdk() -> Iterator[pytest.MonkeyPatch]:
    """Hide the SDK of metrics, as before its import."""
    with pytest.MonkeyPatch.context() as patched:
        patched.delitem(sys.modules, SDK)
        yield patched


def observe(_options: CallbackOptions) -> Sequence[Observation]:
    return [Observation(7, {"region": "north"})]


def record(*, exponential: bool) -> Metrics:
    metrics = Metrics("always_on", exponential=exponential)
    meter = metrics.meter
    with use_span(span_of(5)):
        meter.create_counter("orders", "1", "Orders").add(3, {"paid": True})
        meter.create_up_down_counter("open").add(-2.5)
        meter.create_gauge("level").set(4, {"tank": "a"})
        sizes = meter.create_histogram("size", "By")
        for size in (0, 0.5, 3, 700):
            sizes.record(size, {"kind": "x"})
    metrics.provider.get_meter(SCOPE_NAME).create_histogram(FUNCTION_DURATION_NAME).record(0.1)
    return metrics


def collections(patched: pytest.MonkeyPatch, *, exponential: bool) -> tuple[MetricsData, MetricsData]:
    """Return one collection with plain points and another one with points of the SDK."""
    metrics = record(exponential=exponential)
    plain = metrics_data(metrics.provider, metrics.cumulative, NOW_NS)
    patched.undo()
    stock = metrics_data(metrics.provider, metrics.cumulative, NOW_NS)
    assert plain is not None
    assert stock is not None
    assert is_plain(plain)
    assert type(stock) is MetricsData
    return plain, stock


def counted(data: MetricsData) -> MetricsData:
    """Return a collection with the calls of monitored functions."""
    resources = [
        replace(each, scope_metrics=[replace(scope, metrics=with_call_counts(scope)) for scope in each.scope_metrics])
        for each in data.resource_metrics
    ]
    return replace(data, resource_metrics=resources)


@pytest.mark.parametrize("exponential", [False, True])
@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_requests_are_equal(without_sdk: pytest.MonkeyPatch, encoding: Any, *, exponential: bool) -> None:
    plain, stock = collections(without_sdk, exponential=exponential)
    encode = RequestEncoder("metrics", encoding).encode
    assert encode([plain]) == encode([stock])
    assert len(encode([plain])) > 300


@pytest.mark.parametrize("exponential", [False, True])
def test_pages_views_and_snapshots_are_equal(without_sdk: pytest.MonkeyPatch, *, exponential: bool) -> None:
    plain, stock = collections(without_sdk, exponential=exponential)
    for openmetrics in (False, True):
        pages = [generate_text(families(each), openmetrics=openmetrics) for each in (plain, stock)]
        assert pages[0] == pages[1]
    native = [generate_protobuf(families(each)) for each in (plain, stock)]
    assert native[0] == native[1]
    assert list(metric_views(plain)) == list(metric_views(stock))
    snapshots = [SnapshotEncoder(lambda _: "sum", 1).resources(each) for each in (plain, stock)]
    assert snapshots[0] == snapshots[1]
    assert len(list(metric_views(plain))) == len(points_of(stock)) == 5


def test_observed_points_are_equal(without_sdk: pytest.MonkeyPatch) -> None:
    metrics = Metrics()
    metrics.meter.create_observable_gauge("seen", [observe])
    plain = metrics_data(metrics.provider, metrics.cumulative, NOW_NS)
    without_sdk.undo()
    stock = metrics_data(metrics.provider, metrics.cumulative, NOW_NS)
    assert plain is not None
    assert stock is not None
    assert RequestEncoder("metrics").encode([plain]) == RequestEncoder("metrics").encode([stock])
    assert [(is_plain(each), each.value) for data in (plain, stock) for each in points_of(data)] == [
        (True, 7),
        (False, 7),
    ]


def test_shared_pages_have_points_of_the_same_classes(without_sdk: pytest.MonkeyPatch) -> None:
    metrics = record(exponential=True)
    data = metrics_data(metrics.provider, metrics.cumulative, NOW_NS)
    assert data is not None
    merged = MergedMetrics()
    merged.add({"resources": SnapshotEncoder(lambda _: "sum", 1).resources(data), "pid": 1}, running=True)
    plain = merged.to_metrics_data(NOW_NS)
    without_sdk.undo()
    stock = merged.to_metrics_data(NOW_NS)
    assert (is_plain(plain), type(stock)) == (True, MetricsData)
    assert list(metric_views(plain)) == list(metric_views(stock))


def test_added_calls_and_halves_are_plain(without_sdk: pytest.MonkeyPatch) -> None:
    metrics = record(exponential=False)
    data = metrics_data(metrics.provider, metrics.cumulative, NOW_NS)
    assert data is not None
    complete = counted(data)
    assert [type(each.data).__module__ for each in complete.resource_metrics[0].scope_metrics[1].metrics] == [
        "flext_observability.values.plain_points"
    ] * 2
    halves = [half for part in split("metrics", [complete]) for half in part]
    assert [is_plain(half) for half in halves] == [True, True]
    without_sdk.undo()
    encode = RequestEncoder("metrics").encode
    stock = metrics_data(metrics.provider, metrics.cumulative, NOW_NS)
    assert stock is not None
    assert encode([complete]) == encode([counted(stock)])


def test_a_plain_metric_that_cannot_be_encoded_is_an_error(without_sdk: pytest.MonkeyPatch) -> None:
    """The encoder of OpenTelemetry leaves out what it does not know."""
    classes = point_classes()
    metric = classes.Metric("orders", "", "", classes.Buckets(0, []))
    metrics = Metrics()
    scope = classes.ScopeMetrics(metrics.meter.scope, [metric], "")
    data = classes.MetricsData([classes.ResourceMetrics(metrics.provider.resource, [scope], "")])
    encoder = RequestEncoder("metrics")
    encoder.load()
    with pytest.raises(NotEncodableError):
        encoder.encode([data])
    without_sdk.undo()
