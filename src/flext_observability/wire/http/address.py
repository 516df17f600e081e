"""URL and headers → checked HTTP target, cheap enough for start-up (nothing of http.client or ssl)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

from flext_observability.wire.http.proxy import basic_authorization
from flext_observability.wire.http.tls import TlsFiles

DEFAULT_PORTS: Mapping[str, int] = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """Where requests go and what they all carry.

    Attributes:
        url: The parsed address.
        host: Host name or address, without brackets, in ASCII.
        port: TCP port.
        authority: ``host[:port]`` as the ``Host`` header spells it.
        path: Path with query, quoted.
        headers: Fields of every request.
        tls: Certificate files for https.
    """

    url: SplitResult
    host: str
    port: int
    authority: str
    path: str
    headers: Mapping[str, str]
    tls: TlsFiles

    @property
    def display_url(self) -> str:
        """The address for messages, without credentials and query."""
        return f"{self.url.scheme}://{format_host(self.host)}:{self.port}{self.url.path}"


def http_target(url: str, *, headers: Mapping[str, str] | None = None, tls: TlsFiles | None = None) -> HttpTarget:
    """Check an address and its headers.

    Args:
        url: ``http://`` or ``https://`` address; a user and password in it become Basic authorization, unless a header says otherwise.
        headers: Fields of every request.
        tls: Certificate files for https.

    Raises:
        ValueError: The address or a header cannot be sent; the text says which.
    """
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"{url!r} is no http:// or https:// address")
    host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    port = parts.port
    fields = dict(headers or {})
    if parts.username is not None and not any(name.lower() == "authorization" for name in fields):
        fields["Authorization"] = basic_authorization(parts)
    _check_headers(fields)
    query = f"?{quote(parts.query, safe='/%:@!$&()*+,;=~?')}" if parts.query else ""
    return HttpTarget(
        url=parts,
        host=host,
        port=DEFAULT_PORTS[parts.scheme] if port is None else port,
        authority=format_host(host) if port is None else f"{format_host(host)}:{port}",
        path=quote(parts.path or "/", safe="/%:@!$&'()*+,;=~") + query,
        headers=fields,
        tls=tls or TlsFiles(),
    )


def format_host(host: str) -> str:
    """Return the host as URLs spell it: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not name.isascii() or not name.translate({45: "a", 46: "a", 95: "a"}).isalnum():
            raise ValueError(f"the header name {name!r} is not allowed in HTTP")
        if any(ord(letter) < 32 and letter != "\t" for letter in value):
            raise ValueError(f"the value of the header {name!r} holds a control character")
