"""Push exporter → what encodes its items as requests, and sends them later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flext_observability.extensions.ports import RequestExporter

if TYPE_CHECKING:
    from flext_observability.domain.report import Signal
    from flext_observability.extensions.ports import SignalExporter


def request_exporter(exporter: SignalExporter[Any], signal: Signal) -> RequestExporter | None:
    """Return the encoder and sender of stored requests; None if the exporter cannot have one.

    Args:
        exporter: The exporter.
        signal: Its signal.
    """
    del signal
    return exporter if isinstance(exporter, RequestExporter) else None
