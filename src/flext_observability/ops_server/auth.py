"""Token, user name and password → whether an ``Authorization`` header may read the pages."""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import dataclass
from hmac import compare_digest


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What a request must bring: the token, or the user name with the password; whatever is empty is not accepted.

    Attributes:
        token: Bearer token.
        username: User name of HTTP basic authentication.
        password: Its password.
    """

    token: str = ""
    username: str = ""
    password: str = ""

    @property
    def asked(self) -> bool:
        """Whether a request must bring anything."""
        return bool(self.token or self.username or self.password)

    @property
    def challenge(self) -> str:
        """Value of ``WWW-Authenticate``.

        Source: https://www.rfc-editor.org/rfc/rfc6750#section-3, https://www.rfc-editor.org/rfc/rfc7617#section-2
        """
        bearer = ['Bearer realm="flext-observability"'] if self.token else []
        basic = ['Basic realm="flext-observability", charset="UTF-8"'] if self.username or self.password else []
        return ", ".join([*bearer, *basic])

    def allow(self, authorization: str) -> bool:
        """Whether this header is enough; the time it takes does not tell how much of it was right."""
        if not self.asked:
            return True
        scheme, _, value = authorization.strip().partition(" ")
        if scheme.lower() == "bearer":
            return bool(self.token) and _same(_bytes(value.strip()), self.token)
        if scheme.lower() == "basic" and (self.username or self.password):
            return _same(_decoded(value.strip()), f"{self.username}:{self.password}")
        return False


def _same(given: bytes, wanted: str) -> bool:
    return compare_digest(given, wanted.encode(errors="surrogatepass"))


def _bytes(text: str) -> bytes:
    """Return the bytes that came in the header: servers hand them over as Latin-1 text."""
    return text.encode("latin-1", "replace")


def _decoded(text: str) -> bytes:
    try:
        return b64decode(_bytes(text), validate=True)
    except binascii.Error:
        return b""
