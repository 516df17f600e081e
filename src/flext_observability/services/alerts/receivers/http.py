"""JSON bytes → one POST request → a result whose code says whether to retry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final, cast

from flext_observability.domain.result import FlextResult
from flext_observability.engine.compat import suppress_instrumentation
from flext_observability.pipeline.http_outcome import HttpBackend, mask_outcome
from flext_observability.values.endpoint import Endpoint, parse_endpoint
from flext_observability.values.foreign import (
    copy_mapping,
    is_a,
    is_mapping,
    is_true,
    plain_number,
    plain_text,
    read_all,
)
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.wire.http.errors import TransportError
from flext_observability.wire.http.target import HttpTarget, http_target

if TYPE_CHECKING:
    from flext_observability.extensions.ports import ExportOutcome

USER_AGENT: Final = "flext-observability"
_DEFAULT_TIMEOUT: Final = 5.0
_MAX_TIMEOUT: Final = 1e6


class HttpNotifier:
    """Base of notifiers that post JSON to one address. Opens a connection for each request, as alerts are rare.

    Attributes:
        config_error: Why the address or a header is invalid, with the next action; then nothing is sent. Empty when
            they are valid.
        has_secret_path: Whether the path of the address is a secret, which messages do not show.
        retry_after_seconds: Wait that the last response requested; None without one.
    """

    has_secret_path: ClassVar[bool] = False

    def __init__(self, url: object, path: str, headers: object, timeout_seconds: object, setting: str) -> None:
        """Store the address. Opens nothing, and never raises: see ``config_error``.

        Args:
            url: Address; the default scheme is http. ``user:password@`` becomes basic authorization.
            path: Path to add, unless the address ends in it.
            headers: Headers of every request; None for none.
            timeout_seconds: Limit of one request, above 0; an invalid one counts as 5.
            setting: Setting that holds the address, for messages.
        """
        self.retry_after_seconds: float | None = None
        self._backend = HttpBackend("server", setting, has_secret_paths=self.has_secret_path)
        seconds = plain_number(timeout_seconds)
        self._timeout_seconds = seconds if seconds and 0 < seconds < _MAX_TIMEOUT else _DEFAULT_TIMEOUT
        try:
            self._target = FlextResult.ok(_target(url, path, headers, secret=self.has_secret_path))
        except BaseException as error:  # noqa: BLE001 - the address may have any type
            reraise_interrupt(error)
            # Other errors may contain the address, and with it a password.
            detail = f": {error}" if isinstance(error, _InvalidHeader) else ""
            message, fix = f"The address or a header is invalid{detail}", f"Correct {setting}"
            self._target = FlextResult[HttpTarget].fail(message, code="invalid_address", fix=fix)
        self.config_error = self._target.error or ""

    def _reject(self, message: str, fix: str) -> None:
        """Make an option invalid, so that nothing is sent."""
        self._target = FlextResult[HttpTarget].fail(message, code="invalid_address", fix=fix)
        self.config_error = self._target.error or ""

    def _post(self, body: bytes, timeout_seconds: float, headers: Mapping[str, str] | None = None) -> FlextResult[None]:
        """Send a JSON body.

        Args:
            body: JSON.
            timeout_seconds: Limit of this request, in addition to the notifier's own.
            headers: Headers of this request only.

        Returns:
            Success for a 2xx response, or a failure. Retryable: ``unreachable``, ``timeout``, ``invalid_response``,
            ``tls``, ``unavailable`` (for 429 and 5xx). Permanent: ``rejected``, ``unauthorized``, ``not_found``,
            ``invalid_address``.
        """
        self.retry_after_seconds = None
        return self._target.flat_map(lambda target: self._send(target, body, timeout_seconds, headers or {}))

    def _send(
        self, target: HttpTarget, body: bytes, timeout_seconds: float, headers: Mapping[str, str]
    ) -> FlextResult[None]:
        from flext_observability.wire.http.client import HttpTransport

        transport = HttpTransport(replace(target, headers={**target.headers, **headers}))
        try:
            with suppress_instrumentation():
                reply = transport.post(body, timeout_seconds=self._limit(timeout_seconds))
        except TransportError as error:
            return _failure(mask_outcome(self._backend.from_error(error), target))
        finally:
            transport.close()
        if 200 <= reply.status < 300:
            return FlextResult[None].ok(None)
        outcome = mask_outcome(self._backend.from_reply(reply, target.endpoint.display_url), target)
        self.retry_after_seconds = outcome.retry_after_seconds
        return _failure(outcome)

    def _limit(self, timeout_seconds: object) -> float:
        """Return the smaller limit of both, and the notifier's own for an invalid one."""
        seconds = plain_number(timeout_seconds)
        own = self._timeout_seconds
        return max(seconds if seconds is not None and seconds < own else own, 0.001)


class _InvalidHeader(Exception):
    """A header is invalid. The text contains its name, not its value."""


def _failure(outcome: ExportOutcome) -> FlextResult[None]:
    code = "rejected" if outcome.reason in {"error", "too_large"} else outcome.reason
    return FlextResult[None].fail(outcome.message, code=code, fix=outcome.fix)


def _headers(given: object) -> dict[str, str]:
    if is_mapping(given):
        return cast("dict[str, str]", copy_mapping(given))
    return dict(read_all(cast("Iterable[tuple[str, str]]", given))) if is_true(given) else {}


def _target(url: object, path: str, headers: object, *, secret: bool) -> HttpTarget:
    endpoint = url if is_a(url, Endpoint) else parse_endpoint((plain_text(url) or "").strip())
    endpoint = replace(endpoint.with_scheme("http"), has_secret_path=secret)
    if path:
        endpoint = replace(endpoint, path=endpoint.path.rstrip("/").removesuffix(path)).join_path(path)
    extra = _headers(headers)
    lowered = {name.lower() for name in extra}
    fields = {"User-Agent": USER_AGENT, "Content-Type": "application/json"}
    fields = {name: value for name, value in fields.items() if name.lower() not in lowered}
    try:
        return http_target(endpoint, headers={**fields, **extra})
    except ValueError as error:
        raise _InvalidHeader(str(error)) from error
