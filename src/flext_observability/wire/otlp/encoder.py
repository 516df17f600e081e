"""Batch of finished items → bytes of an OTLP export request: our encoder, or the stock one for unusual items."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, final

from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.metric_points import is_plain, point_classes
from flext_observability.wire.otlp.encode import (
    collector_message,
    encode_json_request,
    encode_request,
    transcode_request,
)

if TYPE_CHECKING:
    from flext_observability.domain.report import Signal
    from flext_observability.wire.otlp.transcode import JsonTranscoder

_REQUESTS: Final[Mapping[Signal, str]] = {
    "traces": "TracesRequest",
    "logs": "LogsRequest",
    "metrics": "MetricsRequest",
}


@final
class RequestEncoder:
    """Encodes the batches of one signal. Not thread-safe: one for each exporter.

    The bytes equal those of OpenTelemetry's encoder, which encodes the batches that ours cannot encode.

    Args:
        signal: Signal of the batches.
        encoding: ``protobuf`` or ``json``.
    """

    __slots__ = ("_encode", "_encoding", "_signal", "_transcoder")

    def __init__(self, signal: Signal, encoding: Literal["protobuf", "json"] = "protobuf") -> None:
        self._signal: Signal = signal
        self._encoding = encoding
        self._encode: Callable[[Any], bytes] | None = None
        self._transcoder: JsonTranscoder | None = None

    def load(self) -> None:
        """Import both encoders: that of OpenTelemetry not for metrics whose points are not the SDK's."""
        self.encode([])
        collector_message(self._signal, "Response")
        if self._signal != "metrics" or not is_plain(point_classes().MetricsData([])):
            self._encode_unusual([])

    def encode(self, batch: Sequence[object]) -> bytes:
        """Return a batch as the bytes of a request.

        Raises:
            Exception: Protobuf cannot encode an item, such as one with a lone surrogate.
        """
        self._encode = encode = self._encode or self._make()
        try:
            return encode(batch)
        except BaseException as error:
            reraise_interrupt(error)
            if any(map(is_plain, batch)):
                raise  # ours encodes all points of these classes
            return self._encode_unusual(batch)

    def transcode(self, body: bytes) -> bytes:
        """Return a request in protobuf in the encoding of this object.

        Raises:
            Exception: The body is not a request.
        """
        if self._encoding == "protobuf":
            return body
        try:
            return self._json.transcode(_REQUESTS[self._signal], body).encode()
        except BaseException as error:  # noqa: BLE001 - a field of a later version, for instance
            reraise_interrupt(error)
            return transcode_request(self._signal, body)

    def _encode_unusual(self, batch: Sequence[object]) -> bytes:
        encode = encode_request if self._encoding == "protobuf" else encode_json_request
        return encode(self._signal, batch)

    def _make(self) -> Callable[[Any], bytes]:
        encode = _make_protobuf(self._signal)
        if self._encoding == "protobuf":
            return encode
        transcode, request = self._json.transcode, _REQUESTS[self._signal]
        return lambda batch: transcode(request, encode(batch)).encode()

    @property
    def _json(self) -> JsonTranscoder:
        if self._transcoder is None:
            from flext_observability.wire.otlp.transcode import JsonTranscoder

            self._transcoder = JsonTranscoder()
        return self._transcoder


def _make_protobuf(signal: Signal) -> Callable[[Any], bytes]:
    if signal == "traces":
        from flext_observability.wire.otlp.encode_traces import TraceEncoder

        return TraceEncoder().encode
    if signal == "logs":
        from flext_observability.wire.otlp.encode_logs import LogEncoder

        return LogEncoder().encode
    from flext_observability.wire.otlp.encode_metrics import MetricEncoder

    return MetricEncoder().encode
