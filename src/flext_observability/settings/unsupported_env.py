"""Environment → a notice for each variable of OpenTelemetry that is not supported."""

from __future__ import annotations

from collections.abc import Mapping

from flext_observability.domain.report import Notice

_JAEGER = (
    "Jaeger's own protocol was removed from OpenTelemetry and from Jaeger",
    "Jaeger accepts OTLP: set OTEL_EXPORTER_OTLP_ENDPOINT",
)
_OLD_NAME = "this name was withdrawn from the specification"

UNSUPPORTED: Mapping[str, tuple[str, str]] = {
    "JAEGER_AGENT_HOST": _JAEGER,
    "JAEGER_AGENT_PORT": _JAEGER,
    "OTEL_EXPORTER_JAEGER_AGENT_HOST": _JAEGER,
    "OTEL_EXPORTER_JAEGER_AGENT_PORT": _JAEGER,
    "OTEL_EXPORTER_JAEGER_ENDPOINT": _JAEGER,
    "OTEL_EXPORTER_JAEGER_PROTOCOL": _JAEGER,
    "OTEL_EXPORTER_OTLP_SPAN_INSECURE": (_OLD_NAME, "Set OTEL_EXPORTER_OTLP_TRACES_INSECURE"),
    "OTEL_EXPORTER_OTLP_METRIC_INSECURE": (_OLD_NAME, "Set OTEL_EXPORTER_OTLP_METRICS_INSECURE"),
    "OTEL_EXPERIMENTAL_CONFIG_FILE": (_OLD_NAME, "Set OTEL_CONFIG_FILE"),
}
"""Reason and next action by variable."""


def unsupported_env_notices(environ: Mapping[str, str]) -> list[Notice]:
    """Return one notice for each unsupported variable that is set."""
    return [
        Notice("all", f"{name} is ignored: {reason}", fix)
        for name, (reason, fix) in UNSUPPORTED.items()
        if environ.get(name, "").strip()
    ]
