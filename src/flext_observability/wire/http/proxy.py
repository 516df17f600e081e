"""Endpoint and the proxy variables of the environment → the HTTP proxy to use; one set of rules for all requests.

The rules are those of requests and curl. ``docs/reference/settings.md`` lists them.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from flext_observability.values.endpoint import Endpoint, parse_endpoint
from flext_observability.wire.http.errors import TransportError

_SUFFIX = "_proxy"


def proxy_for(endpoint: Endpoint) -> Endpoint | None:
    """Return the proxy that ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` select.

    Returns:
        None when requests go directly to the endpoint.

    Raises:
        TransportError: Kind ``proxy``: the variable does not hold ``http://host:port``. Nothing is sent directly then.
    """
    return _select(endpoint, (endpoint.scheme, "all"), ("no",))


def tunnel_for(endpoint: Endpoint) -> Endpoint | None:
    """Return the proxy for gRPC, which uses a tunnel with and without TLS.

    As in the gRPC library, ``grpc_proxy`` and ``HTTPS_PROXY`` have precedence over ``HTTP_PROXY``, and
    ``no_grpc_proxy`` over ``NO_PROXY``. Everything else is as in ``proxy_for``.
    """
    return _select(endpoint, ("grpc", "https", "http", "all"), ("no_grpc", "no"))


def _select(endpoint: Endpoint, kinds: Sequence[str], exclusions: Sequence[str]) -> Endpoint | None:
    variables = _proxy_variables()
    kind = next((kind for kind in kinds if variables.get(kind)), "")
    if not kind:
        return None
    excluded = next((variables[name] for name in exclusions if variables.get(name)), "")
    if _is_excluded(endpoint, excluded):
        return None
    return _parse_proxy(f"{kind}{_SUFFIX}".upper(), variables[kind])


def _proxy_variables() -> dict[str, str]:
    """Return the values of ``<kind>_proxy`` by kind. Lower-case names have precedence, also empty ones."""
    found = {
        name.lower().removesuffix(_SUFFIX): value.strip()
        for name, value in os.environ.items()
        if value and name.lower().endswith(_SUFFIX)
    }
    if "REQUEST_METHOD" in os.environ:
        # Under CGI, HTTP_PROXY is the header "Proxy" of a client: https://httpoxy.org
        found.pop("http", None)
    lower = {name.removesuffix(_SUFFIX): value.strip() for name, value in os.environ.items() if name.endswith(_SUFFIX)}
    # An empty no_proxy does not hide NO_PROXY: requests reads both.
    return found | {kind: value for kind, value in lower.items() if value or kind != "no"}


def _parse_proxy(variable: str, address: str) -> Endpoint:
    what = f"the proxy in the environment cannot be used: {variable} is invalid"
    if "://" in address and not address.lower().startswith("http://"):
        raise TransportError("proxy", f"{what}, its scheme is not http")
    try:
        return parse_endpoint(address).with_scheme("http")
    except ValueError as error:
        raise TransportError("proxy", f"{what}, {error}") from error


def _is_excluded(endpoint: Endpoint, exclusions: str) -> bool:
    """Return whether a list of hosts, domains, addresses and networks contains the endpoint."""
    if exclusions == "*":
        return True
    items = exclusions.lower().replace(",", " ").split()
    if not items:
        return False
    host = endpoint.host.lower().rstrip(".")
    address = _parse_address(host)
    for item in items:
        name, port = _split_port(item)
        if port and port != str(endpoint.port_or_default):
            continue
        if _is_in_network(address, name) if address else _is_in_domain(host, name):
            return True
    return False


def _split_port(item: str) -> tuple[str, str]:
    """Return host and port of ``host[:port]``; an IPv6 address with a port has brackets."""
    host, _, port = item.rpartition(":")
    if port.isdecimal() and (host.endswith("]") or (host and ":" not in host)):
        return host, port
    return item, ""


def _is_in_domain(host: str, item: str) -> bool:
    domain = _to_ascii(item.strip("."))
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _to_ascii(domain: str) -> str:
    """Return the domain as endpoints spell it (IDNA); empty for one that is not valid."""
    try:
        return domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError:
        return ""


def _is_in_network(address: IPv4Address | IPv6Address, item: str) -> bool:
    """Return whether the item is this address, or a network that contains it."""
    base, slash, prefix = item.partition("/")
    first = _parse_address(base.removeprefix("[").removesuffix("]"))
    if first is None:
        return False
    try:
        network = ip_network(f"{str(first).partition('%')[0]}{slash}{prefix.removesuffix(']')}", strict=False)
    except ValueError:
        return False
    return address in network


def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address, also in the short forms that connections accept (``127.1``); None for a name."""
    if ":" not in text and not text.rpartition(".")[2][:1].isdigit():
        return None
    try:
        return ip_address(text)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(text))
    except OSError:
        return None
