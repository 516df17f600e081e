"""Field table, part 2: OTLP, for all signals and for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar, cast

from flext_observability.domain.report import SignalOrAll
from flext_observability.settings import types
from flext_observability.settings.endpoint import ENDPOINT
from flext_observability.settings.fields import setting
from flext_observability.settings.table_general import GeneralFields
from flext_observability.settings.types import FieldType
from flext_observability.values.dataclass import dataclass

T = TypeVar("T")

_PROTOCOL = types.choice_type("grpc", "http/protobuf", "http/json")
_COMPRESSION = types.choice_type("gzip", "none")

OTLP_DOCS: Final = {
    "endpoint": "Endpoint of the collector; empty: `http://localhost:4318`, for gRPC `http://localhost:4317`.",
    "protocol": ("`http/protobuf`, `http/json` or `grpc`; empty: gRPC for port 4317, otherwise `http/protobuf`."),
    "headers": "Headers of each request; percent-encoded in variables.",
    "certificate": "PEM file of the certificate authorities that verify the collector.",
    "client_key": "PEM file of the client's private key.",
    "client_certificate": "PEM file of the client's certificate.",
    "compression": "`gzip` or `none`.",
    "timeout_seconds": "Timeout of one request. The variable is in seconds too, as in OpenTelemetry's Python SDK.",
    "insecure": "For gRPC endpoints without a scheme: true disables TLS.",
}
"""Descriptions of the fields that exist for all signals and for each."""


class _OtlpRows:
    """Rows of the field table for all signals or for one.

    The value of a row for one signal that is not set is the one for all signals.
    """

    def __init__(self, signal: SignalOrAll) -> None:
        self._signal: Final = signal
        self.endpoint = self._row("endpoint", ENDPOINT)
        self.protocol = self._row("protocol", _PROTOCOL)
        self.headers = self._row("headers", types.HEADERS, types.NO_KEY_VALUES)
        self.certificate = self._row("certificate", types.TEXT)
        self.client_key = self._row("client_key", types.TEXT)
        self.client_certificate = self._row("client_certificate", types.TEXT)
        self.compression = self._row("compression", _COMPRESSION, "none")
        self.timeout_seconds = self._row("timeout_seconds", types.TIMEOUT, 10.0)
        self.insecure = self._row("insecure", types.BOOL, False)  # noqa: FBT003 - the default

    def _row(self, name: str, field_type: FieldType[T], default: object = "") -> T:
        signal, doc, variable = self._signal, OTLP_DOCS[name], name.removesuffix("_seconds").upper()
        if signal != "all":
            doc = f"`otlp_{name}` for {signal} alone."
            if name == "endpoint":
                doc = (
                    f"Endpoint for {signal}, used as it is; empty: `otlp_endpoint`, for HTTP with `/v1/{signal}` added."
                )
            variable = f"{signal.upper()}_{variable}"
            if default is not types.NO_KEY_VALUES:
                default = "" if isinstance(default, str) else None
        variable = f"OTEL_EXPORTER_OTLP_{variable}"
        return cast("T", setting(field_type, doc, variable, default=default, signal=signal))


_ALL = _OtlpRows("all")
_TRACES = _OtlpRows("traces")
_METRICS = _OtlpRows("metrics")
_LOGS = _OtlpRows("logs")


@dataclass(frozen=True, slots=True, kw_only=True, init=False, repr=False, eq=False)
class OtlpFields(GeneralFields):
    """Settings of the OTLP exporters."""

    otlp_endpoint: str = _ALL.endpoint
    otlp_protocol: str = _ALL.protocol
    otlp_headers: Mapping[str, str] = _ALL.headers
    otlp_certificate: str = _ALL.certificate
    otlp_client_key: str = _ALL.client_key
    otlp_client_certificate: str = _ALL.client_certificate
    otlp_compression: str = _ALL.compression
    otlp_timeout_seconds: float = _ALL.timeout_seconds
    otlp_insecure: bool = _ALL.insecure
    otlp_gzip_level: int = setting(
        types.int_type("level", 1, 9),
        "Level of gzip over HTTP, from 1 (fastest) to 9 (smallest). gRPC has one level of its own.",
        default=3,
    )
    otlp_traces_endpoint: str = _TRACES.endpoint
    otlp_traces_protocol: str = _TRACES.protocol
    otlp_traces_headers: Mapping[str, str] = _TRACES.headers
    otlp_traces_certificate: str = _TRACES.certificate
    otlp_traces_client_key: str = _TRACES.client_key
    otlp_traces_client_certificate: str = _TRACES.client_certificate
    otlp_traces_compression: str = _TRACES.compression
    otlp_traces_timeout_seconds: float | None = _TRACES.timeout_seconds
    otlp_traces_insecure: bool | None = _TRACES.insecure
    otlp_metrics_endpoint: str = _METRICS.endpoint
    otlp_metrics_protocol: str = _METRICS.protocol
    otlp_metrics_headers: Mapping[str, str] = _METRICS.headers
    otlp_metrics_certificate: str = _METRICS.certificate
    otlp_metrics_client_key: str = _METRICS.client_key
    otlp_metrics_client_certificate: str = _METRICS.client_certificate
    otlp_metrics_compression: str = _METRICS.compression
    otlp_metrics_timeout_seconds: float | None = _METRICS.timeout_seconds
    otlp_metrics_insecure: bool | None = _METRICS.insecure
    otlp_logs_endpoint: str = _LOGS.endpoint
    otlp_logs_protocol: str = _LOGS.protocol
    otlp_logs_headers: Mapping[str, str] = _LOGS.headers
    otlp_logs_certificate: str = _LOGS.certificate
    otlp_logs_client_key: str = _LOGS.client_key
    otlp_logs_client_certificate: str = _LOGS.client_certificate
    otlp_logs_compression: str = _LOGS.compression
    otlp_logs_timeout_seconds: float | None = _LOGS.timeout_seconds
    otlp_logs_insecure: bool | None = _LOGS.insecure
