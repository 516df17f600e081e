"""Text of an endpoint → its parts (no look-up, no connection)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from flext_observability.settings.types import Kind, clean

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Parts of an endpoint.

    Attributes:
        scheme: ``http`` or ``https``; empty when the text has none.
        host: Name or IP address, IPv6 in brackets.
        port: Port in the text; None when it has none.
        path: Path in the text, without a final slash.
        query: Query in the text, with its question mark; empty for none.
        credentials: ``user:password`` in the text, percent-decoded; empty for none.
    """

    scheme: str
    host: str
    port: int | None
    path: str = ""
    query: str = ""
    credentials: str = ""

    def url(self, scheme: str, path: str | None = None, *, with_port: bool = False) -> str:
        """Return the address as a URL without credentials, with ``scheme`` where it has none of its own.

        Args:
            scheme: Scheme for an address without one.
            path: Path to use instead of the address's own.
            with_port: Whether the scheme's own port is written out too.
        """
        scheme = self.scheme or scheme
        port = self.port if self.port is not None or not with_port else _DEFAULT_PORTS[scheme]
        shown_port = "" if port is None else f":{port}"
        return f"{scheme}://{self.host}{shown_port}{self.path if path is None else path}{self.query}"


def parse_address(text: str) -> Address:
    """Return the parts of an endpoint.

    Raises:
        ValueError: It has another scheme than http or https, no host, no possible port, or characters that no address has.
    """
    if re.search(r"[\x00-\x20\x7f\\]", text):
        raise ValueError
    with_scheme = text if "://" in text else f"//{text}"
    parts = urlsplit(with_scheme)
    host = parts.hostname
    if parts.scheme not in {"", "http", "https"} or not host:
        raise ValueError
    if parts.port == 0:
        raise ValueError
    user, at, _ = parts.netloc.rpartition("@")
    return Address(
        scheme=parts.scheme,
        host=f"[{host}]" if ":" in host else host,
        port=parts.port,
        path=parts.path.rstrip("/"),
        query=f"?{parts.query}" if parts.query else "",
        credentials=unquote(user) if at else "",
    )


def _endpoint(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    text = clean(value)
    parse_address(text)
    return text


def _with_scheme(value: object) -> str:
    text = _endpoint(value)
    return text if "://" in text else f"http://{text}"


ENDPOINT = Kind("address", "an address like http://localhost:4318", _endpoint, _endpoint)
PUSH_GATEWAY = Kind("address", "an address like http://localhost:9091", _with_scheme, _with_scheme)
ALERTMANAGER = Kind("address", "an address like http://localhost:9093", _endpoint, _endpoint)
WEBHOOK = Kind("address", "an address like https://example.com/alerts", _endpoint, _endpoint)
