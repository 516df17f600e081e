"""WSGI application of the viewer: OTLP receiver (``POST /v1/…``) and read API (``GET /api/…``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from flext_observability.domain.report import Signal
from flext_observability.viewer import from_otlp
from flext_observability.viewer.pages import read
from flext_observability.viewer.replies import JSON, Reply, accepted, encoding_of, json_reply, rejected
from flext_observability.viewer.store import Store
from flext_observability.wire.http.host_header import is_address_or_localhost
from flext_observability.wire.otlp.decode import OtlpDecodeError, decode

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from flext_observability.views.model import LogView, SpanView

MAX_BODY_BYTES = 32 * 2**20
_SIGNALS: dict[str, Signal] = {"/v1/traces": "traces", "/v1/metrics": "metrics", "/v1/logs": "logs"}


class ViewerApp:
    """The receiver and the read API.

    Args:
        store: Target of received telemetry, source of the read API.
        on_data: Called with received spans and log records after they are stored.
        loopback_only: Whether requests need a ``Host`` of this machine. It keeps web pages of other sites from reading.
        max_body_bytes: Limit of a request body, decompressed.
    """

    def __init__(
        self,
        store: Store,
        on_data: Callable[[list[SpanView], list[LogView]], object],
        *,
        loopback_only: bool = True,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._store = store
        self._on_data = on_data
        self._loopback_only = loopback_only
        self._max_body_bytes = max_body_bytes

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request."""
        reply = self._handle(environ)
        headers = [("Content-Type", reply.content_type), ("Content-Length", str(len(reply.body))), *reply.headers]
        start_response(f"{reply.status.value} {reply.status.phrase}", headers)
        return [reply.body]

    def _handle(self, environ: WSGIEnvironment) -> Reply:
        if self._loopback_only and not is_address_or_localhost(environ.get("HTTP_HOST", "")):
            return json_reply(
                {"error": "the Host header does not name this machine: use localhost or an IP address"},
                HTTPStatus.FORBIDDEN,
            )
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        signal = _SIGNALS.get(path)
        allowed = "POST" if signal else "GET"
        if method != allowed:
            message = f"{path} supports {allowed}, not {method}"
            return json_reply({"error": message}, HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", allowed))
        return self._receive(signal, environ) if signal else read(self._store, path, environ.get("QUERY_STRING", ""))

    def _receive(self, signal: Signal, environ: WSGIEnvironment) -> Reply:
        content_type = environ.get("CONTENT_TYPE", "")
        size = int(environ.get("CONTENT_LENGTH") or 0)
        if size > self._max_body_bytes:
            return rejected(413, content_type, f"the body exceeds {self._max_body_bytes} bytes")
        body: bytes = environ["wsgi.input"].read(size)
        if not body and encoding_of(content_type) == JSON:
            body = b"{}"
        try:
            count = self._store_items(signal, body, content_type, environ.get("HTTP_CONTENT_ENCODING", ""))
        except OtlpDecodeError as error:
            return rejected(error.status, content_type, error.message)
        return accepted(signal, content_type, rejected=count, message="no valid trace id or span id" * (count > 0))

    def _store_items(self, signal: Signal, body: bytes, content_type: str, content_encoding: str) -> int:
        """Store the items of a request. Return the number of rejected items."""
        limit = self._max_body_bytes
        invalid = 0
        if signal == "traces":
            spans, invalid = from_otlp.span_views(decode("traces", body, content_type, content_encoding, limit))
            self._store.add(spans=spans)
            self._on_data(spans, [])
        elif signal == "metrics":
            points = from_otlp.metric_views(decode("metrics", body, content_type, content_encoding, limit))
            self._store.add(metrics=points)
        else:
            logs = from_otlp.log_views(decode("logs", body, content_type, content_encoding, limit))
            self._store.add(logs=logs)
            self._on_data([], logs)
        return invalid
