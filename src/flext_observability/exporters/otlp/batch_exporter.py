"""Base of our OTLP exporters: a batch → one outcome. Batches that are too large are sent in halves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from flext_observability.domain.report import Signal
from flext_observability.extensions.ports import EncodedRequest, ExportOutcome
from flext_observability.pipeline.exporter_calls import not_tried
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.wire.otlp.batch import count_items, describe_item, split
from flext_observability.wire.otlp.encoder import RequestEncoder, transcode_request
from flext_observability.wire.otlp.split import split_request

if TYPE_CHECKING:
    from flext_observability.settings.otlp import Encoding

LOADED_MODULES = (
    "encodings.idna",  # resolution of host names
    "flext_observability.exporters.otlp.outcome",
    "google.protobuf.json_format",
    "google.rpc.error_details_pb2",
    "google.rpc.status_pb2",
    "zlib",
)
_SPLIT_REASONS = frozenset({"too_large", "encoding"})


class BatchExporter(ABC):
    """Encodes and sends batches of one signal.

    The parts of a batch are sent in order, and the first retryable one ends the call. The items that an outcome counts
    are therefore always the first of the batch. A single item that is too large or cannot be encoded is rejected alone,
    and named in the message.

    Args:
        signal: Signal of the batches.
        encoding: Encoding of the requests.
        max_request_bytes: Size above which receivers usually reject requests, before compression. Larger batches are
            split at once; a single item is sent all the same. None: the receiver decides.
    """

    reads_plain_points: ClassVar = True
    __slots__ = ("_accepted_bytes", "_encoder", "_encoding", "_request_encoder", "_signal", "_split_bytes")

    def __init__(
        self, signal: Signal, encoding: Encoding = "protobuf", *, max_request_bytes: int | None = None
    ) -> None:
        self._signal: Signal = signal
        self._encoding: Encoding = encoding
        self._encoder = RequestEncoder(signal, encoding)
        self._request_encoder = RequestEncoder(signal)  # for another thread, during an export
        self._split_bytes = inf if max_request_bytes is None else max_request_bytes + 1
        self._accepted_bytes = 0  # a receiver may reject a small request, because of one item

    def export(self, batch: Sequence[object], timeout_seconds: float) -> ExportOutcome:
        """Send the batch, in parts where necessary.

        Args:
            batch: Finished items.
            timeout_seconds: Limit for all requests together.
        """
        return self._export_part(batch, monotonic() + timeout_seconds)

    def load_modules(self) -> None:
        """Import what exports and their failures need; the encoders import their own modules at the first call."""
        for module in LOADED_MODULES:
            import_module(module)
        self._encoder.load()
        self._encode([])
        self.encode_request([])

    def encode_request(self, batch: Sequence[object]) -> list[EncodedRequest]:
        """Return the batch as requests that a receiver accepts by their size, and the items that cannot be encoded."""
        items = count_items(self._signal, batch)
        try:
            body, reason = self._request_encoder.encode(batch), ""
        except (OSError, ImportError, MemoryError):
            raise
        except BaseException as error:  # noqa: BLE001 - of any type; it concerns one item only
            reraise_interrupt(error)
            body, reason = b"", "encoding"
        if items <= 1 or not (reason or len(body) >= self._split_bytes):
            return [EncodedRequest(body, items, reason)]
        first, second = split(self._signal, batch)
        return [*self.encode_request(first), *self.encode_request(second)]

    def send_request(self, body: bytes, items: int, timeout_seconds: float) -> ExportOutcome:
        """Send an encoded request; one that is too large is sent in halves."""
        deadline = monotonic() + timeout_seconds
        try:
            outcome = self._send(self._to_wire(body), items, timeout_seconds)
            if outcome.reason != "too_large" or items <= 1:
                return outcome
            done = ExportOutcome()
            for part, count in split_request(self._signal, body, items):
                each = self.send_request(part, count, max(deadline - monotonic(), 0.05))
                if each.retry:
                    return each  # all of it is sent again
                done = replace(each, accepted=done.accepted + each.accepted, rejected=done.rejected + each.rejected)
        except BaseException as error:  # noqa: BLE001 - a stored request must not end the worker
            reraise_interrupt(error)
            return _encoding_failure(self._signal, error)
        return done

    def _to_wire(self, body: bytes) -> bytes:
        """Return an encoded request in the encoding of this exporter."""
        return body if self._encoding == "protobuf" else transcode_request(self._signal, body)

    @abstractmethod
    def _send(self, body: bytes, items: int, timeout_seconds: float) -> ExportOutcome:
        """Send an encoded request with this number of items."""

    def _encode(self, batch: Sequence[object]) -> bytes:
        """Return the batch as a request. May raise."""
        return self._encoder.encode(batch)

    def _export_part(self, batch: Sequence[object], deadline: float) -> ExportOutcome:
        items = count_items(self._signal, batch)
        outcome = self._attempt(batch, items, deadline)
        if outcome.reason not in _SPLIT_REASONS:
            return outcome
        if items > 1:
            return self._split(batch, deadline)
        message = f"{outcome.message} ({describe_item(self._signal, batch)})"
        return replace(outcome, rejected=items, message=message)

    def _attempt(self, batch: Sequence[object], items: int, deadline: float) -> ExportOutcome:
        try:
            body = self._encode(batch)
        except (OSError, ImportError, MemoryError) as error:
            return not_tried(f"the {self._signal} cannot be encoded now: {describe_error(error)}", error)
        except BaseException as error:  # noqa: BLE001 - of any type; it concerns one item only
            reraise_interrupt(error)
            return _encoding_failure(self._signal, error)
        if items > 1 and len(body) >= self._split_bytes and len(body) > self._accepted_bytes:
            return ExportOutcome(reason="too_large")
        remaining = deadline - monotonic()
        if remaining <= 0:
            message = "the time limit passed before all parts of the batch were sent"
            fix = "Raise traces_export_timeout_seconds, logs_export_timeout_seconds or metric_export_timeout_seconds"
            return ExportOutcome(retry=True, reason="timeout", message=message, fix=fix)
        outcome = self._send(body, items, remaining)
        if outcome.reason == "too_large":
            self._split_bytes = min(len(body), self._split_bytes)
        elif outcome.accepted:
            self._accepted_bytes = max(len(body), self._accepted_bytes)
        return outcome

    def _split(self, batch: Sequence[object], deadline: float) -> ExportOutcome:
        first, second = split(self._signal, batch)
        done = self._export_part(first, deadline)
        if done.accepted + done.rejected < count_items(self._signal, first):
            return done
        rest = self._export_part(second, deadline)
        reported = rest if rest.reason or not done.reason else done
        return replace(
            reported, accepted=done.accepted + rest.accepted, rejected=done.rejected + rest.rejected, retry=rest.retry
        )


def _encoding_failure(signal: Signal, error: BaseException) -> ExportOutcome:
    return ExportOutcome(
        reason="encoding",
        message=f"one of the {signal} cannot be encoded as OTLP ({describe_error(error)})"[:300],
        fix="Set attributes through the functions of this package, which encode any value",
    )
