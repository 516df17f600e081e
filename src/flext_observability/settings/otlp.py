"""Resolved configuration → what one OTLP exporter needs, and what looks wrong about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from flext_observability.domain.report import SIGNALS, Notice, Signal
from flext_observability.settings.config import FlextObservabilityConfig
from flext_observability.values.endpoint import Endpoint, format_host, parse_endpoint

Protocol = Literal["http/protobuf", "grpc"]

GRPC_PORT = 4317
HTTP_PORT = 4318
PROTOCOL_OF_EXPORTER: Mapping[str, Protocol] = {"otlp_http": "http/protobuf", "otlp_grpc": "grpc"}
PARTS = (
    "endpoint",
    "protocol",
    "headers",
    "certificate",
    "client_key",
    "client_certificate",
    "compression",
    "timeout_seconds",
    "insecure",
)
"""What can be set for all signals (``otlp_<part>``) and for one (``otlp_<signal>_<part>``)."""


@dataclass(frozen=True, slots=True)
class OtlpSettings:
    """How one signal is sent.

    Attributes:
        endpoint: For HTTP the full URL; for gRPC ``scheme://host:port``.
        protocol: ``http/protobuf`` or ``grpc``.
        headers: Headers of each request, names in lower case.
        certificate_file: Certificates (PEM) that the collector is checked against; None: the system's.
        client_key_file: Our private key (PEM).
        client_certificate_file: Our certificate (PEM).
        compression: ``gzip`` or ``none``.
        timeout_seconds: Time for one request, in seconds.
        insecure: Whether the connection is without TLS.
    """

    endpoint: str
    protocol: Protocol
    headers: Mapping[str, str]
    certificate_file: str | None
    client_key_file: str | None
    client_certificate_file: str | None
    compression: Literal["gzip", "none"]
    timeout_seconds: float
    insecure: bool


def otlp_settings(config: FlextObservabilityConfig, signal: Signal, protocol: Protocol | None = None) -> OtlpSettings:
    """Return how a signal is sent.

    Args:
        config: Resolved configuration.
        signal: The signal.
        protocol: Protocol of the exporter that asks; None takes the one of the signal's exporter, or as ``protocol_of`` says.
    """
    protocol = protocol or _wired_protocol(config, signal)
    address, own = _address(config, signal, protocol)
    scheme = _scheme(config, signal, protocol, address)
    return OtlpSettings(
        endpoint=_url(address.with_scheme(scheme), signal, own=own, protocol=protocol),
        protocol=protocol,
        headers={**_authorization(address), **cast("Mapping[str, str]", _of(config, signal, "headers"))},
        certificate_file=cast("str", _of(config, signal, "certificate")) or None,
        client_key_file=cast("str", _of(config, signal, "client_key")) or None,
        client_certificate_file=cast("str", _of(config, signal, "client_certificate")) or None,
        compression=cast("Literal['gzip', 'none']", _of(config, signal, "compression")),
        timeout_seconds=cast("float", _of(config, signal, "timeout_seconds")),
        insecure=scheme == "http",
    )


def protocol_of(config: FlextObservabilityConfig, signal: Signal) -> Protocol:
    """Return the protocol that ``otlp`` means for a signal: the one set, gRPC for port 4317, otherwise HTTP."""
    named = _of(config, signal, "protocol")
    if named:
        return "grpc" if named == "grpc" else "http/protobuf"
    endpoint = cast("str", _of(config, signal, "endpoint"))
    return "grpc" if endpoint and parse_endpoint(endpoint).port == GRPC_PORT else "http/protobuf"


def otlp_notices(config: FlextObservabilityConfig) -> tuple[Notice, ...]:
    """Return what looks wrong about the addresses of all wired OTLP exporters, once each."""
    found: dict[tuple[str, str, bool], list[Signal]] = {}
    for signal in SIGNALS:
        for name in config.exporters[signal]:
            if name in PROTOCOL_OF_EXPORTER:
                for finding in _findings(config, signal, PROTOCOL_OF_EXPORTER[name]):
                    found.setdefault(finding, []).append(signal)
    return tuple(Notice(signal, *finding) for finding, signals in found.items() for signal in _together(signals))


def _together(signals: list[Signal]) -> Sequence[Signal | Literal["all"]]:
    return ("all",) if len(signals) == len(SIGNALS) else signals


def _of(config: FlextObservabilityConfig, signal: Signal, part: str) -> object:
    """Return the signal's own value, or the one for all signals."""
    own: object = getattr(config, f"otlp_{signal}_{part}")
    general: object = getattr(config, f"otlp_{part}")
    return general if own in (None, "") or own == {} else own


def _wired_protocol(config: FlextObservabilityConfig, signal: Signal) -> Protocol:
    for name in config.exporters.get(signal, ()):
        if name in PROTOCOL_OF_EXPORTER:
            return PROTOCOL_OF_EXPORTER[name]
    return protocol_of(config, signal)


def _address(config: FlextObservabilityConfig, signal: Signal, protocol: Protocol) -> tuple[Endpoint, bool]:
    """Return the address and whether it is the signal's own, which is used as it is."""
    own: str = getattr(config, f"otlp_{signal}_endpoint")
    text = own or config.otlp_endpoint
    if not text:
        return Endpoint("http", "localhost", GRPC_PORT if protocol == "grpc" else HTTP_PORT), False
    return parse_endpoint(text), bool(own)


def _scheme(config: FlextObservabilityConfig, signal: Signal, protocol: Protocol, address: Endpoint) -> str:
    """Return the scheme; one that is missing means, for gRPC, TLS unless ``insecure``; for HTTP, TLS on 443 alone."""
    if address.scheme:
        return address.scheme
    plain = bool(_of(config, signal, "insecure")) if protocol == "grpc" else address.port != 443
    return "http" if plain else "https"


def _url(endpoint: Endpoint, signal: Signal, *, own: bool, protocol: Protocol) -> str:
    if protocol == "grpc":
        return f"{endpoint.scheme}://{format_host(endpoint.host)}:{endpoint.port_or_default}"
    if own:
        return (endpoint if endpoint.path else endpoint.join_path("/")).url
    return endpoint.join_path(f"/v1/{signal}").url


def _authorization(endpoint: Endpoint) -> dict[str, str]:
    return {"authorization": endpoint.authorization} if endpoint.credentials else {}


def _findings(config: FlextObservabilityConfig, signal: Signal, protocol: Protocol) -> Iterator[tuple[str, str, bool]]:
    """Yield (message, fix, degrades) for one exporter."""
    named = _of(config, signal, "protocol")
    if named == "http/json" and protocol == "http/protobuf":
        yield "OTLP is sent as http/protobuf: http/json is not supported", "Set the protocol to http/protobuf", False
    given, own = _address(config, signal, protocol)
    address = replace(given, path=given.path.rstrip("/"))
    text = address.with_scheme(_scheme(config, signal, protocol, address)).url
    if not address.scheme:
        rest = text.partition("://")[2]
        yield (
            f"The OTLP endpoint has no scheme: {text} is used",
            f"Write http://{rest} for no TLS, https://{rest} for TLS",
            True,
        )
    if address.port is None and address.scheme == "http":
        yield (
            f"The OTLP endpoint {text} has no port: 80 is used",
            f"Collectors listen on {HTTP_PORT} (HTTP) and {GRPC_PORT} (gRPC): add the port",
            False,
        )
    if protocol == "grpc":
        yield from _grpc_findings(address, text, named)
    else:
        yield from _http_findings(address, text, signal, own=own)


def _grpc_findings(address: Endpoint, text: str, named: object) -> Iterator[tuple[str, str, bool]]:
    if address.port == HTTP_PORT:
        yield (
            f"OTLP over gRPC is sent to {text}, where collectors take HTTP",
            f"Use port {GRPC_PORT}, or set the protocol to http/protobuf",
            True,
        )
    elif address.port == GRPC_PORT and not named:
        yield f"OTLP is sent over gRPC, as {text} has port {GRPC_PORT} and no protocol is set", "", False


def _http_findings(address: Endpoint, text: str, signal: Signal, *, own: bool) -> Iterator[tuple[str, str, bool]]:
    if address.port == GRPC_PORT:
        yield (
            f"OTLP over HTTP is sent to {text}, where collectors take gRPC",
            f"Use port {HTTP_PORT}, or set the protocol to grpc",
            True,
        )
    if own and not address.path:
        yield (
            f"The OTLP endpoint for {signal} has no path: it is used as it is",
            f"Write {text}/v1/{signal}, or set the endpoint for all signals instead",
            True,
        )
    if not own and address.path.endswith(tuple(f"/v1/{each}" for each in SIGNALS)):
        yield (
            f"The OTLP endpoint for all signals ends in a signal's path: /v1/{signal} is added to {text}",
            "Leave the path out, or set the endpoint for one signal instead",
            True,
        )
