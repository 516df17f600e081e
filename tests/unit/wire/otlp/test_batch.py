"""Counting and splitting batches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest
from opentelemetry._logs import LogRecord

from flext_observability.domain.report import Signal
from flext_observability.wire.otlp.batch import count_items, describe_item, split
from flext_observability.wire.otlp.encode import encode_request
from tests.backends.telemetry import make_logs, make_metrics, make_spans

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from opentelemetry.sdk.metrics.export import MetricsData


def record(meter: Meter) -> None:
    for table in range(3):
        meter.create_counter("sold").add(1, {"table": table})
    meter.create_histogram("wait").record(0.5)
    meter.create_gauge("load").set(0.5)


def point_names(batch: object) -> list[str]:
    return [
        metric.name
        for data in cast("list[MetricsData]", batch)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for _ in metric.data.data_points
    ]


@pytest.mark.parametrize("signal", ["traces", "logs"])
def test_spans_and_logs_are_split_by_item(signal: Signal) -> None:
    batch = make_spans(5) if signal == "traces" else make_logs(5)
    assert count_items(signal, batch) == 5
    assert split(signal, batch) == (batch[:2], batch[2:])


def test_metrics_are_split_by_data_point() -> None:
    batch = [make_metrics(record), make_metrics(record)]
    first, second = split("metrics", batch)
    assert count_items("metrics", batch) == 10
    assert point_names(first) == ["sold", "sold", "sold", "wait", "load"]
    assert point_names(second) == point_names(first)


def test_split_metric_keeps_its_resource_and_scope() -> None:
    data = make_metrics(record)
    first, second = split("metrics", [data])
    assert (point_names(first), point_names(second)) == (["sold", "sold"], ["sold", "wait", "load"])
    for half in (first, second):
        resource = cast("list[MetricsData]", half)[0].resource_metrics[0]
        assert resource.resource is data.resource_metrics[0].resource
        assert resource.scope_metrics[0].scope is data.resource_metrics[0].scope_metrics[0].scope
        assert encode_request("metrics", cast("list[MetricsData]", half))


def test_empty_batch() -> None:
    assert count_items("metrics", []) == 0


def test_an_item_is_described_by_its_name() -> None:
    assert describe_item("traces", make_spans(1)) == "span span-0"
    assert describe_item("logs", make_logs(1)) == "log record log-0"
    assert describe_item("metrics", [make_metrics(record)]) == "metric sold"
    assert describe_item("metrics", []) == "metric "
    assert len(describe_item("logs", [replace(make_logs(1)[0], log_record=LogRecord(body="x" * 500))])) < 80
    assert describe_item("traces", ["text"]) == "span "
