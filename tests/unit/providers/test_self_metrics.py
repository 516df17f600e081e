"""Metrics about the telemetry equal the counts of the status."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from flext_observability import (
    init_observability,
    memory_store,
    register_exporter,
    shutdown_observability,
    traced,
)
from flext_observability.domain.report import SignalStatus
from flext_observability.extensions.ports import ExportOutcome
from flext_observability.providers.self_metrics import CPU_RATIO_NAME, CPU_TIME_NAME
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
