"""Classes of public names: constants, type aliases, ports, services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias, final

from flext_observability.adapters import correlation, instrument_table
from flext_observability.decorators import span_arguments as arguments
from flext_observability.domain import (
    alert,
    alert_rule,
    container,
    entity,
    health_check,
    log_entry,
    metric,
    report,
    trace,
)
from flext_observability.extensions import ports
from flext_observability.extensions.plugins import base, dispatcher
from flext_observability.services import repository
from flext_observability.services.alerts.service import FlextAlertService
from flext_observability.services.health.service import FlextHealthService
from flext_observability.services.logs import FlextLoggingService
from flext_observability.services.metrics import FlextMetricsService
from flext_observability.services.tracing import FlextTracingService
from flext_observability.settings import arguments as setting_arguments, config, fields
from flext_observability.values import encoding, names, units
from flext_observability.views import model


@final
class FlextObservabilityConstants:
    """Words, names and limits that programs, dashboards and alert rules may rely on.

    Attributes:
        DEFAULTS: Every setting with its default: ``DEFAULTS.shutdown_timeout_seconds``.
        ENVIRONMENT_PREFIX: Prefix of the variable of each setting.
        SIGNALS: The signals.
        ENTITY_KINDS: ``Entity.kind`` of each entity.
        METRIC_TYPES: Values of ``FlextMetric.metric_type``.
        TRACE_STATUSES: Values of ``FlextTrace.status``.
        ALERT_SEVERITIES: Values of ``FlextAlert.severity``, mildest first.
        ALERT_STATUSES: Values of ``FlextAlert.status``.
        ALERT_MEASURES: Values of ``FlextAlertRule.measure``.
        HEALTH_STATUSES: Values of ``FlextHealthCheck.status``.
        LOG_LEVELS: Values of ``FlextLogEntry.level``, lowest first; case does not matter.
        OUTCOMES: Values of ``OUTCOME_ATTRIBUTE`` of a monitored call.
        PLUGIN_HOOKS: Hooks of a plug-in.
        ALERT_EVENT_NAME: Event name of the log record of an alert.
        ALERT_COUNTER_NAME: Counter of alerts, by severity and status.
        HEALTH_EVENT_NAME: Event name of the log record of a health change.
        HEALTH_GAUGE_NAME: Gauge of health checks: 1 healthy, 0.5 degraded, 0 unhealthy.
        HEALTH_CHECK_ATTRIBUTE: Its attribute with the check's name.
        FUNCTION_DURATION_NAME: Histogram of monitored functions, in seconds.
        FUNCTION_CALLS_NAME: Counter of their calls.
        OPERATION_ATTRIBUTE: Attribute of both: the operation.
        OUTCOME_ATTRIBUTE: Attribute of both: the outcome of the call.
        CORRELATION_ATTRIBUTE: Attribute of spans and log records: the correlation id.
        TRACE_ID_ATTRIBUTE: Attribute of the span of a ``FlextTrace``: its ``id``.
        UNKNOWN_PARENT_ATTRIBUTE: Attribute of a span with an unknown parent: the id of the parent.
        MAX_CORRELATION_ID_LENGTH: Maximum length of a correlation id, in characters.
        MAX_UNIT_LENGTH: Maximum length of a unit, in characters.
        MAX_ATTRIBUTE_BYTES: Maximum size of an attribute value, in bytes of UTF-8.
        PLUGIN_LIMIT_SECONDS: Maximum duration of a plug-in's hook, in seconds.
    """

    DEFAULTS: Final = config.with_defaults({})
    ENVIRONMENT_PREFIX: Final = fields.PREFIX
    SIGNALS: Final = report.SIGNALS
    ENTITY_KINDS: Final = repository.KINDS
    METRIC_TYPES: Final = metric.METRIC_TYPES
    TRACE_STATUSES: Final = trace.TRACE_STATUSES
    ALERT_SEVERITIES: Final = names.ALERT_SEVERITIES
    ALERT_STATUSES: Final = alert.ALERT_STATUSES
    ALERT_MEASURES: Final = alert_rule.MEASURES
    HEALTH_STATUSES: Final = health_check.HEALTH_STATUSES
    LOG_LEVELS: Final = log_entry.LOG_LEVELS
    OUTCOMES: Final = names.OUTCOMES
    PLUGIN_HOOKS: Final = base.HOOK_NAMES
    ALERT_EVENT_NAME: Final = names.ALERT_EVENT_NAME
    ALERT_COUNTER_NAME: Final = names.ALERT_COUNTER_NAME
    HEALTH_EVENT_NAME: Final = names.HEALTH_EVENT_NAME
    HEALTH_GAUGE_NAME: Final = names.HEALTH_GAUGE_NAME
    HEALTH_CHECK_ATTRIBUTE: Final = names.HEALTH_CHECK_ATTRIBUTE
    FUNCTION_DURATION_NAME: Final = names.FUNCTION_DURATION_NAME
    FUNCTION_CALLS_NAME: Final = names.FUNCTION_CALLS_NAME
    OPERATION_ATTRIBUTE: Final = names.OPERATION_ATTRIBUTE
    OUTCOME_ATTRIBUTE: Final = names.OUTCOME_ATTRIBUTE
    CORRELATION_ATTRIBUTE: Final = names.CORRELATION_ATTRIBUTE
    TRACE_ID_ATTRIBUTE: Final = names.TRACE_ID_ATTRIBUTE
    UNKNOWN_PARENT_ATTRIBUTE: Final = names.UNKNOWN_PARENT_ATTRIBUTE
    MAX_CORRELATION_ID_LENGTH: Final = correlation.MAX_ID_CHARACTERS
    MAX_UNIT_LENGTH: Final = units.MAX_UNIT_LENGTH
    MAX_ATTRIBUTE_BYTES: Final = encoding.MAX_BYTES
    PLUGIN_LIMIT_SECONDS: Final = dispatcher.HOOK_TIMEOUT_SECONDS


@final
class FlextObservabilityTypes:
    """Type aliases of the public signatures, for annotations: ``def choose() -> FlextObservabilityTypes.Signal``.

    Attributes:
        Signal: ``traces``, ``metrics`` or ``logs``.
        SignalState: ``active``, ``degraded`` or ``off``.
        Exporters: Type of the argument ``exporters``.
        InitArguments: The keyword arguments of ``init_observability``, for ``Unpack``.
        Entity: Base of the five entities.
        AttributeValue: An encoded attribute value.
        InstrumentKind: Kinds of instruments.
        Parent: Type of ``traced(…, parent=…)``.
        Hook: Name of a plug-in's hook.
        Measure: Type of ``FlextAlertRule.measure``.
        Combine: Type of ``FlextAlertRule.combine``.
        MetricPoint: One series of an instrument at one moment.
        MetricSource: Function that returns all points.
        StatusSource: Function that returns the status of all signals.
        ExportOutcome: Outcome of an export call.
    """

    Signal: TypeAlias = report.Signal
    SignalState: TypeAlias = report.SignalState
    Exporters: TypeAlias = setting_arguments.Exporters
    InitArguments: TypeAlias = setting_arguments.InitArguments
    Entity: TypeAlias = entity.Entity
    AttributeValue: TypeAlias = encoding.AttributeValue
    InstrumentKind: TypeAlias = instrument_table.InstrumentKind
    Parent: TypeAlias = arguments.Parent
    Hook: TypeAlias = base.Hook
    Measure: TypeAlias = alert_rule.Measure
    Combine: TypeAlias = alert_rule.Combine
    MetricPoint: TypeAlias = model.MetricView
    MetricSource: TypeAlias = ports.MetricSource
    StatusSource: TypeAlias = ports.StatusSource
    ExportOutcome: TypeAlias = ports.ExportOutcome


@final
class FlextObservabilityProtocols:
    """Ports that programs and other packages implement, for annotations and base classes.

    Attributes:
        SignalExporter: Push exporter of one signal.
        PullExporter: Pull exporter of metrics, which renders a page.
        ExporterFactory: Factory of exporters, for ``register_exporter``.
        FlextNotifier: Receiver of alerts, for ``register_notifier``.
        FlextStorageAdapter: Storage of a repository, for ``register_storage``.
        Container: Container that services read: any object with ``get`` and ``register``.
        Clock: Source of time, ``clock`` in the container.
        IdGenerator: Source of entity ids, ``id_generator`` in the container: a function that returns text.
    """

    SignalExporter: TypeAlias = ports.SignalExporter[object]
    PullExporter: TypeAlias = ports.PullExporter
    ExporterFactory: TypeAlias = ports.ExporterFactory
    FlextNotifier: TypeAlias = ports.FlextNotifier
    FlextStorageAdapter: TypeAlias = ports.FlextStorageAdapter
    Container: TypeAlias = container.Container
    Clock: TypeAlias = ports.Clock
    IdGenerator: TypeAlias = Callable[[], str]


@final
class FlextObservabilityServices:
    """The services by short names: ``FlextObservabilityServices.MetricsService()`` is a ``FlextMetricsService``.

    Attributes:
        MetricsService: Records metrics.
        TracingService: Starts and ends traces.
        AlertService: Processes, escalates and resolves alerts.
        HealthService: Runs health checks and aggregates them.
        LoggingService: Writes log entries.
    """

    MetricsService = FlextMetricsService
    TracingService = FlextTracingService
    AlertService = FlextAlertService
    HealthService = FlextHealthService
    LoggingService = FlextLoggingService
