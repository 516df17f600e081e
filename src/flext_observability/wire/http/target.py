"""Endpoint, headers and certificate files → validated target of HTTP or gRPC requests (no heavy imports)."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import field
from urllib.parse import quote, unquote

from flext_observability.values.dataclass import dataclass
from flext_observability.values.endpoint import Endpoint
from flext_observability.values.lazy_pattern import lazy_pattern
from flext_observability.values.masking import mask_known, mask_secrets
from flext_observability.wire.http.tls import TlsFiles

_PUBLIC_HEADERS = frozenset({"user-agent", "content-type", "content-encoding"})
_AUTHORIZATION_SCHEMES = frozenset({"Basic", "Bearer", "Digest", "Token", "ApiKey"})
_MIN_USER_CHARACTERS = 6  # "user" and "admin" are in too many messages
_PARTS = lazy_pattern(r"[\s/:;,=&?]+")


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """Destination of requests, with the parts common to all of them.

    Attributes:
        endpoint: Address, with a scheme.
        headers: Headers of every request. Hidden in ``repr``.
        tls: Certificate files for https.
    """

    endpoint: Endpoint
    headers: Mapping[str, str] = field(repr=False)
    tls: TlsFiles

    @property
    def uses_tls(self) -> bool:
        """Whether the scheme is https."""
        return self.endpoint.scheme == "https"

    def mask(self, text: str) -> str:
        """Return the text with everything masked that requests to this target contain and that may be secret.

        Servers quote paths, queries and headers in their replies.
        """
        shown = self.endpoint.display_url
        return mask_known(text, (each for each in _secrets(self) if each not in shown))


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
        # A text such as "Authorization: Bearer TOKEN" may have been given as a name.
        shown = repr(mask_secrets(name.partition(":")[0]))
        if not name.isascii() or not name.translate({45: "a", 46: "a", 95: "a"}).isalnum():
            raise ValueError(f"the header name {shown} is not allowed in HTTP")
        if any(ord(character) < 32 and character != "\t" for character in value):
            raise ValueError(f"the value of the header {shown} contains a control character")


def _secrets(target: HttpTarget) -> Iterator[str]:
    endpoint = target.endpoint
    for name, value in target.headers.items():
        if name.lower() not in _PUBLIC_HEADERS:
            yield from _spellings(value)
            yield from _credentials(_decode_basic(value))
    yield from _credentials(endpoint.credentials)
    yield from _spell(endpoint.query)
    for pair in endpoint.query.split("&"):
        yield from _spell(pair.partition("=")[2] or pair)
    if endpoint.has_secret_path:
        yield from _spellings(endpoint.path)
    if endpoint.has_secret_host:
        yield from _spellings(f"{endpoint.host}{endpoint.path}")


def _credentials(pair: str) -> Iterator[str]:
    user, _, password = pair.partition(":")
    yield from (*_spell(pair), *_spell(password))
    if len(user) >= _MIN_USER_CHARACTERS:
        yield from _spell(user)


def _decode_basic(value: str) -> str:
    """Return ``user:password`` of a Basic ``authorization`` header; empty for other values."""
    scheme, _, encoded = value.partition(" ")
    try:
        return b64decode(encoded).decode() if scheme.lower() == "basic" else ""
    except ValueError:
        return ""


def _spellings(value: str) -> Iterator[str]:
    """Yield the spellings of a value and of its parts."""
    for part in {value, *value.split(), *_PARTS.split(value)} - _AUTHORIZATION_SCHEMES:
        yield from _spell(part)


def _spell(secret: str) -> Iterator[str]:
    """Yield a secret as servers may quote it."""
    yield from (secret, unquote(secret), quote(secret), quote(secret, safe=""), " ".join(secret.split()))
