"""HTTP reply or transport error of an OTLP receiver → ``ExportOutcome`` with its next action.

Source: https://opentelemetry.io/docs/specs/otlp/#failures-1
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from flext_observability.domain.report import Signal
from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline.http_outcome import HttpBackend, StatusClass
from flext_observability.wire.http.errors import ErrorKind, TransportError
from flext_observability.wire.http.tls import TlsFileError
from flext_observability.wire.otlp.response import PartialSuccess, parse_error, parse_success

if TYPE_CHECKING:
    from flext_observability.wire.http.client import HttpReply

ENDPOINT_SETTING = "otlp_endpoint (OTEL_EXPORTER_OTLP_ENDPOINT)"
HEADERS_SETTING = "otlp_headers (OTEL_EXPORTER_OTLP_HEADERS)"
_CERTIFICATE_SETTING = "otlp_certificate (OTEL_EXPORTER_OTLP_CERTIFICATE)"
_GRPC_PORT = 4317
_BAD_REQUEST = 400
# The collector answers 400 instead of 413: "http: request body too large".
_TOO_LARGE = re.compile("too (large|big|long)|larger than|exceeds", re.IGNORECASE)
_FIXES: Mapping[StatusClass | ErrorKind, str] = {
    "bad_request": "Check that the receiver accepts OTLP with protobuf bodies, and its version",
    "unauthorized": f"Set the credentials in {HEADERS_SETTING}, for example authorization=Bearer%20TOKEN",
    "not_found": f"Set {ENDPOINT_SETTING} to the base address of an OTLP/HTTP receiver, without /v1/<signal>, "
    "for example http://localhost:4318",
    "unsupported_media_type": "Set otlp_compression (OTEL_EXPORTER_OTLP_COMPRESSION) to none",
    "throttled": "Send less (sample_ratio), or raise the limits of the collector",
    "tls": f"Set {_CERTIFICATE_SETTING} to the certificate of the authority that signed the one of the collector, "
    "or use http:// if it has no TLS",
    "http1": 'Use exporters="otlp_http" (OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf), or port 4317 for gRPC',
    "http2": 'Use exporters="otlp_grpc" (OTEL_EXPORTER_OTLP_PROTOCOL=grpc), or port 4318 for HTTP',
    "not_http": f"Check that {ENDPOINT_SETTING} names an OTLP/HTTP receiver",
}
_BATCH_SETTINGS: Mapping[Signal, str] = {
    "traces": "traces_max_export_batch_size (OTEL_BSP_MAX_EXPORT_BATCH_SIZE)",
    "logs": "logs_max_export_batch_size (OTEL_BLRP_MAX_EXPORT_BATCH_SIZE)",
    "metrics": "the number of series",
}
RECEIVERS: Mapping[Signal, HttpBackend] = {
    signal: HttpBackend(
        "collector",
        ENDPOINT_SETTING,
        {**_FIXES, "too_large": f"Raise the limit on request size of the collector, or lower {setting}"},
        retry_server_errors=False,
    )
    for signal, setting in _BATCH_SETTINGS.items()
}


def from_reply(signal: Signal, reply: HttpReply, *, items: int, display_url: str) -> ExportOutcome:
    """Return the outcome of a request that got a reply.

    Args:
        signal: Signal of the request.
        reply: The reply.
        items: Number of items in the request.
        display_url: Address, for the message.
    """
    outcome = _outcome(signal, reply, items, display_url)
    return replace(outcome, status=str(reply.status))


def _outcome(signal: Signal, reply: HttpReply, items: int, display_url: str) -> ExportOutcome:
    content_type = reply.headers.get("content-type", "")
    if not 200 <= reply.status < 300:
        outcome = RECEIVERS[signal].from_reply(reply, display_url, parse_error(reply.body, content_type))
        is_too_large = reply.status == _BAD_REQUEST and _TOO_LARGE.search(outcome.message)
        return RECEIVERS[signal].outcome("too_large", outcome.message) if is_too_large else outcome
    try:
        partial = parse_success(signal, reply.body, content_type) if reply.complete else None
    except ValueError:
        partial = None
    if partial is None:
        return invalid_response(f"{display_url} answered {reply.status}", items=items)
    return partial_success(partial, items=items, display_url=display_url)


def from_transport_error(signal: Signal, error: TransportError, *, port: int = 0) -> ExportOutcome:
    """Return the outcome of a request without a reply; always retryable.

    Args:
        signal: Signal of the request.
        error: Reason why there is no reply.
        port: Port of the request; 4317 is by convention gRPC's.
    """
    if error.kind in {"broken", "not_http"} and port == _GRPC_PORT:
        error = TransportError("http2", error.message)
    return RECEIVERS[signal].from_error(error)


def from_file_error(error: TlsFileError) -> ExportOutcome:
    """Return the outcome of a request that an invalid certificate file prevented; retryable, as it may be fixed."""
    return ExportOutcome(
        retry=True,
        reached=False,
        reason="tls",
        message=f"TLS cannot be used: {error.message}",
        fix=file_fix(error),
    )


def file_fix(error: TlsFileError) -> str:
    """Return the next action for an invalid certificate or key file."""
    return f"Correct otlp_{error.role} (OTEL_EXPORTER_OTLP_{error.role.upper()})"


def partial_success(partial: PartialSuccess, *, items: int, display_url: str) -> ExportOutcome:
    """Return the outcome of a request that the receiver accepted, wholly or in part.

    Args:
        partial: Content of the response.
        items: Number of items in the request.
        display_url: Address, for the message.
    """
    rejected = min(partial.rejected, items)
    detail = f": {partial.message}" if partial.message else ""
    if not rejected:
        return ExportOutcome(accepted=items, message=f"{display_url} sent a warning{detail}" if detail else "")
    return ExportOutcome(
        accepted=items - rejected,
        rejected=rejected,
        reason="rejected",
        message=f"{display_url} rejected {rejected} of {items} items{detail}",
        fix="Correct the error in the message; the other items were accepted",
    )


def invalid_response(what: str, *, items: int) -> ExportOutcome:
    """Return the outcome of a request that succeeded, but whose response is not OTLP; its items count as accepted."""
    return ExportOutcome(
        accepted=items,
        message=f"{what} with a body that is not an OTLP response",
        fix=f"Check that {ENDPOINT_SETTING} names an OTLP receiver and not a web page",
    )
