"""Endpoint, headers and certificate files → validated target of HTTP or gRPC requests (no heavy imports)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flext_observability.values.endpoint import Endpoint
from flext_observability.wire.http.tls import TlsFiles


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """Destination of requests, with the parts common to all of them.

    Attributes:
        endpoint: Address, with a scheme.
        headers: Headers of every request.
        tls: Certificate files for https.
    """

    endpoint: Endpoint
    headers: Mapping[str, str]
    tls: TlsFiles

    @property
    def uses_tls(self) -> bool:
        """Whether the scheme is https."""
        return self.endpoint.scheme == "https"


def http_target(
    endpoint: Endpoint, *, headers: Mapping[str, str] | None = None, tls: TlsFiles | None = None
) -> HttpTarget:
    """Return the target for an endpoint.

    Args:
        endpoint: Address; ``http`` is its scheme if it has none. Its credentials become a Basic ``authorization``
            header unless ``headers`` has one.
        headers: Headers of every request.
        tls: Certificate files for https.

    Raises:
        ValueError: A header is not valid in HTTP; the text names it.
    """
    fields = dict(headers or {})
    if endpoint.credentials and not any(name.lower() == "authorization" for name in fields):
        fields["authorization"] = endpoint.authorization
    _validate_headers(fields)
    return HttpTarget(endpoint.with_scheme("http"), fields, tls or TlsFiles())


def _validate_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not name.isascii() or not name.translate({45: "a", 46: "a", 95: "a"}).isalnum():
            raise ValueError(f"the header name {name!r} is not allowed in HTTP")
        if any(ord(character) < 32 and character != "\t" for character in value):
            raise ValueError(f"the value of the header {name!r} contains a control character")
