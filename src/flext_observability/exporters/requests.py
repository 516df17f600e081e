"""Push exporter of any kind → ``RequestExporter``, for items that are stored before they are sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast, final

from flext_observability.exporters.request_sender import RequestSender
from flext_observability.extensions.ports import (
    ExporterIdentity,
    ExportOutcome,
    FlushOnlyExporter,
    IdentifiedExporter,
    LoadingExporter,
    RequestExporter,
    SignalExporter,
)
from flext_observability.pipeline.exporter_calls import ExporterCalls
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.wire.otlp.restore import load_restore_modules, restore

if TYPE_CHECKING:
    from flext_observability.domain.report import Signal

MAX_REQUEST_BYTES: Final = 4 << 20
"""Limit of a stored request, because exporters of other packages do not report the limits of their receivers."""


class ItemSender(RequestSender):
    """Exporter that stores requests, around one that takes items.

    Args:
        exporter: The exporter.
        signal: Its signal.
    """

    __slots__ = ("_calls", "_exporter")

    def __init__(self, exporter: SignalExporter[object], signal: Signal) -> None:
        super().__init__(signal, max_request_bytes=MAX_REQUEST_BYTES)
        self._exporter = exporter
        self._calls = ExporterCalls(exporter)

    def export(self, batch: Sequence[object], timeout_seconds: float) -> ExportOutcome:
        """Pass a batch to the exporter."""
        return self._exporter.export(batch, timeout_seconds)

    def close(self) -> None:
        """Close the exporter."""
        self._exporter.close()

    def load_modules(self) -> None:
        """Import what the exporter, encoding and restoring need."""
        if isinstance(self._exporter, LoadingExporter):
            self._exporter.load_modules()
        super().load_modules()
        load_restore_modules(self._signal)

    def _send(self, body: bytes, items: int, timeout_seconds: float) -> ExportOutcome:
        try:
            batch = list(restore(self._signal, body))
        except (OSError, ImportError, MemoryError):
            raise
        except BaseException as error:  # noqa: BLE001 - protobuf raises errors of several types
            reraise_interrupt(error)
            return ExportOutcome(
                reason="encoding",
                message=f"stored {self._signal} cannot be read ({describe_error(error)})"[:300],
                fix="Send them with an OTLP exporter",
            )
        return self._calls.export(batch, timeout_seconds)


@final
class IdentifiedItemSender(ItemSender):
    """``ItemSender`` around an exporter to one address."""

    __slots__ = ()

    @property
    def identity(self) -> ExporterIdentity:
        """Kind and address of the exporter."""
        return cast("IdentifiedExporter", self._exporter).identity


def request_exporter(exporter: SignalExporter[object], signal: Signal) -> SignalExporter[object]:
    """Return an exporter that is a ``RequestExporter``, too: the given one, or an adapter around it.

    Exporters that send nothing are returned as they are: those with ``is_local`` set on their class, and those that
    keep the latest totals at their back end.

    Args:
        exporter: Push exporter of any kind.
        signal: Its signal.
    """
    if isinstance(exporter, RequestExporter | FlushOnlyExporter) or getattr(type(exporter), "is_local", False):
        return exporter
    kind = IdentifiedItemSender if isinstance(exporter, IdentifiedExporter) else ItemSender
    return kind(exporter, signal)
