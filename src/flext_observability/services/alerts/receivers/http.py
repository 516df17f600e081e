"""JSON bytes → one POST → a result whose code says whether to try again (nothing of what the bytes mean)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast, final

from flext_observability.domain.result import FlextResult
from flext_observability.engine.compat import suppress_instrumentation
from flext_observability.pipeline.http_outcome import HttpBackend
from flext_observability.values.endpoint import Endpoint, parse_endpoint
from flext_observability.values.masking import sanitize_message
from flext_observability.wire.http.errors import TransportError
from flext_observability.wire.http.target import HttpTarget, http_target

if TYPE_CHECKING:
    from flext_observability.extensions.ports import ExportOutcome

USER_AGENT: Final = "flext-observability"
_MAX_DETAIL_BYTES: Final = 4096
_BAD_TIMEOUT: Final = 5.0


@final
class JsonPoster:
    """Posts to one address, over a connection for each request: alerts are rare, and none is left open between them.

    Attributes:
        problem: What is wrong with the address or the headers, and what to do; empty when nothing is. Then nothing is ever sent.
        retry_after_seconds: What the last answer asked to wait; None when it asked for nothing.
    """

    __slots__ = ("_backend", "_limit", "_target", "problem", "retry_after_seconds")

    def __init__(self, url: object, path: str, headers: object, timeout_seconds: object, setting: str) -> None:
        """Take the address; nothing is opened.

        Args:
            url: Address; without a scheme http is meant; a user and password in it become basic authorization.
            path: Path to add, unless the address ends in it.
            headers: Fields of every request; None for none.
            timeout_seconds: Limit of one request, in seconds above 0; anything else counts as 5.
            setting: Where the address is set, for messages.
        """
        self._backend = HttpBackend("server", setting)
        self._target: HttpTarget | None = None
        self.problem = ""
        self.retry_after_seconds: float | None = None
        valid = isinstance(timeout_seconds, int | float) and 0 < timeout_seconds < 1e6
        self._limit = float(cast("float", timeout_seconds)) if valid else _BAD_TIMEOUT
        try:
            self._target = _target(url, path, headers)
        except Exception as error:  # noqa: BLE001 - an address of any type; nothing may end the program
            # What http_target says may hold the address as it was given, and with it a password.
            said = f": {error}" if isinstance(error, _BadHeader) else ""
            self.problem = f"The address or a header cannot be used{said}; correct {setting}"

    def post(self, body: bytes, timeout_seconds: float, headers: Mapping[str, str] | None = None) -> FlextResult[None]:
        """Send a JSON body.

        Args:
            body: JSON.
            timeout_seconds: Limit over everything; the notifier's own counts too.
            headers: Fields of this request alone.

        Returns:
            Success for a 2xx answer. Failure codes: ``unreachable``, ``timeout``, ``unavailable`` (429, 5xx), to be tried again;
            ``rejected``, ``unauthorized``, ``not_found``, ``invalid_address``, for good.
        """
        self.retry_after_seconds = None
        if self._target is None:
            return FlextResult[None].fail(self.problem, code="invalid_address")
        from flext_observability.wire.http.client import HttpTransport

        target = replace(self._target, headers={**self._target.headers, **(headers or {})})
        transport = HttpTransport(target)
        try:
            with suppress_instrumentation():
                reply = transport.post(body, timeout_seconds=max(min(timeout_seconds, self._limit), 0.001))
        except TransportError as error:
            return _failure(self._backend.from_error(error))
        finally:
            transport.close()
        if 200 <= reply.status < 300:
            return FlextResult[None].ok(None)
        location = reply.headers.get("location", "")
        detail = sanitize_message(location or reply.body[:_MAX_DETAIL_BYTES].decode(errors="replace"))
        outcome = self._backend.from_reply(reply, target.display_url, detail)
        self.retry_after_seconds = outcome.retry_after_seconds
        return _failure(outcome)


class HttpNotifier:
    """What notifiers that post have in common.

    Attributes:
        problem: Why nothing can be sent, and what to do; empty when the address can be used.
        retry_after_seconds: What the last answer asked to wait; None when it asked for nothing.
    """

    def __init__(self, poster: JsonPoster) -> None:
        self._poster = poster

    @property
    def problem(self) -> str:
        """Why nothing can be sent, and what to do; empty when the address can be used."""
        return self._poster.problem

    @property
    def retry_after_seconds(self) -> float | None:
        """What the last answer asked to wait."""
        return self._poster.retry_after_seconds


class _BadHeader(Exception):
    """A header cannot be sent; the text names it, and not its value."""


def _failure(outcome: ExportOutcome) -> FlextResult[None]:
    code = "rejected" if outcome.reason in {"error", "too_large"} else outcome.reason
    return FlextResult[None].fail(outcome.message, code=code, fix=outcome.fix)


def _target(url: object, path: str, headers: object) -> HttpTarget:
    endpoint = url if isinstance(url, Endpoint) else parse_endpoint(cast("str", url).strip())
    endpoint = endpoint.with_scheme("http")
    if path:
        endpoint = replace(endpoint, path=endpoint.path.rstrip("/").removesuffix(path) + path)
    given = dict(cast("Mapping[str, str]", headers or {}))
    lowered = {name.lower() for name in given}
    fields = {"User-Agent": USER_AGENT, "Content-Type": "application/json"}
    fields = {name: value for name, value in fields.items() if name.lower() not in lowered}
    try:
        return http_target(endpoint, headers={**fields, **given})
    except ValueError as error:
        raise _BadHeader(str(error)) from error
