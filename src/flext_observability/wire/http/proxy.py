"""Endpoint and the proxy variables of the environment → the HTTP proxy to use."""

from __future__ import annotations

import os

from flext_observability.values.endpoint import Endpoint, parse_endpoint
from flext_observability.wire.http.errors import TransportError


def proxy_for(endpoint: Endpoint) -> Endpoint | None:
    """Return the proxy that ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` (either case) select.

    Returns:
        None when requests go directly to the endpoint.

    Raises:
        TransportError: Kind ``proxy``: the variable does not hold ``http://host:port``.
    """
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    address = proxies.get(endpoint.scheme) or proxies.get("all")
    if not address or proxy_bypass(endpoint.authority):
        return None
    try:
        proxy = parse_endpoint(address).with_scheme("http")
    except ValueError as error:
        raise TransportError("proxy", f"the proxy in the environment cannot be used: {error}") from error
    if proxy.scheme != "http":
        raise TransportError("proxy", "the proxy in the environment cannot be used: its scheme is not http")
    return proxy
