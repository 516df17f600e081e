"""Batch → OTLP/gRPC call → outcome (the retry policy is the pipeline's)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, final

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.exporters.otlp.http import USER_AGENT, check_tls, tls_files
from flext_observability.exporters.otlp.outcome import (
    ENDPOINT_SETTING,
    HEADERS_SETTING,
    RECEIVERS,
    from_file_error,
    from_transport_error,
    invalid_response,
    partial_success,
)
from flext_observability.exporters.otlp.split import BatchSender
from flext_observability.extensions.ports import ExporterUnavailable, ExportOutcome
from flext_observability.pipeline.http_outcome import StatusClass
from flext_observability.values.masking import sanitize_message
from flext_observability.wire.grpc import GrpcError, GrpcTransport
from flext_observability.wire.http.errors import TransportError
from flext_observability.wire.http.target import HttpTarget, http_target
from flext_observability.wire.http.tls import TlsFileError
from flext_observability.wire.otlp.response import parse_success, retry_delay_seconds

if TYPE_CHECKING:
    from flext_observability.settings.config import FlextObservabilityConfig
    from flext_observability.settings.otlp import OtlpSettings

_METHODS: dict[Signal, str] = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
# Source: https://opentelemetry.io/docs/specs/otlp/#failures
_RETRYABLE = frozenset({"CANCELLED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"})
_CLASSES: Mapping[str, StatusClass] = {
    "UNAUTHENTICATED": "unauthorized",
    "PERMISSION_DENIED": "unauthorized",
    "UNIMPLEMENTED": "not_found",
    "NOT_FOUND": "not_found",
}
_NOT_FOUND_FIX = (
    f"Set {ENDPOINT_SETTING} to a receiver that accepts this signal over OTLP/gRPC, for example http://localhost:4317"
)
# How gRPC's implementations word it; the status is the one of an exhausted quota.
_TOO_LARGE = re.compile("larger than max|exceeds maximum size", re.IGNORECASE)


@final
class OtlpGrpcExporter:
    """Sends one signal to one address."""

    __slots__ = ("_request_seconds", "_sender", "_signal", "_transport")

    def __init__(self, signal: Signal, settings: OtlpSettings, target: HttpTarget) -> None:
        """Take the address; nothing is opened or imported before the first export."""
        self._signal: Signal = signal
        self._request_seconds = settings.timeout_seconds
        self._transport = GrpcTransport(target, compress=settings.compression == "gzip")
        self._sender = BatchSender(signal, self._send)

    def export(self, batch: Sequence[object], timeout_seconds: float) -> ExportOutcome:
        """Send the batch; each call takes at most ``otlp_timeout_seconds``, all together at most ``timeout_seconds``."""
        return self._sender.export(batch, timeout_seconds)

    def close(self) -> None:
        """Drop the channel."""
        self._transport.close()

    def _send(self, body: bytes, items: int, seconds: float) -> ExportOutcome:
        display_url = self._transport.target.display_url
        try:
            reply = self._transport.call(
                _METHODS[self._signal], body, timeout_seconds=min(seconds, self._request_seconds)
            )
            partial = parse_success(self._signal, reply)
        except TransportError as error:
            return from_transport_error(self._signal, error)
        except TlsFileError as error:
            return from_file_error(error)
        except GrpcError as error:
            return _from_status(self._signal, error, display_url)
        except ValueError:
            return invalid_response(f"{display_url} answered OK", items=items)
        return partial_success(partial, items=items, display_url=display_url)


@final
class OtlpGrpcFactory:
    """Makes OTLP/gRPC exporters."""

    def signals(self) -> Collection[Signal]:
        """All three."""
        return SIGNALS

    def create(self, signal: Signal, config: FlextObservabilityConfig) -> OtlpGrpcExporter:
        """Return an exporter for the signal's address.

        Raises:
            ExporterUnavailable: The address, a header or a certificate file cannot be used.
        """
        from flext_observability.settings.otlp import otlp_settings

        settings = otlp_settings(config, signal, "grpc")
        tls = tls_files(settings)
        headers = {**{name.lower(): value for name, value in settings.headers.items()}, "user-agent": USER_AGENT}
        try:
            target = http_target(settings.endpoint, headers=headers, tls=tls)
            _check_metadata(target)
        except ValueError as error:
            fix = f"Correct {ENDPOINT_SETTING} or {HEADERS_SETTING}"
            raise ExporterUnavailable(f"OTLP over gRPC cannot start: {error}", fix) from error
        if settings.endpoint.scheme == "https":
            check_tls(tls)
        return OtlpGrpcExporter(signal, settings, target)


def _check_metadata(target: HttpTarget) -> None:
    for name, value in target.headers.items():
        if name.startswith("grpc-") or not value.isascii():
            raise ValueError(f"the header {name!r} is not allowed in gRPC")


def _from_status(signal: Signal, error: GrpcError, display_url: str) -> ExportOutcome:
    detail = sanitize_message(error.details)
    message = f"{display_url} answered {error.code}" + (f": {detail}" if detail else "")
    fix = RECEIVERS[signal].fix
    if error.code == "RESOURCE_EXHAUSTED" and _TOO_LARGE.search(error.details):
        return ExportOutcome(reason="too_large", message=message, fix=fix("too_large"))
    if error.code == "INVALID_ARGUMENT":
        return ExportOutcome(reason="rejected", message=message, fix=fix("bad_request"))
    delay = retry_delay_seconds(error.status)
    if error.code in _RETRYABLE or (error.code == "RESOURCE_EXHAUSTED" and delay is not None):
        return ExportOutcome(
            retry=True, retry_after_seconds=delay, reason="unavailable", message=message, fix=fix("unavailable")
        )
    reason = _CLASSES.get(error.code, "error")
    return ExportOutcome(reason=reason, message=message, fix=_NOT_FOUND_FIX if reason == "not_found" else fix(reason))


factory = OtlpGrpcFactory()
