"""HTTP error status or transport error → ``ExportOutcome`` with its next action; one classification for all.

Source: https://opentelemetry.io/docs/specs/otlp/#failures-1
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING, Literal, final

from flext_observability.extensions.ports import ExportOutcome
from flext_observability.values.dataclass import dataclass
from flext_observability.values.masking import mask_address, sanitize_message
from flext_observability.wire.http.errors import ErrorKind, TransportError
from flext_observability.wire.http.headers import parse_retry_after

if TYPE_CHECKING:
    from flext_observability.wire.http.client import HttpReply
    from flext_observability.wire.http.target import HttpTarget

StatusClass = Literal[
    "redirect",
    "bad_request",
    "unauthorized",
    "not_found",
    "too_large",
    "unsupported_media_type",
    "throttled",
    "unavailable",
    "error",
]
_CLASSES: Mapping[int, StatusClass] = {
    400: "bad_request",
    401: "unauthorized",
    403: "unauthorized",
    404: "not_found",
    405: "not_found",
    413: "too_large",
    415: "unsupported_media_type",
    429: "throttled",
    502: "unavailable",
    503: "unavailable",
    504: "unavailable",
}
_REASONS: Mapping[StatusClass, str] = {
    "redirect": "not_found",
    "bad_request": "rejected",
    "unsupported_media_type": "rejected",
    "throttled": "unavailable",
}
_ERROR_REASONS: Mapping[ErrorKind, str] = {
    "timeout": "timeout",
    "shortage": "unavailable",
    "tls": "tls",
    **dict.fromkeys(("broken", "not_http", "http1", "http2", "tls_expected"), "invalid_response"),
}
"""Kinds of errors that are not ``unreachable``."""
_MAX_DETAIL_BYTES = 4096
_NO_REPLY = "Start the {name}, or correct the address in {setting}"
_WRONG_PORT = "Check the scheme and the port in {setting}"
_FIXES: Mapping[StatusClass | ErrorKind, str] = {
    "redirect": "Redirects are not followed: set {setting} to the address in the message",
    "bad_request": "Correct the error in the message",
    "unauthorized": "Correct the credentials in {setting}",
    "not_found": "Correct the address in {setting}",
    "too_large": "Raise the limit on request size of the {name}",
    "unsupported_media_type": "Check the version of the {name}",
    "throttled": "Send less, or raise the limits of the {name}",
    "unavailable": "No action if the {name} recovers, otherwise read its log",
    "error": "Read the log of the {name}",
    "unknown_host": "Correct the host name in {setting}",
    "refused": _NO_REPLY,
    "unreachable": _NO_REPLY,
    "timeout": _NO_REPLY,
    "tls": "Set SSL_CERT_FILE to the certificate of the authority that signed the one of the {name}, "
    "or use http:// if it has no TLS",
    "tls_expected": "Use https:// in {setting}",
    "broken": "No action if the {name} restarts, otherwise check the scheme and the port in {setting}: "
    "http:// without TLS, https:// with TLS",
    "not_http": _WRONG_PORT,
    "http1": _WRONG_PORT,
    "http2": _WRONG_PORT,
    "shortage": "Raise the limits of open files and threads (ulimit -n, ulimit -u), or close files",
    "proxy": "Correct HTTP_PROXY or HTTPS_PROXY, or add the host to NO_PROXY",
}


def mask_outcome(outcome: ExportOutcome, target: HttpTarget) -> ExportOutcome:
    """Return the outcome of a request with its secrets masked, which the server may have quoted."""
    return replace(outcome, message=target.mask(outcome.message)) if outcome.message else outcome


def classify(status: int, *, retry_server_errors: bool = True) -> StatusClass:
    """Return the class of an HTTP status outside 2xx.

    Args:
        status: Status code.
        retry_server_errors: Whether every 5xx counts as ``unavailable``; otherwise only 502, 503 and 504.
    """
    if 300 <= status < 400 and status != 304:
        return "redirect"
    if status >= 500 and retry_server_errors:
        return "unavailable"
    return _CLASSES.get(status, "error")


@final
@dataclass(frozen=True, slots=True)
class HttpBackend:
    """How requests to one kind of back end fail, and the next action for each failure.

    Attributes:
        name: Noun for the back end in messages, such as ``receiver``.
        setting: Setting that holds its address.
        fixes: Next actions that replace the common ones, by class.
        retry_server_errors: As in ``classify``.
        has_secret_paths: Whether paths of redirects are left out of messages.
    """

    name: str
    setting: str
    fixes: Mapping[StatusClass | ErrorKind, str] = field(default_factory=dict[StatusClass | ErrorKind, str])
    retry_server_errors: bool = True
    has_secret_paths: bool = False

    def fix(self, failure: StatusClass | ErrorKind) -> str:
        """Return the next action, without a full stop."""
        return self.fixes.get(failure) or _FIXES[failure].format(name=self.name, setting=self.setting)

    def from_reply(self, reply: HttpReply, display_url: str, detail: str | None = None) -> ExportOutcome:
        """Return the outcome of a request that got a reply outside 2xx.

        Args:
            reply: The reply.
            display_url: Address, for the message.
            detail: Explanation in the body, one line; None for a body that is text.
        """
        if detail is None:
            detail = sanitize_message(reply.body[:_MAX_DETAIL_BYTES].decode(errors="replace"))
        location = mask_address(reply.headers.get("location", ""), hide_path=self.has_secret_paths)
        detail = sanitize_message(location) or detail
        failure = classify(reply.status, retry_server_errors=self.retry_server_errors)
        message = f"{display_url} answered {reply.status}" + (f": {detail}" if detail else "")
        delay = parse_retry_after(reply.headers.get("retry-after", ""))
        return self.outcome(failure, message, retry_after_seconds=delay)

    def outcome(self, failure: StatusClass, message: str, *, retry_after_seconds: float | None = None) -> ExportOutcome:
        """Return the outcome of a request that failed with a status.

        Args:
            failure: Class of the status.
            message: What happened, without a full stop.
            retry_after_seconds: Wait that the server asked for; ignored when the failure is permanent.
        """
        retry = failure in {"throttled", "unavailable"}
        return ExportOutcome(
            retry=retry,
            retry_after_seconds=retry_after_seconds if retry else None,
            reason=_REASONS.get(failure, failure),
            message=message,
            fix=self.fix(failure),
        )

    def from_error(self, error: TransportError) -> ExportOutcome:
        """Return the outcome of a request without a reply; always retryable."""
        return ExportOutcome(
            retry=True,
            reached=error.reached,
            reason=_ERROR_REASONS.get(error.kind, "unreachable"),
            message=error.message,
            fix=self.fix("proxy" if error.to_proxy else error.kind),
        )
