"""flext_create_*: validate, emit once through the active handle, return."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from flext_observability import (
    FlextResult,
    flext_create_alert,
    flext_create_health_check,
    flext_create_log_entry,
    flext_create_metric,
    flext_create_trace,
    traced,
)
from tests.recorded import Recorded, recording

CREATE: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "metric": (flext_create_metric, ("simple.metric", 1)),
    "trace": (flext_create_trace, ("charge", "payments")),
    "alert": (flext_create_alert, ("disk", "error", "full")),
    "health": (flext_create_health_check, ("simple",)),
    "log": (flext_create_log_entry, ("info", "hello")),
}


def test_each_kind_is_emitted(recorded: Recorded) -> None:
    assert flext_create_metric("simple.orders", 2, "count", {"a": 1}, "counter").success
    assert flext_create_alert("disk", "error", "full", "host", {"free": 0}).success
    assert flext_create_health_check("simple check", "degraded", "slow", {"a": 1}).success
    assert flext_create_log_entry("info", "hello", {"a": 1}).success
    trace = flext_create_trace("charge", "payments", {"a": 1}).unwrap()
    recorded.handle.tracing.complete_trace(trace)
    assert recorded.values("simple.orders") == {(("a", "1"),): 2}
    assert recorded.span("charge").resource.attributes["service.name"] == "payments"
    assert {record.event_name for record in recorded.logs()} == {"flext.alert", "flext.health", None}
    assert recorded.values("flext.health.status")[(("flext.check", "simple check"),)] == 0.5


@pytest.mark.parametrize("kind", CREATE)
def test_an_entity_is_emitted_once_when_a_service_records_it_again(recorded: Recorded, kind: str) -> None:
    create, arguments = CREATE[kind]
    entity = create(*arguments).unwrap()
    handle = recorded.handle
    record: dict[str, Any] = {
        "metric": handle.metrics.record_metric,
        "trace": handle.tracing.start_trace,
        "alert": handle.alerts.process_alert,
        "health": handle.health.execute_health_check,
        "log": handle.logs.log,
    }
    before = len(recorded.logs())
    result: FlextResult[Any] = record[kind](entity)
    assert result.data is entity
    assert len(recorded.logs()) == before


@pytest.mark.parametrize(
    ("create", "arguments", "start"),
    [
        (flext_create_metric, (None, 1), "Invalid metric name"),
        (flext_create_metric, ("m", "1"), "Invalid metric value"),
        (flext_create_metric, ("m", 1, 5), "Invalid metric unit"),
        (flext_create_metric, ("m", 1, "", 5), "Invalid metric tags"),
        (flext_create_trace, (), "Invalid operation name"),
        (flext_create_trace, ("", "b"), "Invalid operation name"),
        (flext_create_trace, ("a",), "Invalid service name"),
        (flext_create_trace, ("a", 5), "Invalid service name"),
        (flext_create_trace, ("a", "b", 5), "Invalid trace context"),
        (flext_create_alert, (None, "error", "m"), "Invalid alert name"),
        (flext_create_alert, ("a", "loud", "m"), "Invalid alert severity"),
        (flext_create_health_check, (5,), "Invalid health check name"),
        (flext_create_health_check, ("a", "fine"), "Invalid health check status"),
        (flext_create_log_entry, ("loud", "m"), "Invalid log level"),
        (flext_create_log_entry, ("info", None), "Invalid log message"),
    ],
)
@pytest.mark.parametrize("started", [True, False])
def test_invalid_arguments_fail_before_and_after_the_start(
    create: Any, arguments: tuple[Any, ...], start: str, started: bool
) -> None:
    if started:
        with recording():
            result = create(*arguments)
    else:
        result = create(*arguments)
    assert str(result.error)[: len(start)] == start


class TestTrace:
    def test_name_and_operation_give_a_span_of_this_process(self, recorded: Recorded) -> None:
        trace = flext_create_trace(name="checkout", operation="sell", context={"a": 1}).unwrap()
        assert trace.service_name == recorded.handle.config.service_name
        recorded.handle.tracing.complete_trace(trace)
        span = recorded.span("checkout")
        assert span.attributes == {"flext.id": trace.id, "flext.operation": "sell", "a": 1}
        assert span.resource.attributes["service.name"] == trace.service_name

    def test_name_and_operation_accept_a_service(self, recorded: Recorded) -> None:
        trace = flext_create_trace(name="checkout", operation="sell", service_name="tills").unwrap()
        assert (trace.service_name, trace.context) == ("tills", {"flext.operation": "sell"})

    def test_name_and_operation_before_the_start(self) -> None:
        trace = flext_create_trace(name="checkout", operation="sell").unwrap()
        assert trace.service_name == "unknown_service"

    def test_name_and_operation_with_an_invalid_context_fail(self) -> None:
        context: Any = 5
        result = flext_create_trace(name="checkout", operation="sell", context=context)
        assert str(result.error).startswith("Invalid trace context")

    def test_it_is_a_child_of_the_current_span_and_not_made_current(self, recorded: Recorded) -> None:
        with traced("current") as span:
            trace = flext_create_trace("charge", "payments").unwrap()
            with traced("sibling"):
                pass
        recorded.handle.tracing.complete_trace(trace)
        assert recorded.span("charge").parent == recorded.span("sibling").parent == span.get_span_context()


class TestBeforeTheStart:
    def test_entities_are_validated_and_never_emitted(self) -> None:
        for create, arguments in CREATE.values():
            assert create(*arguments).success
        with recording() as started:
            assert (started.spans(), started.logs(), started.metric("simple.metric")) == ([], [], None)

    def test_a_metric_can_be_recorded_later(self) -> None:
        metric = flext_create_metric("simple.later", 1, metric_type="counter").unwrap()
        with recording() as started:
            started.handle.metrics.record_metric(metric)
            assert started.values("simple.later") == {(): 1}

    def test_a_trace_has_ids_and_its_child_shares_them(self) -> None:
        parent = flext_create_trace("parent", "orders").unwrap()
        child = flext_create_trace("child", "orders", parent_trace_id=parent.id).unwrap()
        assert len(parent.trace_id) == 32
        assert (child.trace_id, child.span_id != parent.span_id) == (parent.trace_id, True)

    def test_nothing_reaches_a_foreign_provider(self) -> None:
        program = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from flext_observability import FlextTracingService, flext_create_trace
exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
entity = flext_create_trace("a", "b").unwrap()
assert FlextTracingService().complete_trace(entity).success
assert exporter.get_finished_spans() == ()
"""
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr


def test_after_shutdown_entities_are_validated_and_returned() -> None:
    with recording():
        pass
    for create, arguments in CREATE.values():
        assert create(*arguments).success
