"""Field table, part 2: where and how OTLP is sent, for all signals and for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flext_observability.settings import types as kinds
from flext_observability.settings.endpoint import ENDPOINT
from flext_observability.settings.fields import setting
from flext_observability.settings.table_general import GeneralFields

_PROTOCOL = kinds.choice_kind("grpc", "http/protobuf", "http/json")
_COMPRESSION = kinds.choice_kind("gzip", "none")
_ADDRESS = "Address for {}, used as it is; empty: `otlp_endpoint`, for HTTP with `/v1/{}` added."
_AS_GENERAL = "As `otlp_{}`, for {} alone."


@dataclass(frozen=True, slots=True, kw_only=True, init=False, repr=False, eq=False)
class OtlpFields(GeneralFields):
    """Settings of the OTLP exporters; a field of one signal that is not given follows the general one."""

    otlp_endpoint: str = setting(
        ENDPOINT,
        "Address of the collector; empty: `http://localhost:4318`, for gRPC `http://localhost:4317`.",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        default="",
    )
    otlp_protocol: str = setting(
        _PROTOCOL,
        "`http/protobuf` or `grpc`; empty: gRPC for port 4317, otherwise HTTP. `http/json` is answered with `http/protobuf`.",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        default="",
    )
    otlp_headers: Mapping[str, str] = setting(
        kinds.HEADERS,
        "Headers of each request; in variables percent-encoded.",
        "OTEL_EXPORTER_OTLP_HEADERS",
        default=kinds.NO_PAIRS,
    )
    otlp_certificate: str = setting(
        kinds.TEXT,
        "File of certificates (PEM) that the collector is checked against.",
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        default="",
    )
    otlp_client_key: str = setting(
        kinds.TEXT, "File of our private key (PEM).", "OTEL_EXPORTER_OTLP_CLIENT_KEY", default=""
    )
    otlp_client_certificate: str = setting(
        kinds.TEXT, "File of our certificate (PEM).", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", default=""
    )
    otlp_compression: str = setting(_COMPRESSION, "`gzip` or `none`.", "OTEL_EXPORTER_OTLP_COMPRESSION", default="none")
    otlp_timeout_seconds: float = setting(
        kinds.TIMEOUT,
        "Time for one request. The variable is in seconds too, as in OpenTelemetry's Python SDK.",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        default=10.0,
        unit="s",
    )
    otlp_insecure: bool = setting(
        kinds.FLAG, "gRPC address without scheme: true for no TLS.", "OTEL_EXPORTER_OTLP_INSECURE", default=False
    )

    otlp_traces_endpoint: str = setting(
        ENDPOINT, _ADDRESS.format("traces", "traces"), "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", default="", signal="traces"
    )
    otlp_traces_protocol: str = setting(
        _PROTOCOL,
        _AS_GENERAL.format("protocol", "traces"),
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        default="",
        signal="traces",
    )
    otlp_traces_headers: Mapping[str, str] = setting(
        kinds.HEADERS,
        _AS_GENERAL.format("headers", "traces"),
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        default=kinds.NO_PAIRS,
        signal="traces",
    )
    otlp_traces_certificate: str = setting(
        kinds.TEXT,
        _AS_GENERAL.format("certificate", "traces"),
        "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
        default="",
        signal="traces",
    )
    otlp_traces_client_key: str = setting(
        kinds.TEXT,
        _AS_GENERAL.format("client_key", "traces"),
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
        default="",
        signal="traces",
    )
    otlp_traces_client_certificate: str = setting(
        kinds.TEXT,
        _AS_GENERAL.format("client_certificate", "traces"),
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
        default="",
        signal="traces",
    )
    otlp_traces_compression: str = setting(
        _COMPRESSION,
        _AS_GENERAL.format("compression", "traces"),
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
        default="",
        signal="traces",
    )
    otlp_traces_timeout_seconds: float | None = setting(
        kinds.TIMEOUT,
        _AS_GENERAL.format("timeout_seconds", "traces"),
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        default=None,
        unit="s",
        signal="traces",
    )
    otlp_traces_insecure: bool | None = setting(
        kinds.FLAG,
        _AS_GENERAL.format("insecure", "traces"),
        "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
        default=None,
        signal="traces",
    )
    otlp_metrics_endpoint: str = setting(
        ENDPOINT,
        _ADDRESS.format("metrics", "metrics"),
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        default="",
        signal="metrics",
    )
    otlp_metrics_protocol: str = setting(
        _PROTOCOL,
        _AS_GENERAL.format("protocol", "metrics"),
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
        default="",
        signal="metrics",
    )
    otlp_metrics_headers: Mapping[str, str] = setting(
        kinds.HEADERS,
        _AS_GENERAL.format("headers", "metrics"),
        "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
        default=kinds.NO_PAIRS,
        signal="metrics",
    )
    otlp_metrics_certificate: str = setting(
        kinds.TEXT,
        _AS_GENERAL.format("certificate", "metrics"),
        "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE",
        default="",
        signal="metrics",
    )
    otlp_metrics_client_key: str = setting(
        kinds.TEXT,
        _AS_GENERAL.format("client_key", "metrics"),
        "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY",
        default="",
        signal="metrics",
    )
    otlp_metrics_client_certificate: str = setting(
        kinds.TEXT,
        _AS_GENERAL.format("client_certificate", "metrics"),
        "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE",
        default="",
        signal="metrics",
    )
    otlp_metrics_compression: str = setting(
        _COMPRESSION,
        _AS_GENERAL.format("compression", "metrics"),
        "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
        default="",
        signal="metrics",
    )
    otlp_metrics_timeout_seconds: float | None = setting(
        kinds.TIMEOUT,
        _AS_GENERAL.format("timeout_seconds", "metrics"),
        "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
        default=None,
        unit="s",
        signal="metrics",
    )
    otlp_metrics_insecure: bool | None = setting(
        kinds.FLAG,
        _AS_GENERAL.format("insecure", "metrics"),
        "OTEL_EXPORTER_OTLP_METRICS_INSECURE",
        default=None,
        signal="metrics",
    )
    otlp_logs_endpoint: str = setting(
        ENDPOINT, _ADDRESS.format("logs", "logs"), "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", default="", signal="logs"
    )
    otlp_logs_protocol: str = setting(
        _PROTOCOL, _AS_GENERAL.format("protocol", "logs"), "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", default="", signal="logs"
    )
    otlp_logs_headers: Mapping[str, str] = setting(
        kinds.HEADERS,
        _AS_GENERAL.format("headers", "logs"),
        "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
        default=kinds.NO_PAIRS,
        signal="logs",
    )
    otlp_logs_certificate: str = setting(
        kinds.TEXT,
        _AS_GENERAL.format("certificate", "logs"),
        "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE",
        default="",
        signal="logs",
    )
    otlp_logs_client_key: str = setting(
        kinds.TEXT,
        _AS_GENERAL.format("client_key", "logs"),
        "OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY",
        default="",
        signal="logs",
    )
    otlp_logs_client_certificate: str = setting(
        kinds.TEXT,
        _AS_GENERAL.format("client_certificate", "logs"),
        "OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE",
        default="",
        signal="logs",
    )
    otlp_logs_compression: str = setting(
        _COMPRESSION,
        _AS_GENERAL.format("compression", "logs"),
        "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION",
        default="",
        signal="logs",
    )
    otlp_logs_timeout_seconds: float | None = setting(
        kinds.TIMEOUT,
        _AS_GENERAL.format("timeout_seconds", "logs"),
        "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT",
        default=None,
        unit="s",
        signal="logs",
    )
    otlp_logs_insecure: bool | None = setting(
        kinds.FLAG,
        _AS_GENERAL.format("insecure", "logs"),
        "OTEL_EXPORTER_OTLP_LOGS_INSECURE",
        default=None,
        signal="logs",
    )
