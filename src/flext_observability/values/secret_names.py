"""Name of a setting, attribute or header → whether its value is a secret (standard library only)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from flext_observability.values.lazy_pattern import lazy_pattern

_BORDERS: Final = lazy_pattern(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_WORDS: Final = frozenset(
    {"pass", "pwd", "passcode", "credentials", "creds", "authorization", "cookie", "cookies", "jwt", "bearer", "dsn"}
    | {
        "connstr",
        "connectionstring",
        "otp",
        "totp",
        "cvv",
        "cvc",
        "sid",
        "sessid",
        "sessionid",
        "jsessionid",
        "phpsessid",
    }
)
# Also at the end of a longer word: PGPASSWORD, accesstoken.
_ENDINGS: Final = (
    *("password", "passwords", "passwd", "passphrase", "secret", "secrets", "token", "tokens", "credential"),
    *("apikey", "apikeys", "accesskey", "privatekey", "secretkey"),
)
_KEYS: Final = frozenset(
    {"api", "access", "private", "secret", "signing", "encryption", "account", "auth", "shared", "master", "license"}
)
_PAIRS: Final = frozenset(
    {("connection", "string"), ("conn", "str"), ("conn", "string")}
    | {("session", "id"), ("session", "key"), ("sess", "id"), ("connect", "sid")}
)
STEMS: Final = (
    *("pass", "secret", "token", "key", "auth", "cookie", "cred", "pwd", "jwt", "bearer", "dsn", "conn", "sess"),
    *("otp", "cvv", "cvc", "sid"),
)
"""Every secret name contains one of these, in any case."""
# At the end of a name, these make it the name of a property: cookie_policy, passwordResetAt, token_url.
_PROPERTIES: Final = frozenset(
    {"policy", "type", "kind", "name", "ttl", "expiry", "expires", "expiration", "url", "uri", "endpoint", "method"}
    | {"strength", "reset", "status", "state", "age", "enabled", "required", "valid", "changed", "consent", "format"}
    | {"provider", "algorithm", "at", "on", "lifetime", "duration", "seconds", "ms", "version", "attempts", "failures"}
    | {"errors", "domain", "path", "position", "index", "requests", "misses", "hits", "issuer", "audience", "scope"}
)
COUNTED: Final = ("tokens", "pass")
"""Numbers under names with these endings, in small letters, are counts."""
# Numbers of tokens, as of language models.
_COUNTS: Final = frozenset(
    {"count", "counts", "limit", "budget", "length", "size", "rate", "usage", "max", "min", "number"}
)
_PLURAL_COUNTS: Final = _COUNTS | {
    *("num", "used", "prompt", "completion", "input", "output", "cached", "reasoning", "per", "remaining", "consumed"),
}
_MAX_CHARACTERS: Final = 256


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Return whether values with this name are secret: ``db.password``, ``dbPassword``, ``X-API-Key``, ``PGPASSWORD``.

    Names of counts and of properties are not: ``max_tokens``, ``tokens_used``, ``cookie_policy``, ``token_url``.
    """
    parts = [part.lower().rstrip("0123456789") for part in _BORDERS.split(name[-_MAX_CHARACTERS:])]
    parts = [part for part in parts if part]
    if not parts or parts[-1] in _PROPERTIES or (parts[-1] in _COUNTS and len(parts) > 1):
        return False
    return any(_is_secret(part, parts) for part in parts) or any(map(_is_secret_pair, parts, parts[1:]))


def _is_secret(part: str, parts: list[str]) -> bool:
    if part in {"token", "tokens"}:
        counts = _COUNTS if part == "token" else _PLURAL_COUNTS
        return counts.isdisjoint(parts)
    return part in _WORDS or part.endswith(_ENDINGS) or part == parts[-1] == "auth"


def _is_secret_pair(first: str, second: str) -> bool:
    return (second in {"key", "keys"} and first in _KEYS) or (first, second) in _PAIRS
