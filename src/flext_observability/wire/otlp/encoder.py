"""Batch of finished items → bytes of an OTLP export request: our encoder, or the stock one for unusual items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, final

from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.wire.otlp.encode import encode_request

if TYPE_CHECKING:
    from flext_observability.domain.report import Signal


@final
class RequestEncoder:
    """Encodes the batches of one signal. Not thread-safe: one for each exporter.

    The bytes equal those of OpenTelemetry's encoder, which encodes the batches that ours cannot encode.
    """

    __slots__ = ("_encode", "_signal")

    def __init__(self, signal: Signal) -> None:
        self._signal: Signal = signal
        self._encode: Callable[[Any], bytes] | None = None

    def load(self) -> None:
        """Import both encoders."""
        self.encode([])
        encode_request(self._signal, [])

    def encode(self, batch: Sequence[object]) -> bytes:
        """Return a batch as the bytes of a request.

        Raises:
            Exception: Protobuf cannot encode an item, such as one with a lone surrogate.
        """
        self._encode = encode = self._encode or _make(self._signal)
        try:
            return encode(batch)
        except BaseException as error:  # noqa: BLE001 - an unusual item: of a type that is not ours, for example
            reraise_interrupt(error)
            return encode_request(self._signal, batch)


def _make(signal: Signal) -> Callable[[Any], bytes]:
    if signal == "traces":
        from flext_observability.wire.otlp.encode_traces import TraceEncoder

        return TraceEncoder().encode
    if signal == "logs":
        from flext_observability.wire.otlp.encode_logs import LogEncoder

        return LogEncoder().encode
    from flext_observability.wire.otlp.encode_metrics import MetricEncoder

    return MetricEncoder().encode
