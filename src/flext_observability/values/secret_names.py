"""Name of a setting, attribute or header → whether its value is a secret (standard library only)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from flext_observability.values.lazy_pattern import lazy_pattern

_BORDERS: Final = lazy_pattern(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_WORDS: Final = frozenset(
    {"pass", "pwd", "passcode", "credentials", "creds", "authorization", "cookie", "cookies", "jwt", "bearer", "dsn"}
    | {"connstr", "connectionstring"}
)
# Also at the end of a longer word: PGPASSWORD, accesstoken.
_ENDINGS: Final = (
    *("password", "passwords", "passwd", "passphrase", "secret", "secrets", "token", "tokens", "credential"),
    *("apikey", "apikeys", "accesskey", "privatekey", "secretkey"),
)
_KEYS: Final = frozenset(
    {"api", "access", "private", "secret", "signing", "encryption", "account", "auth", "shared", "master", "license"}
)
_PAIRS: Final = frozenset({("connection", "string"), ("conn", "str"), ("conn", "string")})
# Numbers of tokens, as of language models.
_COUNTS: Final = frozenset({"count", "limit", "budget", "length", "size", "rate", "usage", "max", "min", "number"})
_PLURAL_COUNTS: Final = _COUNTS | {
    *("num", "used", "prompt", "completion", "input", "output", "cached", "reasoning", "per", "remaining", "consumed"),
}
_MAX_CHARACTERS: Final = 256


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Return whether values with this name are secret: ``db.password``, ``dbPassword``, ``X-API-Key``, ``PGPASSWORD``.

    Names of counts are not: ``max_tokens``, ``tokens_used``.
    """
    parts = [part.lower().rstrip("0123456789") for part in _BORDERS.split(name[-_MAX_CHARACTERS:])]
    parts = [part for part in parts if part]
    return any(_is_secret(part, parts) for part in parts) or any(map(_is_secret_pair, parts, parts[1:]))


def _is_secret(part: str, parts: list[str]) -> bool:
    if part in {"token", "tokens"}:
        counts = _COUNTS if part == "token" else _PLURAL_COUNTS
        return counts.isdisjoint(parts)
    return part in _WORDS or part.endswith(_ENDINGS) or part == parts[-1] == "auth"


def _is_secret_pair(first: str, second: str) -> bool:
    return (second in {"key", "keys"} and first in _KEYS) or (first, second) in _PAIRS
