"""Metrics about the telemetry equal the counts of the status."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.request import urlopen

import pytest
from opentelemetry.sdk.metrics.export import Sum
from opentelemetry.semconv._incubating.metrics import otel_metrics

from flext_observability import (
    flush_observability,
    init_observability,
    memory_store,
    register_exporter,
    shutdown_observability,
    start_ops_server,
    traced,
)
from flext_observability.domain.report import SignalStatus
from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline.ledger import Ledger
from flext_observability.providers.operation_durations import COLLECTION_NAME, EXPORT_NAME
from flext_observability.providers.self_metrics import CPU_RATIO_NAME, CPU_TIME_NAME, RESULT, self_metrics
from tests.backends.collector import Answer, collector
from tests.backends.grpc_collector import grpc_collector
from tests.fakes import OneExporterFactory, ScriptedExporter

REJECTED = ExportOutcome(accepted=1, rejected=1, reason="rejected")


@pytest.fixture(autouse=True)
def stopped() -> Iterator[None]:
    yield
    shutdown_observability()


def start(**settings: Any) -> Any:
    return init_observability(service_name="shop", console=False, **settings).unwrap()


def points(name: str) -> dict[tuple[str, str], float]:
    """Return the values by component type and type of error."""
    metric = memory_store().metric(name)
    if metric is None:
        return {}
    found = {}
    for point in metric.data.data_points:
        attributes = point.attributes or {}
        key = str(attributes.get("otel.component.name", "")), str(attributes.get("error.type", ""))
        found[key] = point.value  # type: ignore[union-attr]  # a sum
    return found


def test_off_by_default() -> None:
    observability = start(exporters={"traces": "none", "metrics": "memory", "logs": "none"})
    observability.flush()
    assert points("otel.sdk.span.started") == points(CPU_TIME_NAME) == {}


def test_spans_and_records_are_counted() -> None:
    exporter = ScriptedExporter(REJECTED)
    register_exporter("scripted", OneExporterFactory(lambda _: exporter, {"traces"})).unwrap()
    observability = start(
        exporters={"traces": "scripted", "metrics": "memory", "logs": "memory"},
        self_metrics=True,
        sampler="always_on",
        traces_max_queue_size=2,
        traces_schedule_delay_seconds=60,
        traces_max_export_batch_size=2,
    )
    observability.flush()
    with traced("open"):
        for _ in range(2):
            with traced("closed"):
                logging.getLogger("shop").warning("sold")
        observability.flush()
        observability.flush()
    status: SignalStatus = observability.status()["traces"]
    assert status.counts is not None
    assert points("otel.sdk.span.started") == {("", ""): 3}
    assert points("otel.sdk.span.live") == {("", ""): 1}
    assert points("otel.sdk.log.created") == {("", ""): 2}
    processor, own = "batching_span_processor/0", "scripted_span_exporter/0"
    assert points("otel.sdk.processor.span.queue.capacity") == {(processor, ""): 2}
    assert points("otel.sdk.processor.span.queue.size") == {(processor, ""): 0}
    assert points("otel.sdk.processor.span.processed") == {(processor, ""): 2}
    assert points("otel.sdk.exporter.span.inflight") == {(own, ""): 0}
    assert points("otel.sdk.exporter.span.exported") == {(own, ""): 1, (own, "rejected"): 1}
    assert points("otel.sdk.exporter.log.exported") == {("memory_log_exporter/0", ""): 2}
    assert points("otel.sdk.exporter.metric_data_point.exported")[("memory_metric_exporter/0", "")] > 0
    assert points(CPU_TIME_NAME)[("", "")] > 0
    assert 0 < points(CPU_RATIO_NAME)[("", "")] <= 1


def test_a_full_queue_is_an_error_of_the_processor() -> None:
    exporter = ScriptedExporter(*[ExportOutcome(retry=True, reached=False, reason="unreachable")] * 50)
    register_exporter("scripted", OneExporterFactory(lambda _: exporter, {"traces"})).unwrap()
    observability = start(
        exporters={"traces": "scripted", "metrics": "memory", "logs": "none"},
        self_metrics=True,
        traces_max_queue_size=3,
    )
    for _ in range(5):
        with traced("work"):
            pass
    for _ in range(2):  # metrics are collected while spans are sent
        observability.flush(timeout_seconds=0.3)
    processed = points("otel.sdk.processor.span.processed")
    assert processed[("batching_span_processor/0", "queue_full")] == 2
    assert points("otel.sdk.exporter.span.exported") == {("scripted_span_exporter/0", ""): 0}


def test_the_end_of_another_pipeline_changes_nothing() -> None:
    observability = start(exporters={"traces": "memory", "metrics": "memory", "logs": "none"}, self_metrics=True)
    self_metrics().release(Ledger())
    observability.flush()
    assert points("otel.sdk.span.started") == {("", ""): 0}


def test_another_start_decides_again() -> None:
    exporters = {"traces": "memory", "metrics": "memory", "logs": "none"}
    start(exporters=exporters, self_metrics=True).flush()
    assert points("otel.sdk.span.started")
    observability = start(exporters=exporters, environment="test")
    memory_store().clear()
    observability.flush()
    assert points("otel.sdk.span.started") == {}
    observability = start(exporters=exporters, self_metrics=True)
    observability.flush()
    assert points("otel.sdk.span.started") == {("", ""): 0}


def histogram(name: str) -> list[tuple[Mapping[str, Any], int]]:
    """Return attributes and counts of a histogram."""
    metric = memory_store().metric(name)
    found = () if metric is None else metric.data.data_points
    return [(dict(point.attributes or {}), point.count) for point in found]  # type: ignore[union-attr]  # a histogram


def test_spans_are_counted_by_the_result_of_the_sampler() -> None:
    start(exporters={"traces": "memory", "metrics": "memory", "logs": "none"}, self_metrics=True, sampler="always_off")
    with traced("dropped"):
        flush_observability()
    metric = memory_store().metric("otel.sdk.span.started")
    assert metric is not None
    found: Any = metric.data.data_points  # of a sum
    started = {str((point.attributes or {})[RESULT]): point.value for point in found}
    assert started == {"RECORD_AND_SAMPLE": 0, "DROP": 1}


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_exports_over_http_have_durations(protocol: str) -> None:
    with collector() as received:
        received.answers.append(Answer(400))
        observability = start(
            exporters={"traces": "otlp_http", "metrics": "memory", "logs": "none"},
            self_metrics=True,
            otlp_endpoint=received.url,
            otlp_protocol=protocol,
        )
        for _ in range(2):
            with traced("work"):
                pass
            observability.flush()
        observability.flush()
    kind = "otlp_http_span_exporter" if protocol == "http/protobuf" else "otlp_http_json_span_exporter"
    own = {
        "otel.component.type": kind,
        "otel.component.name": f"{kind}/0",
        "server.address": "127.0.0.1",
        "server.port": received.port,
    }
    durations = [each for each in histogram(EXPORT_NAME) if each[0]["otel.component.type"] == kind]
    assert durations == [
        ({**own, "error.type": "rejected", "http.response.status_code": 400}, 1),
        ({**own, "http.response.status_code": 200}, 1),
    ]
    reader = {"otel.component.type": "periodic_metric_reader", "otel.component.name": "periodic_metric_reader/0"}
    ((attributes, count),) = histogram(COLLECTION_NAME)
    assert (attributes, count > 0) == (reader, True)


def test_exports_over_grpc_have_durations() -> None:
    with grpc_collector() as received:
        observability = start(
            exporters={"traces": "otlp_grpc", "metrics": "memory", "logs": "none"},
            self_metrics=True,
            otlp_endpoint=received.url,
        )
        with traced("work"):
            pass
        observability.flush()
        observability.flush()
    durations = [each for each, _ in histogram(EXPORT_NAME) if "server.port" in each]
    assert [(each["otel.component.type"], each["rpc.response.status_code"]) for each in durations] == [
        ("otlp_grpc_span_exporter", "OK")
    ]
    assert durations[0]["server.port"] == received.port


def test_the_page_has_the_duration_of_its_collections() -> None:
    start(exporters="memory", self_metrics=True)
    server = start_ops_server(port=0).unwrap()
    urlopen(server.address + "/metrics").read()
    page = urlopen(server.address + "/metrics").read().decode()
    server.stop()
    name = COLLECTION_NAME.replace(".", "_") + "_seconds_count"
    line = next(each for each in page.splitlines() if each.startswith(name) and "prometheus_http_text" in each)
    assert line.endswith(" 1.0")


def test_names_units_and_kinds_are_those_of_the_conventions() -> None:
    observability = start(exporters="memory", self_metrics=True)
    for _ in range(2):
        with traced("work"):
            logging.getLogger("shop").warning("sold")
        observability.flush()
    meter = RecordingMeter()
    for name, create in vars(otel_metrics).items():
        if name.startswith("create_otel_sdk") and not name.endswith(("_count", "_span_ended")):
            create(meter)
    assert {name: described(name) for name in meter.created} == meter.created


class RecordingMeter:
    """A meter that records the kind and the unit of each instrument."""

    def __init__(self) -> None:
        self.created: dict[str, tuple[str, str]] = {}

    def create_counter(self, name: str, description: str, unit: str) -> None:
        self.created[name] = "sum", unit

    def create_up_down_counter(self, name: str, description: str, unit: str) -> None:
        self.created[name] = "up-down sum", unit

    def create_histogram(self, name: str, description: str, unit: str) -> None:
        self.created[name] = "histogram", unit


def described(name: str) -> tuple[str, str]:
    metric = memory_store().metric(name)
    if metric is None:
        return "missing", ""
    if not isinstance(metric.data, Sum):
        return "histogram", str(metric.unit)
    return "sum" if metric.data.is_monotonic else "up-down sum", str(metric.unit)
