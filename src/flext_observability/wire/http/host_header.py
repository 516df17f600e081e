"""``Host`` header of a request → whether foreign DNS could have pointed its name at this machine.

A web page of another site can make its own name resolve to an address of this machine (DNS rebinding). The browser
then lets it read our replies, and names that site as ``Host``. It cannot do so with IP addresses and names that public
DNS does not have.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address
from typing import Final

# Source: https://www.rfc-editor.org/rfc/rfc9110#section-7.2
_HOST: Final = re.compile(r"(?:\[([^\[\]@/?#\s]*)\]|([^\[\]@/?#\s:,]*))(?::\d*)?")
_PRIVATE_SUFFIXES: Final = (".internal", ".local", ".home.arpa", ".svc")


def is_address_or_localhost(header: str) -> bool:
    """Return whether the header is empty, an IP address, ``localhost`` or a name below it."""
    name = _host_name(header)
    if name is None:
        return False
    return not name or name == "localhost" or name.endswith(".localhost") or _is_address(name)


def has_one_label(header: str) -> bool:
    """Return whether the name has one part, as in ``http://shop:9464``. Public DNS has no addresses for those."""
    name = _host_name(header)
    return bool(name) and "." not in str(name)


def has_private_suffix(header: str) -> bool:
    """Return whether the name has a suffix that public DNS does not have, as those of Docker and Kubernetes."""
    return str(_host_name(header)).endswith(_PRIVATE_SUFFIXES)


def matches(header: str, patterns: Collection[str]) -> bool:
    """Return whether a pattern is the name: ``shop.example.com``, ``.example.com`` for all names below, or ``*``."""
    name = _host_name(header)
    return any(_matches(name, _host_name(pattern)) for pattern in patterns)


def _matches(name: str | None, pattern: str | None) -> bool:
    if name is None or pattern is None or pattern == "*":
        return pattern == "*"
    return name == pattern or (pattern.startswith(".") and name.endswith(pattern))


def _host_name(header: str) -> str | None:
    """Return the name without port and brackets, in lower case; None if the header is invalid."""
    found = _HOST.fullmatch(header.strip(" \t"))
    if found is None or (found[1] is not None and not _is_address(found[1])):
        return None
    return _plain(found[1] or found[2] or "")


def _plain(name: str) -> str:
    return name.strip().lower().removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
