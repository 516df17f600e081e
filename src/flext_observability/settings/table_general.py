"""Field table, part 1: identity, switches, exporters, sampling, propagation, links to other tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flext_observability.domain.report import Signal
from flext_observability.settings import types as kinds
from flext_observability.settings.choices import (
    DEFAULT_SAMPLER,
    EXPORTERS,
    NO_EXPORTERS,
    PROPAGATORS,
    SAMPLER,
    exporters_of,
)
from flext_observability.settings.fields import setting


@dataclass(frozen=True, slots=True, kw_only=True, init=False, repr=False, eq=False)
class GeneralFields:
    """Settings that are not about one back end or one queue."""

    service_name: str = setting(
        kinds.TEXT,
        "Name of this service (`service.name`); when nobody says it, `unknown_service:` and the name of the executable.",
        "OTEL_SERVICE_NAME",
        default="",
    )
    service_version: str = setting(kinds.TEXT, "Version of this service (`service.version`).", default="")
    service_namespace: str = setting(
        kinds.TEXT, "Group that this service belongs to (`service.namespace`).", default=""
    )
    service_instance_id: str = setting(
        kinds.TEXT,
        "Unique id of this process (`service.instance.id`); empty: one is made for each process.",
        default="",
    )
    environment: str = setting(
        kinds.TEXT,
        "Deployment environment (`deployment.environment.name`); `development` switches the console tree on.",
        "FLEXT_ENVIRONMENT",
        default="",
    )
    resource_attributes: Mapping[str, str] = setting(
        kinds.PAIRS,
        "Further resource attributes; all sources are put together, the strongest wins by key.",
        "OTEL_RESOURCE_ATTRIBUTES",
        default=kinds.NO_PAIRS,
        merged=True,
    )
    resource_detectors: Sequence[str] = setting(
        kinds.NAMES,
        "Resource detectors to run, by entry-point name.",
        "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS",
        default=(),
    )
    disabled: bool = setting(
        kinds.FLAG,
        "Switch everything off: no exporter, no thread, verbs still answer.",
        "OTEL_SDK_DISABLED",
        default=False,
    )
    traces_enabled: bool = setting(
        kinds.FLAG,
        "Whether spans are recorded.",
        "FLEXT_OBSERVABILITY_TRACING_ENABLED",
        "OBSERVABILITY_TRACING_ENABLED",
        default=True,
        aliases=("tracing_enabled",),
        signal="traces",
    )
    metrics_enabled: bool = setting(
        kinds.FLAG,
        "Whether measurements are recorded.",
        "OBSERVABILITY_METRICS_ENABLED",
        default=True,
        signal="metrics",
    )
    logs_enabled: bool = setting(kinds.FLAG, "Whether log records are recorded.", default=True, signal="logs")
    exporters: Mapping[Signal, Sequence[str]] = setting(
        EXPORTERS,
        "Exporters by name, for all signals or for each; default `otlp` for all.",
        ("FLEXT_OBSERVABILITY_TRACES_EXPORTER", exporters_of("traces")),
        ("FLEXT_OBSERVABILITY_METRICS_EXPORTER", exporters_of("metrics")),
        ("FLEXT_OBSERVABILITY_LOGS_EXPORTER", exporters_of("logs")),
        "FLEXT_OBSERVABILITY_EXPORTERS",
        ("OTEL_TRACES_EXPORTER", exporters_of("traces")),
        ("OTEL_METRICS_EXPORTER", exporters_of("metrics")),
        ("OTEL_LOGS_EXPORTER", exporters_of("logs")),
        default=NO_EXPORTERS,
        merged=True,
    )
    console: bool | None = setting(
        kinds.FLAG,
        "Console tree on stderr: true adds it, false keeps it away; not given: in development, or on a terminal when no environment is set.",
        default=None,
    )
    log_level: str = setting(
        kinds.LEVEL,
        "Lowest level of standard-library log records that are taken; empty: as the loggers are set.",
        "FLEXT_LOG_LEVEL",
        "OBSERVABILITY_LOG_LEVEL",
        default="",
        signal="logs",
    )
    internal_log_level: str = setting(
        kinds.LEVEL,
        "Level of the loggers `opentelemetry` and `flext_observability`; empty: untouched.",
        "OTEL_LOG_LEVEL",
        default="",
    )
    instrument: Sequence[str] = setting(
        kinds.NAMES, "Libraries to instrument, by the name of their OpenTelemetry instrumentation.", default=()
    )
    propagators: Sequence[str] = setting(
        PROPAGATORS,
        "Formats that carry context between processes: tracecontext, baggage, b3, b3multi, jaeger, xray, ottrace, none.",
        "OTEL_PROPAGATORS",
        default=("tracecontext", "baggage"),
    )
    sampler: str = setting(
        SAMPLER,
        "Which new traces are recorded.",
        "OTEL_TRACES_SAMPLER",
        default=DEFAULT_SAMPLER,
        signal="traces",
    )
    sampler_arg: str = setting(
        kinds.TEXT,
        "Argument of the sampler: the ratio of the ratio samplers.",
        "OTEL_TRACES_SAMPLER_ARG",
        default="",
        signal="traces",
    )
    sample_ratio: float | None = setting(
        kinds.RATIO,
        "Share of new traces that are recorded; short for `parentbased_traceidratio` with this argument.",
        default=None,
        unit="1",
        signal="traces",
    )
    correlation_id_header: str = setting(
        kinds.HEADER_NAME,
        "HTTP header that carries the correlation id.",
        "OBSERVABILITY_CORRELATION_ID_HEADER",
        default="X-Correlation-ID",
    )
    shutdown_timeout_seconds: float = setting(
        kinds.SECONDS, "Time for the last export when the program ends, over all exporters.", default=2.0, unit="s"
    )
    flush_timeout_seconds: float = setting(kinds.SECONDS, "Time for a flush that names none.", default=30.0, unit="s")
    trace_registry_size: int = setting(
        kinds.COUNT,
        "Open traces of `flext_create_trace` that are kept; the oldest ends as abandoned.",
        default=10_000,
        unit="traces",
        signal="traces",
    )
    trace_registry_age_seconds: float = setting(
        kinds.INTERVAL,
        "Age at which an open trace of `flext_create_trace` ends as abandoned.",
        default=3600.0,
        unit="s",
        signal="traces",
    )
    metrics_store_size: int = setting(
        kinds.COUNT, "Metric entities that the metrics service keeps.", default=1000, unit="entities", signal="metrics"
    )
    otlp_file_path: str = setting(
        kinds.TEXT, "File that the exporter `otlp_file` appends to.", default="telemetry.jsonl"
    )
    prometheus_host: str = setting(
        kinds.TEXT,
        "Address that `/metrics` listens on.",
        "OTEL_EXPORTER_PROMETHEUS_HOST",
        default="localhost",
        signal="metrics",
    )
    prometheus_port: int = setting(
        kinds.PORT,
        "Port that `/metrics` listens on; 0 takes a free one.",
        "OTEL_EXPORTER_PROMETHEUS_PORT",
        default=9464,
        signal="metrics",
    )
    grafana_url: str = setting(kinds.TEXT, "Address of Grafana, for links to a trace.", "GRAFANA_URL", default="")
    config_file: str = setting(
        kinds.TEXT,
        "OpenTelemetry configuration file; not read yet, and the status says so.",
        "OTEL_CONFIG_FILE",
        default="",
    )
