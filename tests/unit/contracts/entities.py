"""Contracts of the entities, the functions that create and emit them, the factory and the wrappers."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

import flext_observability as root
from tests.recorded import recording
from tests.unit.contracts.table import contract


@contract("FlextMetric")
def a_metric_keeps_its_value_and_checks_its_rules() -> None:
    tags: Any = {"shop": 3}
    metric = root.FlextMetric(name="orders", value=Decimal("1.10"), unit="count", tags=tags)
    assert (metric.value, metric.tags, metric.metric_type, metric.timestamp.tzinfo) == (
        Decimal("1.10"),
        {"shop": "3"},
        "gauge",
        UTC,
    )
    assert metric.validate_business_rules().success
    broken = root.FlextMetric(name="orders", value=-1, metric_type="counter").validate_domain_rules()
    assert str(broken.error).startswith("Invalid metric value")
    with pytest.raises(ValidationError):
        root.FlextMetric(name="orders", value="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@contract("FlextTrace")
def a_trace_has_no_ids_until_it_is_started() -> None:
    trace = root.FlextTrace(operation_name="charge", service_name="payments")
    assert (trace.trace_id, trace.span_id, trace.status, trace.end_time) == ("", "", "unset", None)
    blank = root.FlextTrace(operation_name=" ", service_name="payments").validate_business_rules()
    assert str(blank.error).startswith("Invalid operation name")


@contract("FlextAlert")
def an_alert_has_a_severity_and_an_id() -> None:
    alert = root.FlextAlert(name="disk", severity="error", message="full")
    assert (alert.alert_id, alert.status, alert.escalation_level) == (alert.id, "active", 0)
    loud = root.FlextAlert(name="disk", severity="loud", message="full").validate_business_rules()
    assert str(loud.error).startswith("Invalid alert severity")


@contract("FlextHealthCheck")
def a_health_check_has_a_status() -> None:
    assert root.FlextHealthCheck(name="database").validate_business_rules().success
    invalid = root.FlextHealthCheck(name="database", status="fine").validate_business_rules()
    assert str(invalid.error).startswith("Invalid health check status")


@contract("FlextLogEntry")
def a_log_entry_accepts_its_level_in_any_case() -> None:
    entry = root.FlextLogEntry(level="WARN", message="late")
    assert (entry.level, entry.severity, entry.validate_business_rules().success) == ("WARN", "warning", True)
    loud = root.FlextLogEntry(level="loud", message="late").validate_business_rules()
    assert str(loud.error).startswith("Invalid log level")


@contract("flext_create_metric")
def a_metric_is_created_and_recorded() -> None:
    with recording() as started:
        metric = root.flext_create_metric("contract.orders", 2, "count", {"a": 1}, "counter").unwrap()
        assert started.handle.metrics.record_metric(metric).success  # still counted once
        assert started.values("contract.orders") == {(("a", "1"),): 2}
        assert started.metric("contract.orders").unit == "{count}"


@contract("flext_create_trace")
def a_trace_is_created_and_started() -> None:
    with recording() as started:
        parent = root.flext_create_trace("checkout", "shop", {"items": 2}).unwrap()
        child = root.flext_create_trace(name="charge", operation="pay", context={"parent_trace_id": parent.id}).unwrap()
        for trace in (child, parent):
            started.handle.tracing.complete_trace(trace).unwrap()
        assert started.span("charge").parent == started.span("checkout").context
        assert (started.span("charge").attributes or {})["flext.operation"] == "pay"


@contract("flext_create_alert")
def an_alert_is_created_and_raised() -> None:
    with recording() as started:
        alert = root.flext_create_alert("disk", "error", "full", "host", {"free": 0}).unwrap()
        (record,) = started.logs("flext.alert")
        assert record.attributes["flext.alert.id"] == alert.id
        started.handle.alerts.resolve_alert(alert).unwrap()


@contract("flext_create_health_check")
def a_health_check_is_created_and_reported() -> None:
    with recording() as started:
        assert root.flext_create_health_check("contract check", "degraded", "slow").success
        assert started.values("flext.health.status")[(("flext.check", "contract check"),)] == 0.5


@contract("flext_create_log_entry")
def a_log_entry_is_created_and_written() -> None:
    with recording() as started, root.traced("writing") as span:
        assert root.flext_create_log_entry("info", "hello", {"a": 1}).success
        (record,) = started.logs()
        assert (record.body, record.trace_id) == ("hello", span.get_span_context().trace_id)


@contract("FlextObservabilityMasterFactory")
def the_factory_neither_emits_nor_starts() -> None:
    factory = root.FlextObservabilityMasterFactory()
    with recording() as started:
        assert factory.create_metric("contract.created", 1, tags={"a": 1}).success
        assert factory.create_trace("a", "b", tags={"a": 1}).unwrap().trace_id == ""
        assert factory.create_alert("a", "info", "m", tags={"a": 1}).success
        assert factory.create_health_check("a", tags={"a": 1}).success
        assert factory.create_log_entry("info", "m", tags={"a": 1}).unwrap().context == {"a": "1"}
        assert (started.metric("contract.created"), started.spans(), started.logs()) == (None, [], [])


@contract("get_global_factory")
def the_process_shares_a_factory() -> None:
    assert root.get_global_factory() is root.get_global_factory()
    assert isinstance(root.get_global_factory(), root.FlextObservabilityMasterFactory)


@contract("reset_global_factory")
def the_shared_factory_can_be_replaced() -> None:
    previous = root.get_global_factory()
    root.reset_global_factory()
    assert root.get_global_factory() is not previous
    assert previous.create_metric("a", 1).success


@contract("traced")
def traced_is_a_context_manager_and_a_decorator() -> None:
    @root.traced
    def bare() -> int:
        return 1

    with recording() as started:
        assert bare() == 1
        with pytest.raises(KeyError), root.traced("block", {"a": 1}, b=2):
            raise KeyError("missing")
        assert [span.name.rpartition(".")[2] for span in started.spans()] == ["bare", "block"]
        assert (started.span("block").attributes or {}).items() >= {"a": 1, "b": 2}.items()
        assert [event.name for event in started.span("block").events] == ["exception"]


@contract("flext_monitor_function")
def a_monitored_function_is_measured() -> None:
    @root.flext_monitor_function("contract.work")
    def work(fails: bool) -> None:
        """Work."""
        if fails:
            raise ValueError("broken")

    with recording() as started:
        work(False)
        with pytest.raises(ValueError, match="broken"):
            work(True)
        assert work.__doc__ == "Work."
        outcomes = {
            dict(each)["flext.outcome"]: value for each, value in started.values("flext.function.calls").items()
        }
        assert outcomes == {"ok": 1, "error": 1}
        assert (len(started.spans("contract.work")), len(started.logs())) == (2, 1)


@contract("FlextObservabilityMonitor")
def a_monitor_watches_rules_from_start_to_stop() -> None:
    rule = root.FlextAlertRule("queue is long", metric="contract.queue", above=10)
    monitor = root.FlextObservabilityMonitor(rules=[rule])
    assert monitor.start().code == "not_started"
    with recording() as started, monitor.collector:
        assert monitor.start().success
        assert monitor.active
        started.handle.metrics.record_metric("contract.queue", 20).unwrap()
        assert [state.state for state in monitor.evaluate_now().unwrap()] == ["firing"]
        assert monitor.stop().success
        assert not monitor.status().active
        assert [each for each in started.handle.alerts.active_alerts().unwrap() if each.name == rule.name] == []
