"""Text → credentials of HTTP, of addresses, and private keys (standard library only)."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Final

from flext_observability.pipeline.redaction.harmless import is_harmless
from flext_observability.values.lazy_pattern import lazy_pattern

_BEARER: Final = lazy_pattern(r"\b[Bb](?:earer|EARER)(?:\s+|%20|\+)([A-Za-z0-9._~+/=%-]{8,})")
_BASIC: Final = lazy_pattern(r"\b[Bb](?:asic|ASIC)(?:\s+|%20|\+)([A-Za-z0-9+/=_-]{6,})")
_TOKEN_LENGTH: Final = 24
_PRIVATE_KEY: Final = lazy_pattern(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r".*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)"
    r"|PuTTY-User-Key-File-\d:.*?(?:Private-MAC:\s*\w+|\Z)",
    re.DOTALL,
)
# The part of an address up to the last "@" before a blank, a quote or another address.
_USER: Final = lazy_pattern(
    r"[A-Za-z][A-Za-z0-9+.-]{0,30}:(?:/{2}|\\{1,2}/\\{1,2}/)(?P<user>[^\s/?#@:'\"<>\\]{0,256}):"
    r"(?P<password>[^\s'\"<>]{1,256}?)@(?![^\s'\"<>]{0,256}@)(?=[\w.\[%-])",
)
_ENCODED_USER: Final = lazy_pattern(
    r"%3A%2F%2F(?:(?!%3A|%2F|%40)[^\s&]){0,256}%3A(?P<password>(?:(?!%40)[^\s&]){1,256})%40", re.IGNORECASE
)
_PORT: Final = lazy_pattern(r"\d{1,5}(?:[/?#].*)?", re.DOTALL)
_HOST_PORT: Final = lazy_pattern(
    r"(?<![\w./@:-])[A-Za-z_][\w.-]{0,63}:(?P<password>[^\s@/:'\"]{3,128})@"
    r"(?:(?:tcp|unix)\(|[\w.-]{1,253}:\d{2,5}(?!\w))"
)
_CURL: Final = lazy_pattern(r"(?:\s-u\s*|--user[ =])['\"]?[\w.@-]{1,64}:(?P<password>[^\s'\"]{1,128})")


def may_have_credentials(text: str) -> bool:  # measured: benchmarks, redaction
    """Return False for most texts without credentials, private keys and e-mail addresses. Fast."""
    return (
        "@" in text
        or "earer" in text
        or "asic" in text
        or "-u" in text
        or "PRIVATE KEY" in text
        or "%40" in text
        or "EARER" in text
        or "ASIC" in text
        or "PuTTY" in text
    )


def find_bearer(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each bearer token."""
    for match in _BEARER.finditer(text):
        token = match[1].rstrip(".")
        # Words of prose have no digit, and no capital after their first letter.
        is_word = not any(map(str.isdigit, token)) and token[1:].islower() and len(token) < _TOKEN_LENGTH
        if not is_word and not is_harmless(token, "", quoted=False, spaced=False):
            yield match.start(1), match.start(1) + len(token)


def find_basic(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each user and password in base64."""
    for match in _BASIC.finditer(text):
        if _is_basic(match[1]):
            yield match.span(1)


def _is_basic(text: str) -> bool:
    content = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        decoded = b64decode(content + "=" * (-len(content) % 4))
    except (binascii.Error, ValueError):
        return False
    return b":" in decoded and all(each >= ord(" ") for each in decoded)


def find_private_keys(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each private key; one that is cut off, up to the end of the text."""
    for match in _PRIVATE_KEY.finditer(text):
        yield match.span()


def find_address_passwords(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each password in an address: ``scheme://user:password@host``, ``user:password@host:1``."""
    for pattern in (_USER, _ENCODED_USER, _HOST_PORT, _CURL):
        for match in pattern.finditer(text):
            password = match["password"]
            is_port = pattern is _USER and _PORT.fullmatch(password) and not password.isdigit()
            if not is_port and not is_harmless(password, "@", quoted=True, spaced=False):
                yield match.span("password")
