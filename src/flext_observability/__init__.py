"""Telemetry for Python programs: traces, metrics and logs over OpenTelemetry, with a result instead of an exception.

Every public name is loaded from its room on first use, so that the bare import costs next to nothing.
"""

from importlib import import_module

TYPE_CHECKING = False  # what type checkers take for typing's own, without the cost of importing typing
if TYPE_CHECKING:
    from flext_observability.adapters.correlation import (
        correlation_scope,
        extract_context,
        flext_get_correlation_id,
        flext_set_correlation_id,
        inject_context,
    )
    from flext_observability.api.create import (
        flext_create_alert,
        flext_create_health_check,
        flext_create_log_entry,
        flext_create_metric,
        flext_create_trace,
    )
    from flext_observability.api.handle import Observability
    from flext_observability.api.monitor import FlextObservabilityMonitor
    from flext_observability.api.namespaces import (
        FlextObservabilityConstants,
        FlextObservabilityProtocols,
        FlextObservabilityTypes,
    )
    from flext_observability.api.ops import ops_asgi_app, ops_wsgi_app, start_ops_server
    from flext_observability.api.service_names import FlextObservabilityServices
    from flext_observability.api.start import (
        flush_observability,
        get_observability,
        init_observability,
        shutdown_observability,
    )
    from flext_observability.decorators.monitored import flext_monitor_function
    from flext_observability.decorators.traced import traced
    from flext_observability.domain.alert import FlextAlert
    from flext_observability.domain.alert_rule import FlextAlertRule
    from flext_observability.domain.container import FlextContainer
    from flext_observability.domain.criteria import MetricsCriteria
    from flext_observability.domain.factory import (
        FlextObservabilityMasterFactory,
        get_global_factory,
        reset_global_factory,
    )
    from flext_observability.domain.health_check import FlextHealthCheck
    from flext_observability.domain.health_report import FlextHealthReport
    from flext_observability.domain.log_entry import FlextLogEntry
    from flext_observability.domain.metric import FlextMetric
    from flext_observability.domain.report import FlushReport, ShutdownReport, SignalStatus
    from flext_observability.domain.result import FlextObservabilityError, FlextResult, PendingResult
    from flext_observability.domain.trace import FlextTrace
    from flext_observability.exporters.memory import memory_store
    from flext_observability.extensions.plugins.base import FlextObservabilityPlugin
    from flext_observability.extensions.plugins.hooks import register_plugin
    from flext_observability.extensions.ports import (
        ExporterFactory,
        ExporterUnavailable,
        ExportOutcome,
        FlextNotifier,
        FlextStorageAdapter,
    )
    from flext_observability.extensions.registry import (
        available_exporters,
        register_exporter,
        register_notifier,
        register_storage,
    )
    from flext_observability.instrumentation.host_metrics.collector import FlextMetricsCollector
    from flext_observability.instrumentation.logging.formatter import TraceContextFormatter
    from flext_observability.instrumentation.structlog.logger import FlextStructuredLogger, get_logger
    from flext_observability.instrumentation.structlog.processor import emit_log_record
    from flext_observability.ops_server.server import OpsServer
    from flext_observability.services.alerts.receivers.alertmanager import AlertmanagerNotifier
    from flext_observability.services.alerts.receivers.webhook import WebhookNotifier
    from flext_observability.services.alerts.service import FlextAlertService
    from flext_observability.services.health.service import FlextHealthService
    from flext_observability.services.instruments import Counter, Gauge, Histogram, UpDownCounter
    from flext_observability.services.logs import FlextLoggingService
    from flext_observability.services.metrics import FlextMetricsService
    from flext_observability.services.platform import FlextObservabilityPlatformV2
    from flext_observability.services.repository import FlextObservabilityRepository
    from flext_observability.services.storage.memory import InMemoryStorage
    from flext_observability.services.storage.sqlite import SQLiteStorage
    from flext_observability.services.tracing import FlextTracingService
    from flext_observability.settings.config import FlextObservabilityConfig

__version__ = "0.1.0"

__all__ = [
    "AlertmanagerNotifier",
    "Counter",
    "ExportOutcome",
    "ExporterFactory",
    "ExporterUnavailable",
    "FlextAlert",
    "FlextAlertRule",
    "FlextAlertService",
    "FlextContainer",
    "FlextHealthCheck",
    "FlextHealthReport",
    "FlextHealthService",
    "FlextLogEntry",
    "FlextLoggingService",
    "FlextMetric",
    "FlextMetricsCollector",
    "FlextMetricsService",
    "FlextNotifier",
    "FlextObservabilityConfig",
    "FlextObservabilityConstants",
    "FlextObservabilityError",
    "FlextObservabilityMasterFactory",
    "FlextObservabilityMonitor",
    "FlextObservabilityPlatformV2",
    "FlextObservabilityPlugin",
    "FlextObservabilityProtocols",
    "FlextObservabilityRepository",
    "FlextObservabilityServices",
    "FlextObservabilityTypes",
    "FlextResult",
    "FlextStorageAdapter",
    "FlextStructuredLogger",
    "FlextTrace",
    "FlextTracingService",
    "FlushReport",
    "Gauge",
    "Histogram",
    "InMemoryStorage",
    "MetricsCriteria",
    "Observability",
    "OpsServer",
    "PendingResult",
    "SQLiteStorage",
    "ShutdownReport",
    "SignalStatus",
    "TraceContextFormatter",
    "UpDownCounter",
    "WebhookNotifier",
    "available_exporters",
    "correlation_scope",
    "emit_log_record",
    "extract_context",
    "flext_create_alert",
    "flext_create_health_check",
    "flext_create_log_entry",
    "flext_create_metric",
    "flext_create_trace",
    "flext_get_correlation_id",
    "flext_monitor_function",
    "flext_set_correlation_id",
    "flush_observability",
    "get_global_factory",
    "get_logger",
    "get_observability",
    "init_observability",
    "inject_context",
    "memory_store",
    "ops_asgi_app",
    "ops_wsgi_app",
    "register_exporter",
    "register_notifier",
    "register_plugin",
    "register_storage",
    "reset_global_factory",
    "shutdown_observability",
    "start_ops_server",
    "traced",
]

_HOMES = {
    "api.namespaces": "FlextObservabilityConstants FlextObservabilityProtocols FlextObservabilityTypes",
    "adapters.correlation": (
        "correlation_scope extract_context flext_get_correlation_id flext_set_correlation_id inject_context"
    ),
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
    "domain.result": "FlextObservabilityError FlextResult PendingResult",
    "domain.trace": "FlextTrace",
    "exporters.memory": "memory_store",
    "api.handle": "Observability",
    "api.start": "flush_observability get_observability init_observability shutdown_observability",
    "instrumentation.logging.formatter": "TraceContextFormatter",
    "instrumentation.host_metrics.collector": "FlextMetricsCollector",
    "instrumentation.structlog.logger": "FlextStructuredLogger get_logger",
    "instrumentation.structlog.processor": "emit_log_record",
    "decorators.monitored": "flext_monitor_function",
    "services.alerts.receivers.alertmanager": "AlertmanagerNotifier",
    "services.alerts.receivers.webhook": "WebhookNotifier",
    "api.ops": "ops_asgi_app ops_wsgi_app start_ops_server",
    "ops_server.server": "OpsServer",
    "extensions.plugins.base": "FlextObservabilityPlugin",
    "extensions.plugins.hooks": "register_plugin",
    "extensions.ports": "ExportOutcome ExporterFactory ExporterUnavailable FlextNotifier FlextStorageAdapter",
    "extensions.registry": "available_exporters register_exporter register_notifier register_storage",
    "services.alerts.service": "FlextAlertService",
    "services.health.service": "FlextHealthService",
    "services.instruments": "Counter Gauge Histogram UpDownCounter",
    "services.logs": "FlextLoggingService",
    "services.metrics": "FlextMetricsService",
    "api.service_names": "FlextObservabilityServices",
    "services.platform": "FlextObservabilityPlatformV2",
    "services.repository": "FlextObservabilityRepository",
    "services.tracing": "FlextTracingService",
    "settings.config": "FlextObservabilityConfig",
    "api.create": (
        "flext_create_alert flext_create_health_check flext_create_log_entry flext_create_metric flext_create_trace"
    ),
    "decorators.traced": "traced",
    "services.storage.memory": "InMemoryStorage",
    "services.storage.sqlite": "SQLiteStorage",
    "api.monitor": "FlextObservabilityMonitor",
}
_TABLE = {name: home for home, names in _HOMES.items() for name in names.split()}


if not TYPE_CHECKING:  # a type checker knows the names above, and finds every other one wrong

    def __getattr__(name: str) -> object:
        """Load a public name from its room and keep it here."""
        if name not in _TABLE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{__name__}.{_TABLE[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
