"""Batch of items → OTLP requests to store, and stored requests → outcomes; the base of exporters that do both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from flext_observability.domain.report import Signal
from flext_observability.exporters.request_parts import PartSender, RequestPart
from flext_observability.extensions.ports import EncodedRequest, ExportOutcome
from flext_observability.pipeline.exporter_calls import not_tried
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.shortage import is_shortage
from flext_observability.wire.otlp.batch import count_items, split
from flext_observability.wire.otlp.encoder import RequestEncoder

if TYPE_CHECKING:
    from flext_observability.settings.otlp import Encoding


class RequestSender(ABC):
    """Encodes batches of one signal as requests, and sends requests; both in parts where necessary.

    Args:
        signal: Signal of the batches.
        encoding: Encoding of the requests that are sent. Stored ones are in protobuf.
        max_request_bytes: Size above which receivers usually reject requests, before compression. Larger batches are
            split at once; a single item is sent all the same. None: the receiver decides.
    """

    __slots__ = ("_encoder", "_parts", "_signal", "_stored_encoder")

    def __init__(
        self, signal: Signal, encoding: Encoding = "protobuf", *, max_request_bytes: int | None = None
    ) -> None:
        self._signal: Signal = signal
        self._encoder = RequestEncoder(signal, encoding)
        self._stored_encoder = RequestEncoder(signal)  # of its own: another thread may use it during an export
        self._parts = PartSender(inf if max_request_bytes is None else max_request_bytes + 1)

    def load_modules(self) -> None:
        """Import what encoding needs; the encoders import their own modules at the first call."""
        self._encoder.load()
        self._stored_encoder.load()

    def encode_request(self, batch: Sequence[object]) -> list[EncodedRequest]:
        """Return the batch as requests that the receiver accepts by their size; items that cannot be encoded alone.

        Raises:
            Exception: Files or memory are lacking.
        """
        items = count_items(self._signal, batch)
        try:
            body, reason = self._encode_stored(batch), ""
        except (OSError, ImportError, MemoryError):
            raise
        except BaseException as error:  # noqa: BLE001 - of any type; it concerns one item only
            reraise_interrupt(error)
            body, reason = b"", "encoding"
        if items <= 1 or not (reason or len(body) >= self._parts.split_bytes):
            return [EncodedRequest(body, items, reason)]
        first, second = split(self._signal, batch)
        return [*self.encode_request(first), *self.encode_request(second)]

    def send_request(self, body: bytes, items: int, timeout_seconds: float) -> ExportOutcome:
        """Send a stored request, in parts where necessary.

        Args:
            body: Request in protobuf.
            items: Number of its items.
            timeout_seconds: Limit for all parts together.
        """
        part = RequestPart(self._signal, EncodedRequest(body, items), self._encoder.transcode)
        deadline = monotonic() + timeout_seconds
        try:
            return self._parts.send(part, self._send, deadline)
        except BaseException as error:  # noqa: BLE001 - of any type; the caller keeps the items
            reraise_interrupt(error)
            message = f"sending stored {self._signal} raised {describe_error(error)}"
            return not_tried(message, error) if is_shortage(error) else ExportOutcome(reason="error", message=message)

    @abstractmethod
    def _send(self, body: bytes, items: int, timeout_seconds: float) -> ExportOutcome:
        """Send an encoded request with this number of items."""

    def _encode(self, batch: Sequence[object]) -> bytes:
        """Return the batch as a request. May raise."""
        return self._encoder.encode(batch)

    def _encode_stored(self, batch: Sequence[object]) -> bytes:
        """Return the batch as a request in protobuf. May raise."""
        return self._stored_encoder.encode(batch)
