"""Text of an HTTP or gRPC endpoint → its parts (no look-up, no connection)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import final
from urllib.parse import quote, unquote, urlsplit

from flext_observability.values.dataclass import dataclass
from flext_observability.values.lazy_pattern import lazy_pattern
from flext_observability.values.masking import MASK, mask_path

_DEFAULT_PORTS: Mapping[str, int] = {"http": 80, "https": 443}
_FORBIDDEN = lazy_pattern(
    r"[\x00-\x20\x7f\\\ud800-\udfff]"
)  # white space, control characters, backslash, lone surrogates
_HOST = lazy_pattern(r"[0-9A-Za-z._%:-]*")
# Characters that RFC 3986 allows unescaped, and "%": existing escapes are kept.
_PATH_SAFE = "/%:@!$&'()*+,;=~"
_QUERY_SAFE = "/%:@!$&()*+,;=~?"


@final
@dataclass(frozen=True, slots=True, repr=False)
class Endpoint:
    """Parts of an endpoint. Its ``repr`` is the URL for messages.

    Attributes:
        scheme: ``http`` or ``https``; empty when the text has none.
        host: Name in ASCII (IDNA), or IP address; IPv6 without brackets.
        port: Port in the text; None without one.
        path: Path as written; empty without one.
        query: Query as written, without its question mark; empty without one.
        credentials: ``user:password``, percent-decoded; empty without a user. Not in URLs.
        suffix: End of the path that this library has added, which messages show unchanged.
        has_secret_path: Whether the path is a secret, as in webhook addresses.
        has_secret_host: Whether the host may be a part of a user or password: ``@`` follows it.
    """

    scheme: str
    host: str
    port: int | None = None
    path: str = ""
    query: str = ""
    credentials: str = ""
    suffix: str = field(default="", compare=False)
    has_secret_path: bool = field(default=False, compare=False)
    has_secret_host: bool = field(default=False, compare=False)

    def __repr__(self) -> str:
        """Return the type and the URL for messages."""
        return f"{type(self).__name__}({self.display_url!r})"

    @property
    def port_or_default(self) -> int:
        """Port to connect to: the one in the text, or the scheme's (80 without a scheme)."""
        return _DEFAULT_PORTS[self.scheme or "http"] if self.port is None else self.port

    @property
    def authority(self) -> str:
        """``host[:port]`` for the ``Host`` header."""
        return format_host(self.host) if self.port is None else f"{format_host(self.host)}:{self.port}"

    @property
    def request_target(self) -> str:
        """Path and query for the request line, percent-encoded."""
        query = f"?{quote(self.query, safe=_QUERY_SAFE)}" if self.query else ""
        return quote(self.path or "/", safe=_PATH_SAFE) + query

    @property
    def url(self) -> str:
        """URL as written, without credentials."""
        query = f"?{self.query}" if self.query else ""
        return f"{self._prefix}{self.authority}{self.path}{query}"

    @property
    def display_url(self) -> str:
        """URL for messages: with the port, without credentials, query and parts of the path that may be secret."""
        return self._mask(f"{format_host(self.host)}:{self.port_or_default}")

    @property
    def short_url(self) -> str:
        """URL for messages, as ``display_url``, with the port only if it was given."""
        return self._mask(self.authority)

    def _mask(self, authority: str) -> str:
        if self.has_secret_host:
            return f"{self._prefix}{MASK}{self.suffix}"
        path = self.path.removesuffix(self.suffix)
        return f"{self._prefix}{authority}{'/…' if self.has_secret_path and path else mask_path(path)}{self.suffix}"

    @property
    def _prefix(self) -> str:
        return f"{self.scheme}://" if self.scheme else ""

    @property
    def authorization(self) -> str:
        """Value of an ``Authorization`` header (Basic) for the credentials; empty without any."""
        if not self.credentials:
            return ""
        from base64 import b64encode

        pair = self.credentials if ":" in self.credentials else f"{self.credentials}:"
        return f"Basic {b64encode(pair.encode()).decode()}"

    def with_scheme(self, scheme: str) -> Endpoint:
        """Return the endpoint with ``scheme`` where it has none of its own."""
        return self if self.scheme else replace(self, scheme=scheme)

    def join_path(self, path: str) -> Endpoint:
        """Return the endpoint with ``path`` (``/…``) added to its own."""
        return replace(self, path=self.path.rstrip("/") + path, suffix=path)


def parse_endpoint(text: str) -> Endpoint:
    """Return the parts of ``[scheme://][user[:password]@]host[:port][/path][?query]``; a fragment is dropped.

    Raises:
        ValueError: The scheme is not http or https, the host or port is not valid, or a character is forbidden. The
            message does not contain the text: it may have a password.
    """
    if _FORBIDDEN.search(text):
        raise ValueError("a character of it is not allowed in URLs")
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        host, port = parts.hostname or "", parts.port
        host = host if host.isascii() else host.encode("idna").decode()
    except ValueError:
        raise ValueError(_invalid_host(text)) from None
    if parts.scheme not in {"", *_DEFAULT_PORTS}:
        raise ValueError("its scheme is not http or https")
    if not _HOST.fullmatch(host):
        raise ValueError(_invalid_host(text))
    if not host or port == 0:
        raise ValueError("its host is missing, or its port is 0")
    if "@" in parts.fragment:
        raise ValueError(_invalid_host(text))
    user, at, _ = parts.netloc.rpartition("@")
    credentials, is_secret = unquote(user), "@" in parts.path or ("@" in parts.query and at == "@")
    return Endpoint(parts.scheme, host, port, parts.path, parts.query, credentials, has_secret_host=is_secret)


def _invalid_host(text: str) -> str:
    hint = "; special characters of a password must be percent-encoded" if "@" in text else ""
    return f"its host or port is not valid{hint}"


def format_host(host: str) -> str:
    """Return the host as URLs spell it: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host
