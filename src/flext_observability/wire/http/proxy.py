"""URL and the environment's proxy variables → the proxy to use, if any."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from flext_observability.wire.http.errors import TransportError


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy.

    Attributes:
        host: Name or address without brackets.
        port: TCP port.
        authorization: Value of ``Proxy-Authorization``; empty without credentials.
    """

    host: str
    port: int
    authorization: str = ""


def proxy_for(url: SplitResult) -> Proxy | None:
    """Return the proxy that ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` (either case) name for the URL.

    Raises:
        TransportError: Kind ``proxy``: the variable holds something that is no ``http://host:port``.
    """
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    address = proxies.get(url.scheme) or proxies.get("all")
    if not address or proxy_bypass(url.netloc.rpartition("@")[2]):
        return None
    return _parse(address)


def basic_authorization(url: SplitResult) -> str:
    """Return the ``Basic`` header value for the user and password in a URL; empty without a user."""
    if url.username is None:
        return ""
    pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _parse(address: str) -> Proxy:
    url = urlsplit(address if "://" in address else f"http://{address}")
    try:
        port = url.port or 80
    except ValueError:
        port = 0
    if url.scheme != "http" or not url.hostname or not port:
        raise TransportError(
            "proxy",
            f"the proxy variables of the environment hold {url.scheme}://{url.netloc.rpartition('@')[2]}, which is no http://host:port",
        )
    return Proxy(url.hostname, port, basic_authorization(url))
