"""Field table, part 1: identity, switches, exporters, sampling, propagation, links to other tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flext_observability.domain.report import Signal
from flext_observability.settings import kinds
from flext_observability.settings.choices import EXPORTERS, NO_EXPORTERS, SAMPLERS, exporters_of
from flext_observability.settings.fields import setting

_SAMPLER = kinds.choice_kind(*SAMPLERS)


@dataclass(frozen=True, slots=True, kw_only=True, init=False, repr=False, eq=False)
class GeneralFields:
    """Settings that are not about one back end or one queue."""

    service_name: str = setting(
        kinds.TEXT,
        "unknown_service",
        "Name of this service; also read from `service.name` of the resource attributes.",
        "OTEL_SERVICE_NAME",
    )
    service_version: str = setting(kinds.TEXT, "", "Version of this service (`service.version`).")
    service_namespace: str = setting(kinds.TEXT, "", "Group that this service belongs to (`service.namespace`).")
    service_instance_id: str = setting(
        kinds.TEXT, "", "Unique id of this process (`service.instance.id`); empty: one is made for each process."
    )
    environment: str = setting(
        kinds.TEXT,
        "",
        "Deployment environment (`deployment.environment.name`); `development` switches the console tree on.",
        "FLEXT_ENVIRONMENT",
    )
    resource_attributes: Mapping[str, str] = setting(
        kinds.PAIRS,
        kinds.NO_PAIRS,
        "Further resource attributes; all sources are put together, the strongest wins by key.",
        "OTEL_RESOURCE_ATTRIBUTES",
        merged=True,
    )
    resource_detectors: Sequence[str] = setting(
        kinds.NAMES,
        (),
        "Resource detectors to run, by entry-point name.",
        "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS",
    )
    disabled: bool = setting(
        kinds.FLAG, False, "Switch everything off: no exporter, no thread, verbs still answer.", "OTEL_SDK_DISABLED"
    )
    traces_enabled: bool = setting(
        kinds.FLAG,
        True,
        "Whether spans are recorded.",
        "FLEXT_OBSERVABILITY_TRACING_ENABLED",
        "OBSERVABILITY_TRACING_ENABLED",
        aliases=("tracing_enabled",),
        signal="traces",
    )
    metrics_enabled: bool = setting(
        kinds.FLAG, True, "Whether measurements are recorded.", "OBSERVABILITY_METRICS_ENABLED", signal="metrics"
    )
    logs_enabled: bool = setting(kinds.FLAG, True, "Whether log records are recorded.", signal="logs")
    exporters: Mapping[Signal, Sequence[str]] = setting(
        EXPORTERS,
        NO_EXPORTERS,
        "Exporters by name, for all signals or for each; default `otlp` for all.",
        ("FLEXT_OBSERVABILITY_TRACES_EXPORTER", exporters_of("traces")),
        ("FLEXT_OBSERVABILITY_METRICS_EXPORTER", exporters_of("metrics")),
        ("FLEXT_OBSERVABILITY_LOGS_EXPORTER", exporters_of("logs")),
        ("OTEL_TRACES_EXPORTER", exporters_of("traces")),
        ("OTEL_METRICS_EXPORTER", exporters_of("metrics")),
        ("OTEL_LOGS_EXPORTER", exporters_of("logs")),
        merged=True,
    )
    console: bool | None = setting(
        kinds.FLAG,
        None,
        "Console tree on stderr: true adds it, false keeps it away; not given: in development, or on a terminal when no environment is set.",
    )
    log_level: str = setting(
        kinds.LEVEL,
        "",
        "Lowest level of standard-library log records that are taken; empty: as the loggers are set.",
        "FLEXT_LOG_LEVEL",
        "OBSERVABILITY_LOG_LEVEL",
        signal="logs",
    )
    internal_log_level: str = setting(
        kinds.LEVEL,
        "",
        "Level of the loggers `opentelemetry` and `flext_observability`; empty: untouched.",
        "OTEL_LOG_LEVEL",
    )
    instrument: Sequence[str] = setting(
        kinds.NAMES, (), "Libraries to instrument, by the name of their OpenTelemetry instrumentation."
    )
    propagators: Sequence[str] = setting(
        kinds.NAMES,
        ("tracecontext", "baggage"),
        "Formats that carry context between processes: tracecontext, baggage, b3, b3multi, jaeger, xray, ottrace, none.",
        "OTEL_PROPAGATORS",
    )
    sampler: str = setting(
        _SAMPLER, "parentbased_always_on", "Which new traces are recorded.", "OTEL_TRACES_SAMPLER", signal="traces"
    )
    sampler_arg: str = setting(
        kinds.TEXT,
        "",
        "Argument of the sampler: the ratio of the ratio samplers.",
        "OTEL_TRACES_SAMPLER_ARG",
        signal="traces",
    )
    sample_ratio: float | None = setting(
        kinds.RATIO,
        None,
        "Share of new traces that are recorded; short for `parentbased_traceidratio` with this argument.",
        unit="1",
        signal="traces",
    )
    correlation_id_header: str = setting(
        kinds.HEADER_NAME,
        "X-Correlation-ID",
        "HTTP header that carries the correlation id.",
        "OBSERVABILITY_CORRELATION_ID_HEADER",
    )
    shutdown_timeout_seconds: float = setting(
        kinds.SECONDS, 2.0, "Time for the last export when the program ends, over all exporters.", unit="s"
    )
    flush_timeout_seconds: float = setting(kinds.SECONDS, 30.0, "Time for a flush that names none.", unit="s")
    trace_registry_size: int = setting(
        kinds.COUNT,
        10_000,
        "Open traces of `flext_create_trace` that are kept; the oldest ends as abandoned.",
        unit="traces",
        signal="traces",
    )
    trace_registry_age_seconds: float = setting(
        kinds.INTERVAL,
        3600.0,
        "Age at which an open trace of `flext_create_trace` ends as abandoned.",
        unit="s",
        signal="traces",
    )
    metrics_store_size: int = setting(
        kinds.COUNT, 1000, "Metric entities that the metrics service keeps.", unit="entities", signal="metrics"
    )
    otlp_file_path: str = setting(kinds.TEXT, "telemetry.jsonl", "File that the exporter `otlp_file` appends to.")
    prometheus_host: str = setting(
        kinds.TEXT,
        "localhost",
        "Address that `/metrics` listens on.",
        "OTEL_EXPORTER_PROMETHEUS_HOST",
        signal="metrics",
    )
    prometheus_port: int = setting(
        kinds.PORT,
        9464,
        "Port that `/metrics` listens on; 0 takes a free one.",
        "OTEL_EXPORTER_PROMETHEUS_PORT",
        signal="metrics",
    )
    push_gateway: str = setting(
        kinds.TEXT, "", "Address of a Pushgateway.", "PROMETHEUS_PUSH_GATEWAY", signal="metrics"
    )
    alertmanager_url: str = setting(
        kinds.TEXT, "", "Address of an Alertmanager that alerts are sent to.", "ALERTMANAGER_URL"
    )
    grafana_url: str = setting(kinds.TEXT, "", "Address of Grafana, for links to a trace.", "GRAFANA_URL")
    config_file: str = setting(
        kinds.TEXT, "", "OpenTelemetry configuration file; not read yet, and the status says so.", "OTEL_CONFIG_FILE"
    )
