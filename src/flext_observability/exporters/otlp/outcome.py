"""HTTP reply or transport fault → ExportOutcome, as the OTLP specification divides them, each with its next action.

Source: https://opentelemetry.io/docs/specs/otlp/#failures-1
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flext_observability.domain.report import Signal
from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline.status_outcome import StatusOutcome, unreached
from flext_observability.wire.http.errors import ErrorKind, TransportError
from flext_observability.wire.http.tls import TlsFileError
from flext_observability.wire.otlp.response import parse_error, parse_success, shortened

if TYPE_CHECKING:
    from flext_observability.wire.http.client import HttpReply

ENDPOINT_SETTING = "otlp_endpoint (OTEL_EXPORTER_OTLP_ENDPOINT)"
HEADERS_SETTING = "otlp_headers (OTEL_EXPORTER_OTLP_HEADERS)"
CERTIFICATE_SETTING = "otlp_certificate (OTEL_EXPORTER_OTLP_CERTIFICATE)"
CREDENTIALS_FIX = f"Set the credentials in {HEADERS_SETTING}, for example authorization=Bearer%20TOKEN"
_START_RECEIVER = f"Start the collector, or set {ENDPOINT_SETTING} to the address where one listens"
_BATCH_SETTINGS: dict[Signal, str] = {
    "traces": "traces_max_export_batch_size (OTEL_BSP_MAX_EXPORT_BATCH_SIZE)",
    "logs": "logs_max_export_batch_size (OTEL_BLRP_MAX_EXPORT_BATCH_SIZE)",
    "metrics": "the number of series",
}


_UNAVAILABLE = StatusOutcome(
    "unavailable", "Nothing to do if it recovers by itself; otherwise look at the receiver's own log", retry=True
)
_NOT_FOUND = StatusOutcome(
    "not_found",
    f"Set {ENDPOINT_SETTING} to the base address of an OTLP/HTTP receiver, without /v1/<signal>, for example http://localhost:4318",
)
_UNAUTHORIZED = StatusOutcome("unauthorized", CREDENTIALS_FIX)
_MOVED = StatusOutcome("not_found", f"Redirects are not followed: set {ENDPOINT_SETTING} to the address that it names")
_BY_STATUS: dict[int, StatusOutcome] = {
    400: StatusOutcome(
        "rejected",
        "The receiver finds the data malformed: check that it accepts OTLP with protobuf bodies, and its version",
    ),
    401: _UNAUTHORIZED,
    403: _UNAUTHORIZED,
    404: _NOT_FOUND,
    405: _NOT_FOUND,
    415: StatusOutcome(
        "rejected",
        "The receiver does not take this encoding: set otlp_compression (OTEL_EXPORTER_OTLP_COMPRESSION) to none",
    ),
    429: StatusOutcome(
        "unavailable", "The receiver asks for less: send less (sample_ratio), or raise its limits", retry=True
    ),
    502: _UNAVAILABLE,
    503: _UNAVAILABLE,
    504: _UNAVAILABLE,
}
_OTHER = StatusOutcome("error", "Look at the receiver's own log")


def from_reply(signal: Signal, reply: HttpReply, *, items: int, place: str) -> ExportOutcome:
    """Return the outcome of a request that got a reply.

    Args:
        signal: What was sent.
        reply: What came back.
        items: Items in the request.
        place: The address, for the message.
    """
    if 200 <= reply.status < 300:
        return _taken(signal, reply, items, place)
    refusal = (
        _too_large(signal)
        if reply.status == 413
        else _MOVED
        if 300 <= reply.status < 400
        else _BY_STATUS.get(reply.status, _OTHER)
    )
    said = shortened(reply.headers.get("location", "")) or parse_error(
        reply.body, reply.headers.get("content-type", "")
    )
    return refusal.outcome(reply, place, said)


def from_fault(error: TransportError, *, port: int = 0) -> ExportOutcome:
    """Return the outcome of a request without a reply: always worth another try.

    Args:
        error: What went wrong.
        port: The port that was addressed; 4317 is by convention gRPC's.
    """
    http2 = error.kind == "http2" or (error.kind in {"broken", "not_http"} and port == 4317)
    return unreached(error, _fault_fix("http2" if http2 else error.kind))


def from_file_error(error: TlsFileError) -> ExportOutcome:
    """Return the outcome of a request that a certificate or key file kept from being sent: it may be put right."""
    return ExportOutcome(
        retry=True,
        answered=False,
        reason="unreachable",
        message=f"TLS cannot be used: {error.message}",
        fix=file_fix(error),
    )


def file_fix(error: TlsFileError) -> str:
    """Return the next action about a certificate or key file."""
    return f"Correct otlp_{error.role} (OTEL_EXPORTER_OTLP_{error.role.upper()})"


def partial_success(refused: int, said: str, *, items: int, place: str) -> ExportOutcome:
    """Return the outcome of a request that the receiver took, wholly or in part.

    Args:
        refused: Items that it says it refused.
        said: Its explanation or warning.
        items: Items in the request.
        place: The address, for the message.
    """
    refused = min(refused, items)
    if not refused:
        return ExportOutcome(accepted=items, message=f"{place} took the data with a warning: {said}" if said else "")
    return ExportOutcome(
        accepted=items - refused,
        refused=refused,
        reason="rejected",
        message=f"{place} refused {refused} of {items} items" + (f": {said}" if said else ""),
        fix="Change what the message names; the rest was taken",
    )


def too_large(signal: Signal, message: str) -> ExportOutcome:
    """Return the outcome of a request over the receiver's size limit."""
    return ExportOutcome(reason="too_large", message=message, fix=_too_large(signal).fix)


def _taken(signal: Signal, reply: HttpReply, items: int, place: str) -> ExportOutcome:
    try:
        partial = parse_success(signal, reply.body, reply.headers.get("content-type", "")) if reply.complete else None
    except ValueError:
        partial = None
    if partial is None:
        return ExportOutcome(
            accepted=items,
            message=f"{place} answered {reply.status} with a body that is no OTLP response",
            fix=f"Check that {ENDPOINT_SETTING} names an OTLP receiver and not a web page",
        )
    return partial_success(partial.refused, partial.message, items=items, place=place)


def _too_large(signal: Signal) -> StatusOutcome:
    return StatusOutcome("too_large", f"Raise the receiver's limit on request size, or lower {_BATCH_SETTINGS[signal]}")


def _fault_fix(kind: ErrorKind) -> str:
    fixes: dict[ErrorKind, str] = {
        "unknown_host": f"Correct the host name in {ENDPOINT_SETTING}",
        "tls": f"Set {CERTIFICATE_SETTING} to the file of the authority that signed the server's certificate, or use http:// if the receiver has no TLS",
        "tls_expected": f"Use https:// in {ENDPOINT_SETTING}",
        "broken": f"Check the scheme and port in {ENDPOINT_SETTING}: http:// without TLS, https:// with it",
        "http1": 'Use exporters="otlp_http" (OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf), or port 4317 for gRPC',
        "http2": 'Use exporters="otlp_grpc" (OTEL_EXPORTER_OTLP_PROTOCOL=grpc), or port 4318 for HTTP',
        "not_http": f"Check that {ENDPOINT_SETTING} names an OTLP/HTTP receiver",
        "proxy": "Correct HTTP_PROXY or HTTPS_PROXY, or name the host in NO_PROXY",
    }
    return fixes.get(kind, _START_RECEIVER)
