"""Entities of every kind, created by a program, are found in Jaeger, Prometheus and VictoriaLogs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import uuid4

import pytest

from tests.programs import run
from tests.stack.clients import Collector, Jaeger, LogLine, Prometheus, StoredSpan, VictoriaLogs, eventually

PROGRAM = """
    import json
    from flext_observability import (
        correlation_scope, flext_create_alert, flext_create_health_check, flext_create_log_entry, flext_create_metric,
        flext_create_trace, get_observability, init_observability, traced,
    )

    init_observability().unwrap()
    active = get_observability().unwrap()
    with correlation_scope("order-4711"), traced("checkout") as span:
        parent = flext_create_trace("pay", "{service}-bank", {"amount": "12.50"}).unwrap()
        child = flext_create_trace(name="ledger_entry", operation="ledger", parent_trace_id=parent.id).unwrap()
        active.tracing.error_trace(child, "the ledger is closed").unwrap()
        active.tracing.complete_trace(parent).unwrap()
        flext_create_log_entry("warning", "the till is open", {"till": 3}).unwrap()
        flext_create_alert("till_open", "error", "the till stays open", "shop", {"till": 3}).unwrap()
    for amount in (1, 2.5):
        flext_create_metric("entities.sales", amount, "USD", {"shop": "north"}, "counter").unwrap()
    flext_create_metric("entities.drawer", 0.75, "ratio").unwrap()
    flext_create_metric("entities.wait", 0.2, "seconds", {}, "histogram").unwrap()
    flext_create_health_check("till", "degraded", "open").unwrap()
    assert active.flush(20).unwrap().complete
    print(json.dumps({"trace_id": parent.trace_id, "parent": parent.span_id, "child": child.span_id}))
    report = active.shutdown(10).unwrap()
    assert report.complete, report
"""


@dataclass(frozen=True)
class Emitted:
    service: str
    trace_id: str
    parent: str
    child: str


@pytest.fixture(scope="module")
def emitted(collector: Collector) -> Emitted:
    service = f"entities-{uuid4().hex[:8]}"
    done = run(
        PROGRAM.replace("{service}", service),
        60,
        OTEL_SERVICE_NAME=service,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.http_endpoint,
    )
    assert done.code == 0, done.err
    return Emitted(service, **json.loads(done.lines[-1]))


@pytest.mark.stack
def test_traces_are_in_jaeger_each_under_its_own_service(emitted: Emitted, jaeger: Jaeger) -> None:
    spans = {span.name: span for span in eventually(lambda: full_trace(jaeger, emitted.trace_id))}
    pay, ledger_entry = spans["pay"], spans["ledger_entry"]
    assert (pay.service, ledger_entry.service) == (f"{emitted.service}-bank", emitted.service)
    assert (pay.span_id, ledger_entry.span_id, ledger_entry.parent_id) == (
        emitted.parent,
        emitted.child,
        emitted.parent,
    )
    assert pay.parent_id == spans["checkout"].span_id
    assert (pay.status, ledger_entry.status, ledger_entry.status_description) == ("OK", "ERROR", "the ledger is closed")
    assert (pay.attributes["amount"], ledger_entry.attributes["flext.operation"]) == ("12.50", "ledger")
    assert {span.attributes["flext.correlation_id"] for span in spans.values()} == {"order-4711"}
    assert f"{emitted.service}-bank" in jaeger.services()


def full_trace(jaeger: Jaeger, trace_id: str) -> list[StoredSpan]:
    spans = jaeger.trace(trace_id)
    return spans if len(spans) == 3 else []


@pytest.mark.stack
def test_metrics_are_in_prometheus_with_their_totals(emitted: Emitted, prometheus: Prometheus) -> None:
    def value(name: str) -> float | None:
        return prometheus.value(f'{name}{{service_name="{emitted.service}"}}')

    assert eventually(lambda: value("entities_sales_total")) == 3.5
    assert value("entities_drawer_ratio") == 0.75
    assert (value("entities_wait_seconds_count"), value("entities_wait_seconds_sum")) == (1, 0.2)
    (sales,) = prometheus.query(f'entities_sales_total{{service_name="{emitted.service}"}}')
    assert sales.labels["shop"] == "north"


@pytest.mark.stack
def test_an_alert_is_counted_in_prometheus_and_a_record_in_victorialogs(
    emitted: Emitted, prometheus: Prometheus, victorialogs: VictoriaLogs
) -> None:
    labels = f'service_name="{emitted.service}",flext_alert_severity="error",flext_alert_status="active"'
    series = f"flext_alerts_total{{{labels}}}"
    assert eventually(lambda: prometheus.value(series)) == 1
    (record,) = eventually(lambda: of_event(victorialogs, emitted.service, "the till stays open"))
    assert record.fields["trace_id"] == emitted.trace_id
    assert record.fields["flext.correlation_id"] == "order-4711"


@pytest.mark.stack
def test_a_health_check_is_a_gauge_in_prometheus_and_its_change_a_record_in_victorialogs(
    emitted: Emitted, prometheus: Prometheus, victorialogs: VictoriaLogs
) -> None:
    series = f'flext_health_status_ratio{{service_name="{emitted.service}",flext_check="till"}}'
    assert eventually(lambda: prometheus.value(series)) == 0.5
    assert eventually(lambda: of_event(victorialogs, emitted.service, "till"))


@pytest.mark.stack
def test_a_log_entry_is_in_victorialogs_in_its_trace(emitted: Emitted, victorialogs: VictoriaLogs) -> None:
    (record,) = eventually(lambda: of_event(victorialogs, emitted.service, "the till is open"))
    assert record.fields["trace_id"] == emitted.trace_id
    assert record.fields["till"] == "3"
    assert record.fields["severity_text"] == "WARNING"


def of_event(victorialogs: VictoriaLogs, service: str, words: str) -> list[LogLine]:
    return victorialogs.query(f'{{service.name="{service}"}} "{words}"')
