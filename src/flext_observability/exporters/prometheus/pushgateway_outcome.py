"""Reply of a Pushgateway or transport fault → ExportOutcome, each with its next action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline.status_outcome import StatusOutcome, unreached
from flext_observability.wire.http.errors import ErrorKind, TransportError
from flext_observability.wire.otlp.response import shortened

if TYPE_CHECKING:
    from flext_observability.wire.http.client import HttpReply

GATEWAY_SETTING = "push_gateway (PROMETHEUS_PUSH_GATEWAY)"
_LONGEST_ANSWER_BYTES = 4096


_NOT_FOUND = StatusOutcome("not_found", f"Set {GATEWAY_SETTING} to the gateway's base address, without /metrics")
_UNAUTHORIZED = StatusOutcome("unauthorized", f"Put user:password@ before the host in {GATEWAY_SETTING}")
_BY_STATUS: Mapping[int, StatusOutcome] = {
    400: StatusOutcome(
        "rejected",
        "Change what the answer names: a metric that has another type in another group is renamed here, or that group is deleted there",
    ),
    401: _UNAUTHORIZED,
    403: _UNAUTHORIZED,
    404: _NOT_FOUND,
    405: _NOT_FOUND,
    413: StatusOutcome("too_large", "Raise the limit of what stands before the gateway, or record fewer series"),
}
_BUSY = StatusOutcome(
    "unavailable", "Nothing to do if it recovers by itself; otherwise look at the gateway's own log", retry=True
)
_MOVED = StatusOutcome("not_found", f"Redirects are not followed: set {GATEWAY_SETTING} to the address that it names")
_OTHER = StatusOutcome("error", "Look at the gateway's own log")
_FAULT_FIXES: Mapping[ErrorKind, str] = {
    "unknown_host": f"Correct the host name in {GATEWAY_SETTING}",
    "tls": "Name the file of the authority that signed the gateway's certificate in SSL_CERT_FILE, or use http:// if the gateway has no TLS",
    "tls_expected": f"Use https:// in {GATEWAY_SETTING}",
    "broken": f"Check the scheme and port in {GATEWAY_SETTING}: http:// without TLS, https:// with it",
    "http2": f"Check the port in {GATEWAY_SETTING}: Pushgateways listen on 9091",
    "not_http": f"Check the port in {GATEWAY_SETTING}: Pushgateways listen on 9091",
    "proxy": "Correct HTTP_PROXY or HTTPS_PROXY, or name the host in NO_PROXY",
}
_START = f"Start the Pushgateway, or set {GATEWAY_SETTING} to the address where one listens"


def from_reply(reply: HttpReply, *, items: int, place: str) -> ExportOutcome:
    """Return the outcome of a request that got a reply.

    Args:
        reply: What came back.
        items: Points in the request.
        place: The address, for the message.
    """
    if 200 <= reply.status < 300:
        return ExportOutcome(accepted=items)
    refusal = _refusal(reply.status)
    said = shortened(reply.headers.get("location", "") or reply.body[:_LONGEST_ANSWER_BYTES].decode(errors="replace"))
    return refusal.outcome(reply, place, said)


def from_fault(error: TransportError) -> ExportOutcome:
    """Return the outcome of a request without a reply: always worth another try."""
    return unreached(error, _FAULT_FIXES.get(error.kind, _START))


def _refusal(status: int) -> StatusOutcome:
    if status >= 500 or status == 429:
        return _BUSY
    if 300 <= status < 400:
        return _MOVED
    return _BY_STATUS.get(status, _OTHER)
