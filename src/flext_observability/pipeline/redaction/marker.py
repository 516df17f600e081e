"""Secret → marker with the name of its rule and a keyed hash, never a part of the secret ."""

from __future__ import annotations

import os
from hashlib import blake2b
from typing import Final, final

from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.lazy_pattern import lazy_pattern

_HASH_BYTES: Final = 4
_MAX_KEY_BYTES: Final = 64
_MARKER: Final = lazy_pattern(r"\[redacted:[a-z0-9_.-]{1,64}(?::[0-9a-f]{8})?\]")
FAILED: Final = "[redacted:failed]"
"""Marker of a value that could not be examined."""


@final
class ProcessKey:
    """Random key of the markers of this process, and of its forked children."""

    def __init__(self) -> None:
        self.key = os.urandom(_MAX_KEY_BYTES)


@final
class MarkerFactory:
    """Makes markers such as ``[redacted:jwt:3fa9c1d2]``. Equal secrets have equal markers.

    Args:
        key: Key of the hash. Empty: a random one, so that markers of two processes differ.
    """

    __slots__ = ("_key",)

    def __init__(self, key: str = "") -> None:
        given = key.encode("utf-8", "surrogatepass")
        random = current_runtime().get(ProcessKey).key
        self._key = blake2b(given, digest_size=_MAX_KEY_BYTES).digest() if given else random

    def __call__(self, rule: str, secret: str) -> str:
        """Return the marker of a secret."""
        content = secret.encode("utf-8", "surrogatepass")
        return f"[redacted:{rule}:{blake2b(content, digest_size=_HASH_BYTES, key=self._key).hexdigest()}]"


def is_marker(text: str) -> bool:
    """Return whether a text is one marker."""
    return text.startswith("[redacted:") and _MARKER.fullmatch(text) is not None


def marker_spans(text: str) -> list[tuple[int, int]]:
    """Return start and end of each marker in a text."""
    return [match.span() for match in _MARKER.finditer(text)] if "[redacted:" in text else []
