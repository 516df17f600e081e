"""Batch of finished items → OTLP/gRPC call → outcome (the pipeline retries)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, final

from flext_observability.domain.report import Signal
from flext_observability.exporters.factory import BuiltInFactory
from flext_observability.exporters.otlp.batch_exporter import BatchExporter
from flext_observability.exporters.otlp.http import USER_AGENT, create_target
from flext_observability.exporters.otlp.outcome import (
    ENDPOINT_SETTING,
    HEADERS_SETTING,
    RECEIVERS,
    from_file_error,
    from_transport_error,
    invalid_response,
    partial_success,
)
from flext_observability.extensions.ports import ExporterIdentity, ExporterUnavailable, ExportOutcome
from flext_observability.pipeline.http_outcome import StatusClass, mask_outcome
from flext_observability.values.masking import sanitize_message
from flext_observability.wire.grpc import GrpcError, GrpcTransport
from flext_observability.wire.http.errors import TransportError
from flext_observability.wire.http.tls import TlsFileError
from flext_observability.wire.otlp.response import parse_success, retry_delay_seconds

if TYPE_CHECKING:
    from flext_observability.settings.config import FlextObservabilityConfig
    from flext_observability.settings.otlp import OtlpSettings
    from flext_observability.wire.http.target import HttpTarget

_METHODS: dict[Signal, str] = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
# Source: https://opentelemetry.io/docs/specs/otlp/#failures
_CLASSES: Mapping[str, StatusClass] = {
    "CANCELLED": "unavailable",
    "ABORTED": "unavailable",
    "OUT_OF_RANGE": "unavailable",
    "UNAVAILABLE": "unavailable",
    "DATA_LOSS": "unavailable",
    "UNAUTHENTICATED": "unauthorized",
    "PERMISSION_DENIED": "unauthorized",
    "UNIMPLEMENTED": "not_found",
    "NOT_FOUND": "not_found",
    "INVALID_ARGUMENT": "bad_request",
}
_NOT_FOUND = f"Set {ENDPOINT_SETTING} to an OTLP/gRPC receiver of this signal, for example http://localhost:4317"
MAX_REQUEST_BYTES: Final = 4 << 20
"""Limit of gRPC receivers by default (``max_receive_message_length``)."""
# Wording of the gRPC implementations; an exhausted quota has the same status.
_TOO_LARGE = re.compile("larger than max|exceeds maximum size", re.IGNORECASE)


@final
class OtlpGrpcExporter(BatchExporter):
    """Sends one signal to one endpoint, each call within ``otlp_timeout_seconds``."""

    __slots__ = ("_request_seconds", "_transport")

    def __init__(self, signal: Signal, settings: OtlpSettings, target: HttpTarget) -> None:
        """Store the target. The channel is opened by the first export."""
        super().__init__(signal, max_request_bytes=MAX_REQUEST_BYTES)
        self._request_seconds = settings.timeout_seconds
        self._transport = GrpcTransport(target, compress=settings.compression == "gzip")

    @property
    def identity(self) -> ExporterIdentity:
        """Kind and address of the exporter."""
        endpoint = self._transport.target.endpoint
        return ExporterIdentity("otlp_grpc", endpoint.host, endpoint.port_or_default)

    def load_modules(self) -> None:
        """Import what calls and their failures need."""
        super().load_modules()
        self._transport.prepare()

    def close(self) -> None:
        """Close the channel."""
        self._transport.close()

    def _send(self, body: bytes, items: int, timeout_seconds: float) -> ExportOutcome:
        return mask_outcome(self._call(body, items, timeout_seconds), self._transport.target)

    def _call(self, body: bytes, items: int, timeout_seconds: float) -> ExportOutcome:
        display_url = self._transport.target.endpoint.display_url
        try:
            reply = self._transport.call(
                _METHODS[self._signal], body, timeout_seconds=min(timeout_seconds, self._request_seconds)
            )
            partial = parse_success(self._signal, reply)
        except TransportError as error:
            return from_transport_error(self._signal, error)
        except TlsFileError as error:
            return from_file_error(error)
        except GrpcError as error:
            return _from_status(self._signal, error, display_url)
        except ValueError:
            return replace(invalid_response(f"{display_url} answered OK", items=items), status="OK")
        return replace(partial_success(partial, items=items, display_url=display_url), status="OK")


def create_exporter(signal: Signal, config: FlextObservabilityConfig) -> OtlpGrpcExporter:
    """Return an exporter to the endpoint of the signal.

    Raises:
        ExporterUnavailable: A header or a certificate file is not valid.
    """
    from flext_observability.settings.otlp import otlp_settings

    settings = otlp_settings(config, signal, "grpc")
    headers = {**{name.lower(): value for name, value in settings.headers.items()}, "user-agent": USER_AGENT}
    for name, value in headers.items():
        if name.startswith("grpc-") or not value.isascii():
            message = f"OTLP cannot start: the header {name!r} is not allowed in gRPC"
            raise ExporterUnavailable(message, f"Correct {HEADERS_SETTING}")
    return OtlpGrpcExporter(signal, settings, create_target(settings, headers))


def _from_status(signal: Signal, error: GrpcError, display_url: str) -> ExportOutcome:
    detail = sanitize_message(error.details)
    message = f"{display_url} answered {error.code}" + (f": {detail}" if detail else "")
    delay = retry_delay_seconds(error.status)
    outcome = RECEIVERS[signal].outcome(_classify(error, delay), message, retry_after_seconds=delay)
    outcome = replace(outcome, status=error.code)
    return replace(outcome, fix=_NOT_FOUND) if outcome.reason == "not_found" else outcome


def _classify(error: GrpcError, delay: float | None) -> StatusClass:
    if error.code != "RESOURCE_EXHAUSTED":
        return _CLASSES.get(error.code, "error")
    if _TOO_LARGE.search(error.details):
        return "too_large"
    return "error" if delay is None else "unavailable"


factory: Final = BuiltInFactory(create_exporter)
