"""Instruments of this library and of HTTP instrumentations, which a program has once it uses them."""

from __future__ import annotations

from typing import Final

from flext_observability.domain.declaration import DeclaredInstrument
from flext_observability.values import names

_OUTCOMES: Final = (names.OPERATION_ATTRIBUTE, names.OUTCOME_ATTRIBUTE)
_SERVER: Final = ("http.request.method", "http.response.status_code", "http.route", "url.scheme", "error.type")
_CLIENT: Final = ("http.request.method", "http.response.status_code", "server.address", "server.port", "error.type")
_ON_USE: Final[tuple[DeclaredInstrument, ...]] = (
    DeclaredInstrument("flext.alerts", "counter", "{alert}", "", ("severity", "status")),
    DeclaredInstrument(names.FUNCTION_CALLS_NAME, "counter", names.FUNCTION_CALLS_UNIT, "", _OUTCOMES, complete=True),
    DeclaredInstrument(names.FUNCTION_DURATION_NAME, "histogram", "s", "", _OUTCOMES, complete=True),
    DeclaredInstrument(names.HEALTH_GAUGE_NAME, "gauge", "1", "", (names.HEALTH_CHECK_ATTRIBUTE,), complete=True),
    DeclaredInstrument("http.server.request.duration", "histogram", "s", "", _SERVER),
    DeclaredInstrument("http.server.active_requests", "up_down_counter", "{request}", "", _SERVER),
    DeclaredInstrument("http.server.request.body.size", "histogram", "By", "", _SERVER),
    DeclaredInstrument("http.server.response.body.size", "histogram", "By", "", _SERVER),
    DeclaredInstrument("http.client.request.duration", "histogram", "s", "", _CLIENT),
    DeclaredInstrument("http.client.request.body.size", "histogram", "By", "", _CLIENT),
    DeclaredInstrument("http.client.response.body.size", "histogram", "By", "", _CLIENT),
)
"""Source: https://opentelemetry.io/docs/specs/semconv/http/http-metrics/"""
_HOST_ATTRIBUTES: Final = {
    "cpython.gc.": ("cpython.gc.generation",),
    "process.context_switches": ("process.context_switch.type",),
    "process.cpu.": ("cpu.mode",),
    "process.disk.": ("disk.io.direction",),
    "process.paging.": ("system.paging.fault.type",),
    "system.cpu.": ("cpu.mode", "cpu.logical_number"),
    "system.disk.": ("system.device", "disk.io.direction"),
    "system.filesystem.": (
        "system.device",
        "system.filesystem.mode",
        "system.filesystem.mountpoint",
        "system.filesystem.state",
        "system.filesystem.type",
    ),
    "system.memory.": ("system.memory.state",),
    "system.network.": ("network.io.direction", "network.interface.name", "system.device"),
    "system.paging.": ("system.paging.state",),
}
"""Attributes by the beginning of the name of a metric."""


def library_instruments() -> list[DeclaredInstrument]:
    """Return the instruments, those of the collector of process and host metrics included."""
    from flext_observability.instrumentation.host_metrics.process import PROCESS_METRICS
    from flext_observability.instrumentation.host_metrics.system import SYSTEM_METRICS

    metrics = (*PROCESS_METRICS, *SYSTEM_METRICS)
    host = [DeclaredInstrument(each.name, each.kind, each.unit, each.description, _of(each.name)) for each in metrics]
    return [*_ON_USE, *host]


def _of(name: str) -> tuple[str, ...]:
    return next((found for start, found in _HOST_ATTRIBUTES.items() if name.startswith(start)), ())
