"""Pages as a scraper requests them."""

from __future__ import annotations

import logging

import pytest
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics.export import MetricsData

from flext_observability.exporters.prometheus.page import factory
from flext_observability.extensions.ports import PullExporter
from flext_observability.settings.config import with_defaults
from flext_observability.wire.prometheus.content_type import CLASSIC_TYPE, OPENMETRICS_TYPE, PROTOBUF_TYPE
from tests.backends.client_model import families as parse_protobuf
from tests.backends.telemetry import make_metrics

# What Prometheus 3 sends.
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)


def page(data: MetricsData, accept: str) -> tuple[str, str]:
    exporter = factory.create("metrics", with_defaults({"prometheus_client_enabled": False}))
    assert isinstance(exporter, PullExporter)
    exporter.attach(lambda: data)
    body, kind = exporter.render(accept)
    return body.decode(), kind


def test_classic_page_by_default() -> None:
    body, kind = page(make_metrics(lambda meter: meter.create_counter("sold").add(2)), "*/*")
    assert kind == CLASSIC_TYPE
    assert 'sold_total{otel_scope_name="tests"} 2.0\n' in body


def test_openmetrics_for_prometheus() -> None:
    body, kind = page(make_metrics(lambda meter: meter.create_counter("sold").add(2)), PROMETHEUS)
    assert kind == f"{OPENMETRICS_TYPE}; escaping=allow-utf-8"
    assert body.endswith('sold_total{otel_scope_name="tests"} 2.0\n# EOF\n')


def test_protobuf_for_a_scraper_of_native_histograms() -> None:
    exporter = factory.create("metrics", with_defaults({"prometheus_client_enabled": False}))
    assert isinstance(exporter, PullExporter)
    exporter.attach(lambda: make_metrics(lambda meter: meter.create_counter("sold").add(2)))
    accept = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6"
    body, kind = exporter.render(f"{accept},{PROMETHEUS}")
    assert kind == PROTOBUF_TYPE
    assert {family.name: family.metric[0].counter.value for family in parse_protobuf(body) if not family.type} == {
        "sold_total": 2
    }


def test_page_without_source_is_empty() -> None:
    exporter = factory.create("metrics", with_defaults({"prometheus_client_enabled": False}))
    assert exporter.render("") == (b"", CLASSIC_TYPE)
    assert exporter.render("application/openmetrics-text") == (b"# EOF\n", OPENMETRICS_TYPE)


def test_invalid_utf8_does_not_break_the_page() -> None:
    body, _ = page(make_metrics(lambda meter: meter.create_counter("sold").add(1, {"x": "\ud800"})), "")
    assert 'sold_total{otel_scope_name="tests",x="?"} 1.0' in body


def test_an_omitted_metric_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    def record(meter: Meter) -> None:
        meter.create_histogram("wait").record(1)
        meter.create_gauge("wait.count").set(1)

    exporter = factory.create("metrics", with_defaults({"prometheus_client_enabled": False}))
    exporter.attach(lambda: make_metrics(record))
    with caplog.at_level(logging.WARNING):
        exporter.render("")
        exporter.render("")
    assert [entry.getMessage().split(":")[0] for entry in caplog.records] == ["/metrics omits series of wait_count"]


def test_only_metrics_are_supported() -> None:
    assert tuple(factory.signals()) == ("metrics",)
