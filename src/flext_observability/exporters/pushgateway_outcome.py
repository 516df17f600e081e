"""Reply of a Pushgateway or transport fault → ExportOutcome, each with its next action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flext_observability.exporters.refusal import Refusal, unreached
from flext_observability.ports import ExportOutcome
from flext_observability.wire.faults import FaultKind, TransportError
from flext_observability.wire.otlp_response import shortened

if TYPE_CHECKING:
    from flext_observability.wire.http import HttpReply

GATEWAY_SETTING = "push_gateway (PROMETHEUS_PUSH_GATEWAY)"
_LONGEST_ANSWER_BYTES = 4096


_WRONG_PLACE = Refusal("not_found", f"Set {GATEWAY_SETTING} to the gateway's base address, without /metrics")
_UNAUTHORIZED = Refusal("unauthorized", f"Put user:password@ before the host in {GATEWAY_SETTING}")
_BY_STATUS: Mapping[int, Refusal] = {
    400: Refusal(
        "rejected",
        "Change what the answer names: a metric that has another type in another group is renamed here, or that group is deleted there",
    ),
    401: _UNAUTHORIZED,
    403: _UNAUTHORIZED,
    404: _WRONG_PLACE,
    405: _WRONG_PLACE,
    413: Refusal("too_large", "Raise the limit of what stands before the gateway, or record fewer series"),
}
_BUSY = Refusal(
    "unavailable", "Nothing to do if it recovers by itself; otherwise look at the gateway's own log", retry=True
)
_MOVED = Refusal("not_found", f"Redirects are not followed: set {GATEWAY_SETTING} to the address that it names")
_OTHER = Refusal("error", "Look at the gateway's own log")
_FAULT_FIXES: Mapping[FaultKind, str] = {
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


def _refusal(status: int) -> Refusal:
    if status >= 500 or status == 429:
        return _BUSY
    if 300 <= status < 400:
        return _MOVED
    return _BY_STATUS.get(status, _OTHER)
