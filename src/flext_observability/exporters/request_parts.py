"""Batch of items, or stored request, that is too large → parts in order, with one outcome.

The first retryable part ends the call, so the items that an outcome counts are always the first ones. A single item
that is too large or cannot be encoded is rejected alone, and named in the message.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, final

from flext_observability.extensions.ports import EncodedRequest, ExportOutcome
from flext_observability.pipeline.exporter_calls import not_tried
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.wire.otlp.batch import count_items, describe_item, split
from flext_observability.wire.otlp.split import describe_request, divide

if TYPE_CHECKING:
    from flext_observability.domain.report import Signal

Send = Callable[[bytes, int, float], ExportOutcome]
"""Sends a request with this number of items, within this number of seconds."""
Encode = Callable[[Sequence[object]], bytes]
_SPLIT_REASONS = frozenset({"too_large", "encoding"})


class Part(ABC):
    """What is sent as one request, or in parts.

    Attributes:
        signal: Signal of the items.
        items: Number of items.
    """

    __slots__ = ("items", "signal")

    def __init__(self, signal: Signal, items: int) -> None:
        self.signal: Signal = signal
        self.items = items

    @abstractmethod
    def encode(self) -> bytes:
        """Return the request as it is sent. May raise."""

    @abstractmethod
    def stored(self) -> bytes:
        """Return the request in protobuf. May raise."""

    @abstractmethod
    def halves(self) -> tuple[Part, Part]:
        """Return two parts, each with half of the items. May raise."""

    @abstractmethod
    def describe(self) -> str:
        """Return what the only item is, for messages."""


@final
class BatchPart(Part):
    """Finished items.

    Args:
        signal: Signal of the items.
        batch: The items.
        encode: Returns the request as it is sent.
        encode_stored: Returns the request in protobuf.
    """

    __slots__ = ("_batch", "_encode", "_encode_stored")

    def __init__(self, signal: Signal, batch: Sequence[object], encode: Encode, encode_stored: Encode) -> None:
        super().__init__(signal, count_items(signal, batch))
        self._batch = batch
        self._encode = encode
        self._encode_stored = encode_stored

    def encode(self) -> bytes:
        """Return the request as it is sent."""
        return self._encode(self._batch)

    def stored(self) -> bytes:
        """Return the request in protobuf."""
        return self._encode_stored(self._batch)

    def halves(self) -> tuple[Part, Part]:
        """Return two parts, each with half of the items."""
        first, second = split(self.signal, self._batch)
        return (
            BatchPart(self.signal, first, self._encode, self._encode_stored),
            BatchPart(self.signal, second, self._encode, self._encode_stored),
        )

    def describe(self) -> str:
        """Return what the only item is, for messages."""
        return describe_item(self.signal, self._batch)


@final
class RequestPart(Part):
    """Request that was stored.

    Args:
        signal: Signal of the request.
        request: The request.
        transcode: Protobuf → request as it is sent.
    """

    __slots__ = ("_body", "_transcode")

    def __init__(self, signal: Signal, request: EncodedRequest, transcode: Callable[[bytes], bytes]) -> None:
        super().__init__(signal, request.items)
        self._body = request.body
        self._transcode = transcode

    def encode(self) -> bytes:
        """Return the request as it is sent."""
        return self._transcode(self._body)

    def stored(self) -> bytes:
        """Return the request in protobuf."""
        return self._body

    def halves(self) -> tuple[Part, Part]:
        """Return two parts, each with half of the items."""
        middle = self.items // 2
        first, second = divide(self.signal, self._body, middle)
        return (
            RequestPart(self.signal, EncodedRequest(first, middle), self._transcode),
            RequestPart(self.signal, EncodedRequest(second, self.items - middle), self._transcode),
        )

    def describe(self) -> str:
        """Return what the only item is, for messages."""
        return describe_request(self.signal, self._body)


@final
class PartSender:
    """Sends parts, with the sizes that the receiver has accepted and rejected.

    Args:
        split_bytes: Size from which requests are split before they are sent; a single item is sent all the same.
    """

    __slots__ = ("_accepted_bytes", "split_bytes")

    def __init__(self, split_bytes: float = inf) -> None:
        self.split_bytes = split_bytes
        self._accepted_bytes = 0  # a receiver may reject a small request, because of one item

    def send(self, part: Part, send: Send, deadline: float) -> ExportOutcome:
        """Send a part, in smaller ones where necessary, before ``deadline`` (monotonic seconds)."""
        outcome = self._attempt(part, send, deadline)
        if outcome.reason not in _SPLIT_REASONS:
            return outcome
        if part.items <= 1:
            return _rejected(part, outcome)
        try:
            first, second = part.halves()
        except BaseException as error:  # noqa: BLE001 - a stored request that is not valid
            reraise_interrupt(error)
            return _rejected(part, replace(outcome, message=f"{outcome.message}; {describe_error(error)}"))
        return self._send_both(first, second, send, deadline)

    def _send_both(self, first: Part, second: Part, send: Send, deadline: float) -> ExportOutcome:
        done = self.send(first, send, deadline)
        if done.accepted + done.rejected < first.items:
            return done
        rest = self.send(second, send, deadline)
        reported = rest if rest.reason or not done.reason else done
        return replace(
            reported,
            accepted=done.accepted + rest.accepted,
            rejected=done.rejected + rest.rejected,
            retry=rest.retry,
            rejected_requests=done.rejected_requests + rest.rejected_requests,
        )

    def _attempt(self, part: Part, send: Send, deadline: float) -> ExportOutcome:
        try:
            body = part.encode()
        except (OSError, ImportError, MemoryError) as error:
            return not_tried(f"the {part.signal} cannot be encoded now: {describe_error(error)}", error)
        except BaseException as error:  # noqa: BLE001 - of any type; it concerns one item only
            reraise_interrupt(error)
            return _encoding_failure(part.signal, error)
        if part.items > 1 and len(body) >= self.split_bytes and len(body) > self._accepted_bytes:
            return ExportOutcome(reason="too_large")
        remaining = deadline - monotonic()
        if remaining <= 0:
            message = "the time limit passed before all parts of the batch were sent"
            fix = "Raise traces_export_timeout_seconds, logs_export_timeout_seconds or metric_export_timeout_seconds"
            return ExportOutcome(retry=True, reason="timeout", message=message, fix=fix)
        outcome = send(body, part.items, remaining)
        if outcome.reason == "too_large":
            self.split_bytes = min(len(body), self.split_bytes)
        elif outcome.accepted:
            self._accepted_bytes = max(len(body), self._accepted_bytes)
        return outcome


def _encoding_failure(signal: Signal, error: BaseException) -> ExportOutcome:
    return ExportOutcome(
        reason="encoding",
        message=f"one of the {signal} cannot be encoded as OTLP ({describe_error(error)})"[:300],
        fix="Set attributes through the functions of this package, which encode any value",
    )


def _rejected(part: Part, outcome: ExportOutcome) -> ExportOutcome:
    message = f"{outcome.message} ({part.describe()})"
    return replace(outcome, rejected=part.items, message=message, rejected_requests=_stored(part, outcome.reason))


def _stored(part: Part, reason: str) -> tuple[EncodedRequest, ...]:
    try:
        return (EncodedRequest(part.stored(), part.items, reason),)
    except BaseException as error:  # noqa: BLE001 - of any type; the item cannot be encoded
        reraise_interrupt(error)
        return ()
