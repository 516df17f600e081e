"""The OTLP exporters of the OpenTelemetry project with our settings (``otlp_sdk_http`` and ``otlp_sdk_grpc``)."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final

from flext_observability.domain.report import Signal
from flext_observability.exporters.factory import BuiltInFactory
from flext_observability.exporters.third_party import WrappedExporter
from flext_observability.extensions.ports import ExporterUnavailable
from flext_observability.settings.otlp import OtlpSettings, otlp_settings
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.wire.http.tls import TlsFiles, read_pems

if TYPE_CHECKING:
    from flext_observability.settings.config import FlextObservabilityConfig
    from flext_observability.settings.otlp import Protocol


def create_exporter(
    name: str, protocol: Protocol, entry_point: str, signal: Signal, config: FlextObservabilityConfig
) -> WrappedExporter:
    """Return the exporter of a signal. It retries and shuts down in its own way.

    Args:
        name: Name of the exporter in messages.
        protocol: ``http/protobuf`` or ``grpc``.
        entry_point: Name in OpenTelemetry's entry-point groups.
        signal: Signal to export.
        config: Settings.

    Raises:
        ExporterUnavailable: The package is not installed, or the exporter cannot be created.
    """
    package = f"opentelemetry-exporter-{entry_point.replace('_', '-')}"
    found = entry_points(group=f"opentelemetry_{signal}_exporter", name=entry_point)
    if not found:
        raise ExporterUnavailable(f"the package {package} is not installed", f"pip install {package}")
    settings = otlp_settings(config, signal, protocol)
    try:
        arguments = _http_arguments(settings) if protocol == "http/protobuf" else _grpc_arguments(settings)
        make: Any = next(iter(found)).load()
        url, headers, timeout = settings.endpoint.url, _headers(settings), settings.timeout_seconds
        return WrappedExporter(signal, name, make(endpoint=url, headers=headers, timeout=timeout, **arguments))
    except BaseException as error:
        reraise_interrupt(error)
        message = f"the exporter of {package} cannot be created: {describe_error(error)}"
        raise ExporterUnavailable(message, "Check the OTLP settings of this signal") from error


def _http_arguments(settings: OtlpSettings) -> dict[str, Any]:
    from opentelemetry.exporter.otlp.proto.http import Compression

    return {
        "certificate_file": settings.certificate_file,
        "client_key_file": settings.client_key_file,
        "client_certificate_file": settings.client_certificate_file,
        "compression": Compression.Gzip if settings.compression == "gzip" else Compression.NoCompression,
    }


def _grpc_arguments(settings: OtlpSettings) -> dict[str, Any]:
    grpc: Any = import_module("grpc")

    insecure = settings.endpoint.scheme == "http"
    files = TlsFiles(settings.certificate_file, settings.client_certificate_file, settings.client_key_file)
    return {
        "insecure": insecure,
        "credentials": None if insecure else grpc.ssl_channel_credentials(*read_pems(files)),
        "compression": grpc.Compression.Gzip if settings.compression == "gzip" else grpc.Compression.NoCompression,
    }


def _headers(settings: OtlpSettings) -> dict[str, str]:
    authorization = settings.endpoint.authorization
    return {**({"authorization": authorization} if authorization else {}), **settings.headers}


http_factory: Final = BuiltInFactory(partial(create_exporter, "otlp_sdk_http", "http/protobuf", "otlp_proto_http"))
grpc_factory: Final = BuiltInFactory(partial(create_exporter, "otlp_sdk_grpc", "grpc", "otlp_proto_grpc"))
