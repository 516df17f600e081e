"""Batch and a way to send bytes → one outcome, cutting in halves what is too large or cannot be encoded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import final

from flext_observability.domain.report import Signal
from flext_observability.extensions.ports import ExportOutcome
from flext_observability.wire.otlp.batch import count_items, halves
from flext_observability.wire.otlp.encode import encode_request

_CUT_REASONS = frozenset({"too_large", "encoding"})

# Signal, batch → bytes; may raise.
Encode = Callable[[Signal, Sequence[object]], bytes]
# Encoded request, items in it, seconds allowed → outcome.
Send = Callable[[bytes, int, float], ExportOutcome]


@final
class BatchSender:
    """Encodes and sends batches of one signal.

    The parts of a batch are sent in order and the first that may be sent again ends the call, so the items that an outcome counts are always the first
    ones of the batch. A single item that is too large, or that protobuf cannot hold, is refused alone.
    """

    __slots__ = ("_encode", "_send", "_signal", "_too_many_bytes")

    def __init__(self, signal: Signal, send: Send, *, encode: Encode = encode_request) -> None:
        """Take what encodes a batch and what sends the bytes."""
        self._signal: Signal = signal
        self._send = send
        self._encode = encode
        self._too_many_bytes: int | None = None

    def export(self, batch: Sequence[object], timeout_seconds: float) -> ExportOutcome:
        """Send the batch, in parts where necessary, within the time allowed."""
        return self._part(batch, monotonic() + timeout_seconds)

    def _part(self, batch: Sequence[object], deadline: float) -> ExportOutcome:
        items = count_items(self._signal, batch)
        outcome = self._attempt(batch, items, deadline)
        if outcome.reason not in _CUT_REASONS:
            return outcome
        return self._cut(batch, deadline) if items > 1 else replace(outcome, rejected=items)

    def _attempt(self, batch: Sequence[object], items: int, deadline: float) -> ExportOutcome:
        try:
            body = self._encode(self._signal, batch)
        except Exception as error:  # noqa: BLE001 - whatever an odd value makes the encoder raise concerns that item alone
            return _not_encoded(self._signal, error)
        if items > 1 and self._too_many_bytes is not None and len(body) >= self._too_many_bytes:
            return ExportOutcome(reason="too_large")
        left = deadline - monotonic()
        if left <= 0:
            message = "the time allowed ended before all parts of the batch were sent"
            fix = (
                "Allow more: traces_export_timeout_seconds, logs_export_timeout_seconds, metric_export_timeout_seconds"
            )
            return ExportOutcome(retry=True, reason="timeout", message=message, fix=fix)
        outcome = self._send(body, items, left)
        if outcome.reason == "too_large":
            self._too_many_bytes = min(len(body), self._too_many_bytes or len(body))
        return outcome

    def _cut(self, batch: Sequence[object], deadline: float) -> ExportOutcome:
        first, second = halves(self._signal, batch)
        done = self._part(first, deadline)
        if done.accepted + done.rejected < count_items(self._signal, first):
            return done
        rest = self._part(second, deadline)
        said = rest if rest.reason or not done.reason else done
        return replace(
            said, accepted=done.accepted + rest.accepted, rejected=done.rejected + rest.rejected, retry=rest.retry
        )


def _not_encoded(signal: Signal, error: Exception) -> ExportOutcome:
    return ExportOutcome(
        reason="encoding",
        message=f"one of the {signal} cannot be encoded as OTLP ({type(error).__name__}: {error})"[:300],
        fix="Give attributes through the verbs of this package, which encode any value",
    )
