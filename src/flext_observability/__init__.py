"""Telemetry for Python programs: traces, metrics and logs over OpenTelemetry, with results instead of exceptions.

A public name is imported from its module on first use, so that importing the package costs next to nothing.
"""

from importlib import import_module

TYPE_CHECKING = not __name__  # false, without importing typing; type checkers and Jedi read the imports below
if TYPE_CHECKING:
    from flext_observability.adapters.correlation import (
        correlation_scope as correlation_scope,
        flext_get_correlation_id as flext_get_correlation_id,
        flext_set_correlation_id as flext_set_correlation_id,
    )
    from flext_observability.adapters.propagation import (
        extract_context as extract_context,
        inject_context as inject_context,
    )
    from flext_observability.api.create import (
        flext_create_alert as flext_create_alert,
        flext_create_health_check as flext_create_health_check,
        flext_create_log_entry as flext_create_log_entry,
        flext_create_metric as flext_create_metric,
        flext_create_trace as flext_create_trace,
    )
    from flext_observability.api.generate import (
        flext_grafana_dashboard as flext_grafana_dashboard,
        flext_prometheus_rules as flext_prometheus_rules,
    )
    from flext_observability.api.handle import Observability as Observability
    from flext_observability.api.monitor import FlextObservabilityMonitor as FlextObservabilityMonitor
    from flext_observability.api.namespaces import (
        FlextObservabilityConstants as FlextObservabilityConstants,
        FlextObservabilityProtocols as FlextObservabilityProtocols,
        FlextObservabilityServices as FlextObservabilityServices,
        FlextObservabilityTypes as FlextObservabilityTypes,
    )
    from flext_observability.api.ops import (
        ops_asgi_app as ops_asgi_app,
        ops_wsgi_app as ops_wsgi_app,
        start_ops_server as start_ops_server,
    )
    from flext_observability.api.prometheus import publish_to_prometheus_client as publish_to_prometheus_client
    from flext_observability.api.start import (
        flush_observability as flush_observability,
        get_observability as get_observability,
        init_observability as init_observability,
        shutdown_observability as shutdown_observability,
    )
    from flext_observability.decorators.monitored import flext_monitor_function as flext_monitor_function
    from flext_observability.decorators.traced import traced as traced
    from flext_observability.domain.alert import FlextAlert as FlextAlert
    from flext_observability.domain.alert_rule import FlextAlertRule as FlextAlertRule
    from flext_observability.domain.container import FlextContainer as FlextContainer
    from flext_observability.domain.criteria import MetricsCriteria as MetricsCriteria
    from flext_observability.domain.factory import (
        FlextObservabilityMasterFactory as FlextObservabilityMasterFactory,
        get_global_factory as get_global_factory,
        reset_global_factory as reset_global_factory,
    )
    from flext_observability.domain.health_check import FlextHealthCheck as FlextHealthCheck
    from flext_observability.domain.health_report import FlextHealthReport as FlextHealthReport
    from flext_observability.domain.log_entry import FlextLogEntry as FlextLogEntry
    from flext_observability.domain.metric import FlextMetric as FlextMetric
    from flext_observability.domain.pending_result import PendingResult as PendingResult
    from flext_observability.domain.report import (
        FlushReport as FlushReport,
        ShutdownReport as ShutdownReport,
        SignalStatus as SignalStatus,
    )
    from flext_observability.domain.result import (
        FlextObservabilityError as FlextObservabilityError,
        FlextResult as FlextResult,
    )
    from flext_observability.domain.trace import FlextTrace as FlextTrace
    from flext_observability.exporters.memory import memory_store as memory_store
    from flext_observability.extensions.plugins.base import FlextObservabilityPlugin as FlextObservabilityPlugin
    from flext_observability.extensions.plugins.hooks import register_plugin as register_plugin
    from flext_observability.extensions.ports import (
        ExporterFactory as ExporterFactory,
        ExporterUnavailable as ExporterUnavailable,
        ExportOutcome as ExportOutcome,
        FlextNotifier as FlextNotifier,
        FlextStorageAdapter as FlextStorageAdapter,
    )
    from flext_observability.extensions.redaction_rules import register_redaction_rule as register_redaction_rule
    from flext_observability.extensions.registry import (
        available_exporters as available_exporters,
        register_exporter as register_exporter,
        register_notifier as register_notifier,
        register_storage as register_storage,
    )
    from flext_observability.instrumentation.host_metrics.collector import (
        FlextMetricsCollector as FlextMetricsCollector,
    )
    from flext_observability.instrumentation.logging.formatter import TraceContextFormatter as TraceContextFormatter
    from flext_observability.instrumentation.structlog.logger import (
        FlextStructuredLogger as FlextStructuredLogger,
        get_logger as get_logger,
    )
    from flext_observability.instrumentation.structlog.processor import emit_log_record as emit_log_record
    from flext_observability.ops_server.server import OpsServer as OpsServer
    from flext_observability.services.alerts.receivers.alertmanager import AlertmanagerNotifier as AlertmanagerNotifier
    from flext_observability.services.alerts.receivers.webhook import WebhookNotifier as WebhookNotifier
    from flext_observability.services.alerts.service import FlextAlertService as FlextAlertService
    from flext_observability.services.health.service import FlextHealthService as FlextHealthService
    from flext_observability.services.instruments import (
        Counter as Counter,
        Gauge as Gauge,
        Histogram as Histogram,
        UpDownCounter as UpDownCounter,
    )
    from flext_observability.services.logs import FlextLoggingService as FlextLoggingService
    from flext_observability.services.metrics import FlextMetricsService as FlextMetricsService
    from flext_observability.services.platform import FlextObservabilityPlatformV2 as FlextObservabilityPlatformV2
    from flext_observability.services.repository import FlextObservabilityRepository as FlextObservabilityRepository
    from flext_observability.services.storage.memory import InMemoryStorage as InMemoryStorage
    from flext_observability.services.storage.sqlite import SQLiteStorage as SQLiteStorage
    from flext_observability.services.tracing import FlextTracingService as FlextTracingService
    from flext_observability.settings.config import FlextObservabilityConfig as FlextObservabilityConfig

    __all__: list[str]

__version__ = "0.1.0"

_MODULES = {
    "adapters.correlation": "correlation_scope flext_get_correlation_id flext_set_correlation_id",
    "adapters.propagation": "extract_context inject_context",
    "api.create": (
        "flext_create_alert flext_create_health_check flext_create_log_entry flext_create_metric flext_create_trace"
    ),
    "api.generate": "flext_grafana_dashboard flext_prometheus_rules",
    "api.handle": "Observability",
    "api.monitor": "FlextObservabilityMonitor",
    "api.namespaces": (
        "FlextObservabilityServices FlextObservabilityConstants FlextObservabilityProtocols FlextObservabilityTypes"
    ),
    "api.ops": "ops_asgi_app ops_wsgi_app start_ops_server",
    "api.prometheus": "publish_to_prometheus_client",
    "api.start": "flush_observability get_observability init_observability shutdown_observability",
    "decorators.monitored": "flext_monitor_function",
    "decorators.traced": "traced",
    "domain.alert": "FlextAlert",
    "domain.alert_rule": "FlextAlertRule",
    "domain.container": "FlextContainer",
    "domain.criteria": "MetricsCriteria",
    "domain.factory": "FlextObservabilityMasterFactory get_global_factory reset_global_factory",
    "domain.health_check": "FlextHealthCheck",
    "domain.health_report": "FlextHealthReport",
    "domain.log_entry": "FlextLogEntry",
    "domain.metric": "FlextMetric",
    "domain.report": "FlushReport ShutdownReport SignalStatus",
    "domain.pending_result": "PendingResult",
    "domain.result": "FlextObservabilityError FlextResult",
    "domain.trace": "FlextTrace",
    "exporters.memory": "memory_store",
    "extensions.plugins.base": "FlextObservabilityPlugin",
    "extensions.plugins.hooks": "register_plugin",
    "extensions.ports": "ExportOutcome ExporterFactory ExporterUnavailable FlextNotifier FlextStorageAdapter",
    "extensions.redaction_rules": "register_redaction_rule",
    "extensions.registry": "available_exporters register_exporter register_notifier register_storage",
    "instrumentation.host_metrics.collector": "FlextMetricsCollector",
    "instrumentation.logging.formatter": "TraceContextFormatter",
    "instrumentation.structlog.logger": "FlextStructuredLogger get_logger",
    "instrumentation.structlog.processor": "emit_log_record",
    "ops_server.server": "OpsServer",
    "services.alerts.receivers.alertmanager": "AlertmanagerNotifier",
    "services.alerts.receivers.webhook": "WebhookNotifier",
    "services.alerts.service": "FlextAlertService",
    "services.health.service": "FlextHealthService",
    "services.instruments": "Counter Gauge Histogram UpDownCounter",
    "services.logs": "FlextLoggingService",
    "services.metrics": "FlextMetricsService",
    "services.platform": "FlextObservabilityPlatformV2",
    "services.repository": "FlextObservabilityRepository",
    "services.storage.memory": "InMemoryStorage",
    "services.storage.sqlite": "SQLiteStorage",
    "services.tracing": "FlextTracingService",
    "settings.config": "FlextObservabilityConfig",
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names.split()}

if not TYPE_CHECKING:  # for a type checker, only the names above exist
    __all__ = [*sorted(_MODULE_OF)]  # noqa: PLE0604 - names

    def __getattr__(name: str) -> object:
        """Import a public name and keep it."""
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from flext_observability.runtime.paused_gc import paused_gc

        with paused_gc():
            value: object = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Return the public names."""
    return [*_MODULE_OF, "__version__"]
