"""Token, user name, password → check of an ``Authorization`` header."""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import dataclass
from hmac import compare_digest


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """Required credentials: the token, or the user name with the password. An empty one is never accepted.

    Attributes:
        token: Bearer token.
        username: User name of HTTP basic authentication.
        password: Its password.
    """

    token: str = ""
    username: str = ""
    password: str = ""

    @property
    def required(self) -> bool:
        """Whether requests need credentials."""
        return bool(self.token or self.username or self.password)

    @property
    def challenge(self) -> str:
        """Value of ``WWW-Authenticate``.

        Source: https://www.rfc-editor.org/rfc/rfc6750#section-3, https://www.rfc-editor.org/rfc/rfc7617#section-2
        """
        bearer = ['Bearer realm="flext-observability"'] if self.token else []
        basic = ['Basic realm="flext-observability", charset="UTF-8"'] if self.username or self.password else []
        return ", ".join([*bearer, *basic])

    def authorize(self, authorization: str) -> bool:
        """Return whether this header is sufficient. Compares in constant time."""
        if not self.required:
            return True
        scheme, _, value = authorization.strip().partition(" ")
        if scheme.lower() == "bearer":
            return bool(self.token) and _equal(_header_bytes(value.strip()), self.token)
        if scheme.lower() == "basic" and (self.username or self.password):
            return _equal(_decode(value.strip()), f"{self.username}:{self.password}")
        return False


def _equal(given: bytes, expected: str) -> bool:
    return compare_digest(given, expected.encode(errors="surrogatepass"))


def _header_bytes(text: str) -> bytes:
    """Return the received bytes. Servers decode headers as Latin-1."""
    return text.encode("latin-1", "replace")


def _decode(text: str) -> bytes:
    try:
        return b64decode(_header_bytes(text), validate=True)
    except binascii.Error:
        return b""
