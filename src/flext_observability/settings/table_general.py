"""Field table, part 1: identity, switches, exporters, sampling, propagation, links to other tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flext_observability.domain.report import Signal
from flext_observability.settings import types
from flext_observability.settings.choices import (
    DEFAULT_SAMPLER,
    EXPORTERS,
    ID_GENERATOR,
    NO_EXPORTERS,
    PROPAGATORS,
    SAMPLER,
    signal_exporters_type,
)
from flext_observability.settings.fields import setting
from flext_observability.values.dataclass import dataclass

_ENGINE = types.choice_type("lean", "sdk")


@dataclass(frozen=True, slots=True, kw_only=True, init=False, repr=False, eq=False)
class GeneralFields:
    """Settings of no single back end or queue."""

    service_name: str = setting(
        types.TEXT,
        "Name of this service (`service.name`); empty: `unknown_service:` and the name of the executable.",
        "OTEL_SERVICE_NAME",
        default="",
    )
    service_version: str = setting(types.TEXT, "Version of this service (`service.version`).", default="")
    service_namespace: str = setting(
        types.TEXT, "Group that this service belongs to (`service.namespace`).", default=""
    )
    service_instance_id: str = setting(
        types.TEXT, "Unique id of this process (`service.instance.id`); empty: generated for each process.", default=""
    )
    environment: str = setting(
        types.TEXT,
        "Deployment environment (`deployment.environment.name`); `development` enables the console tree.",
        "FLEXT_ENVIRONMENT",
        default="",
    )
    resource_attributes: Mapping[str, str] = setting(
        types.KEY_VALUE_LIST,
        "Further resource attributes, merged from all sources; the source with the highest precedence sets a key.",
        "OTEL_RESOURCE_ATTRIBUTES",
        default=types.NO_KEY_VALUES,
        merged=True,
    )
    resource_detectors: Sequence[str] = setting(
        types.NAMES,
        "Names (entry points) of the resource detectors to run.",
        "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS",
        default=(),
    )
    disabled: bool = setting(
        types.BOOL,
        "Disables all telemetry: no exporter, no thread. All functions still return results.",
        "OTEL_SDK_DISABLED",
        default=False,
    )
    engine: str = setting(
        _ENGINE,
        "Implementation of tracers, meters and loggers: `lean` is that of this library, `sdk` that of OpenTelemetry.",
        default="lean",
    )
    traces_enabled: bool = setting(
        types.BOOL,
        "Whether spans are recorded.",
        "FLEXT_OBSERVABILITY_TRACING_ENABLED",
        "OBSERVABILITY_TRACING_ENABLED",
        default=True,
        aliases=("tracing_enabled",),
        signal="traces",
    )
    metrics_enabled: bool = setting(
        types.BOOL,
        "Whether measurements are recorded.",
        "OBSERVABILITY_METRICS_ENABLED",
        default=True,
        signal="metrics",
    )
    logs_enabled: bool = setting(types.BOOL, "Whether log records are recorded.", default=True, signal="logs")
    exporters: Mapping[Signal, Sequence[str]] = setting(
        EXPORTERS,
        "Names of the exporters, for all signals or for each; default: `otlp` for all.",
        ("FLEXT_OBSERVABILITY_TRACES_EXPORTER", signal_exporters_type("traces")),
        ("FLEXT_OBSERVABILITY_METRICS_EXPORTER", signal_exporters_type("metrics")),
        ("FLEXT_OBSERVABILITY_LOGS_EXPORTER", signal_exporters_type("logs")),
        "FLEXT_OBSERVABILITY_EXPORTERS",
        ("OTEL_TRACES_EXPORTER", signal_exporters_type("traces")),
        ("OTEL_METRICS_EXPORTER", signal_exporters_type("metrics")),
        ("OTEL_LOGS_EXPORTER", signal_exporters_type("logs")),
        default=NO_EXPORTERS,
        merged=True,
    )
    console: bool | None = setting(
        types.BOOL,
        "Console tree on stderr: true adds it, false never does. Not set: added to default exporters in development, "
        "and on a terminal without an environment.",
        default=None,
    )
    log_level: str = setting(
        types.LEVEL,
        "Minimum level of exported standard-library log records; empty: the level of the loggers.",
        "FLEXT_LOG_LEVEL",
        "OBSERVABILITY_LOG_LEVEL",
        default="",
        signal="logs",
    )
    internal_log_level: str = setting(
        types.LEVEL,
        "Level of the loggers `opentelemetry` and `flext_observability`; empty: unchanged.",
        "OTEL_LOG_LEVEL",
        default="",
    )
    instrument: Sequence[str] = setting(
        types.NAMES, "Names of the OpenTelemetry instrumentations to enable.", default=()
    )
    asgi_message_spans: bool = setting(
        types.BOOL,
        "Whether ASGI instrumentations create a span for each message of a request (`http send`, `http receive`).",
        default=False,
        signal="traces",
    )
    propagators: Sequence[str] = setting(
        PROPAGATORS,
        "Propagators of context: tracecontext, baggage, b3, b3multi, jaeger, xray, ottrace, none.",
        "OTEL_PROPAGATORS",
        default=("tracecontext", "baggage"),
    )
    sampler: str = setting(
        SAMPLER, "Sampler of new traces.", "OTEL_TRACES_SAMPLER", default=DEFAULT_SAMPLER, signal="traces"
    )
    sampler_arg: str = setting(
        types.TEXT,
        "Argument of the sampler: the ratio for ratio samplers.",
        "OTEL_TRACES_SAMPLER_ARG",
        default="",
        signal="traces",
    )
    sample_ratio: float | None = setting(
        types.RATIO,
        "Ratio of sampled new traces; short for `parentbased_traceidratio` with this argument.",
        default=None,
        signal="traces",
    )
    id_generator: str = setting(
        ID_GENERATOR,
        "Generator of trace and span ids: `random`, or an installed one (entry-point group "
        "`opentelemetry_id_generator`).",
        "OTEL_PYTHON_ID_GENERATOR",
        default="random",
        signal="traces",
    )
    correlation_id_header: str = setting(
        types.HEADER_NAME,
        "HTTP header that carries the correlation id.",
        "OBSERVABILITY_CORRELATION_ID_HEADER",
        default="X-Correlation-ID",
    )
    shutdown_timeout_seconds: float = setting(
        types.SECONDS, "Timeout of the last export at exit, for all exporters together.", default=2.0
    )
    handle_signals: bool = setting(
        types.BOOL,
        "Whether SIGTERM, SIGHUP and SIGINT end open spans and send what is queued before they end the process.",
        default=True,
    )
    flush_timeout_seconds: float = setting(types.SECONDS, "Default timeout of a flush.", default=30.0)
    trace_registry_size: int = setting(
        types.COUNT,
        "Maximum of open traces of `flext_create_trace`; further ones end the oldest as abandoned.",
        default=10_000,
        unit="traces",
        signal="traces",
    )
    trace_registry_age_seconds: float = setting(
        types.INTERVAL,
        "Maximum age of an open trace of `flext_create_trace`; then it ends as abandoned.",
        default=3600.0,
        signal="traces",
    )
    metrics_store_size: int = setting(
        types.COUNT,
        "Maximum of metric entities in the metrics service.",
        default=1000,
        unit="entities",
        signal="metrics",
    )
    otlp_file_path: str = setting(
        types.TEXT, "Output file of the exporter `otlp_file` (append).", default="telemetry.jsonl"
    )
    prometheus_host: str = setting(
        types.TEXT,
        "Host name or address of `/metrics`.",
        "OTEL_EXPORTER_PROMETHEUS_HOST",
        default="localhost",
        signal="metrics",
    )
    prometheus_port: int = setting(
        types.PORT,
        "Port of `/metrics`; 0: a free port.",
        "OTEL_EXPORTER_PROMETHEUS_PORT",
        default=9464,
        signal="metrics",
    )
    prometheus_client_enabled: bool = setting(
        types.BOOL,
        "Whether `/metrics` also has the metrics of the default registry of `prometheus_client`.",
        default=True,
        signal="metrics",
    )
    metrics_directory: str = setting(
        types.TEXT,
        "Directory by which the processes of a program share one `/metrics`. Empty: automatic; `none`: none.",
        "PROMETHEUS_MULTIPROC_DIR",
        default="",
        signal="metrics",
    )
    metrics_gauge_modes: Mapping[str, str] = setting(
        types.GAUGE_MODES,
        "Value of a gauge of several processes: `sum`, `max`, `min`, `latest`; `process`: one of each.",
        default=types.NO_KEY_VALUES,
        signal="metrics",
    )
    redaction: Sequence[str] = setting(
        types.REDACTION,
        "Rules that mask secrets in all signals: `default` for all but `email`, registered ones included; names of "
        "rules; false for none.",
        default=("default",),
    )
    traces_redaction: Sequence[str] | None = setting(
        types.REDACTION, "Rules for spans and baggage; not set: those of `redaction`.", default=None, signal="traces"
    )
    metrics_redaction: Sequence[str] | None = setting(
        types.REDACTION,
        "Rules for attributes of metrics; not set: those of `redaction`.",
        default=None,
        signal="metrics",
    )
    logs_redaction: Sequence[str] | None = setting(
        types.REDACTION, "Rules for log records; not set: those of `redaction`.", default=None, signal="logs"
    )
    redaction_allow: Sequence[str] = setting(
        types.NAMES,
        "Names of attributes, and values, that are never masked; `*` stands for any text.",
        default=(),
    )
    redaction_key: str = setting(
        types.SECRET,
        "Key of the hash in markers. Empty: a random one, so that markers of two processes differ.",
        default="",
    )
    grafana_url: str = setting(types.URL_TEXT, "URL of Grafana, for links to traces.", "GRAFANA_URL", default="")
    config_file: str = setting(
        types.TEXT,
        "OpenTelemetry configuration file. Not supported yet: it is ignored with a notice.",
        "OTEL_CONFIG_FILE",
        default="",
    )
