"""Base of our OTLP exporters: a batch → one outcome. Batches that are too large are sent in halves."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from time import monotonic
from typing import ClassVar

from flext_observability.exporters.request_parts import BatchPart
from flext_observability.exporters.request_sender import RequestSender
from flext_observability.extensions.ports import ExportOutcome

LOADED_MODULES = (
    "encodings.idna",  # resolution of host names
    "flext_observability.exporters.otlp.outcome",
    "flext_observability.wire.otlp.json",
    "google.protobuf.json_format",
    "google.rpc.error_details_pb2",
    "google.rpc.status_pb2",
    "zlib",
)


class BatchExporter(RequestSender):
    """Encodes and sends batches of one signal, and requests that were stored."""

    reads_plain_points: ClassVar = True
    __slots__ = ()

    def export(self, batch: Sequence[object], timeout_seconds: float) -> ExportOutcome:
        """Send the batch, in parts where necessary.

        Args:
            batch: Finished items.
            timeout_seconds: Limit for all requests together.
        """
        part = BatchPart(self._signal, batch, self._encode, self._encode_stored)
        return self._parts.send(part, self._send, monotonic() + timeout_seconds)

    def load_modules(self) -> None:
        """Import what exports and their failures need."""
        for module in LOADED_MODULES:
            import_module(module)
        super().load_modules()
        self._encode([])
