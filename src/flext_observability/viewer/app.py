"""HTTP requests → telemetry taken (POST /v1/…), and what the store holds as JSON (GET /api/…): a WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flext_observability.domain.report import Signal
from flext_observability.viewer import from_otlp
from flext_observability.viewer.pages import Pages
from flext_observability.viewer.replies import JSON, Reply, accepted, encoding_of, json_reply, rejected
from flext_observability.viewer.store import Store
from flext_observability.wire.otlp.decode import OtlpDecodeError, decode

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from flext_observability.views.model import LogView, SpanView

MAX_BODY_BYTES = 32 * 2**20
_SIGNALS: dict[str, Signal] = {"/v1/traces": "traces", "/v1/metrics": "metrics", "/v1/logs": "logs"}


class ViewerApp:
    """The receiver and its read API.

    Args:
        store: Where everything is kept.
        on_arrival: Told of spans and log records once they are kept.
        loopback_only: Whether only names of this machine are answered, so that a page from elsewhere cannot read along.
        max_body_bytes: Limit on a request's body, inflated.
    """

    def __init__(
        self,
        store: Store,
        on_arrival: Callable[[list[SpanView], list[LogView]], object],
        *,
        loopback_only: bool = True,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._store = store
        self._pages = Pages(store)
        self._on_arrival = on_arrival
        self._loopback_only = loopback_only
        self._max_body_bytes = max_body_bytes

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        reply = self._answer(environ)
        headers = [("Content-Type", reply.content_type), ("Content-Length", str(len(reply.body))), *reply.headers]
        start_response(f"{reply.status.value} {reply.status.phrase}", headers)
        return [reply.body]

    def _answer(self, environ: WSGIEnvironment) -> Reply:
        if self._loopback_only and not _is_local(environ.get("HTTP_HOST", "")):
            return json_reply({"error": "only names of this machine are answered"}, HTTPStatus.FORBIDDEN)
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        signal = _SIGNALS.get(path)
        wanted = "POST" if signal else "GET"
        if method != wanted:
            message = f"{path} answers {wanted}, not {method}"
            return json_reply({"error": message}, HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", wanted))
        return self._receive(signal, environ) if signal else self._pages.answer(path, environ.get("QUERY_STRING", ""))

    def _receive(self, signal: Signal, environ: WSGIEnvironment) -> Reply:
        content_type = environ.get("CONTENT_TYPE", "")
        size = int(environ.get("CONTENT_LENGTH") or 0)
        if size > self._max_body_bytes:
            return rejected(413, content_type, f"the body has more than {self._max_body_bytes} bytes")
        body: bytes = environ["wsgi.input"].read(size)
        if not body and encoding_of(content_type) == JSON:
            body = b"{}"
        try:
            count = self._take(signal, body, content_type, environ.get("HTTP_CONTENT_ENCODING", ""))
        except OtlpDecodeError as error:
            return rejected(error.status, content_type, error.message)
        return accepted(signal, content_type, rejected=count, message="no valid trace id or span id" * (count > 0))

    def _take(self, signal: Signal, body: bytes, content_type: str, content_encoding: str) -> int:
        """Keep the items of a request; return how many could not be kept."""
        limit = self._max_body_bytes
        rejected = 0
        if signal == "traces":
            spans, rejected = from_otlp.span_views(decode("traces", body, content_type, content_encoding, limit))
            self._store.add(spans=spans)
            self._on_arrival(spans, [])
        elif signal == "metrics":
            points = from_otlp.metric_views(decode("metrics", body, content_type, content_encoding, limit))
            self._store.add(metrics=points)
        else:
            logs = from_otlp.log_views(decode("logs", body, content_type, content_encoding, limit))
            self._store.add(logs=logs)
            self._on_arrival([], logs)
        return rejected


def _is_local(host: str) -> bool:
    """Return whether a Host header names this machine by address or as localhost."""
    try:
        name = urlsplit(f"//{host}").hostname or "localhost"
        return name == "localhost" or name.endswith(".localhost") or bool(ip_address(name))
    except ValueError:
        return False
