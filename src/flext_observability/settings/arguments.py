"""Keyword arguments of ``init_observability`` that everybody needs, as type checkers see them; all other fields are on the config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from flext_observability.domain.report import Signal


class InitArguments(TypedDict, total=False):
    """Each key is a field of ``FlextObservabilityConfig`` (``tracing_enabled`` is another name of ``traces_enabled``)."""

    service_name: str
    service_version: str
    environment: str
    resource_attributes: Mapping[str, str]
    otlp_endpoint: str
    otlp_protocol: str
    otlp_headers: Mapping[str, str]
    otlp_timeout_seconds: float
    otlp_file_path: str
    exporters: str | Sequence[str] | Mapping[Signal, str | Sequence[str]]
    sample_ratio: float
    prometheus_host: str
    prometheus_port: int
    instrument: str | Sequence[str]
    propagators: str | Sequence[str]
    metric_export_interval_seconds: float
    shutdown_timeout_seconds: float
    flush_timeout_seconds: float
    disabled: bool
    traces_enabled: bool
    tracing_enabled: bool
    metrics_enabled: bool
    logs_enabled: bool
    log_level: str
    console: bool
