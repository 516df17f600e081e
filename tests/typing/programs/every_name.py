"""Every public name with its expected types. Type checkers read this program; it is never run."""

from __future__ import annotations

import logging
from collections.abc import Collection
from decimal import Decimal
from typing import Any, assert_type

import flext_observability as root
from flext_observability import (
    AlertmanagerNotifier,
    Counter,
    ExporterFactory,
    ExporterUnavailable,
    ExportOutcome,
    FlextAlert,
    FlextAlertRule,
    FlextAlertService,
    FlextContainer,
    FlextHealthCheck,
    FlextHealthReport,
    FlextHealthService,
    FlextLogEntry,
    FlextLoggingService,
    FlextMetric,
    FlextMetricsCollector,
    FlextMetricsService,
    FlextNotifier,
    FlextObservabilityConfig,
    FlextObservabilityConstants,
    FlextObservabilityError,
    FlextObservabilityMasterFactory,
    FlextObservabilityMonitor,
    FlextObservabilityPlatformV2,
    FlextObservabilityPlugin,
    FlextObservabilityProtocols,
    FlextObservabilityRepository,
    FlextObservabilityServices,
    FlextObservabilityTypes,
    FlextResult,
    FlextStorageAdapter,
    FlextStructuredLogger,
    FlextTrace,
    FlextTracingService,
    FlushReport,
    Gauge,
    Histogram,
    InMemoryStorage,
    MetricsCriteria,
    Observability,
    OpsServer,
    PendingResult,
    ShutdownReport,
    SignalStatus,
    SQLiteStorage,
    TraceContextFormatter,
    UpDownCounter,
    WebhookNotifier,
    available_exporters,
    correlation_scope,
    emit_log_record,
    extract_context,
    flext_create_alert,
    flext_create_health_check,
    flext_create_log_entry,
    flext_create_metric,
    flext_create_trace,
    flext_get_correlation_id,
    flext_grafana_dashboard,
    flext_monitor_function,
    flext_prometheus_rules,
    flext_set_correlation_id,
    flush_observability,
    get_global_factory,
    get_logger,
    get_observability,
    init_observability,
    inject_context,
    memory_store,
    ops_asgi_app,
    ops_wsgi_app,
    publish_to_prometheus_client,
    register_exporter,
    register_notifier,
    register_plugin,
    register_redaction_rule,
    register_storage,
    reset_global_factory,
    shutdown_observability,
    start_ops_server,
    traced,
)
from flext_observability.domain.overhead import Overhead
from flext_observability.domain.report import TelemetryStatus


class Note(FlextNotifier):
    def notify(self, alert: FlextAlert, timeout_seconds: float) -> FlextResult[None]:
        return FlextResult[None].ok(None)


class Factory(ExporterFactory):
    def signals(self) -> Collection[FlextObservabilityTypes.Signal]:
        return {"traces"}

    def create(
        self, signal: FlextObservabilityTypes.Signal, config: FlextObservabilityConfig
    ) -> FlextObservabilityProtocols.PullExporter:
        raise ExporterUnavailable("nothing here", "install it")


def start(container: FlextContainer) -> None:
    handle = init_observability(exporters="memory").unwrap()
    assert_type(handle.alerts, FlextAlertService)
    assert_type(handle.health, FlextHealthService)
    assert_type(handle.logs, FlextLoggingService)
    assert_type(handle.metrics, FlextMetricsService)
    assert_type(handle.tracing, FlextTracingService)
    assert_type(handle.status(), TelemetryStatus)
    assert_type(handle.status()["traces"], SignalStatus)
    assert_type(handle.status().overhead, Overhead)
    assert_type(flush_observability(1), FlextResult[FlushReport])
    assert_type(shutdown_observability(1), FlextResult[ShutdownReport])
    assert_type(get_observability(), FlextResult[Observability])
    assert_type(FlextObservabilityServices.AlertService(container), FlextAlertService)
    assert_type(FlextObservabilityConstants.DEFAULTS, FlextObservabilityConfig)
    memory_store().metric("x")


def entities() -> None:
    assert_type(flext_create_alert("a", "info", "m"), FlextResult[FlextAlert])
    assert_type(flext_create_health_check("a"), FlextResult[FlextHealthCheck])
    assert_type(flext_create_log_entry("info", "m"), FlextResult[FlextLogEntry])
    assert_type(flext_create_metric("m", Decimal(1)), FlextResult[FlextMetric])
    assert_type(flext_create_trace("m", "s"), FlextResult[FlextTrace])
    assert_type(FlextObservabilityMasterFactory().create_metric("a", 1, tags={"a": 1}), FlextResult[FlextMetric])
    assert_type(get_global_factory(), FlextObservabilityMasterFactory)
    reset_global_factory()
    match flext_create_metric("a", 1):
        case FlextResult(success=True, data=metric):
            assert_type(metric, FlextMetric | None)
        case FlextResult(error=error):
            assert_type(error, str | None)


def instruments(metrics: FlextMetricsService) -> None:
    assert_type(metrics.counter("a", "s", "d"), Counter)
    assert_type(metrics.up_down_counter("a"), UpDownCounter)
    assert_type(metrics.gauge("a", mode="sum"), Gauge)
    assert_type(metrics.histogram("a", bounds=[1, 2], objective_seconds=0.1), Histogram)
    metrics.counter("a").add(1, {"a": 1})
    metrics.up_down_counter("a").bind({"a": 1}, b=2).add(-1)
    assert_type(metrics.record_metric("a", 1, "s"), FlextResult[FlextMetric])
    assert_type(metrics.collect_metrics("s", {"a": {"value": 1, "unit": "s"}}), FlextResult[list[FlextMetric]])
    assert_type(metrics.export_prometheus_format(), FlextResult[str])


async def health(service: FlextHealthService) -> None:
    assert_type(await service.execute_health_check("x"), FlextResult[FlextHealthCheck])
    assert_type((await service.overall()).unwrap(), FlextHealthReport)
    assert_type(service.checks(), FlextResult[tuple[FlextHealthCheck, ...]])
    service.register_check("a", lambda: True, critical=True, timeout_seconds=1, interval_seconds=2)

    @service.check("database", critical=False)
    async def database() -> bool:
        return True

    assert_type(await database(), bool)


def alerts(service: FlextAlertService) -> None:
    assert_type(service.rules(), FlextResult[tuple[FlextAlertRule, ...]])
    assert_type(service.escalate_alert("x", {"level": 2}), FlextResult[FlextAlert])
    service.add_notifier("a", Note())
    service.add_notifier("b", lambda alert: alert.name)
    service.add_notifier("c", AlertmanagerNotifier("http://x"))
    service.add_notifier("d", WebhookNotifier("http://x", secret="s"))


def extensions() -> None:
    assert_type(register_notifier("n", Note()), FlextResult[None])
    assert_type(register_redaction_rule("n", r"EMP-\d+"), FlextResult[None])
    assert_type(publish_to_prometheus_client(), FlextResult[None])
    assert_type(flext_prometheus_rules(owner="sales"), FlextResult[str])
    assert_type(flext_grafana_dashboard(title="Sales"), FlextResult[str])
    assert_type(register_exporter("n", Factory()), FlextResult[None])
    assert_type(register_storage("n", InMemoryStorage()), FlextResult[None])
    assert_type(register_plugin("n", FlextObservabilityPlugin()), FlextResult[None])
    assert_type(available_exporters(), tuple[str, ...])
    assert_type(ExportOutcome(1), ExportOutcome)


def storage(container: FlextContainer) -> None:
    adapter: FlextStorageAdapter = SQLiteStorage("x")
    criteria = MetricsCriteria(name="x", tags={"a": "b"}, limit=3)
    assert_type(FlextObservabilityRepository(adapter).query_metrics(criteria), FlextResult[list[FlextMetric]])
    with FlextObservabilityPlatformV2(container, storage="memory") as platform:
        assert_type(platform.factory, FlextObservabilityMasterFactory)
        assert_type(platform.create_metric("a", 1), FlextResult[FlextMetric])


def watching(container: FlextContainer) -> None:
    rules = [FlextAlertRule("x", metric="m", above=1)]
    with FlextObservabilityMonitor(container, rules=rules, collector=FlextMetricsCollector()) as monitor:
        assert_type(monitor.active, bool)
    assert_type(start_ops_server(port=0, token="x"), FlextResult[OpsServer])
    ops_asgi_app()
    ops_wsgi_app(token="x")


def logs() -> None:
    logger = get_logger("x").bind(a=1)
    assert_type(logger, FlextStructuredLogger)
    logger.info("x", b=2)
    logging.StreamHandler().setFormatter(TraceContextFormatter())
    assert_type(emit_log_record(None, "info", {"event": "x"})["event"], Any)


@flext_monitor_function("send")
def send(headers: dict[str, str]) -> None:
    assert_type(flext_set_correlation_id(flext_get_correlation_id()), FlextResult[str])
    with correlation_scope("x") as correlation_id:
        assert_type(correlation_id, str)
    inject_context(headers)
    with traced("x", parent=extract_context(headers)) as span:
        span.set_attribute("a", 1)


def outcome(result: FlextResult[int]) -> int:
    assert_type(root.__version__, str)
    try:
        return 0 if isinstance(result, PendingResult) else result.unwrap()
    except FlextObservabilityError as error:
        return len(error.code)
