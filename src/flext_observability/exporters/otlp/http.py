"""Batch of finished items → OTLP/HTTP request (protobuf or JSON) → outcome (the pipeline retries)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, final

from flext_observability.domain.report import Signal
from flext_observability.exporters.factory import BuiltInFactory
from flext_observability.exporters.otlp.batch_exporter import BatchExporter
from flext_observability.extensions.ports import ExporterIdentity, ExporterUnavailable, ExportOutcome
from flext_observability.wire.http.errors import TransportError
from flext_observability.wire.http.target import HttpTarget, http_target
from flext_observability.wire.http.tls import TlsFileError, TlsFiles, client_context

if TYPE_CHECKING:
    from flext_observability.settings.config import FlextObservabilityConfig
    from flext_observability.settings.otlp import Encoding, OtlpSettings
    from flext_observability.wire.http.client import HttpTransport

_GZIP_WINDOW: Final = 31
MAX_REQUEST_BYTES: Final = 20 << 20
"""Limit of the collector by default (``max_request_body_size``)."""
_CONTENT_TYPES: Final[Mapping[Encoding, str]] = {"protobuf": "application/x-protobuf", "json": "application/json"}
USER_AGENT = "OTel-OTLP-Exporter-Python-flext-observability"


@final
class OtlpHttpExporter(BatchExporter):
    """Sends one signal to one endpoint over a kept-alive connection, each request within ``otlp_timeout_seconds``."""

    __slots__ = ("_gzip_level", "_kind", "_request_seconds", "_target", "_transport")

    def __init__(self, signal: Signal, settings: OtlpSettings, target: HttpTarget) -> None:
        """Store the target. The connection is opened by the first export."""
        super().__init__(signal, settings.encoding, max_request_bytes=MAX_REQUEST_BYTES)
        self._target = target
        self._kind = "otlp_http_json" if settings.encoding == "json" else "otlp_http"
        self._gzip_level = settings.gzip_level if settings.compression == "gzip" else 0
        self._request_seconds = settings.timeout_seconds
        self._transport: HttpTransport | None = None

    @property
    def identity(self) -> ExporterIdentity:
        """Kind and address of the exporter."""
        endpoint = self._target.endpoint
        return ExporterIdentity(self._kind, endpoint.host, endpoint.port_or_default)

    def load_modules(self) -> None:
        """Import what requests and their failures need, and read the certificates."""
        super().load_modules()
        self._open_transport().prepare()

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def _send(self, body: bytes, items: int, timeout_seconds: float) -> ExportOutcome:
        from flext_observability.pipeline.http_outcome import mask_outcome  # not before an export

        return mask_outcome(self._post(self._open_transport(), body, items, timeout_seconds), self._target)

    def _post(self, transport: HttpTransport, body: bytes, items: int, timeout_seconds: float) -> ExportOutcome:
        import zlib  # not before an export

        from flext_observability.exporters.otlp.outcome import from_file_error, from_reply, from_transport_error

        data = zlib.compress(body, self._gzip_level, _GZIP_WINDOW) if self._gzip_level else body
        try:
            reply = transport.post(data, timeout_seconds=min(timeout_seconds, self._request_seconds))
        except TransportError as error:
            return from_transport_error(self._signal, error, port=self._target.endpoint.port_or_default)
        except TlsFileError as error:
            return from_file_error(error)
        return from_reply(self._signal, reply, items=items, display_url=self._target.endpoint.display_url)

    def _open_transport(self) -> HttpTransport:
        if self._transport is None:
            from flext_observability.wire.http.client import HttpTransport

            self._transport = HttpTransport(self._target)
        return self._transport


def create_exporter(signal: Signal, config: FlextObservabilityConfig) -> OtlpHttpExporter:
    """Return an exporter to the endpoint of the signal.

    Raises:
        ExporterUnavailable: A header or a certificate file is not valid.
    """
    from flext_observability.settings.otlp import otlp_settings

    settings = otlp_settings(config, signal, "http/protobuf")
    headers = {"user-agent": USER_AGENT, **settings.headers, "content-type": _CONTENT_TYPES[settings.encoding]}
    if settings.compression == "gzip":
        headers["content-encoding"] = "gzip"
    return OtlpHttpExporter(signal, settings, create_target(settings, headers))


def create_target(settings: OtlpSettings, headers: Mapping[str, str]) -> HttpTarget:
    """Return the target of requests, with headers and certificate files validated.

    Raises:
        ExporterUnavailable: A header or a certificate file is not valid.
    """
    tls = TlsFiles(settings.certificate_file, settings.client_certificate_file, settings.client_key_file)
    try:
        target = http_target(settings.endpoint, headers=headers, tls=tls)
        if target.uses_tls and tls.given:
            client_context(tls)
    except ValueError as error:
        from flext_observability.exporters.otlp.outcome import HEADERS_SETTING

        raise ExporterUnavailable(f"OTLP cannot start: {error}", f"Correct {HEADERS_SETTING}") from error
    except TlsFileError as error:
        from flext_observability.exporters.otlp.outcome import file_fix

        raise ExporterUnavailable(f"TLS cannot be used: {error.message}", file_fix(error)) from error
    return target


factory: Final = BuiltInFactory(create_exporter)
