"""Body of an OTLP export request → the items that were encoded, for exporters that do not take requests."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from flext_observability.wire.otlp.encode import collector_message

if TYPE_CHECKING:
    from flext_observability.domain.report import Signal

_MODULES: dict[Signal, tuple[str, ...]] = {
    "traces": ("flext_observability.wire.otlp.restore_spans",),
    "logs": ("flext_observability.wire.otlp.restore_logs",),
    "metrics": ("opentelemetry.sdk.metrics.export", "flext_observability.wire.otlp.restore_metrics"),
}


def load_restore_modules(signal: Signal) -> None:
    """Import what ``restore`` needs."""
    for module in _MODULES[signal]:
        import_module(module)
    restore(signal, b"")


def restore(signal: Signal, body: bytes) -> Sequence[object]:
    """Return the spans, log records or collections of metrics of a request.

    Args:
        signal: Signal of the request.
        body: ``Export…ServiceRequest`` in protobuf.

    Raises:
        Exception: The body is not such a request, or has a kind of metric that the SDK does not have.
    """
    request = collector_message(signal, "Request")
    request.ParseFromString(body)
    if signal == "traces":
        from flext_observability.wire.otlp.restore_spans import restored_spans

        return restored_spans(request)
    if signal == "logs":
        from flext_observability.wire.otlp.restore_logs import restored_records

        return restored_records(request)
    from flext_observability.wire.otlp.restore_metrics import restored_collections

    return restored_collections(request)
