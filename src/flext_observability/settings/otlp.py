"""Resolved configuration → settings of one OTLP exporter, and notices about suspicious endpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal, cast

from flext_observability.domain.report import SIGNALS, Notice, Signal
from flext_observability.settings.config import FlextObservabilityConfig
from flext_observability.settings.table_otlp import OTLP_DOCS
from flext_observability.values.endpoint import Endpoint
from flext_observability.values.named_tuple import NamedTuple

Protocol = Literal["http/protobuf", "grpc"]
Encoding = Literal["protobuf", "json"]

GRPC_PORT = 4317
HTTP_PORT = 4318
EXPORTER_PROTOCOLS: Mapping[str, Protocol] = {"otlp_http": "http/protobuf", "otlp_grpc": "grpc"}
OTLP_FIELDS = tuple(OTLP_DOCS)
"""Fields that exist for all signals (``otlp_<field>``) and for each (``otlp_<signal>_<field>``)."""


class OtlpSettings(NamedTuple):
    """Settings of one OTLP exporter.

    Attributes:
        endpoint: For HTTP the URL of the signal; for gRPC without path. Credentials are for Basic authorization.
        headers: Headers of each request, with names in lower case.
        certificate_file: PEM file of the certificate authorities that verify the collector; None: the system's.
        client_key_file: PEM file of the client's private key.
        client_certificate_file: PEM file of the client's certificate.
        encoding: ``json`` if the protocol of the signal is ``http/json``, otherwise ``protobuf``.
        compression: ``gzip`` or ``none``.
        gzip_level: Level of gzip, from 1 to 9.
        timeout_seconds: Timeout of one request, in seconds.
    """

    endpoint: Endpoint
    headers: Mapping[str, str]
    certificate_file: str | None
    client_key_file: str | None
    client_certificate_file: str | None
    encoding: Encoding
    compression: Literal["gzip", "none"]
    gzip_level: int
    timeout_seconds: float

    def __repr__(self) -> str:
        """Return the endpoint alone: headers are secret."""
        return f"{type(self).__name__}({self.endpoint!r})"


def otlp_settings(config: FlextObservabilityConfig, signal: Signal, protocol: Protocol) -> OtlpSettings:
    """Return the settings of the OTLP exporter for a signal.

    Args:
        config: Resolved configuration.
        signal: The signal.
        protocol: Protocol of the exporter.
    """
    given, is_own = _given_endpoint(config, signal, protocol)
    endpoint = _with_scheme(given, config, signal, protocol)
    return OtlpSettings(
        endpoint=_full_endpoint(endpoint, signal, protocol, is_own=is_own),
        headers=cast("Mapping[str, str]", _value(config, signal, "headers")),
        certificate_file=cast("str", _value(config, signal, "certificate")) or None,
        client_key_file=cast("str", _value(config, signal, "client_key")) or None,
        client_certificate_file=cast("str", _value(config, signal, "client_certificate")) or None,
        encoding="json" if _value(config, signal, "protocol") == "http/json" else "protobuf",
        compression=cast("Literal['gzip', 'none']", _value(config, signal, "compression")),
        gzip_level=config.otlp_gzip_level,
        timeout_seconds=cast("float", _value(config, signal, "timeout_seconds")),
    )


def default_protocol(config: FlextObservabilityConfig, signal: Signal) -> Protocol:
    """Return the protocol of the exporter ``otlp``: the configured one, gRPC for port 4317, otherwise HTTP."""
    configured = _value(config, signal, "protocol")
    if configured:
        return "grpc" if configured == "grpc" else "http/protobuf"
    return "grpc" if _given_endpoint(config, signal, "http/protobuf")[0].port == GRPC_PORT else "http/protobuf"


def otlp_notices(config: FlextObservabilityConfig) -> tuple[Notice, ...]:
    """Return notices about the endpoints of all configured OTLP exporters, equal ones of all signals merged."""
    found: dict[Notice, list[Signal]] = {}
    for signal in SIGNALS:
        for name in config.exporters[signal]:
            if name in EXPORTER_PROTOCOLS:
                for notice in _endpoint_notices(config, signal, EXPORTER_PROTOCOLS[name]):
                    found.setdefault(notice, []).append(signal)
    notices: list[Notice] = []
    for notice, signals in found.items():
        same_for_all = len(signals) == len(SIGNALS)
        notices += [notice] if same_for_all else [replace(notice, signal=signal) for signal in signals]
    return tuple(notices)


def _value(config: FlextObservabilityConfig, signal: Signal, name: str) -> object:
    """Return the value for the signal, or the one for all signals."""
    own: object = getattr(config, f"otlp_{signal}_{name}")
    general: object = getattr(config, f"otlp_{name}")
    return general if own in (None, "") or own == {} else own


def _given_endpoint(config: FlextObservabilityConfig, signal: Signal, protocol: Protocol) -> tuple[Endpoint, bool]:
    """Return the endpoint and whether it is the signal's own, which is used as it is."""
    own = config.endpoints.get(f"otlp_{signal}_endpoint")
    if own is not None:
        return own, True
    default = Endpoint("http", "localhost", GRPC_PORT if protocol == "grpc" else HTTP_PORT)
    return config.endpoints.get("otlp_endpoint", default), False


def _with_scheme(endpoint: Endpoint, config: FlextObservabilityConfig, signal: Signal, protocol: Protocol) -> Endpoint:
    """Add a missing scheme: for gRPC https unless ``insecure``; for HTTP https for port 443 alone."""
    insecure = bool(_value(config, signal, "insecure")) if protocol == "grpc" else endpoint.port != 443
    return endpoint.with_scheme("http" if insecure else "https")


def _full_endpoint(endpoint: Endpoint, signal: Signal, protocol: Protocol, *, is_own: bool) -> Endpoint:
    if protocol == "grpc":
        return replace(endpoint, port=endpoint.port_or_default, path="", query="")
    if is_own:
        return endpoint if endpoint.path else endpoint.join_path("/")
    return endpoint.join_path(f"/v1/{signal}")


def _endpoint_notices(config: FlextObservabilityConfig, signal: Signal, protocol: Protocol) -> Iterator[Notice]:
    configured = _value(config, signal, "protocol")
    given, is_own = _given_endpoint(config, signal, protocol)
    endpoint = replace(_with_scheme(given, config, signal, protocol), path=given.path.rstrip("/"))
    if not given.scheme:
        rest = endpoint.short_url.partition("://")[2]
        fix = f"Write http://{rest} for no TLS, https://{rest} for TLS"
        yield Notice("all", f"The OTLP endpoint has no scheme: {endpoint.short_url} is used", fix, degrades=True)
    if endpoint.port is None and given.scheme == "http":
        fix = f"Add the port; collectors listen on {HTTP_PORT} (HTTP) and {GRPC_PORT} (gRPC)"
        yield Notice("all", f"The OTLP endpoint {endpoint.short_url} has no port: 80 is used", fix)
    if protocol == "grpc":
        yield from _grpc_notices(endpoint, has_protocol=bool(configured))
    else:
        yield from _http_notices(endpoint, signal, is_own=is_own)


def _grpc_notices(endpoint: Endpoint, *, has_protocol: bool) -> Iterator[Notice]:
    if endpoint.port == HTTP_PORT:
        message = f"OTLP over gRPC is sent to {endpoint.short_url}: collectors expect HTTP on port {HTTP_PORT}"
        yield Notice("all", message, f"Use port {GRPC_PORT}, or set the protocol to http/protobuf", degrades=True)
    elif endpoint.port == GRPC_PORT and not has_protocol:
        yield Notice("all", f"OTLP is sent over gRPC: {endpoint.short_url} has port {GRPC_PORT} and no protocol is set")


def _http_notices(endpoint: Endpoint, signal: Signal, *, is_own: bool) -> Iterator[Notice]:
    if endpoint.port == GRPC_PORT:
        message = f"OTLP over HTTP is sent to {endpoint.short_url}: collectors expect gRPC on port {GRPC_PORT}"
        yield Notice("all", message, f"Use port {HTTP_PORT}, or set the protocol to grpc", degrades=True)
    if is_own and not endpoint.path:
        message = f"The OTLP endpoint for {signal} has no path: it is used as it is"
        fix = f"Write {endpoint.join_path(f'/v1/{signal}').short_url}, or set the endpoint for all signals instead"
        yield Notice("all", message, fix, degrades=True)
    if not is_own and endpoint.path.endswith(tuple(f"/v1/{each}" for each in SIGNALS)):
        message = (
            f"The OTLP endpoint for all signals has the path of one: /v1/{signal} is added to {endpoint.short_url}"
        )
        yield Notice("all", message, "Remove the path, or set the endpoint for one signal instead", degrades=True)
