"""Contracts of the services, the instruments, alerts, health and the metrics collector."""

from __future__ import annotations

import json
import time

import flext_observability as root
from tests.backends.collector import Answer, collector
from tests.recorded import recording
from tests.unit.contracts.table import contract

HANG_UP = Answer(headers={"connection": "close"})


@contract("FlextMetricsService")
def the_metrics_service_records_stores_and_exports() -> None:
    service = root.FlextMetricsService()
    assert service.record_metric("contract_jobs", 3, "count", metric_type="counter").success
    assert len(service.collect_metrics("shop", {"contract_load": {"value": 0.5}, "contract_users": 7}).unwrap()) == 2
    assert service.collect_metrics("shop", {}).is_failure
    assert len(service._metrics_store) == 3
    assert "contract_jobs 3.0" in service.export_prometheus_format().unwrap()


@contract("FlextTracingService")
def the_tracing_service_starts_and_ends_traces() -> None:
    with recording() as started:
        service = root.FlextTracingService()
        trace = service.start_trace("charge").unwrap()
        assert service.error_trace(trace, "declined").unwrap().status == "error"
        with service.trace("ship") as result:
            assert result.unwrap().status == "unset"
        assert result.unwrap().status == "ok"
        assert {span.name for span in started.spans()} == {"charge", "ship"}


@contract("FlextAlertService")
def the_alert_service_raises_escalates_and_resolves() -> None:
    service = root.FlextAlertService()
    alert = service.process_alert(root.FlextAlert(name="disk", severity="warning", message="full")).unwrap()
    assert [each.id for each in service.active_alerts().unwrap()] == [alert.id]
    escalated = service.escalate_alert(alert, {"level": 2, "reason": "no reaction", "severity": "critical"}).unwrap()
    assert (escalated.status, escalated.escalation_level, escalated.severity) == ("escalated", 2, "critical")
    assert service.resolve_alert(alert).unwrap().status == "resolved"
    assert service.active_alerts().unwrap() == ()


@contract("FlextHealthService")
def the_health_service_runs_and_aggregates_checks() -> None:
    service = root.FlextHealthService()

    async def later() -> bool:
        return False

    assert service.register_check("disk", lambda: True).success
    assert service.register_check("cache", later, critical=False, timeout_seconds=1, interval_seconds=60).success
    assert service.execute_health_check("disk").unwrap().status == "healthy"
    report = service.overall().unwrap()
    assert report.status == "degraded"
    assert service.unregister_check("cache").success
    assert service.execute_health_check("unknown").code == "unknown_check"


@contract("FlextHealthReport")
def a_health_report_has_status_reasons_and_checks() -> None:
    service = root.FlextHealthService()
    service.execute_health_check(root.FlextHealthCheck(name="disk", status="unhealthy", message="full")).unwrap()
    report = service.overall().unwrap()
    assert isinstance(report, root.FlextHealthReport)
    assert (report.status, [check.name for check in report.checks]) == ("unhealthy", ["disk"])
    assert report.reasons[0].startswith("disk is unhealthy")


@contract("FlextLoggingService")
def the_logging_service_writes_entries() -> None:
    with recording() as started:
        service = root.FlextLoggingService()
        assert service.log("WARNING", "late", {"a": 1}, b=2).unwrap().context == {"a": 1, "b": 2}
        assert service.log(root.FlextLogEntry(level="info", message="hello")).success
        assert service.log("loud", "late").code == "invalid_log"
        assert [record.body for record in started.logs()] == ["late", "hello"]


@contract("FlextObservabilityServices")
def services_have_short_names() -> None:
    assert isinstance(root.FlextObservabilityServices.MetricsService(), root.FlextMetricsService)
    assert root.FlextObservabilityServices.TracingService is root.FlextTracingService


@contract("Counter")
def a_counter_is_monotonic() -> None:
    with recording() as started:
        counter = started.handle.metrics.counter("contract.counter", "count")
        assert isinstance(counter, root.Counter)
        counter.add(2)
        counter.add(-1)
        counter.bind(a=1).add(3)
        assert started.values("contract.counter") == {(): 2, (("a", 1),): 3}


@contract("UpDownCounter")
def an_up_down_counter_may_decrease() -> None:
    with recording() as started:
        handle = started.handle.metrics.up_down_counter("contract.up_down")
        assert isinstance(handle, root.UpDownCounter)
        handle.add(2)
        handle.bind().add(-3)
        assert started.values("contract.up_down") == {(): -1}


@contract("Gauge")
def a_gauge_has_the_latest_value() -> None:
    with recording() as started:
        gauge = started.handle.metrics.gauge("contract.gauge")
        assert isinstance(gauge, root.Gauge)
        gauge.set(2)
        gauge.bind().set(1.5)
        assert started.values("contract.gauge") == {(): 1.5}


@contract("Histogram")
def a_histogram_has_buckets() -> None:
    with recording() as started:
        histogram = started.handle.metrics.histogram("contract.histogram", "s", bounds=[1, 2])
        assert isinstance(histogram, root.Histogram)
        histogram.record(1.5)
        histogram.bind().record(5)
        (point,) = started.metric("contract.histogram").data.data_points
        assert (list(point.explicit_bounds), list(point.bucket_counts), point.sum) == ([1, 2], [0, 1, 1], 6.5)


@contract("FlextAlertRule")
def a_rule_raises_and_resolves_an_alert() -> None:
    rule = root.FlextAlertRule("queue is long", metric="contract.rule.queue", above=10, severity="error")
    assert rule.validate_business_rules().success
    assert root.FlextAlertRule("nothing", metric="x").validate_business_rules().code == "invalid_alert_rule"
    with recording() as started:
        alerts, metrics = started.handle.alerts, started.handle.metrics
        alerts.add_rule(rule).unwrap()
        for value, names in {20: ["queue is long"], 5: []}.items():
            metrics.record_metric("contract.rule.queue", value).unwrap()
            alerts.run_pending()
            assert [each.name for each in alerts.active_alerts().unwrap() if each.name == rule.name] == names
        alerts.remove_rule("queue is long").unwrap()


class RecordingNotifier:
    """A notifier that records its alerts."""

    def __init__(self) -> None:
        self.alerts: list[tuple[str, str]] = []

    def notify(self, alert: root.FlextAlert, timeout_seconds: float) -> root.FlextResult[None]:
        assert timeout_seconds > 0
        self.alerts.append((alert.name, alert.status))
        return root.FlextResult.ok(None)


@contract("FlextNotifier")
def a_notifier_receives_alerts() -> None:
    received = RecordingNotifier()
    notifier: root.FlextNotifier = received
    service = root.FlextAlertService()
    service.add_notifier("recording", notifier).unwrap()
    alert = service.process_alert(root.FlextAlert(name="disk", severity="error", message="full")).unwrap()
    assert service.flush(time.monotonic() + 10)
    service.resolve_alert(alert).unwrap()
    assert service.flush(time.monotonic() + 10)
    assert received.alerts == [("disk", "active"), ("disk", "resolved")]


@contract("register_redaction_rule")
def a_redaction_rule_is_registered_by_name() -> None:
    assert root.register_redaction_rule("contract_rule", r"EMP-\d+").success
    assert root.register_redaction_rule("Two words", r"EMP-\d+").code == "invalid_redaction_rule"
    with recording() as started:
        with root.traced("hire", id="EMP-12"):
            pass
        assert started.handle.flush().success
        attributes = root.memory_store().spans[-1].attributes or {}
        assert str(attributes["id"]).startswith("[redacted:contract_rule:")
        assert started.handle.status().redaction.masked["contract_rule"] == 1


@contract("register_notifier")
def a_notifier_is_registered_by_name() -> None:
    names: list[str] = []
    assert root.register_notifier("contract_notifier", lambda alert: names.append(alert.name)).success
    assert root.register_notifier("two words", RecordingNotifier()).code == "invalid_notifier"
    with recording(alert_notifiers=("contract_notifier",)) as started:
        alert = root.flext_create_alert("door", "error", "open").unwrap()
        assert started.handle.alerts.flush(time.monotonic() + 10)
        started.handle.alerts.resolve_alert(alert).unwrap()
    assert names[0] == "door"


@contract("AlertmanagerNotifier")
def the_alertmanager_gets_labels_and_annotations() -> None:
    alert = root.FlextAlert(name="disk", severity="error", message="full", source="host")
    with collector() as received:
        received.standing = HANG_UP
        assert root.AlertmanagerNotifier(received.url).notify(alert, 10).success
        (request,) = received.requests
    (sent,) = json.loads(request.body)
    assert request.path == "/api/v2/alerts"
    assert sent["labels"].items() >= {"alertname": "disk", "severity": "error", "source": "host"}.items()
    assert root.AlertmanagerNotifier(received.url).notify(alert, 10).code == "unreachable"


@contract("WebhookNotifier")
def the_webhook_gets_a_json_object() -> None:
    alert = root.FlextAlert(name="disk", severity="error", message="full")
    with collector() as received:
        received.standing = HANG_UP
        assert root.WebhookNotifier(f"{received.url}/hook", secret="key").notify(alert, 10).success
        (request,) = received.requests
    assert (request.path, request.headers["x-flext-signature"][:7]) == ("/hook", "sha256=")
    assert json.loads(request.body)["alert"]["id"] == alert.id


@contract("FlextMetricsCollector")
def the_collector_measures_the_process() -> None:
    with root.FlextMetricsCollector(system=False) as collector:
        assert collector.active
        names = {metric.name for metric in collector.collect().unwrap()}
    assert names > {"process.memory.usage", "process.cpu.time"}
    assert not collector.active
